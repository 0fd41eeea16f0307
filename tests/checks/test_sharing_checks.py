"""Checks of sharing, where the closed loop has no fault for it: what is unseen, absent, or told by a probe alone."""

from __future__ import annotations

import pytest
from tests.checks.conftest import NOW

from hybridge.checks.base import Saying
from hybridge.checks.registry import check_named
from hybridge.evidence import Evidence, Key, Origin, Reading, Seen, Unseen
from hybridge.findings import ORGANIZATION, Finding, NotApplicable, Scope, Subject
from hybridge.lab.contoso import DOMAIN, TENANT_ID
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.org.records import Record
from hybridge.terms.clouds import CHINA, GCC_HIGH, WORLDWIDE, Cloud
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ORIGIN = Origin(source="test")
ADA, LINUS = "ada@contoso.com", "linus@contoso.com"


def ask(
    name: str, *records: Record, also: dict[Key, Reading] | None = None, cloud: Cloud = WORLDWIDE, box: str = ""
) -> list[Saying]:
    """What a check says when everything it needs was read, and ``records`` are all there is."""
    check = check_named(name)
    readings: dict[Key, Reading] = {
        Key(kind.__name__, side): Seen(
            tuple(one for one in records if type(one) is kind and one.premises is side), ORIGIN
        )
        for kind, side in check.needs
    }
    evidence = Evidence(now=NOW, readings=readings | (also or {}), domain=DOMAIN, tenant_id=TENANT_ID, cloud=cloud)
    subject = Subject(Scope.MAILBOX, box) if box else ORGANIZATION
    return list(check.find(evidence, subject))


def slugs(said: list[Saying]) -> list[str]:
    return [one.cause for one in said if isinstance(one, Finding)]


ALL = (
    "sharing/hybrid-agent",
    "sharing/connector-enabled",
    "sharing/connector-target",
    "sharing/organization-relationship",
    "sharing/federation-trust",
    "sharing/hybrid-configuration",
    "sharing/autodiscover-sign-in",
    "oauth/auth-config",
    "oauth/auth-server-domains",
    "oauth/service-principal-names",
    "oauth/exchange-online-application",
    "oauth/test-connectivity",
    "oauth/autodiscover-offers",
    "ews/virtual-directory-sign-in",
    "ews/endpoint-answer",
    "platform/health-pages",
)


@pytest.mark.parametrize("name", ALL)
def test_what_was_not_read_is_never_passed(name: str) -> None:
    gap = Unseen(what="x", reason="unreachable", says="It was not read.")
    check = check_named(name)
    said = ask(name, also={Key(kind.__name__, side): gap for kind, side in check.needs})
    assert said and all(one is gap for one in said)


def connector(premises: Premises, **changes: object) -> r.IntraOrganizationConnector:
    return r.IntraOrganizationConnector(premises=premises, identity="IOC", **changes)  # type: ignore[arg-type]


def test_a_connector_to_a_partner_is_not_the_cloud_s() -> None:
    partner = connector(ON, target_address_domains=("fabrikam.com",), discovery_endpoint="https://mail.fabrikam.com/x")
    good = connector(ONLINE, target_address_domains=(DOMAIN,), discovery_endpoint="https://autodiscover.contoso.com/x")
    assert slugs(ask("sharing/connector-enabled", partner, good)) == ["missing"]
    assert slugs(ask("sharing/connector-target", partner, good)) == []


def test_a_wildcard_holds_what_is_below_it() -> None:
    wide = connector(ONLINE, target_address_domains=("*.com",), discovery_endpoint="https://autodiscover.contoso.com/x")
    assert "online-domain-missing" not in slugs(ask("sharing/connector-target", wide))


def test_one_good_relationship_is_enough() -> None:
    old = r.OrganizationRelationship(
        premises=ON, identity="old", domain_names=("contoso.onmicrosoft.com",), enabled=False
    )
    good = r.OrganizationRelationship(
        premises=ON,
        identity="new",
        domain_names=("contoso.mail.onmicrosoft.com",),
        target_autodiscover_epr="https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc/WSSecurity",
        target_application_uri="outlook.com",
        free_busy_access_enabled=True,
        free_busy_access_level="AvailabilityOnly",
    )
    assert slugs(ask("sharing/organization-relationship", old, good)) == ["online-missing"]


@pytest.mark.parametrize(
    ("cloud", "instance", "wrong"),
    [(WORLDWIDE, 0, False), (WORLDWIDE, 1, True), (CHINA, 1, False), (CHINA, 0, True), (GCC_HIGH, 3, False)],
)
def test_the_service_instance_fits_the_cloud(cloud: Cloud, instance: int, wrong: bool) -> None:
    record = r.HybridConfiguration(premises=ON, identity="H", domains=("autod:contoso.com",), service_instance=instance)
    assert slugs(ask("sharing/hybrid-configuration", record, cloud=cloud)) == ["wrong-service"] * wrong


def test_no_wizard_no_judgement() -> None:
    assert isinstance(ask("sharing/hybrid-configuration")[0], NotApplicable)
    assert ask("sharing/federation-trust") == []


def test_names_that_were_not_exported_are_not_judged() -> None:
    principal = r.ServicePrincipal(premises=ONLINE, identity="00000002-0000-0ff1-ce00-000000000000")
    said = ask("oauth/service-principal-names", principal)
    assert len(said) == 1 and isinstance(said[0], Unseen)
    assert isinstance(ask("oauth/service-principal-names")[0], NotApplicable)


def outcome(premises: Premises, result: str, detail: str = "") -> p.OAuthTestProbe:
    return p.OAuthTestProbe(premises=premises, identity="Checking", result_type=result, detail=detail)


def test_success_is_success_whatever_the_trace_says() -> None:
    harmless = "The SMTP address has no mailbox associated with it. (401)"
    assert ask("oauth/test-connectivity", outcome(ON, "Success", harmless)) == []
    assert isinstance(ask("oauth/test-connectivity")[0], NotApplicable)


def test_each_side_is_told_by_its_own_words() -> None:
    said = ask(
        "oauth/test-connectivity",
        outcome(ON, "Error", "AADSTS50012 ... The key was not found."),
        outcome(ONLINE, "Error", "2000003;reason=\"The audience claim value is invalid 'aud'.\""),
    )
    assert slugs(said) == ["key-not-found", "audience-refused"]
    assert slugs(ask("oauth/test-connectivity", outcome(ON, "Error", "words of tomorrow"))) == ["unknown-failure"]


def mailbox(premises: Premises, address: str) -> r.Mailbox:
    return r.Mailbox(premises=premises, identity=address, user_principal_name=address)


@pytest.mark.parametrize(
    ("code", "number", "slug"),
    [
        ("ErrorMailRecipientNotFound", 5009, "recipient-unknown"),
        ("ErrorAutoDiscoverFailed", 0, "autodiscover-failed"),
        ("ErrorProxyRequestProcessingFailed", 5037, "no-relationship"),
        ("ErrorProxyRequestProcessingFailed", 0, "request-failed"),
        ("ErrorNoFreeBusyAccess", 0, "no-access"),
        ("ErrorOfTomorrow", 0, "other-error"),
    ],
)
@pytest.mark.parametrize(("asked_at", "lies"), [(ON, ONLINE), (ONLINE, ON)])
def test_codes_of_free_busy(code: str, number: int, slug: str, asked_at: Premises, lies: Premises) -> None:
    probe = p.FreeBusyProbe(
        premises=asked_at, identity=ADA, mailbox=ADA, code=code, exception_code=number, message="It failed."
    )
    assert slugs(ask("free_busy/lookup", probe, mailbox(lies, ADA), box=ADA)) == [slug]


def test_free_busy_that_nobody_was_asked_for() -> None:
    assert isinstance(ask("free_busy/lookup", mailbox(ON, ADA), box=ADA)[0], NotApplicable)
    shown = p.FreeBusyProbe(premises=ON, identity=LINUS, mailbox=LINUS)
    assert ask("free_busy/lookup", shown, mailbox(ONLINE, LINUS), box=LINUS) == []


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"status": 200, "server_version": (15, 2, 1, 1)}, []),
        ({"status": 200, "server_version": (15, 0, 1497, 2)}, ["legacy-server"]),
        ({"status": 500, "fault_code": "ErrorInvalidServerVersion"}, ["version-refused"]),
        ({"status": 200, "body": "cut"}, ["answer-cut"]),
        ({"status": 200, "body": "foreign", "beginning": "<html>"}, ["answer-foreign"]),
        ({"status": 200, "body": "empty"}, ["answer-empty"]),
        ({"status": 403, "body": "foreign"}, []),
    ],
)
def test_answers_of_the_public_address(changes: dict[str, object], slug: list[str]) -> None:
    probe = p.EwsEndpointProbe(premises=ON, identity="https://mail.contoso.com/EWS/Exchange.asmx", **changes)  # type: ignore[arg-type]
    server = r.ExchangeServer(premises=ON, identity="EX1", admin_display_version="Version 15.2 (Build 1544.4)")
    assert slugs(ask("ews/endpoint-answer", probe, server)) == slug


@pytest.mark.parametrize(
    ("oauth", "federation", "wanted"), [(True, True, 0), (None, None, 0), (False, True, 1), (False, False, 2)]
)
def test_offers_of_autodiscover(oauth: bool | None, federation: bool | None, wanted: int) -> None:
    probe = p.AutodiscoverOfferProbe(
        premises=ON, identity="https://autodiscover.contoso.com/", oauth_enabled=oauth, ws_security_enabled=federation
    )
    assert len(slugs(ask("oauth/autodiscover-offers", probe))) == wanted


@pytest.mark.parametrize(("status", "wanted"), [(200, []), (404, []), (403, []), (503, ["unhealthy"])])
def test_health_pages(status: int, wanted: list[str]) -> None:
    probe = p.HealthPageProbe(premises=ON, identity="https://mail.contoso.com/ews/healthcheck.htm", status=status)
    assert slugs(ask("platform/health-pages", probe)) == wanted
