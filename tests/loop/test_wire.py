"""The closed loop at depths (c) and (d): over TLS on loopback, and from a snapshot of what was seen there.

The product is configured by the file the lab prints and by nothing else. One lab serves all faults of a test worker,
one after the other: what one leaves behind, the next would find beside its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from tests.loop.walk import NOW, Walk, mailboxes_for, names, new_estate
from tests.thorough import some_of

from hybridge.checks.registry import all_checks
from hybridge.collectors.collect import collect
from hybridge.config import load
from hybridge.doctor.diagnose import judge
from hybridge.lab.contoso import DELEGATIONS
from hybridge.lab.faults import Fault, faults
from hybridge.lab.serve.calls import open_calls
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.live import open_live
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.answerers.recorder import Recorder
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.net.clock import SetClock


@dataclass
class TlsLab:
    """A running lab, and the walk a live answerer takes through it."""

    walk: Walk
    known_good: bool = False
    """Whether the last look found nothing and the lab has not been broken since."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tls_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TlsLab]:
    folder = tmp_path_factory.mktemp("lab")
    clock = SetClock(NOW)
    estate = new_estate(clock)
    async with running_lab(estate, folder / "state", contoso_site(estate)) as running, open_calls(running) as calls:
        verbs = running.control.verbs = Verbs(estate, calls)
        file = folder / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, clock) as live:
            yield TlsLab(Walk(estate, verbs, clock, folder / "journals", live))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("fault", some_of(faults(), 5), ids=lambda fault: fault.name)
async def test_closed_loop_over_tls(fault: Fault, tls_lab: TlsLab, tmp_path: Path) -> None:
    walk = replace(tls_lab.walk, folder=tmp_path / "journals", mailboxes=mailboxes_for(fault))
    if not tls_lab.known_good:
        walk.estate.reset()
        assert await walk.found() == set()
    tls_lab.known_good = False
    await walk.there_and_back(fault, look_again=False)  # the next fault looks
    await walk.verbs.heal(())
    tls_lab.known_good = walk.estate.organization == walk.estate.healthy


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.name)
async def test_live_and_offline_say_the_same(fault: Fault, walk_in_process: Walk, tmp_path: Path) -> None:
    walk = replace(walk_in_process, mailboxes=mailboxes_for(fault))
    await walk.verbs.break_((fault.name,))
    recorder = Recorder(walk.answerer)
    live = await collect(AskedOnce(recorder), walk.target, NOW)  # as hybridge snapshot save does
    recorder.save(tmp_path / "snapshot")
    offline = await collect(SnapshotAnswerer(tmp_path / "snapshot"), walk.target, NOW)
    assert offline.organization().difference(live.organization()) == ()
    assert offline.readings.keys() == live.readings.keys()
    checks = all_checks()
    said = [judge(evidence, walk.mailboxes, DELEGATIONS, checks) for evidence in (live, offline)]
    assert names(said[0]) == names(said[1]) == {fault.name}
    outcomes = [[(r.check, r.subject, r.outcome, r.findings) for r in one.results] for one in said]
    assert outcomes[0] == outcomes[1]
