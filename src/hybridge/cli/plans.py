"""The work behind ``hybridge repair``: plans, journals and hands brought together for one command."""

from __future__ import annotations

import getpass
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import say
from hybridge.cli.session import Session, load_config, open_session
from hybridge.config import Config
from hybridge.doctor.diagnose import diagnose
from hybridge.doctor.examine import unexplained
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.org.records import MailboxFolderPermission
from hybridge.plan import Plan
from hybridge.repair import journal as journals
from hybridge.repair.executor import Applied, End, apply, undo
from hybridge.repair.hands.base import Hand
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.hands.script import ScriptRefused, script
from hybridge.repair.hands.teams import TeamsHand
from hybridge.repair.plan_file import PlanProblem, read_plan
from hybridge.repair.what_if import what_if
from hybridge.terms.clouds import Cloud
from hybridge.wire.ask import Answerer

_MARKS = {
    End.APPLIED: "v",
    End.ALREADY_SO: "=",
    End.UNDONE: "v",
    End.DRIFTED: "!",
    End.FAILED: "x",
    End.NOT_REACHED: "-",
}


@dataclass(frozen=True)
class Left:
    """What is still found after a plan was applied."""

    healed: bool
    says: str


def hands(cloud: Cloud) -> tuple[Hand, ...]:
    """Every hand that writes."""
    return (PowerShellHand(), GraphHand(cloud.graph, SystemClock()), TeamsHand(cloud.teams_config))


async def made(session: Session) -> Plan:
    """Examine and plan; stops when nothing can be planned because too little could be seen."""
    async with session.answerer() as answerer:
        diagnosis = await diagnose(
            answerer,
            session.target,
            session.judged_at(session.clock.now()),
            delegations=session.delegations,
            checks=session.checks,
        )
    if diagnosis.plan is None:
        raise Stop(diagnosis.refused, "hybridge doctor shows the findings", Exit.DEFECT)
    gaps = {unseen.says: unseen for result in diagnosis.results for unseen in result.unseen}
    for unseen in gaps.values():
        say(f"  not checked: {unseen.says}")
    if diagnosis.plan.empty and gaps:
        reasons = {unseen.reason for unseen in gaps.values()}
        code = Exit.SIGN_IN if reasons & {"sign-in", "forbidden"} else Exit.INCOMPLETE
        raise Stop("No plan was made, because not everything could be checked.", next(iter(gaps.values())).how, code)
    return diagnosis.plan


def of_report(path: Path) -> Plan:
    """The plan inside a JSON report."""

    class Holder(msgspec.Struct):
        plan: Plan | None = None

    try:
        held = msgspec.json.decode(path.read_bytes(), type=Holder).plan
    except OSError as error:
        raise Stop(
            f"The report '{path}' cannot be read: {error.strerror}.", "name a report written with --out x.json"
        ) from error
    except msgspec.MsgspecError as error:
        raise Stop(
            f"'{path}' is not a JSON report of hybridge: {error}.", "write one: hybridge doctor --out x.json"
        ) from error
    if held is None:
        raise Stop(f"The report '{path}' holds no plan.", "hybridge repair plan makes one")
    return held


def read(path: Path) -> Plan:
    """The plan in ``path``."""
    try:
        return read_plan(path)
    except PlanProblem as problem:
        raise Stop(str(problem), "hybridge repair plan --out PLAN writes one") from problem


def printed(plan: Plan, format: str) -> str:
    """``plan`` as text, JSON or PowerShell."""
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode()
    if format == "powershell":
        try:
            return script(plan)
        except ScriptRefused as refused:
            raise Stop(str(refused), "hybridge repair plan shows the plan as text") from refused
    return "\n".join(what_if(plan))


def journal_root(config: Config) -> Path:
    """Where the journals of a configuration's organization lie."""
    return config.file.parent / ".hybridge" / "journals"


async def apply_plan(plan: Plan, config_file: Path, quiet: bool) -> Applied:
    """Apply ``plan`` with the configuration's answerer and journal it beside the configuration."""
    config = load_config(config_file)
    domain = config.settings.organization.domain
    if plan.organization and plan.organization.lower() != domain.lower():
        raise Stop(f"The plan is for {plan.organization}, the configuration for {domain}.", "use the right --config")
    say(f"applying {len(plan.changes)} changes ...", quiet)
    async with _opened(config, plan.id, journal_root(config)) as (answerer, journal):
        return await apply(plan, answerer, journal, hands(config.cloud), who=who(), clock=SystemClock())


async def undo_journal(name: str, config_file: Path, quiet: bool) -> Applied:
    """Take back what the journal ``name`` (a plan's id, or a path) says was changed."""
    config = load_config(config_file)
    root, plan_id = _place(name, config)
    say(f"taking back {plan_id} ...", quiet)
    async with _opened(config, plan_id, root) as (answerer, journal):
        return await undo(journal, answerer, hands(config.cloud), who=who(), clock=SystemClock())


def _place(name: str, config: Config) -> tuple[Path, str]:
    """Root and plan id of the journal ``name``."""
    path = Path(name)
    root, plan_id = journal_root(config), name
    if path.exists():
        folder = path if path.is_dir() else path.parent
        root, plan_id = folder.parent, folder.name
    if not (root / plan_id).exists():
        raise Stop(f"There is no journal '{name}'.", "hybridge repair journal lists them")
    return root, plan_id


@asynccontextmanager
async def _opened(config: Config, plan_id: str, root: Path) -> AsyncIterator[tuple[Answerer, journals.OpenJournal]]:
    try:
        with journals.open_journal(root, plan_id, config.settings.organization.domain) as journal:
            async with open_live(config.net, config.exchange, config.entra, SystemClock()) as live:
                yield live, journal
    except journals.JournalProblem as problem:
        raise Stop(str(problem), "hybridge repair journal lists the journals") from problem


def who() -> str:
    """Who runs this, for the journal."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


async def verified(plan: Plan, config_file: Path) -> Left:
    """Examine again what the plan meant to cure, and say what is left."""
    mailboxes, delegations = subjects_of(plan)
    named = load_config(config_file)
    session = open_session(
        config_file,
        None,
        [*named.settings.doctor.mailboxes, *mailboxes],
        [*named.settings.doctor.delegations, *delegations],
        [],
        "",
    )
    async with session.answerer() as answerer:
        again = await diagnose(
            answerer, session.target, session.clock.now(), delegations=session.delegations, checks=session.checks
        )
    cured = {cause for change in plan.changes for cause in change.why}
    found = {finding.name for finding in unexplained(again.results)}
    left = sorted(cured & found)
    if left:
        return Left(False, f"Still found: {', '.join(left)}. Directories and caches may need up to an hour.")
    rest = f" Left to a person, or new: {', '.join(sorted(found))}." if found else ""
    return Left(True, f"Verified: none of the {len(cured)} cured causes is found any more.{rest}")


def subjects_of(plan: Plan) -> tuple[list[str], list[str]]:
    """Mailboxes and delegations whose records ``plan`` changes."""
    mailboxes: dict[str, None] = {}
    pairs: dict[str, None] = {}
    for change in plan.changes:
        record = change.after or change.before
        if record is not None and "@" in record.scope:
            mailboxes[record.scope] = None
        if isinstance(record, MailboxFolderPermission) and "@" in record.user:
            pairs[f"{record.mailbox}:{record.user}"] = None
    return list(mailboxes), list(pairs)


def shown_end(ended: Applied, format: str, colour: bool) -> str:
    """How an apply or undo ended, for people or machines."""
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(ended), indent=2).decode()
    lines = [
        f"{_MARKS[step.end]} {step.number:>3}. {step.change.says}  {_said(step.end, step.says)}" for step in ended.steps
    ]
    lines.append(ended.says)
    if ended.journal:
        lines.append(f"Journal: {ended.journal}")
        lines.append(f"To take it back: hybridge repair undo {ended.plan}")
    return "\n".join(lines)


def _said(end: End, says: str) -> str:
    return f"[{end}]" + (f" {says}" if says and end not in (End.APPLIED, End.UNDONE) else "")


def journals_shown(plan_id: str, config_file: Path, format: str) -> str:
    """All journals, or the one of ``plan_id``."""
    root = journal_root(load_config(config_file))
    try:
        found = (journals.read_journal(root / plan_id),) if plan_id else journals.list_journals(root)
    except journals.JournalProblem as problem:
        raise Stop(str(problem), "hybridge repair journal lists them") from problem
    if format == "json":
        readable = [one for one in found if isinstance(one, journals.Journal)]
        return msgspec.json.format(msgspec.json.encode(readable), indent=2).decode()
    lines: list[str] = []
    for one in found:
        if isinstance(one, journals.JournalProblem):
            lines.append(f"? {one}")
            continue
        counted = Counter(str(step.state) for step in one.steps)
        states = ", ".join(f"{number} {state}" for state, number in counted.items())
        lines.append(f"{one.plan}  {one.organization}  {one.started_at:%Y-%m-%d %H:%M} UTC  {one.who}  {states}")
        if plan_id:
            lines += [f"  {step.number:>3}. {step.state:<9} {step.change.says}" for step in one.steps]
    return "\n".join(lines) if lines else "There are no journals yet."
