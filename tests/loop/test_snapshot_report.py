"""A snapshot saved from a live run gives the identical report: findings, origins, gaps and planned changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.loop.walk import NOW, new_estate
from tests.report.test_outputs import faults

from hybridge.collectors.collect import Target
from hybridge.doctor.diagnose import diagnose
from hybridge.lab.contoso import DELEGATIONS, DOMAIN, PEOPLE, TENANT_ID
from hybridge.lab.in_process import InProcess
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.answerers.recorder import Recorder
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.net.clock import SetClock
from hybridge.report import json_
from hybridge.report.model import Request, make_report
from hybridge.report.schema import schema
from hybridge.terms.clouds import WORLDWIDE
from hybridge.wire.ask import Answerer

BROKEN = (
    (),
    (
        "partner_apps/teams-applications:legacy-only",
        "ews/allow-list-mailbox:caller-misspelt",
        "delegation/calendar-permission:looks-higher",
        "teams/calendar-app-pinned:not-pinned",
    ),
    ("autodiscover/v2-route:pre-authenticated", "oauth/auth-certificate:expired"),
    ("ews/allow-list-mailbox:disabled",),
)


async def report(answerer: Answerer) -> Any:
    """The JSON report of Contoso as ``answerer`` shows it, without what a clock or a stopwatch says."""
    target = Target(DOMAIN, TENANT_ID, WORLDWIDE, tuple(person.address for person in PEOPLE), "hybridge/test")
    once = AskedOnce(answerer)
    diagnosis = await diagnose(once, target, NOW, delegations=DELEGATIONS)
    made = make_report(
        version="1",
        request=Request(organization=DOMAIN),
        started=NOW,
        ended=NOW,
        subjects=[str(subject) for subject in diagnosis.subjects],
        results=diagnosis.results,
        checks=(),
        plan=diagnosis.plan,
        requests_made=sum(once.counts.values()),
    )
    document = json.loads(json_.render(made))
    assert faults(document, schema()) == []
    return timeless(document)


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key != "took_ms"}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def differences(live: Any, offline: Any, path: str = "") -> Iterator[str]:
    if isinstance(live, dict) and isinstance(offline, dict):
        for key in {**live, **offline}:
            yield from differences(live.get(key), offline.get(key), f"{path}.{key}")
    elif isinstance(live, list) and isinstance(offline, list) and len(live) == len(offline):
        for place, (one, other) in enumerate(zip(live, offline, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif live != offline:
        yield f"{path}: {live!r} live, {offline!r} offline"


@pytest.mark.parametrize("causes", BROKEN, ids=lambda causes: causes[0] if causes else "healthy")
async def test_the_snapshot_of_a_run_says_the_same(causes: tuple[str, ...], tmp_path: Path) -> None:
    estate = new_estate(SetClock(NOW))
    answerer = InProcess(estate)
    await Verbs(estate, answerer).break_(causes)
    recorder = Recorder(answerer)
    live = await report(recorder)
    recorder.save(tmp_path / "kept")
    offline = await report(SnapshotAnswerer(tmp_path / "kept"))
    assert list(differences(live, offline)) == []
    assert live["requests_made"] > 50
    assert bool(causes) == any(one["findings"] for one in live["results"])
