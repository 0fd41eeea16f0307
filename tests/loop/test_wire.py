"""The closed loop at depths (c) and (d): over TLS on loopback, and from a snapshot of what was seen there.

The product is configured by the file the lab prints and by nothing else.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.loop.walk import NOW, Walk, names, new_estate

from hybridge.checks.registry import all_checks
from hybridge.collectors.collect import Target, collect
from hybridge.config import load
from hybridge.doctor.diagnose import judge
from hybridge.lab.contoso import DELEGATIONS, DOMAIN, PEOPLE, TENANT_ID
from hybridge.lab.faults import Fault, faults
from hybridge.lab.serve.calls import open_calls
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.live import open_live
from hybridge.net.answerers.recorder import Recorder
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.net.clock import SetClock
from hybridge.terms.clouds import WORLDWIDE

MAILBOXES = tuple(person.address for person in PEOPLE)


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.name)
async def test_closed_loop_over_tls(fault: Fault, tmp_path: Path) -> None:
    clock = SetClock(NOW)
    estate = new_estate(clock)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running, open_calls(running) as calls:
        verbs = running.control.verbs = Verbs(estate, calls)
        file = tmp_path / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, clock) as live:
            await Walk(estate, verbs, clock, tmp_path / "journals", live, MAILBOXES).whole(fault)


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.name)
async def test_live_and_offline_say_the_same(fault: Fault, walk_in_process: Walk, tmp_path: Path) -> None:
    await walk_in_process.verbs.break_((fault.name,))
    target = Target(DOMAIN, TENANT_ID, WORLDWIDE, MAILBOXES, "hybridge/test")
    recorder = Recorder(walk_in_process.answerer)
    live = await collect(recorder, target, NOW)
    recorder.save(tmp_path / "snapshot")
    offline = await collect(SnapshotAnswerer(tmp_path / "snapshot"), target, NOW)
    assert offline.organization().difference(live.organization()) == ()
    assert offline.readings.keys() == live.readings.keys()
    checks = all_checks()
    said = [judge(evidence, MAILBOXES, DELEGATIONS, checks) for evidence in (live, offline)]
    assert names(said[0]) == names(said[1]) == {fault.name}
    outcomes = [[(r.check, r.subject, r.outcome, r.findings) for r in one.results] for one in said]
    assert outcomes[0] == outcomes[1]
