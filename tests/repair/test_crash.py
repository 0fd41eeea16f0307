"""Kill -9 at every boundary of the journal and of the server's writes: nothing is lost, everything can be undone.

A child process applies (or undoes) a plan against an organization kept in a file. It counts: before and after every
line of the journal, before and after every cmdlet that changes something; at one count it kills itself. The parent
reads what is left and takes it back, every second time after having completed it first.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.powershell import run
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.union import AnyRecord
from hybridge.plan import Plan, change
from hybridge.repair import journal as j
from hybridge.repair.executor import Applied, Patience, apply, undo
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.planner import ordered
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, DnsAnswer, DnsAsk, HttpAnswer, HttpAsk, TlsAnswer, TlsAsk

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON = Premises.ON_PREMISES
HEALTHY = contoso(NOW, AuthCertificate(der=b"0er", not_before=NOW, not_after=NOW + timedelta(days=365)))
WANTED = (
    *(HEALTHY.one(kind, ON, name) for kind, name in ((r.MailUser, apps.INTEGRATION_ACCOUNT),)),
    HEALTHY.one(r.ManagementRole, ON, apps.INTEGRATION_ROLE),
    HEALTHY.one(r.ManagementRoleAssignment, ON, f"{apps.INTEGRATION_ROLE}-{apps.INTEGRATION_ACCOUNT}"),
    HEALTHY.one(r.PartnerApplication, ON, "TeamsScheduler"),
)
BROKEN = HEALTHY.drop(*(record.address for record in WANTED if record)).edit(
    r.OrganizationConfig, lambda one: one.premises is ON, ews_allow_list=("OWA/*",)
)
PLAN = Plan(
    id="p1",
    organization="contoso.com",
    evidence_at=NOW,
    changes=ordered(
        change(BROKEN, wanted, "Make it right.")
        for address in BROKEN.difference(HEALTHY)
        if (wanted := HEALTHY.at(address))
    ),
)
LONGEST = 200
"""Counts tried at most: a runaway test stops here."""


class Life:
    """Counts down to the process's death; ``None`` lives for ever."""

    def __init__(self, left: int | None = None) -> None:
        self.left = left

    def tick(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class InFile:
    """An organization kept in a file, as a server's directory outlives its clients."""

    def __init__(self, path: Path, life: Life) -> None:
        self.path = path
        self.life = life

    @property
    def organization(self) -> Organization:
        return Organization(msgspec.json.decode(self.path.read_bytes(), type=list[AnyRecord]))

    @organization.setter
    def organization(self, organization: Organization) -> None:
        self.path.write_bytes(msgspec.json.encode(list(organization)))

    cloud = WORLDWIDE

    def now(self) -> datetime:
        return NOW

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        if ask.name.startswith("Get-"):
            return run(self, ask, "administrator")
        self.life.tick()
        answer = run(self, ask, "administrator")
        self.life.tick()
        return answer

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        raise AssertionError(ask.url)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        raise AssertionError(ask.name)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)


class MortalJournal(j.OpenJournal):
    """A journal in a process that may die around every line."""

    life = Life()

    def begin(self, who: str, at: datetime) -> None:
        self.life.tick()
        super().begin(who, at)
        self.life.tick()

    def write(self, event: j.Event) -> None:
        self.life.tick()
        super().write(event)
        self.life.tick()


async def no_sleep(_: float) -> None:
    return


async def do(what: str, folder: Path, life: Life) -> Applied:
    with MortalJournal(folder / PLAN.id, PLAN.id, PLAN.organization) as journal:
        journal.life = life
        answerer, hands, clock = InFile(folder / "organization.json", life), [PowerShellHand()], SetClock(NOW)
        patience = Patience(tries=2, sleep=no_sleep)
        if what == "undo":
            return await undo(journal, answerer, hands, who="ada", clock=clock, patience=patience)
        return await apply(PLAN, answerer, journal, hands, who="ada", clock=clock, patience=patience)


def in_child(work: Callable[[], Awaitable[Applied]]) -> bool:
    """Run ``work`` in a child process; True when it lived to the end."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if asyncio.run(_finished(work)) else 1
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


async def _finished(work: Callable[[], Awaitable[Applied]]) -> bool:
    return (await work()).complete


def begin(folder: Path, organization: Organization) -> None:
    folder.mkdir()
    InFile(folder / "organization.json", Life()).organization = organization


def left_in(folder: Path) -> Organization:
    return InFile(folder / "organization.json", Life()).organization


def everything_changed_is_journaled(folder: Path) -> None:
    changed = set(BROKEN.difference(left_in(folder)))
    path = folder / PLAN.id / j.FILE_NAME
    steps = j.read_journal(path).steps if path.exists() else ()
    assert changed <= {step.change.address for step in steps if step.state is not j.State.UNDONE}


def finished(what: str, folder: Path) -> None:
    applied = asyncio.run(do(what, folder, Life()))
    assert applied.complete, applied.says


def test_apply_killed_anywhere_is_taken_back_or_completed(tmp_path: Path) -> None:
    for count in range(1, LONGEST):
        folder = tmp_path / f"back-{count}"
        begin(folder, BROKEN)
        lived = in_child(lambda folder=folder, count=count: do("apply", folder, Life(count)))  # type: ignore[misc]
        everything_changed_is_journaled(folder)
        if count % 2:
            finished("apply", folder)
            assert left_in(folder) == HEALTHY
        finished("undo", folder)
        assert left_in(folder) == BROKEN
        if lived:
            break
    assert 30 < count < LONGEST - 1, "the plan must have boundaries, and the loop must have reached its end"


def test_undo_killed_anywhere_is_finished(tmp_path: Path) -> None:
    for count in range(1, LONGEST):
        folder = tmp_path / f"undo-{count}"
        begin(folder, BROKEN)
        finished("apply", folder)
        lived = in_child(lambda folder=folder, count=count: do("undo", folder, Life(count)))  # type: ignore[misc]
        everything_changed_is_journaled(folder)
        finished("undo", folder)
        assert left_in(folder) == BROKEN
        if lived:
            break
    assert 20 < count < LONGEST - 1
