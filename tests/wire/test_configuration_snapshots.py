"""Snapshots of a tenant's configuration: the codec, the lab's service, the collector, and the file as an export."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.loop.walk import NOW, certificate, new_estate

from hybridge.collectors.collect import Target, collect
from hybridge.collectors.configuration_snapshot import Taken, take_snapshot
from hybridge.evidence import Seen
from hybridge.lab.contoso import DOMAIN, TENANT_ID, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.rights import rights_of
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.terms.clouds import GCC_HIGH, WORLDWIDE, Cloud
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, Failure, FailureReason, HttpAnswer
from hybridge.wire.graph import configuration_snapshots as snapshots
from hybridge.wire.json_body import JsonRefused

ONLINE = Premises.ONLINE


class Waits:
    """Counts the pauses instead of making them."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def _taken(estate: Estate, name: str = "hybridge 1") -> tuple[Taken | Failure, Waits]:
    waits = Waits()
    return await take_snapshot(InProcess(estate), estate.cloud, name, waits, 7.0), waits


@pytest.mark.parametrize("cloud", [WORLDWIDE, GCC_HIGH], ids=lambda cloud: cloud.name)
async def test_a_job_is_waited_for_and_read(cloud: Cloud) -> None:
    found, waits = await _taken(new_estate(SetClock(NOW), cloud))
    assert isinstance(found, Taken)
    assert waits.seconds == [7.0, 7.0], "notStarted, running, done"
    assert {one.resource_type for one in found.resources} >= {
        "microsoft.exchange.organizationconfig",
        "microsoft.exchange.casmailboxsettings",
        "microsoft.teams.appsetuppolicy",
        "microsoft.teams.upgradepolicy",
        "microsoft.teams.userpolicyassignment",
    }
    assert found.missing == ("microsoft.exchange.accepteddomain: not supported",), "partly successful"


async def test_what_was_taken_serves_the_doctor_as_an_export(tmp_path: Path) -> None:
    estate = new_estate(SetClock(NOW))
    found, _ = await _taken(estate)
    assert isinstance(found, Taken)
    (tmp_path / "configuration-20261120.json").write_bytes(found.body)
    target = Target(DOMAIN, TENANT_ID, WORLDWIDE, (), "hybridge/test")
    evidence = await collect(SnapshotAnswerer(tmp_path), target, NOW)
    healthy = contoso(NOW, certificate())
    for kind in (r.TeamsAppSetupPolicy, r.TeamsUpgradePolicy):
        reading = evidence.all(kind, ONLINE)
        assert isinstance(reading, Seen)
        assert set(reading.records) == set(healthy.all(kind, ONLINE))
    config = evidence.all(r.OrganizationConfig, ONLINE)
    assert isinstance(config, Seen) and config.first is not None
    assert config.first.ews_enabled is True
    assert config.first.ews_allowed_app_ids is None, "the service does not show the list"


async def test_users_and_mailboxes_are_read_from_it(tmp_path: Path) -> None:
    estate = new_estate(SetClock(NOW))
    estate.organization = estate.organization.edit(
        r.CsOnlineUser, lambda one: one.identity == "ada@contoso.com", teams_upgrade_policy="SfBOnly"
    )
    found, _ = await _taken(estate)
    assert isinstance(found, Taken)
    (tmp_path / "tenant.json").write_bytes(found.body)
    target = Target(DOMAIN, TENANT_ID, WORLDWIDE, ("ada@contoso.com",), "hybridge/test")
    evidence = await collect(SnapshotAnswerer(tmp_path), target, NOW)
    user = evidence.all(r.CsOnlineUser, ONLINE, "ada@contoso.com")
    assert isinstance(user, Seen) and user.first is not None
    assert user.first.teams_upgrade_policy == "SfBOnly"


async def test_without_the_permission_or_the_service_it_is_refused() -> None:
    estate = new_estate(SetClock(NOW))
    rights_of(estate).withhold([snapshots.PERMISSION])
    found, _ = await _taken(estate)
    assert isinstance(found, Failure)
    assert found.reason is FailureReason.FORBIDDEN and snapshots.PERMISSION in found.next_step
    estate = new_estate(SetClock(NOW))
    there = estate.organization.one(r.ServicePrincipal, ONLINE, snapshots.SERVICE)
    assert there is not None
    estate.organization = estate.organization.drop(there.address)
    found, _ = await _taken(estate)
    assert isinstance(found, Failure)
    assert snapshots.SERVICE in found.next_step


async def test_limits_of_the_service() -> None:
    estate = new_estate(SetClock(NOW))
    found, _ = await _taken(estate, "not-allowed!")
    assert isinstance(found, Failure) and "letters" in found.says
    for number in range(snapshots.JOBS):
        found, _ = await _taken(estate, f"hybridge {number}")
        assert isinstance(found, Taken)
    found, _ = await _taken(estate, "one more")
    assert isinstance(found, Failure) and "12" in found.says


def test_a_place_outside_graph_is_not_asked() -> None:
    job = snapshots.Job(
        id="3b05c24c-db31-4d15-b386-947768ed66b0", status="succeeded", resource_location="https://example.com/x"
    )
    asked = snapshots.ask_resources("graph.microsoft.com", job)
    assert isinstance(asked, Failure) and asked.reason is FailureReason.REFUSED


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"resources": 5}', b"\xff"])
def test_what_is_no_snapshot_is_refused(body: bytes) -> None:
    with pytest.raises(JsonRefused):
        snapshots.read_resources(body)


def test_an_answer_that_is_no_job_is_malformed() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for body in (b"{}", b"no json", b'{"id": "x", "status": "running"}'):
        read = snapshots.read_job(HttpAnswer(status=200, body=body, answered_at=at))
        assert isinstance(read, Failure) and read.reason is FailureReason.MALFORMED


async def test_a_whole_tenant_is_read_from_it_in_one_go(tmp_path: Path) -> None:
    found, _ = await _taken(new_estate(SetClock(NOW)))
    assert isinstance(found, Taken)
    (tmp_path / "tenant.json").write_bytes(found.body)
    ask = CmdletAsk(premises=ONLINE, name="Get-CASMailbox", parameters=(("ResultSize", "Unlimited"),))
    pages = [page async for page in SnapshotAnswerer(tmp_path).pages(ask)]
    assert sum(len(page.objects) for page in pages) == 2
