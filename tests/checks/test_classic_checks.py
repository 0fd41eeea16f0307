"""Classic Autodiscover and Outlook: what each answer and setting is taken for."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.checks.classic_probes import MAPI_URL, POX_URL, name, pox, soap, step
from tests.checks.conftest import NOW, Look

from hybridge.checks.registry import check_named
from hybridge.evidence import Unseen, complete
from hybridge.findings import ORGANIZATION, Finding
from hybridge.lab.contoso import AUTODISCOVER_HOST, DOMAIN, EWS_URL, MAIL_HOST
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import Address
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA = "ada@contoso.com"
SERVICE = f"_autodiscover._tcp.{DOMAIN}"
PLAIN = f"http://{AUTODISCOVER_HOST}/autodiscover/autodiscover.xml"
ROOT = f"https://{DOMAIN}/autodiscover/autodiscover.xml"
Causes = Callable[..., list[str]]
NOTHING: dict[str, object] = {"schemes": (), "reached_exchange": False}
DOWN = NOTHING | {"status": 0, "reason": "unreachable", "says": "Nothing listens there."}


@pytest.mark.parametrize(
    ("probes", "expected"),
    [
        ((), []),
        ((step("host", POX_URL, status=404, **NOTHING),), ["nothing-answers"]),
        ((step("host", POX_URL, **DOWN),), ["unseen"]),
        ((step("host", POX_URL, **DOWN), step("root", ROOT)), []),
        ((step("host", POX_URL, **DOWN), step("srv", f"https://{MAIL_HOST}/autodiscover/autodiscover.xml")), []),
        ((step("host", POX_URL, **DOWN), name(AUTODISCOVER_HOST, "A", reason="name-not-found")), ["no-record"]),
    ],
)
def test_published(healthy: Organization, causes: Causes, probes: tuple[r.Record, ...], expected: list[str]) -> None:
    assert causes("autodiscover/published", healthy.put(*probes)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"status": 404} | NOTHING, ["target-unusable"]),
        (DOWN, ["target-unusable"]),
        (NOTHING | {"status": 0, "reason": "certificate", "says": "Not trusted."}, ["target-unusable"]),
    ],
)
def test_srv_record(healthy: Organization, causes: Causes, facts: dict[str, object], expected: list[str]) -> None:
    target = f"https://{MAIL_HOST}/autodiscover/autodiscover.xml"
    published = healthy.put(name(SERVICE, "SRV", f"0 0 443 {MAIL_HOST}."), step("srv", target, **facts))
    assert causes("autodiscover/srv-record", published) == expected
    assert causes("autodiscover/srv-record", healthy) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"status": 200, "page": True} | NOTHING, ["foreign-site"]),
        ({"status": 200, "schemes": (), "reached_exchange": True}, []),
        ({"status": 301} | NOTHING, []),
        (NOTHING | {"status": 0, "reason": "certificate", "says": "For another name."}, ["foreign-certificate"]),
        (DOWN, []),
        ({}, []),
    ],
)
def test_root_domain(healthy: Organization, causes: Causes, facts: dict[str, object], expected: list[str]) -> None:
    assert causes("autodiscover/root-domain", healthy.put(step("root", ROOT, **facts))) == expected


@pytest.mark.parametrize(
    ("status", "expected"), [(200, ["positive-answer"]), (403, ["ssl-required"]), (302, []), (404, []), (0, [])]
)
def test_plain_http(healthy: Organization, causes: Causes, status: int, expected: list[str]) -> None:
    answered = healthy.put(step("redirect", PLAIN, **(NOTHING | {"status": status})))
    assert causes("autodiscover/plain-http", answered) == expected


def test_redirect_only(healthy: Organization, causes: Causes) -> None:
    there = f"https://{MAIL_HOST}/autodiscover/autodiscover.xml"
    redirected = (step("redirect", PLAIN, **(NOTHING | {"status": 302, "location": there})), step("redirected", there))
    check = "autodiscover/redirect-only"
    assert causes(check, healthy.put(*redirected)) == []
    for down in (DOWN, NOTHING | {"status": 404}):
        assert causes(check, healthy.put(*redirected, step("host", POX_URL, **down))) == ["only-by-plain-redirect"]
    assert causes(check, healthy.put(*redirected, step("host", POX_URL, **DOWN), step("srv", there))) == []
    assert causes(check, healthy.put(redirected[0], step("host", POX_URL, **DOWN))) == []


@pytest.mark.parametrize(
    ("facts", "answer", "redirects"),
    [
        ({"outcome": "online"}, [], []),
        ({"outcome": "error", "error_code": 500}, ["address-unknown"], []),
        ({"outcome": "error", "error_code": 603}, ["provider-error"], []),
        ({"outcome": "error", "error_code": 0}, ["provider-error"], []),
        ({"outcome": "not-autodiscover"}, ["not-autodiscover"], []),
        ({"outcome": "nothing-to-ask", "hops": ()}, ["nothing-to-ask"], []),
        ({"outcome": "redirect-loop", "redirect_address": ADA}, [], ["redirect-loop"]),
        ({"outcome": "not-https"}, [], ["not-https"]),
        ({"outcome": "foreign-redirect"}, [], ["foreign-redirect"]),
    ],
)
def test_pox_answers(
    healthy: Organization, causes: Causes, facts: dict[str, object], answer: list[str], redirects: list[str]
) -> None:
    organization = healthy.put(pox(ADA, protocols=(), **facts))
    assert causes("autodiscover/classic-answer", organization) == answer
    assert causes("autodiscover/classic-redirects", organization) == redirects
    assert causes("outlook/pox-settings", organization) == []


def test_nothing_to_ask_because_nobody_answered_is_unknown(healthy: Organization, causes: Causes) -> None:
    organization = healthy.put(pox(ADA, outcome="nothing-to-ask"), step("host", POX_URL, **DOWN))
    assert causes("autodiscover/classic-answer", organization) == ["unseen"]
    organization = organization.put(soap(ADA, url="", code=""))
    assert causes("autodiscover/soap-settings", organization) == ["unseen"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"code": "RedirectAddress", "external_ews_url": ""}, []),
        ({"code": "InvalidUser"}, ["refused"]),
        ({"code": ""}, ["not-soap"]),
        ({"external_ews_url": ""}, ["ews-address-missing"]),
        ({"external_ews_url": EWS_URL.replace("https", "http")}, ["ews-address-not-public"]),
        ({"external_ews_url": "https://ex1/EWS/Exchange.asmx"}, ["ews-address-not-public"]),
        ({"external_ews_url": "https://ex1.contoso.local/EWS/Exchange.asmx"}, ["ews-address-not-public"]),
    ],
)
def test_soap(healthy: Organization, causes: Causes, facts: dict[str, object], expected: list[str]) -> None:
    assert causes("autodiscover/soap-settings", healthy.put(soap(ADA, **facts))) == expected


def test_url_agreement(healthy: Organization, causes: Causes) -> None:
    check, other = "autodiscover/url-agreement", f"https://{AUTODISCOVER_HOST}/EWS/Exchange.asmx"
    assert causes(check, healthy.put(soap(ADA, external_ews_url=other))) == ["answers-differ"]
    assert causes(check, healthy.put(soap(ADA, external_ews_url=EWS_URL.upper()))) == []
    expr = p.PoxProtocol(type="EXPR", ews_url=other)
    assert causes(check, healthy.put(pox(ADA, protocols=(expr,)))) == ["answers-differ"]
    assert causes(check, healthy, "linus@contoso.com") == ["not-applicable"]


def test_servers_that_differ(healthy: Organization, look: Look, changed: Callable[..., Organization]) -> None:
    last = healthy.all(r.WebServicesVirtualDirectory, ON)[-1]
    differs = healthy.put(msgspec.structs.replace(last, external_url=f"https://{AUTODISCOVER_HOST}/EWS/Exchange.asmx"))
    (finding,) = look("autodiscover/external-urls", differs)
    assert isinstance(finding, Finding) and finding.address == last.address
    assert changed(finding, differs) == healthy
    assert look("autodiscover/external-urls", healthy.edit(r.WebServicesVirtualDirectory, external_url="")) == []


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("", ["blank"]),
        ("http://autodiscover.contoso.com/Autodiscover/Autodiscover.xml", ["not-https"]),
        ("https://old.contoso.com/Autodiscover/Autodiscover.xml", ["foreign-host"]),
        ("https://EX2.contoso.com/Autodiscover/Autodiscover.xml", []),
        ("https://mail.contoso.com/Autodiscover/Autodiscover.xml", []),
    ],
)
def test_service_connection_point(healthy: Organization, causes: Causes, uri: str, expected: list[str]) -> None:
    last = healthy.all(r.ClientAccessService, ON)[-1]
    organization = healthy.put(msgspec.structs.replace(last, auto_discover_service_internal_uri=uri))
    assert causes("autodiscover/service-connection-point", organization) == expected


def test_with_no_good_connection_point_the_usual_name_is_proposed(
    healthy: Organization, look: Look, changed: Callable[..., Organization]
) -> None:
    blank = healthy.edit(r.ClientAccessService, auto_discover_service_internal_uri="")
    findings = look("autodiscover/service-connection-point", blank)
    assert len(findings) == 2
    for finding in findings:
        blank = changed(finding, blank)
    wanted = f"https://{AUTODISCOVER_HOST}/Autodiscover/Autodiscover.xml"
    assert {one.auto_discover_service_internal_uri for one in blank.all(r.ClientAccessService, ON)} == {wanted}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", ["inside-view"]),
        ("172.31.0.1", ["inside-view"]),
        ("172.32.0.1", []),
        ("203.0.113.9", []),
        ("x", []),
    ],
)
def test_split_dns(healthy: Organization, causes: Causes, address: str, expected: list[str]) -> None:
    assert causes("autodiscover/split-dns", healthy.put(name(AUTODISCOVER_HOST, "A", address))) == expected
    assert causes("autodiscover/split-dns", healthy.put(name(DOMAIN, "A", address))) == []


EXCH = p.PoxProtocol(type="EXCH", ews_url=EWS_URL)
EXPR = p.PoxProtocol(type="EXPR", auth_package="Ntlm", ews_url=EWS_URL)
MAPI = p.PoxProtocol(type="mapiHttp", mapi_url=MAPI_URL)


@pytest.mark.parametrize(
    ("protocols", "expected"),
    [
        ((EXCH, EXPR, MAPI), []),
        ((EXPR, MAPI), ["exch-missing"]),
        ((EXCH, MAPI), ["expr-missing"]),
        ((EXCH, p.PoxProtocol(type="EXPR"), MAPI), ["auth-package-missing"]),
        ((EXCH, EXPR), ["mapi-http-missing"]),
        ((EXCH, EXPR, p.PoxProtocol(type="mapiHttp")), ["mapi-http-missing"]),
        ((p.PoxProtocol(type="EXCH"), p.PoxProtocol(type="EXPR", auth_package="Ntlm"), MAPI), ["ews-address-missing"]),
        ((), ["exch-missing", "expr-missing", "mapi-http-missing", "ews-address-missing"]),
    ],
)
def test_pox_settings(
    healthy: Organization, causes: Causes, protocols: tuple[p.PoxProtocol, ...], expected: list[str]
) -> None:
    assert causes("outlook/pox-settings", healthy.put(pox(ADA, protocols=protocols))) == expected


def test_mapi_allowed(healthy: Organization, causes: Causes) -> None:
    check = "outlook/mapi-allowed"
    assert causes(check, healthy.edit(r.CasMailbox, mapi_enabled=None, mapi_http_enabled=True)) == []
    off = healthy.edit(r.CasMailbox, mapi_enabled=False, mapi_http_enabled=False)
    assert causes(check, off) == ["mapi-disabled"]
    assert causes(check, healthy.drop(Address("CasMailbox", ON, ADA))) == ["unseen"]


def test_the_first_server_without_a_host_is_told_another_s(healthy: Organization, look: Look) -> None:
    first = healthy.all(r.OutlookAnywhere, ON)[0]
    says = look("outlook/outlook-anywhere", healthy.put(msgspec.structs.replace(first, external_hostname="")))
    assert [one.facts["host"] for one in says if isinstance(one, Finding)] == [MAIL_HOST]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"status": 404, "server_application": ""} | NOTHING, ["not-published"]),
        ({"status": 200, "server_application": ""} | NOTHING, ["pre-authenticated"]),
        (
            {"status": 401, "server_application": "", "schemes": ("basic",), "reached_exchange": False},
            ["pre-authenticated"],
        ),
        ({"status": 401, "schemes": (), "reached_exchange": True}, ["no-sign-in-offered"]),
        ({"status": 503, "schemes": (), "reached_exchange": True}, ["unexpected-answer"]),
        ({"status": 401, "schemes": ("ntlm",), "reached_exchange": False, "server_application": "Exchange/15.2"}, []),
        ({"status": 0, "reason": "unreachable", "says": "Nothing listens."}, ["unseen"]),
    ],
)
def test_mapi_answers(healthy: Organization, causes: Causes, facts: dict[str, object], expected: list[str]) -> None:
    probe = p.MapiProbe(premises=ON, identity=MAPI_URL, **facts)  # type: ignore[arg-type]
    assert causes("outlook/mapi-answer", healthy.put(probe)) == expected


def test_a_blank_url_nobody_knows_is_told_by_hand(
    healthy: Organization, look: Look, heal: Callable[..., object]
) -> None:
    blank = healthy.edit(r.MapiVirtualDirectory, external_url="")
    findings = [one for one in look("outlook/mapi-answer", blank) if isinstance(one, Finding)]
    assert [one.cause for one in findings] == ["external-url-blank"] * 2
    assert "no other server" in str(heal(findings[0], blank))


@pytest.mark.parametrize(
    ("principal", "subject", "names", "expected"),
    [
        (f"msstd:{MAIL_HOST}", MAIL_HOST, (MAIL_HOST,), []),
        ("", MAIL_HOST, (MAIL_HOST,), []),
        ("none", "x.example", ("x.example",), []),
        ("MSSTD:Mail.Contoso.com", MAIL_HOST, (MAIL_HOST,), []),
        (f"msstd:{MAIL_HOST}", "gateway.contoso.com", ("gateway.contoso.com", MAIL_HOST), ["alternative-name-only"]),
        ("msstd:owa.contoso.com", MAIL_HOST, (MAIL_HOST,), ["name-not-in-certificate"]),
        ("msstd:mail.contoso.com", "*.contoso.com", ("*.contoso.com",), []),
        ("msstd:*.contoso.com", "*.contoso.com", ("*.contoso.com",), []),
        ("msstd:*.contoso.com", MAIL_HOST, (MAIL_HOST,), ["name-not-in-certificate"]),
        (f"msstd:{MAIL_HOST}", "", (MAIL_HOST,), []),
        (f"msstd:{MAIL_HOST}", MAIL_HOST, (), ["unseen"]),
    ],
)
def test_mutual_authentication(
    healthy: Organization, principal: str, subject: str, names: tuple[str, ...], expected: list[str]
) -> None:
    look = p.PublishedHostProbe(premises=ON, identity=MAIL_HOST, verification="good", names=names, subject=subject)
    organization = healthy.edit(
        r.OutlookProvider, lambda one: one.identity == "EXPR", cert_principal_name=principal
    ).put(look)
    assert mutual(organization) == expected
    refused = organization.put(msgspec.structs.replace(look, verification="expired"))
    assert mutual(refused) == ([] if names else ["unseen"])


def mutual(organization: Organization) -> list[str]:
    """What is said of the principal name once everything it needs was read."""
    check = check_named("outlook/mutual-authentication")
    sayings = check.find(complete(organization, check.needs, NOW, domain=DOMAIN), ORGANIZATION)
    return [one.cause if isinstance(one, Finding) else type(one).__name__.lower() for one in sayings]


def test_without_an_external_host_nothing_is_expected(healthy: Organization) -> None:
    assert mutual(healthy.edit(r.OutlookAnywhere, external_hostname="")) == ["notapplicable"]


def test_gaps_name_the_address(healthy: Organization, look: Look) -> None:
    (gap,) = look("autodiscover/published", healthy.put(step("host", POX_URL, **DOWN)))
    assert isinstance(gap, Unseen)
    assert POX_URL in gap.what and gap.how
