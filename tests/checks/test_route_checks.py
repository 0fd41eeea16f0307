"""The route of Autodiscover V2 and the Bearer challenge: what an answer means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hybridge.checks.base import Saying
from hybridge.evidence import Unseen
from hybridge.findings import Finding
from hybridge.lab.contoso import EWS_URL, TENANT_ID
from hybridge.org import probes as p
from hybridge.org.organization import Organization
from hybridge.org.records import (
    AuthServer,
    Mailbox,
    WebServicesVirtualDirectory,
)
from hybridge.plan import Change, Manual
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
Fold = Callable[[Saying, Organization], Organization]
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ROUTE, CHALLENGE = "autodiscover/v2-route", "oauth/bearer-challenge"
ADA = "ada@contoso.com"
CLOUD = "https://outlook.office365.com/autodiscover/autodiscover.json?Email=ada@contoso.com&Protocol=EWS"
OWN = "https://autodiscover.contoso.com/autodiscover/autodiscover.json?Email=ada@contoso.com&Protocol=EWS"
LOGIN = "https://autodiscover.contoso.com/my.policy"


# Autodiscover V2 ------------------------------------------------------------------------------------------------------


def route(organization: Organization, *protocols: str, **values: object) -> Organization:
    """``values`` for the route of ada, for ``protocols`` or all."""
    return organization.edit(
        p.AutodiscoverV2Probe,
        lambda one: one.mailbox == ADA and one.protocol in (protocols or ("EWS", "REST", "AutodiscoverV1")),
        **{"url": "", **values},
    )


@pytest.mark.parametrize(
    ("status", "code", "hops", "cause"),
    [
        (404, "not-json", (CLOUD, OWN), "not-published"),
        (403, "not-json", (CLOUD, OWN), "not-published"),
        (200, "not-json", (CLOUD, OWN), "pre-authenticated"),
        (401, "not-json", (CLOUD, OWN), "pre-authenticated"),
        (407, "not-json", (CLOUD, OWN), "pre-authenticated"),
        (302, "foreign-redirect", (CLOUD, OWN), "pre-authenticated"),
        (404, "not-json", (CLOUD, OWN, LOGIN), "pre-authenticated"),
        (200, "not-json", (CLOUD, OWN, LOGIN), "pre-authenticated"),
        (302, "foreign-redirect", (CLOUD,), "no-route"),
        (404, "not-json", (CLOUD,), "no-route"),
        (302, "redirect-loop", (CLOUD, OWN), "no-route"),
        (302, "not-https", (CLOUD, OWN), "no-route"),
        (0, "unreachable", (CLOUD, OWN), "no-route"),
        (0, "name-not-found", (CLOUD, OWN), "no-route"),
        (503, "not-json", (CLOUD, OWN), "no-route"),
        (400, "UserNotFound", (CLOUD, OWN), "no-route"),
        (404, "MailboxNotFound", (CLOUD, OWN), "no-route"),
        (400, "InvalidProtocol", (CLOUD, OWN), "protocol-unknown"),
        (200, "ProtocolNotSupported", (CLOUD, OWN), "protocol-unknown"),
        (0, "", (), "no-route"),
    ],
)
def test_how_a_route_ends(
    causes: Causes, healthy: Organization, status: int, code: str, hops: tuple[str, ...], cause: str
) -> None:
    assert causes(ROUTE, route(healthy, status=status, error_code=code, hops=hops)) == [cause]


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("https://outlook.office365.com/EWS/Exchange.asmx", "routed-online"),
        ("https://outlook.office.com/api", "routed-online"),
        ("https://eas.outlook.com/EWS/Exchange.asmx", "routed-online"),
        ("https://outlook.office365.us/EWS/Exchange.asmx", "routed-online"),
        ("https://partner.outlook.cn/EWS/Exchange.asmx", "routed-online"),
        ("http://mail.contoso.com/EWS/Exchange.asmx", "no-route"),
        ("https://notoutlook.com.contoso.com/EWS/Exchange.asmx", None),
    ],
)
def test_where_a_route_leads(causes: Causes, healthy: Organization, url: str, cause: str | None) -> None:
    assert causes(ROUTE, route(healthy, url=url)) == ([cause] if cause else [])


def test_protocols_with_the_same_end_are_one_finding(look: Look, healthy: Organization) -> None:
    (found,) = look(ROUTE, route(healthy, status=404, error_code="not-json", hops=(CLOUD, OWN)))
    assert isinstance(found, Finding)
    assert found.facts["protocols"] == "EWS, REST, AutodiscoverV1"
    assert found.facts["host"] == "autodiscover.contoso.com"
    assert len(found.symptoms) == len(set(found.symptoms)) == 3


def test_rest_alone_is_about_presence(look: Look, healthy: Organization) -> None:
    (found,) = look(ROUTE, route(healthy, "REST", status=400, error_code="InvalidProtocol", hops=(CLOUD, OWN)))
    assert isinstance(found, Finding)
    assert found.symptoms == (Symptom.PRESENCE_STUCK,)


def test_no_answer_may_be_a_firewall(look: Look, healthy: Organization) -> None:
    (found,) = look(ROUTE, route(healthy, status=0, error_code="unreachable", hops=(CLOUD, OWN)))
    assert isinstance(found, Finding) and "firewall" in found.says


def test_a_protocol_that_was_not_asked_is_not_passed(causes: Causes, healthy: Organization) -> None:
    half = healthy.drop(*(one.address for one in healthy.all(p.AutodiscoverV2Probe) if one.protocol == "REST"))
    assert causes(ROUTE, half) == ["unseen"]


def blank(organization: Organization, *servers: str) -> Organization:
    return organization.edit(WebServicesVirtualDirectory, lambda one: one.server in servers, external_url="")


def test_a_blank_external_url_concerns_the_mailboxes_of_that_server(causes: Causes, healthy: Organization) -> None:
    broken = blank(healthy, "EX2")
    assert causes(ROUTE, broken) == []
    assert causes(ROUTE, broken, "alan@contoso.com") == ["external-url-blank"]


def test_a_blank_external_url_explains_whatever_the_route_shows(causes: Causes, healthy: Organization) -> None:
    broken = route(blank(healthy, "EX1"), status=200, error_code="not-json", hops=(CLOUD, OWN))
    assert causes(ROUTE, broken) == ["external-url-blank"]


def test_the_external_url_comes_from_the_other_servers(look: Look, changed: Fold, healthy: Organization) -> None:
    broken = blank(healthy, "EX1")
    (found,) = look(ROUTE, broken)
    assert changed(found, broken) == healthy


def test_the_external_url_comes_from_the_host_that_answers_for_rest(
    look: Look, changed: Fold, healthy: Organization
) -> None:
    broken = blank(healthy, "EX1", "EX2")
    (found,) = look(ROUTE, broken)
    first = changed(found, broken).all(WebServicesVirtualDirectory)[0]
    assert first.external_url == EWS_URL


def test_an_external_url_nobody_knows_is_left_to_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = route(blank(healthy, "EX1", "EX2"), status=404, error_code="not-json", hops=(CLOUD, OWN))
    (found,) = look(ROUTE, broken)
    assert isinstance(heal(found, broken), Manual)


def test_a_mailbox_whose_server_is_unknown_is_judged_by_every_server(causes: Causes, healthy: Organization) -> None:
    unknown = healthy.edit(Mailbox, lambda one: one.identity == ADA, server_name="")
    assert causes(ROUTE, blank(unknown, "EX2")) == ["external-url-blank"]


# The Bearer challenge -------------------------------------------------------------------------------------------------


def challenge(organization: Organization, **values: object) -> Organization:
    return organization.edit(p.BearerChallengeProbe, lambda _: True, **values)


def unread(organization: Organization, look: Look, **values: object) -> list[str]:
    """Causes found from the answer alone, the settings not being read."""
    kinds = ((WebServicesVirtualDirectory, ON), (AuthServer, ON))
    said = look(CHALLENGE, challenge(organization, **values), unseen=kinds)
    assert sum(isinstance(one, Unseen) for one in said) == 2
    return [one.cause for one in said if isinstance(one, Finding)]


ACS = apps.ACCESS_CONTROL_SERVICE
OTHER = "00000004-0000-0ff1-ce00-000000000000@contoso.com"


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"trusted_issuers": (f"{ACS}@*",)}, []),
        ({"trusted_issuers": (OTHER, f"{ACS.upper()}@{TENANT_ID.upper()}")}, []),
        ({"authorization_uri": ""}, []),
        ({"bearer": False}, ["oauth-off"]),
        ({"trusted_issuers": ()}, ["issuer-missing"]),
        ({"trusted_issuers": (OTHER,)}, ["issuer-missing"]),
        ({"trusted_issuers": (f"{ACS}@11111111-2222-3333-4444-555555555555",)}, ["wrong-tenant"]),
        ({"bearer": False, "status": 200, "reached_exchange": False}, ["not-exchange"]),
        ({"bearer": False, "status": 302, "reached_exchange": False}, ["not-exchange"]),
        ({"bearer": False, "status": 404, "reached_exchange": False}, ["not-exchange"]),
        ({"bearer": False, "status": 401, "reached_exchange": False}, ["not-exchange"]),
        ({"bearer": False, "status": 503}, ["unexpected-answer"]),
        ({"reached_exchange": False}, []),
    ],
)
def test_what_an_answer_alone_says(
    look: Look, healthy: Organization, values: dict[str, object], found: list[str]
) -> None:
    assert unread(healthy, look, **values) == found


@pytest.mark.parametrize("values", [{"bearer": False}, {"trusted_issuers": ()}])
def test_right_settings_with_a_wrong_answer_have_not_taken_effect(
    causes: Causes, healthy: Organization, values: dict[str, object]
) -> None:
    assert causes(CHALLENGE, challenge(healthy, **values)) == ["not-effective"]


def test_what_the_settings_say_is_not_said_again(causes: Causes, healthy: Organization) -> None:
    off = healthy.edit(WebServicesVirtualDirectory, lambda one: one.server == "EX2", oauth_authentication=False)
    assert causes(CHALLENGE, off) == ["oauth-off"]
    assert causes(CHALLENGE, challenge(off, bearer=False)) == ["oauth-off"]


def test_oauth_that_was_not_exported_is_not_off(causes: Causes, healthy: Organization) -> None:
    assert causes(CHALLENGE, healthy.edit(WebServicesVirtualDirectory, oauth_authentication=None)) == []


@pytest.mark.parametrize(
    ("kind", "felt"),
    [
        ("MicrosoftACS", (Symptom.DELEGATE_CANNOT_SCHEDULE,)),
        ("AzureAD", (Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK)),
    ],
)
def test_both_kinds_of_issuer_are_needed(
    look: Look, heal: Heal, changed: Fold, healthy: Organization, kind: str, felt: tuple[Symptom, ...]
) -> None:
    off = healthy.edit(AuthServer, lambda one: one.type == kind, enabled=False)
    (found,) = look(CHALLENGE, off)
    assert isinstance(found, Finding)
    assert (found.cause, found.symptoms) == ("issuer-missing", felt)
    assert changed(found, off) == healthy
    gone = healthy.drop(*(one.address for one in healthy.all(AuthServer) if one.type == kind))
    (found,) = look(CHALLENGE, gone)
    assert isinstance(found, Finding) and found.cause == "issuer-missing"
    assert isinstance(heal(found, gone), Manual)


def test_trust_in_another_tenant_is_never_changed(look: Look, heal: Heal, healthy: Organization) -> None:
    moved = healthy.edit(AuthServer, realm="11111111-2222-3333-4444-555555555555")
    said = look(CHALLENGE, moved)
    assert {one.cause for one in said if isinstance(one, Finding)} == {"wrong-tenant"}
    for one in said:
        cure = heal(one, moved)
        assert isinstance(cure, Manual) and TENANT_ID in cure.says


def test_without_a_tenant_id_the_tenant_is_not_passed(causes: Causes, healthy: Organization) -> None:
    assert causes(CHALLENGE, healthy, tenant_id="") == ["unseen"]
