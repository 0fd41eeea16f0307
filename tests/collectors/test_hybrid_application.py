"""What is asked to know the dedicated hybrid application: of the lab, of Graph that refuses, and of exports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
import pytest

from hybridge.collectors.configuration import collect_configuration
from hybridge.collectors.hybrid_application import collect_hybrid_application
from hybridge.collectors.reading import Reading, Readings, key
from hybridge.evidence import Seen, Unseen
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION, HYBRID_APPLICATION_ID
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.probes import DeletedApplication, ServerLocationProbe
from hybridge.org.records import Record
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_v2, cmdlets
from hybridge.wire.ask import HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import write_error

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ONLINE = Premises.ONLINE
URL = "https://outlook.office365.com/EWS/Exchange.asmx"


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


class Asked(InProcess):
    """The lab, which keeps what was asked; ``before`` may answer in its place."""

    def __init__(self, organization: Organization | None = None) -> None:
        healthy = contoso(NOW, certificate())
        self.estate = Estate(healthy, clock=lambda: NOW, certificate=certificate())
        self.estate.organization = organization or healthy
        super().__init__(self.estate)
        self.asked: list[str] = []
        self.before: Callable[[HttpAsk], HttpAnswer | None] = lambda _: None

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        self.asked.append(ask.url)
        return self.before(ask) or await super().http(ask)

    async def look(self) -> Readings:
        return await collect_hybrid_application(self, WORLDWIDE, await collect_configuration(self))


def healthy() -> Organization:
    return contoso(NOW, certificate())


def of(readings: Readings, kind: type[Record]) -> Reading:
    return readings[key(kind, ONLINE)]


def records(readings: Readings, kind: type[Record]) -> tuple[Record, ...]:
    reading = of(readings, kind)
    assert isinstance(reading, Seen), reading
    return reading.records


async def test_the_application_is_seen_with_keys_and_consent() -> None:
    lab = Asked()
    readings = await lab.look()
    for kind in (r.EntraApplication, r.AppRoleAssignment):
        assert records(readings, kind) == lab.estate.organization.all(kind)
    assert records(readings, DeletedApplication) == records(readings, ServerLocationProbe) == ()
    assert not any("deletedItems" in url or "autodiscover" in url for url in lab.asked), "nothing more is asked"


async def test_one_with_another_name_is_found_by_the_id_the_auth_server_uses() -> None:
    organization = healthy().edit(r.EntraApplication, identity="Hybrid", display_name="Hybrid")
    renamed = organization.one(r.EntraApplication, ONLINE, "Hybrid")
    old = organization.one(r.EntraApplication, ONLINE, HYBRID_APPLICATION)
    assert renamed is not None and old is not None
    lab = Asked(organization.drop(old.address))
    assert records(await lab.look(), r.EntraApplication) == (renamed,)


async def test_namesakes_are_both_seen() -> None:
    (mine,) = healthy().all(r.EntraApplication)
    twin = msgspec.structs.replace(mine, identity="twin", object_id="2", application_id="2")
    found = records(await Asked(healthy().put(twin)).look(), r.EntraApplication)
    assert {one.identity for one in found} == {
        f"{HYBRID_APPLICATION} ({HYBRID_APPLICATION_ID})",
        f"{HYBRID_APPLICATION} (2)",
    }


async def test_a_deleted_one_is_looked_for_where_there_is_none() -> None:
    (mine,) = healthy().all(r.EntraApplication)
    (found,) = records(await Asked(healthy().drop(mine.address)).look(), DeletedApplication)
    assert isinstance(found, DeletedApplication)
    assert (found.application_id, found.key_credentials[0].key) == (mine.application_id, None)


@pytest.mark.parametrize("what", ["/applications", "/appRoleAssignments"])
async def test_a_refusal_is_a_gap_with_a_reason(what: str) -> None:
    lab = Asked()
    refused = write_error(403, "Authorization_RequestDenied", "Insufficient privileges.", NOW)
    lab.before = lambda ask: refused if what in ask.url else None
    readings = await lab.look()
    gap = of(readings, r.AppRoleAssignment)
    assert isinstance(gap, Unseen) and gap.reason == "forbidden" and gap.how
    assert isinstance(of(readings, r.EntraApplication), Unseen) is (what == "/applications")


async def test_where_ews_is_is_asked_for_the_tenants_initial_domain() -> None:
    lab = Asked(healthy().edit(r.OrganizationRelationship, target_sharing_epr=""))
    (place,) = records(await lab.look(), ServerLocationProbe)
    assert isinstance(place, ServerLocationProbe)
    assert (place.identity, place.url, place.server_location) == ("contoso.onmicrosoft.com", URL, "Exchange Online")


async def test_another_cloud_is_asked_once_and_only_microsofts() -> None:
    lab = Asked(healthy().edit(r.OrganizationRelationship, target_sharing_epr=""))
    target = "https://outlook.office365.us/autodiscover/autodiscover.json/v1.0/x?Protocol=EWS&ServerLocation=true"
    government = "https://outlook.office365.us/EWS/Exchange.asmx"

    def elsewhere(ask: HttpAsk) -> HttpAnswer | None:
        if ask.url == target:
            return autodiscover_v2.found("EWS", government, "Exchange Online")
        return autodiscover_v2.redirected(target) if "ServerLocation" in ask.url else None

    lab.before = elsewhere
    (place,) = records(await lab.look(), ServerLocationProbe)
    assert isinstance(place, ServerLocationProbe) and place.url == government
    lab.before = lambda ask: (
        autodiscover_v2.redirected("https://outlook.office365.us.evil.example/")
        if "ServerLocation" in ask.url
        else None
    )
    (place,) = records(await lab.look(), ServerLocationProbe)
    assert isinstance(place, ServerLocationProbe) and place.url == ""
    assert not any("evil" in url for url in lab.asked)


async def test_exports_serve_where_graph_cannot_be_asked(tmp_path: Path) -> None:
    organization = healthy()
    for kind in (r.EntraApplication, r.AppRoleAssignment):
        objects = [cmdlets.write(one) for one in organization.all(kind)]
        (tmp_path / f"{kind.cmdlet.replace('-', '')}.json").write_bytes(msgspec.json.encode(objects))
    readings = await collect_hybrid_application(SnapshotAnswerer(tmp_path), WORLDWIDE, {})
    for kind in (r.EntraApplication, r.AppRoleAssignment):
        assert records(readings, kind) == organization.all(kind)


async def test_an_empty_snapshot_says_what_to_export(tmp_path: Path) -> None:
    answerer = SnapshotAnswerer(tmp_path)
    readings = await collect_hybrid_application(answerer, WORLDWIDE, await collect_configuration(answerer))
    gap = of(readings, r.EntraApplication)
    assert isinstance(gap, Unseen) and gap.reason == "not-exported"
    assert "GetMgApplication.json" in gap.how
