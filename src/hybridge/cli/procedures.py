"""``hybridge repair plan --procedure``: what is in place, what stands in the way, and the plan."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec

from hybridge.cli.allowed import rights_for
from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import out, say
from hybridge.cli.plans import hands, printed
from hybridge.cli.session import Session, open_session
from hybridge.collectors.cloud import collect_principals
from hybridge.collectors.configuration import collect_configuration
from hybridge.collectors.reading import merged
from hybridge.evidence import Evidence
from hybridge.net.answerers.at_domain_controller import AtDomainController
from hybridge.net.answerers.live import open_live
from hybridge.net.answerers.once import AskedOnce
from hybridge.plan import Plan
from hybridge.repair.hands.base import Rights
from hybridge.repair.procedures.generations import ACCOUNTS
from hybridge.repair.procedures.preconditions import Reason, gaps
from hybridge.repair.procedures.teams_partner_apps import NAME, Drafted, Options, draft
from hybridge.repair.rights import Judged, Lack, needed
from hybridge.wire.ask import Answerer

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the procedure came to. ``needs`` are the rights the plan needs, ``rights`` what is said of those held."""

    drafted: Drafted
    rights: Judged = Judged()
    needs: tuple[Rights, ...] = ()

    @property
    def against(self) -> tuple[Reason | Lack, ...]:
        """Everything that stands in the way."""
        return (*self.drafted.refused, *self.rights.lacks)

    @property
    def plan(self) -> Plan | None:
        """The plan, where nothing stands in its way."""
        return None if self.rights.lacks else self.drafted.plan

    @property
    def exit(self) -> Exit:
        """What the shell is told."""
        if self.drafted.refused:
            return Exit.INCOMPLETE
        return Exit.SIGN_IN if self.rights.lacks else Exit.OK


def options_for(name: str, legacy_sfb: bool, archive_role: bool, domain_controller: str) -> Options:
    """The options of ``--procedure name``; a mistake in them ends the command."""
    if name != NAME:
        raise Stop(f"The procedure '{name}' is not known.", f"there is one: --procedure {NAME}")
    return Options(legacy_sfb=legacy_sfb, archive_role=archive_role, domain_controller=host_of(domain_controller))


def host_of(domain_controller: str) -> str:
    """``domain_controller`` when it is a fully qualified name, or nothing."""
    if domain_controller and not _HOST.fullmatch(domain_controller):
        raise Stop(
            f"--domain-controller '{domain_controller}' is not the full name of a host.",
            "name it as in dc1.contoso.com",
        )
    return domain_controller


def plan_of(options: Options, config: Path, snapshot: Path | None, format: str, quiet: bool) -> Outcome:
    """Look, draft and print; the caller writes the plan where there is one."""
    session = open_session(config, snapshot, [], [], [], "")
    say(f"looking at what is in place of {NAME} ...", quiet)
    outcome = asyncio.run(drafted(session, options))
    out(shown(outcome, format))
    return outcome


async def drafted(session: Session, options: Options) -> Outcome:
    """Look at what is in place and draft the plan; live, also ask whether the accounts may carry it out."""
    config = session.config
    if config is None:
        async with session.source_answerer() as source:
            return Outcome(drafted=await _draft(source, session, options))
    async with open_live(config.net, config.exchange, config.entra, session.clock) as live:
        host = options.domain_controller
        found = await _draft(AtDomainController(live, host) if host else live, session, options)
        if found.plan is None or not found.plan.changes:
            return Outcome(drafted=found)
        writing = hands(config)
        rights = await rights_for(found.plan, writing, live, config)
        return Outcome(drafted=found, rights=rights, needs=needed(found.plan, writing).rights)


async def _draft(answerer: Answerer, session: Session, options: Options) -> Drafted:
    evidence = await _collect(AskedOnce(answerer), session)
    if unread := gaps(evidence):
        for gap in unread:
            say(f"  not read: {gap.says}")
        code = Exit.SIGN_IN if {gap.reason for gap in unread} & {"sign-in", "forbidden"} else Exit.INCOMPLETE
        raise Stop("Not everything the procedure needs could be read.", unread[0].how, code)
    return draft(evidence, options)


async def _collect(answerer: Answerer, session: Session) -> Evidence:
    target = session.target
    parts = await asyncio.gather(collect_configuration(answerer, ACCOUNTS), collect_principals(answerer, target.cloud))
    return Evidence(
        now=session.judged_at(session.clock.now()),
        readings=merged(parts),
        domain=target.domain,
        tenant_id=target.tenant_id,
        cloud=target.cloud,
    )


def shown(outcome: Outcome, format: str) -> str:
    """The outcome as text, JSON, or (the plan alone) PowerShell."""
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(_as_json(outcome)), indent=2).decode()
    if format == "powershell" and outcome.plan is not None:
        return printed(outcome.plan, format)
    return "\n".join(_lines(outcome))


def _as_json(outcome: Outcome) -> dict[str, Any]:
    """The plan's own JSON with ``generation``, and what stands in the way; without a plan its lists are empty."""
    detected = outcome.drafted.detected
    plan: dict[str, Any] = {"changes": [], "manual": []}
    if outcome.plan is not None:
        plan = msgspec.to_builtins(outcome.plan)
    return {
        "generation": detected.generation,
        "facts": detected.facts,
        "refused": outcome.against,
        "rights": [{"says": one.says, "least": one.least} for one in outcome.needs],
        **plan,
    }


def _lines(outcome: Outcome) -> list[str]:
    detected = outcome.drafted.detected
    lines = [f"Generation {detected.generation}: {detected.generation.says}."]
    lines += [f"  - {fact}" for fact in detected.facts]
    if outcome.against:
        lines.append("No plan was made, because:")
        for one in outcome.against:
            lines += [f"  - {one.says}", f"    next: {one.next_step}"]
    elif outcome.plan is not None and not outcome.plan.changes:
        lines.append("Nothing to do: everything is as today's edition of the procedure makes it.")
    elif outcome.plan is not None:
        lines.append(printed(outcome.plan, "text"))
    if outcome.needs:
        lines += ["Rights:", *(f"  - {one.says}" for one in outcome.needs)]
    lines += [f"  {says}" for says in outcome.rights.unasked]
    return lines
