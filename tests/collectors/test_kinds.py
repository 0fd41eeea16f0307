"""Which kind of organization was read, and that nothing is asked of a side that is not there."""

from __future__ import annotations

import pytest
from tests.loop.walk import NOW, new_estate

from hybridge.collectors.collect import Target, collect
from hybridge.collectors.kind import decide
from hybridge.collectors.reading import Readings, key
from hybridge.collectors.sides import one_sided
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.lab.contoso import DOMAIN, PEOPLE, TENANT_ID, AuthCertificate, contoso
from hybridge.lab.contoso_kinds import AGENT_HOST, as_kind
from hybridge.lab.in_process import InProcess
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.hybrid_kinds import CHOICES, HybridKind, is_hybrid_agent
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, FailureReason, HttpAsk

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
KINDS = (
    (r.ExchangeServer, ON),
    (r.AuthServer, ON),
    (r.IntraOrganizationConnector, ON),
    (r.OrganizationRelationship, ON),
    (r.HybridConfiguration, ON),
    (r.IntraOrganizationConnector, ONLINE),
    (r.OrganizationRelationship, ONLINE),
)


def healthy() -> Organization:
    return contoso(NOW, AuthCertificate(b"DER", NOW, NOW))


def readings(organization: Organization) -> Readings:
    origin = Origin(source="test")
    return {key(kind, side): Seen(organization.all(kind, side), origin) for kind, side in KINDS}


def unread(made: Readings, side: Premises, reason: str = "not-configured") -> Readings:
    gap = Unseen(what="x", reason=reason, says="Not read.")
    return {at: gap if at.premises is side else reading for at, reading in made.items()}


@pytest.mark.parametrize("kind", [HybridKind.CLASSIC, HybridKind.MODERN])
def test_both_sides_are_told_apart(kind: HybridKind) -> None:
    assert decide(readings(as_kind(healthy(), kind)), TENANT_ID) is kind


def test_servers_without_a_tenant_stand_alone() -> None:
    alone = readings(as_kind(healthy(), HybridKind.ON_PREMISES))
    assert decide(alone, "") is HybridKind.ON_PREMISES
    assert decide(unread(alone, ONLINE), "") is HybridKind.ON_PREMISES
    assert decide(alone, TENANT_ID) is HybridKind.UNKNOWN, "a tenant is configured: something is missing"


def test_a_tenant_without_servers_stands_alone() -> None:
    alone = readings(as_kind(healthy(), HybridKind.ONLINE))
    assert decide(unread(alone, ON), TENANT_ID) is HybridKind.ONLINE
    assert decide(unread(alone, ON, "unreachable"), TENANT_ID) is HybridKind.UNKNOWN
    assert decide(unread(readings(healthy()), ON), TENANT_ID) is HybridKind.UNKNOWN, "a connector leads to servers"


def test_nothing_read_tells_nothing() -> None:
    assert decide({}, TENANT_ID) is HybridKind.UNKNOWN
    assert decide(unread(unread(readings(healthy()), ON), ONLINE), TENANT_ID) is HybridKind.UNKNOWN


@pytest.mark.parametrize("word", CHOICES[1:])
def test_the_configuration_wins(word: str) -> None:
    assert decide(readings(healthy()), TENANT_ID, word) is HybridKind(word)


def test_an_agent_is_known_by_its_name() -> None:
    assert is_hybrid_agent(AGENT_HOST.upper())
    assert not is_hybrid_agent("resource.mailboxmigration.his.msappproxy.net.example.com")


async def test_nothing_online_is_asked_of_servers_alone() -> None:
    estate = new_estate(SetClock(NOW))
    estate.organization = as_kind(estate.organization, HybridKind.ON_PREMISES)
    people = tuple(person.address for person in PEOPLE if person.server)
    target = Target(DOMAIN, "", WORLDWIDE, people, "hybridge/test", hybrid="on-premises")
    evidence = await collect(InProcess(estate), target, NOW)
    assert evidence.kind is HybridKind.ON_PREMISES
    assert {one.host for one in estate.log}.isdisjoint({WORLDWIDE.exchange, WORLDWIDE.graph, WORLDWIDE.login})


async def test_nothing_on_premises_is_asked_of_a_tenant_alone() -> None:
    estate = new_estate(SetClock(NOW))
    estate.organization = as_kind(estate.organization, HybridKind.ONLINE)
    people = tuple(person.address for person in PEOPLE if not person.server)
    target = Target(DOMAIN, TENANT_ID, WORLDWIDE, people, "hybridge/test", hybrid="online")
    evidence = await collect(InProcess(estate), target, NOW)
    assert evidence.kind is HybridKind.ONLINE
    assert estate.log
    assert not [one.host for one in estate.log if one.host.endswith(DOMAIN)]


async def test_a_side_that_is_there_is_asked() -> None:
    inner = InProcess(new_estate(SetClock(NOW)))
    answerer = one_sided(inner, "on-premises", WORLDWIDE, DOMAIN)
    here = await answerer.cmdlet(CmdletAsk(premises=ON, name="Get-ExchangeServer"))
    there = await answerer.cmdlet(CmdletAsk(premises=ONLINE, name="Get-Mailbox"))
    page = await answerer.http(HttpAsk(method="GET", url=f"https://{WORLDWIDE.graph.upper()}/v1.0/me"))
    assert here.failure is None
    assert there.failure is not None and there.failure.reason is FailureReason.NOT_CONFIGURED
    assert page.failure is not None and "organization.hybrid" in page.failure.says
    assert one_sided(inner, "auto", WORLDWIDE, DOMAIN) is inner
