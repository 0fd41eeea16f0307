"""Kill -9 over the whole partner-application procedure: at every boundary of the journal and of a write, and anywhere.

Everything is broken at once: the account, its role (which is trimmed after it was made), the assignment, both partner
applications, the keys on all three service principals, one of which does not even exist; and other parties have keys on
those that do. The product runs in a forked child; the lab stays here, and the child's asks come through a pipe. So a
kill ends what a kill ends: the process, in the middle of a line of the journal or between a request and its answer.

The tests below kill at least 332 times (4 * 25 + 2 * 35 + 6 * 22 + 3 * 10; counted: 418).

Afterwards, whatever the moment was: nothing is changed that the journal does not name, no foreign key is lost, and to
resume leads to the healed organization, to go back leads to the broken one.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import msgspec
import pytest
from tests.repair.desk import ON, ONLINE, broken, new_estate, no_sleep, plan
from tests.repair.storm import NOW, as_compared, keys_of_others

from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.weather import AnyRule, CmdletRule, Does, HttpRule, weather_of
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.repair import journal as j
from hybridge.repair.executor import Applied, Patience, apply, undo
from hybridge.repair.hands.base import Hand
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.resume import Way, going_back, resume
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

T = TypeVar("T")
LONGEST = 2000
"""Boundaries tried at most: a runaway test stops here."""
_GRAPH = (WORLDWIDE.graph,)
FOUL: tuple[tuple[AnyRule, ...], ...] = (
    (HttpRule(does=Does.TWICE, hosts=_GRAPH),),
    (HttpRule(does=Does.LATE, hosts=_GRAPH, reads=2),),
    (CmdletRule(does=Does.LATE, reads=2), HttpRule(does=Does.LATE, hosts=_GRAPH, reads=2)),
    (HttpRule(does=Does.DROP_AFTER, hosts=_GRAPH, skip=1, times=1), CmdletRule(does=Does.DROP_AFTER, times=1, skip=4)),
)
"""Weathers in which a write is not what it seems."""


class Life:
    """Counts what happens to the process and ends it at one of the counts; 0 lives for ever."""

    def __init__(self, ends_at: int = 0) -> None:
        self.ends_at = ends_at
        self.count = 0

    def tick(self) -> None:
        self.count += 1
        if self.count == self.ends_at:
            os.kill(os.getpid(), signal.SIGKILL)

    @property
    def is_about_to_end(self) -> bool:
        return self.count + 1 == self.ends_at

    def event(self, *_: object) -> None:
        """The same for every call and return of the interpreter."""
        self.tick()


class MortalJournal(j.OpenJournal):
    """A journal whose process may die before, in the middle of and after every line."""

    life = Life()

    def begin(self, who: str, at: datetime) -> None:
        self.life.tick()
        super().begin(who, at)
        self.life.tick()

    def write(self, event: j.Event) -> None:
        self.life.tick()
        if self.life.is_about_to_end and self._file is not None:
            line = msgspec.json.encode(event)
            os.write(self._file.fileno(), line[: len(line) // 2])
        self.life.tick()
        super().write(event)
        self.life.tick()


class Far:
    """The lab at the other end of a pipe; the process may die around every write: unsent, unanswered, answered."""

    def __init__(self, pipe: Connection, life: Life) -> None:
        self.pipe = pipe
        self.life = life

    def ask(self, ask: object, writes: bool) -> Any:
        if writes:
            self.life.tick()
        self.pipe.send(ask)
        if writes:
            self.life.tick()
        answer = self.pipe.recv()
        if writes:
            self.life.tick()
        return answer

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        answer: CmdletAnswer = self.ask(ask, not ask.name.startswith("Get-"))
        return answer

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        answer: HttpAnswer = self.ask(ask, ask.method != "GET")
        return answer

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        raise AssertionError(ask.name)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)


class Act(StrEnum):
    """What a run does."""

    APPLY = "apply"
    UNDO = "undo"
    ON = "on"
    BACK = "back"


async def act(what: Act, root: Path, answerer: Answerer, life: Life) -> Applied:
    """One run of the product, with everything it has."""
    clock, patience = SetClock(NOW), Patience(tries=3, sleep=no_sleep)
    hands: tuple[Hand, ...] = (PowerShellHand(), GraphHand(WORLDWIDE.graph, clock, no_sleep))
    with MortalJournal(root / plan().id, plan().id, plan().organization) as journal:
        journal.life = life
        if what is Act.APPLY:
            return await apply(plan(), answerer, journal, hands, who="ada", clock=clock, patience=patience)
        if what is Act.UNDO:
            return await undo(journal, answerer, hands, who="ada", clock=clock, patience=patience)
        way = Way.BACK if what is Act.BACK else Way.ON
        return await resume(journal, answerer, hands, way, who="ada", clock=clock, patience=patience)


@dataclass
class Scene:
    """The lab, and the folder of one journal."""

    root: Path
    estate: Estate
    kills: int = 0
    events: int = 0
    """Calls and returns in the last run that lived to its end."""

    def start(self, organization: Organization) -> None:
        """Begin anew: no journal yet."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.estate.organization = organization
        weather_of(self.estate).clear()

    @property
    def begun(self) -> bool:
        """Whether there is a journal."""
        return (self.root / plan().id).exists()

    def run(self, what: Act, runs: int = 1) -> None:
        """Run to a good end, here, in so many ``runs`` at most."""
        for _ in range(runs):
            done = asyncio.run(act(what, self.root, InProcess(self.estate), Life()))
            if done.complete:
                break
        assert done.complete, done.says

    def killed(self, what: Act, life: Life, anywhere: bool = False, may_fail: bool = False) -> bool:
        """Run in a child that ends when ``life`` does; False when it lived to the end."""
        ours, theirs = Pipe()
        child = os.fork()
        if child == 0:
            ours.close()
            os._exit(_live(what, self.root, Far(theirs, life), life, anywhere))
        theirs.close()
        with ours:
            self._serve(ours)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            self.kills += 1
            return True
        assert os.WEXITSTATUS(status) <= may_fail, "a run that nobody killed must come to a good end"
        return False

    def _serve(self, pipe: Connection) -> None:
        """Answer until the other end is gone."""
        lab = InProcess(self.estate)
        while True:
            try:
                ask = pipe.recv()
            except (EOFError, ConnectionResetError):
                return
            if isinstance(ask, int):
                self.events = ask
                continue
            answer = at_once(lab.cmdlet(ask) if isinstance(ask, CmdletAsk) else lab.http(ask))
            with suppress(BrokenPipeError, ConnectionResetError):
                pipe.send(answer)

    def check(self) -> None:
        """What holds at every moment: what has changed is in the journal, and nobody's key is gone."""
        changed = set(as_compared(broken()).difference(as_compared(self.estate.organization)))
        path = self.root / plan().id / j.FILE_NAME
        journal = j.read_journal(path) if path.exists() else None
        journaled = {step.change.address for step in journal.left_to_undo} if journal else set()
        assert changed <= journaled, f"changed and not in the journal: {changed - journaled}"
        present = keys_of_others(self.estate.organization)
        for app_id, keys in keys_of_others(broken()).items():
            assert keys <= present.get(app_id, set()), f"lost keys of others on {app_id}"

    def ends(self, back: bool, runs: int = 1) -> None:
        """Resume, on or back, and see that the organization is clean."""
        self.check()
        if back and self.begun:
            self.run(Act.BACK, runs)
        elif not back:
            was_undoing = self.begun and going_back(j.read_journal(self.root / plan().id))
            self.run(Act.ON if self.begun and not was_undoing else Act.APPLY, runs)
        self.check()
        wanted = broken() if back else healed()
        assert as_compared(self.estate.organization).difference(as_compared(wanted)) == ()


def _live(what: Act, root: Path, far: Far, life: Life, anywhere: bool) -> int:
    """The life of a child: 0 when it did all it was there for."""
    try:
        if not anywhere:
            return 0 if asyncio.run(act(what, root, far, life)).complete else 1
        sys.setprofile(life.event)
        done = asyncio.run(act(what, root, Far(far.pipe, Life()), Life()))
        sys.setprofile(None)
        far.pipe.send(life.count)
        return 0 if done.complete else 1
    except BaseException:
        traceback.print_exc()
        return 2


def at_once(answering: Coroutine[Any, Any, T]) -> T:
    """What a coroutine that waits for nothing gives."""
    try:
        answering.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    raise AssertionError("the lab waits for something")


@cache
def healed() -> Organization:
    """What an apply that nobody kills leaves."""
    with TemporaryDirectory() as folder:
        scene = Scene(Path(folder), new_estate())
        scene.start(broken())
        scene.run(Act.APPLY)
        return scene.estate.organization


@cache
def events() -> int:
    """Calls and returns of the interpreter in an apply that nobody kills."""
    with TemporaryDirectory() as folder:
        scene = Scene(Path(folder), new_estate())
        scene.start(broken())
        scene.killed(Act.APPLY, Life(), anywhere=True)
        return scene.events


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "journals", new_estate())


def test_the_procedure_is_whole() -> None:
    assert sum(len(keys) for keys in keys_of_others(broken()).values()) >= 4
    role = healed().one(r.ManagementRole, ON, apps.INTEGRATION_ROLE)
    assert role is not None and set(role.role_entries) == set(apps.INTEGRATION_ROLE_ENTRIES)
    assert all(healed().one(r.ServicePrincipal, ONLINE, one) for one in apps.KEY_HOLDERS)


@pytest.mark.parametrize(("what", "share"), [*((Act.APPLY, one) for one in range(4)), (Act.UNDO, 0), (Act.UNDO, 1)])
def test_killed_at_every_boundary(scene: Scene, what: Act, share: int) -> None:
    """Every fourth boundary of applying, every second of undoing; ended by going on and by going back in turn."""
    every = 4 if what is Act.APPLY else 2
    for turn, count in enumerate(range(1 + share, LONGEST, every)):
        scene.start(broken())
        if what is Act.UNDO:
            scene.run(Act.APPLY)
        if not scene.killed(what, Life(count)):
            break
        scene.ends(back=what is Act.UNDO or turn % 2 == 1)
    assert count < LONGEST - every, "the loop must have reached the end of the walk"
    assert scene.kills >= (25 if what is Act.APPLY else 35)


@pytest.mark.parametrize("seed", range(6))
def test_killed_anywhere_again_and_again(scene: Scene, seed: int) -> None:
    """Twenty walks a seed. Each is killed at some call or return of the interpreter, and so is what comes after it."""
    chance = random.Random(seed)
    for _ in range(20):
        what = chance.choice((Act.APPLY, Act.APPLY, Act.UNDO))
        scene.start(broken())
        if what is Act.UNDO:
            scene.run(Act.APPLY)
        for _ in range(chance.randint(1, 3)):
            scene.killed(what, Life(chance.randint(1, events())), anywhere=True)
            scene.check()
            what = chance.choice((Act.ON, Act.BACK)) if scene.begun else what
        scene.ends(back=chance.random() < 0.5)
    assert scene.kills >= 22


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_in_foul_weather(scene: Scene, seed: int) -> None:
    """The same while writes are done twice, shown late, or done without an answer; resumed until it comes to an end."""
    chance = random.Random(f"foul {seed}")
    for _ in range(20):
        scene.start(broken())
        weather_of(scene.estate).turn(*chance.choice(FOUL))
        scene.killed(Act.APPLY, Life(chance.randint(1, events())), anywhere=True, may_fail=True)
        scene.check()
        weather_of(scene.estate).turn()
        scene.ends(back=chance.random() < 0.5, runs=4)
    assert scene.kills >= 10
