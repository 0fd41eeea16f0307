"""The work behind ``hybridge repair``: plans, journals and hands brought together for one command."""

from __future__ import annotations

import getpass
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from hybridge.cli.allowed import stop_without_rights
from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import say
from hybridge.cli.pacing import walking
from hybridge.cli.session import USER_AGENT, Session
from hybridge.collectors.routes import ews_address
from hybridge.config import Config
from hybridge.doctor.diagnose import diagnose
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.org.folding import crowds, like_it, said_once, shape, spans
from hybridge.org.records import DelegateUser, MailboxFolderPermission
from hybridge.plan import Plan
from hybridge.repair import journal as journals
from hybridge.repair.batches import BATCH
from hybridge.repair.executor import Applied, Choose, End, StepEnd, Undone, apply, undo
from hybridge.repair.hands.base import Hand, Rights
from hybridge.repair.hands.debts import Debts
from hybridge.repair.hands.ews import EwsHand
from hybridge.repair.hands.exchange_online import ExchangeOnlineHand
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.hands.script import ScriptRefused, script
from hybridge.repair.hands.teams import TeamsHand
from hybridge.repair.plan_file import PlanProblem, read_plan, unedited
from hybridge.repair.rights import needed
from hybridge.repair.what_if import what_if
from hybridge.terms.clouds import WORLDWIDE
from hybridge.wire.ask import Answerer

_MARKS = {
    End.APPLIED: "v",
    End.ALREADY_SO: "=",
    End.UNDONE: "v",
    End.DRIFTED: "!",
    End.FAILED: "x",
    End.NOT_REACHED: "-",
    End.SKIPPED: "-",
}


def hands(config: Config, domain_controller: str = "") -> tuple[Hand, ...]:
    """Every hand that writes what ``config`` names; on-premises at ``domain_controller`` where one is given."""
    cloud, domain = config.cloud, config.settings.organization.domain
    powershell = PowerShellHand(domain_controller)
    return (
        powershell,
        EwsHand(
            partial(ews_address, cloud_host=cloud.exchange, domain=domain),
            USER_AGENT,
            powershell,
            SystemClock(),
            Debts(config.file.parent / ".hybridge" / "delegates"),
        ),
        ExchangeOnlineHand(),
        GraphHand(cloud.graph, SystemClock()),
        TeamsHand(cloud.teams_config),
    )


async def made(session: Session) -> Plan:
    """Examine and plan; stops when nothing can be planned because too little could be seen."""
    async with session.answerer() as answerer:
        diagnosis = await diagnose(
            answerer,
            session.target,
            session.judged_at(session.clock.now()),
            delegations=session.delegations,
            checks=session.checks,
            acceptances=session.acceptances,
        )
    if diagnosis.plan is None:
        raise Stop(diagnosis.refused, "hybridge doctor shows the findings", Exit.DEFECT)
    gaps = {unseen.says: unseen for result in diagnosis.results for unseen in result.unseen}
    for says, others in said_once(gaps):
        say(f"  not checked: {says}{like_it(others)}")
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
    try:
        return unedited(held, path)
    except PlanProblem as problem:
        raise Stop(str(problem), "write a new report: hybridge doctor --out x.json") from problem


def read(path: Path) -> Plan:
    """The plan in ``path``."""
    try:
        return read_plan(path)
    except PlanProblem as problem:
        raise Stop(str(problem), "hybridge repair plan --out PLAN writes one") from problem


def rights_needed(plan: Plan, config_file: Path) -> tuple[Rights, ...]:
    """What the hands say ``plan`` needs; nothing where no configuration names the services."""
    return needed(plan, hands(load_config(config_file))).rights if config_file.is_file() else ()


def graph_of(config_file: Path) -> str:
    """Host of Graph in the configured cloud; the worldwide one where there is no configuration."""
    return load_config(config_file).cloud.graph if config_file.is_file() else WORLDWIDE.graph


def printed(plan: Plan, format: str, rights: Sequence[Rights] = (), graph_host: str = WORLDWIDE.graph) -> str:
    """``plan`` as text, JSON or PowerShell (which asks Graph at ``graph_host``), with the ``rights`` it needs."""
    if format == "json":
        told = [{"says": one.says, "least": one.least} for one in rights]
        return msgspec.json.format(
            msgspec.json.encode({**msgspec.to_builtins(plan), "rights": told}), indent=2
        ).decode()
    if format == "powershell":
        try:
            return script(plan, graph_host)
        except ScriptRefused as refused:
            raise Stop(str(refused), "hybridge repair plan shows the plan as text") from refused
    lines = [*what_if(plan)]
    if rights:
        lines += ["It needs these rights:", *(f"   {one.least}: {one.says}" for one in rights)]
    return "\n".join(lines)


def journal_root(config: Config) -> Path:
    """Where the journals of a configuration's organization lie."""
    return config.file.parent / ".hybridge" / "journals"


async def apply_plan(
    plan: Plan, config_file: Path, quiet: bool, choose: Choose | None = None, batch: int = BATCH
) -> Applied:
    """Apply ``plan`` with the configuration's answerer and journal it beside the configuration."""
    config = load_config(config_file)
    domain = config.settings.organization.domain
    if plan.organization and plan.organization.lower() != domain.lower():
        raise Stop(f"The plan is for {plan.organization}, the configuration for {domain}.", "use the right --config")
    say(f"applying {len(plan.changes)} changes ...", quiet)
    async with opened(config, plan.id, journal_root(config)) as (answerer, journal):
        writing = hands(config, plan.domain_controller)
        await stop_without_rights(plan, writing, answerer, config, quiet)
        with walking(batch, quiet, attended=choose is not None) as walk:
            asked, clock = walk.unhurried(answerer), SystemClock()
            return await apply(
                plan, asked, journal, writing, who=who(), clock=clock, patience=walk.patience, choose=choose
            )


async def undo_journal(
    name: str, config_file: Path, quiet: bool, only: Sequence[str] = (), batch: int = BATCH
) -> Applied:
    """Take back what the journal ``name`` (a plan's id, or a path) says was changed, or the part ``only`` names."""
    config = load_config(config_file)
    root, plan_id = place(name, config)
    say(f"taking back {plan_id} ...", quiet)
    async with opened(config, plan_id, root) as (answerer, journal):
        writing = hands(config, controller_of(root / plan_id))
        with walking(batch, quiet) as walk:
            asked, clock = walk.unhurried(answerer), SystemClock()
            return await undo(journal, asked, writing, who=who(), clock=clock, patience=walk.patience, only=only)


def controller_of(folder: Path) -> str:
    """The domain controller the plan of the journal in ``folder`` was applied at, "" for none."""
    try:
        plan = journals.read_journal(folder).whole_plan
    except journals.JournalProblem:
        return ""  # whoever opens the journal says so in full
    return plan.domain_controller if plan else ""


def place(name: str, config: Config) -> tuple[Path, str]:
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
async def opened(config: Config, plan_id: str, root: Path) -> AsyncIterator[tuple[Answerer, journals.OpenJournal]]:
    """The live answerer and the journal of a plan; a journal that cannot be used ends the command."""
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
        if isinstance(record, DelegateUser):
            pairs[f"{record.delegator}:{record.delegate}"] = None
    return list(mailboxes), list(pairs)


def shown_end(ended: Applied, format: str, colour: bool) -> str:
    """How an apply or undo ended, for people or machines."""
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(ended), indent=2).decode()
    lines = [_step_line(group) for group in crowds(ended.steps, _likeness)]
    lines.append(ended.says)
    if ended.journal:
        lines.append(f"Journal: {ended.journal}")
        if any(step.end in (End.FAILED, End.DRIFTED, End.NOT_REACHED) for step in ended.steps):
            lines.append(f"To go on: hybridge repair resume {ended.plan}")
        if not isinstance(ended, Undone):
            lines.append(f"To take it back: hybridge repair undo {ended.plan}")
    return "\n".join(lines)


def _likeness(step: StepEnd) -> tuple[str, ...]:
    """Equal for steps that ended alike and differ in nothing but the mailbox."""
    return step.end, shape(step.change.says), shape(_said(step.end, step.says))


def _step_line(group: Sequence[StepEnd]) -> str:
    first = group[0]
    numbers = f"{spans([step.number for step in group]):>3}"
    says = first.change.says + like_it(len(group) - 1)
    return f"{_MARKS[first.end]} {numbers}. {says}  {_said(first.end, first.says)}"


def _said(end: End, says: str) -> str:
    return f"[{end}]" + (f" {says}" if says and end not in (End.APPLIED, End.UNDONE) else "")
