"""The Exchange apps of the lab, asked directly: the edge, Autodiscover V2, the metadata, EWS and REST."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from hybridge.lab.apps import router
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.keepings import kept
from hybridge.lab.apps.tokens import TEAMS_MIDDLE_TIER, mint
from hybridge.lab.contoso import TENANT_ID, AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_v2, exchange_rest, oauth
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.ews import envelope, get_delegate, get_folder, get_user_availability, get_user_oof_settings
from hybridge.wire.ews.faults import EwsFault
from hybridge.wire.ews.free_busy_view import FreeBusy
from hybridge.wire.oauth_documents import ask_metadata
from hybridge.wire.xml import parse_xml

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, GRACE, ALAN, LINUS = "ada@contoso.com", "grace@contoso.com", "alan@contoso.com", "linus@contoso.com"
MAIL = "mail.contoso.com"
EWS = f"https://{MAIL}/EWS/Exchange.asmx"
OUR_AGENT = "hybridge/0.1"
SCHEDULER_AGENT = "SchedulingService/1.0"
EXCHANGE_HEADERS = ("request-id", "x-feserver")


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def estate() -> Estate:
    certificate = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
    lab = Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate, randomness=random.Random(1))
    kept(lab).signing_key = signing_key()
    return lab


def send(estate: Estate, ask: HttpAsk, principal: str = "", **headers: str) -> HttpAnswer:
    """One ask, answered by the app of its host; ``headers`` are added with "-" for "_"."""
    url = urlsplit(ask.url)
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(
        method=ask.method,
        host=url.hostname or "",
        path=url.path,
        query=dict(parse_qsl(url.query)),
        headers={**{name.lower(): value for name, value in ask.headers}, **more},
        body=ask.body,
        principal=principal,
    )
    return router.answer(estate, request)


def get(url: str, *headers: tuple[str, str]) -> HttpAsk:
    return HttpAsk(method="GET", url=url, headers=headers)


def reached_exchange(answer: HttpAnswer) -> bool:
    return all(answer.header(name) for name in EXCHANGE_HEADERS)


def user_token(estate: Estate, user: str = ADA, host: str = MAIL) -> str:
    return f"Bearer {mint(estate, TEAMS_MIDDLE_TIER, f'https://{host}/', user)}"


# The edge


def answered_by(estate: Estate, word: str, path: str = "/ews") -> None:
    estate.organization = estate.organization.edit(r.PublishedPath, lambda one: one.path == path, answered_by=word)


@pytest.mark.parametrize(("word", "status"), [("nothing-there", 404), ("denied", 403), ("login-page", 200)])
def test_the_edge_answers_without_exchanges_headers(estate: Estate, word: str, status: int) -> None:
    answered_by(estate, word)
    answer = send(estate, get(EWS))
    assert (answer.status, reached_exchange(answer)) == (status, False)
    assert answer.header("content-type").startswith("text/html")


def test_a_browser_is_sent_to_the_login_page(estate: Estate) -> None:
    answered_by(estate, "login-page")
    answer = send(estate, get(EWS, ("Accept", "text/html")))
    assert answer.status == 302
    page = send(estate, get(answer.header("location"), ("Accept", "text/html")))
    assert (page.status, reached_exchange(page)) == (200, False)
    assert b"<form" in page.body


def test_a_device_that_refuses_an_agent_shows_no_exchange(estate: Estate) -> None:
    estate.organization = estate.organization.edit(r.PublishedPath, refused_user_agents=("*SchedulingService*",))
    refused = send(estate, get(EWS), user_agent=SCHEDULER_AGENT)
    assert (refused.status, reached_exchange(refused)) == (403, False)
    assert send(estate, get(EWS), user_agent="Outlook").status == 401


def test_inside_there_is_no_edge(estate: Estate) -> None:
    answered_by(estate, "denied")
    answer = send(estate, get("https://ex2.contoso.com/EWS/Exchange.asmx"))
    assert (answer.status, answer.header("x-feserver")) == (401, "EX2")


def test_every_answer_of_exchange_has_its_headers(estate: Estate) -> None:
    first, second = (
        send(estate, get(EWS), x_anchormailbox=ALAN, client_request_id="mine", return_client_request_id="true")
        for _ in range(2)
    )
    assert first.header("request-id") != second.header("request-id")
    assert (first.header("x-feserver"), first.header("x-beserver")) == ("EX2", "EX2")
    assert first.header("client-request-id") == "mine"


def test_an_array_without_servers_is_unavailable(estate: Estate) -> None:
    estate.organization = Organization(one for one in estate.organization if not isinstance(one, r.ExchangeServer))
    assert send(estate, get(EWS)).status == 503


def test_small_pages(estate: Estate) -> None:
    health = send(estate, get(f"https://{MAIL}/ews/healthcheck.htm"))
    assert (health.status, b"EX1.CONTOSO.COM" in health.body) == (200, True)
    classic = get("https://autodiscover.contoso.com/autodiscover/autodiscover.xml")
    assert send(estate, classic).header("www-authenticate").startswith("Bearer")
    assert b"<ErrorCode>600</ErrorCode>" in send(estate, classic, principal=ADMINISTRATOR).body
    assert send(estate, get("https://ex1.contoso.com/ecp/")).status == 404
    assert send(estate, get("https://nowhere.example/")).status == 404


# Autodiscover V2


def discover(estate: Estate, host: str, mailbox: str, protocol: str = "EWS") -> object:
    return autodiscover_v2.read_answer(send(estate, autodiscover_v2.ask(host, mailbox, protocol)))


def test_the_route_from_the_cloud(estate: Estate) -> None:
    onward = discover(estate, "outlook.office365.com", ADA)
    assert isinstance(onward, autodiscover_v2.Redirected)
    assert urlsplit(onward.location).hostname == "autodiscover.contoso.com"
    assert "RedirectCount=1" in onward.location
    found = autodiscover_v2.read_answer(send(estate, autodiscover_v2.ask_location(onward.location)))
    assert found == autodiscover_v2.Found("EWS", EWS)


def test_the_path_form_of_the_question(estate: Estate) -> None:
    url = f"https://autodiscover.contoso.com/autodiscover/autodiscover.json/v1.0/{ADA}?Protocol=REST"
    found = autodiscover_v2.read_answer(send(estate, get(url)))
    assert found == autodiscover_v2.Found("REST", f"https://{MAIL}/api")


@pytest.mark.parametrize("host", ["outlook.office365.com", "autodiscover.contoso.com"])
def test_questions_nobody_can_answer(estate: Estate, host: str) -> None:
    for mailbox, protocol, code in (
        ("", "EWS", "MandatoryParameterMissing"),
        (ADA, "", "MandatoryParameterMissing"),
        ("nonsense", "EWS", "InvalidUserId"),
        ("ghost@fabrikam.com", "EWS", "UserNotFound"),
    ):
        refused = discover(estate, host, mailbox, protocol)
        assert isinstance(refused, autodiscover_v2.Refused)
        assert refused.error_code == code


def test_the_cloud_routes_its_own_and_exchange_sends_them_there(estate: Estate) -> None:
    cloud = autodiscover_v2.Found("EWS", "https://outlook.office365.com/EWS/Exchange.asmx")
    assert discover(estate, "outlook.office365.com", LINUS) == cloud
    sent = discover(estate, "autodiscover.contoso.com", LINUS)
    assert isinstance(sent, autodiscover_v2.Redirected)
    assert urlsplit(sent.location).hostname == "outlook.office365.com"


def test_a_mail_user_that_points_to_the_cloud_goes_in_circles(estate: Estate) -> None:
    estate.organization = estate.organization.edit(
        r.MailUser,
        lambda one: one.premises is ONLINE,
        external_email_address="ada@contoso.mail.onmicrosoft.com",
    )
    for host in ("outlook.office365.com", "autodiscover.contoso.mail.onmicrosoft.com"):
        sent = discover(estate, host, ADA)
        assert isinstance(sent, autodiscover_v2.Redirected)
        assert urlsplit(sent.location).hostname == "autodiscover.contoso.mail.onmicrosoft.com"


def test_an_old_server_has_no_autodiscover_v2(estate: Estate) -> None:
    estate.organization = estate.organization.edit(
        r.ExchangeServer, lambda one: one.identity == "EX2", admin_display_version="Version 15.0 (Build 1347.2)"
    )
    answer = send(estate, autodiscover_v2.ask("autodiscover.contoso.com", ALAN, "EWS"))
    assert (answer.status, reached_exchange(answer)) == (404, True)
    assert isinstance(discover(estate, "autodiscover.contoso.com", ADA), autodiscover_v2.Found)


# OAuth in public


def test_the_challenge_and_the_metadata(estate: Estate) -> None:
    offered = oauth.read_challenge(send(estate, get(EWS)).header_all("www-authenticate"))
    assert offered.bearer
    assert offered.tenant_ids == (TENANT_ID,)
    document = oauth.read_metadata(send(estate, ask_metadata("autodiscover.contoso.com")).body)
    assert isinstance(document, oauth.Metadata)
    assert document.issuer == f"{apps.EXCHANGE_ONLINE}@contoso.com"


def test_the_metadata_publishes_the_certificate(estate: Estate) -> None:
    der = b"0\x82 a certificate"
    estate.organization = estate.organization.edit(r.ExchangeCertificate, raw_data=der)
    document = oauth.read_metadata(send(estate, ask_metadata("autodiscover.contoso.com")).body)
    assert isinstance(document, oauth.Metadata)
    assert document.certificates == (der,)


def test_without_oauth_there_is_no_bearer(estate: Estate) -> None:
    estate.organization = estate.organization.edit(r.WebServicesVirtualDirectory, oauth_authentication=False)
    answer = send(estate, get(EWS))
    assert (answer.status, answer.header_all("www-authenticate")) == (401, ())
    assert send(estate, get(EWS), authorization=user_token(estate)).status == 401
    rest = send(estate, exchange_rest.ask_root(MAIL))
    assert rest.header("www-authenticate").startswith("Bearer"), "the REST API has a virtual directory of its own"


def test_a_refused_token_is_told_why(estate: Estate) -> None:
    answer = send(estate, get(EWS), authorization=user_token(estate, host="other.contoso.com"))
    assert answer.status == 401
    assert oauth.read_diagnostics(answer.header("x-ms-diagnostics")).category == "invalid_resource"
    assert oauth.read_challenge(answer.header_all("www-authenticate")).error == "invalid_token"
    rubbish = send(estate, get(EWS), authorization="Bearer rub.bi.sh")
    assert oauth.read_diagnostics(rubbish.header("x-ms-diagnostics")).category == "invalid_signature"
    empty = send(estate, get(EWS), authorization="Bearer")
    assert (empty.status, empty.header("x-ms-diagnostics")) == (401, "")


def test_ews_in_the_cloud_lets_nobody_in(estate: Estate) -> None:
    answer = send(estate, get("https://outlook.office365.com/EWS/Exchange.asmx"))
    assert answer.status == 401
    assert oauth.read_challenge(answer.header_all("www-authenticate")).tenant_ids == ("*",)
    assert send(estate, get("https://outlook.office365.com/other")).status == 404


# EWS

DELEGATES = get_delegate.write_request(get_delegate.Request(ADA))
CALENDAR = get_folder.write_request(get_folder.calendar_of(ADA))
DAY = get_user_availability.write_request(get_user_availability.Request((ADA, ALAN), NOW, NOW + timedelta(days=1)))
REPLIES = get_user_oof_settings.write_request(get_user_oof_settings.Request(ADA))


def ews(
    estate: Estate,
    body: str,
    principal: str = ADMINISTRATOR,
    agent: str = OUR_AGENT,
    impersonate: str = "",
    authorization: str = "",
) -> HttpAnswer:
    ask = envelope.ask(EWS, body, user_agent=agent, impersonate=impersonate)
    return send(estate, ask, principal, **({"authorization": authorization} if authorization else {}))


def test_the_administrator_reads_everything(estate: Estate) -> None:
    delegates = get_delegate.read_answer(ews(estate, DELEGATES))
    assert isinstance(delegates, get_delegate.Response)
    assert delegates.delegates == (get_delegate.Delegate(GRACE, "Editor", display_name="Grace Hopper"),)
    folder = get_folder.read_answer(ews(estate, CALENDAR))
    assert isinstance(folder, get_folder.Response)
    assert folder.code == "NoError"
    day = get_user_availability.read_answer(ews(estate, DAY))
    assert isinstance(day, get_user_availability.Response)
    assert [type(one) for one in day.answers] == [FreeBusy, FreeBusy]
    replies = get_user_oof_settings.read_answer(ews(estate, REPLIES))
    assert isinstance(replies, get_user_oof_settings.Response)
    assert replies.oof_state == "Disabled"


@pytest.mark.parametrize("body", [DELEGATES, CALENDAR, DAY, REPLIES], ids=["delegates", "folder", "day", "replies"])
def test_the_administrator_impersonates(estate: Estate, body: str) -> None:
    opened = envelope.read_body(ews(estate, body, impersonate=ADA))
    assert not isinstance(opened, EwsFault | Failure)


def test_the_version_is_of_the_server_that_holds_the_mailbox(estate: Estate) -> None:
    estate.organization = estate.organization.edit(
        r.ExchangeServer, lambda one: one.identity == "EX2", admin_display_version="Version 15.1 (Build 225.42)"
    )
    calendar_of_alan = get_folder.write_request(get_folder.calendar_of(ALAN))
    assert str(envelope.read_version(ews(estate, calendar_of_alan))) == "15.1.225.42"
    assert str(envelope.read_version(ews(estate, CALENDAR))) == "15.2.2562.37"


def code_of(answer: HttpAnswer, read: Callable[[HttpAnswer], object]) -> str:
    said = read(answer)
    assert not isinstance(said, Failure), said
    return str(getattr(said, "code"))  # noqa: B009 - responses and faults both have one


@pytest.mark.parametrize("mailbox", ["ghost@contoso.com", LINUS])
def test_a_mailbox_that_is_not_here(estate: Estate, mailbox: str) -> None:
    missing = "ErrorNonExistentMailbox"
    delegates = get_delegate.write_request(get_delegate.Request(mailbox))
    replies = get_user_oof_settings.write_request(get_user_oof_settings.Request(mailbox))
    calendar = get_folder.write_request(get_folder.calendar_of(mailbox))
    assert code_of(ews(estate, delegates), get_delegate.read_answer) == missing
    assert code_of(ews(estate, replies), get_user_oof_settings.read_answer) == missing
    assert code_of(ews(estate, calendar), get_folder.read_answer) == missing
    impersonated = ews(estate, CALENDAR, impersonate=mailbox)
    assert (impersonated.status, code_of(impersonated, get_folder.read_answer)) == (500, missing)


def test_what_a_user_may_do(estate: Estate) -> None:
    def by(user: str, body: str, read: Callable[[HttpAnswer], object]) -> str:
        return code_of(ews(estate, body, principal=user), read)

    assert by(ADA, DELEGATES, get_delegate.read_answer) == "NoError"
    assert by(GRACE, DELEGATES, get_delegate.read_answer) == "ErrorAccessDenied"
    assert by(GRACE, REPLIES, get_user_oof_settings.read_answer) == "ErrorAccessDenied"
    assert by(GRACE, CALENDAR, get_folder.read_answer) == "NoError"
    assert by(ALAN, CALENDAR, get_folder.read_answer) == "ErrorFolderNotFound"
    assert by(ALAN, DAY, get_user_availability.read_answer) == "NoError"
    acting = ews(estate, CALENDAR, principal=GRACE, impersonate=ADA)
    assert code_of(acting, get_folder.read_answer) == "ErrorImpersonateUserDenied"


@pytest.mark.parametrize(
    ("ref", "code"),
    [
        (get_folder.FolderRef("calendar"), "ErrorMissingEmailAddress"),
        (get_folder.FolderRef(folder_id="nonsense"), "ErrorInvalidIdMalformed"),
        (get_folder.FolderRef("publicfoldersroot", ADA), "ErrorFolderNotFound"),
        (get_folder.FolderRef("INBOX", ADA), "NoError"),
    ],
)
def test_folders_by_name_and_id(estate: Estate, ref: get_folder.FolderRef, code: str) -> None:
    answer = ews(estate, get_folder.write_request(get_folder.Request((ref,), "AllProperties")))
    assert code_of(answer, get_folder.read_answer) == code


def test_a_folder_is_found_again_by_its_id(estate: Estate) -> None:
    first = get_folder.read_answer(ews(estate, CALENDAR))
    assert isinstance(first, get_folder.Response)
    (folder,) = first.folders
    assert isinstance(folder, get_folder.Folder)
    again = get_folder.Request((get_folder.FolderRef(folder_id=folder.folder_id),))
    assert get_folder.read_answer(ews(estate, get_folder.write_request(again))) == first


def test_get_delegate_without_a_mailbox(estate: Estate) -> None:
    nobody = get_delegate.write_request(get_delegate.Request(""))
    assert code_of(ews(estate, nobody), get_delegate.read_answer) == "ErrorMissingEmailAddress"


def test_the_policy_refuses_with_a_bare_403_after_sign_in(estate: Estate) -> None:
    refused = ews(estate, CALENDAR, agent="curl/8")
    assert (refused.status, refused.body, reached_exchange(refused)) == (403, b"", True)
    assert refused.header("x-ews-policy-reason") == ""
    assert ews(estate, CALENDAR, principal="", agent="curl/8").status == 401, "anonymous callers are challenged first"


def test_the_policy_of_the_acting_mailbox_decides(estate: Estate) -> None:
    estate.organization = estate.organization.edit(r.CasMailbox, lambda one: one.identity == ADA, ews_enabled=False)
    day = get_user_availability.write_request(get_user_availability.Request((ALAN,), NOW, NOW + timedelta(days=1)))
    assert ews(estate, day, principal=ADA).status == 403
    assert ews(estate, day, impersonate=ADA).status == 403
    assert ews(estate, CALENDAR).status == 403, "the mailbox asked about, where the account has none"
    assert ews(estate, CALENDAR, principal=GRACE).status == 200, "a delegate's own policy decides"


def test_what_breaks_the_schema_gets_a_fault(estate: Estate) -> None:
    wrong_order = "<m:GetFolder><m:FolderIds/><m:FolderShape/></m:GetFolder>"
    for body, code in (
        (wrong_order, "ErrorSchemaValidation"),
        ("<m:PlayOnPhone/>", "ErrorInvalidOperation"),
        ("<x/>", "ErrorSchemaValidation"),
    ):
        answer = ews(estate, body)
        fault = envelope.read_body(answer)
        assert isinstance(fault, EwsFault)
        assert (answer.status, fault.code) == (500, code)
    assert send(estate, get(EWS), ADMINISTRATOR, user_agent=OUR_AGENT).status == 405
    hostile = HttpAsk(method="POST", url=EWS, body=b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    assert send(estate, hostile, ADMINISTRATOR, user_agent=OUR_AGENT).status == 500


def scheduler_token(estate: Estate, user: str = ADA) -> str:
    return f"Bearer {mint(estate, apps.TEAMS_SCHEDULER, f'{apps.EXCHANGE_ONLINE}/{MAIL}@{TENANT_ID}', user)}"


def test_the_scheduler_asks_what_its_role_allows(estate: Estate) -> None:
    token = scheduler_token(estate)
    asked = ews(estate, DELEGATES, "", SCHEDULER_AGENT, authorization=token)
    assert code_of(asked, get_delegate.read_answer) == "NoError"
    refused = envelope.read_body(ews(estate, CALENDAR, "", SCHEDULER_AGENT, authorization=token))
    assert isinstance(refused, EwsFault)
    assert (refused.code, "RBAC" in refused.message) == ("ErrorAccessDenied", True)


def test_the_scheduler_without_a_right_to_get_delegate(estate: Estate) -> None:
    token = scheduler_token(estate)
    estate.organization = estate.organization.edit(r.ManagementRoleAssignment, enabled=False)
    refused = ews(estate, DELEGATES, "", SCHEDULER_AGENT, authorization=token)
    assert code_of(refused, get_delegate.read_answer) == "ErrorAccessDenied"
    estate.organization = estate.organization.edit(r.PartnerApplication, enabled=False)
    assert ews(estate, DELEGATES, "", SCHEDULER_AGENT, authorization=token).status == 401


def test_answers_are_valid_against_the_published_schema(estate: Estate) -> None:
    corpus = os.environ.get("HYBRIDGE_CORPUS")
    if not corpus:
        pytest.skip("HYBRIDGE_CORPUS is not set")
    schema = etree.XMLSchema(etree.parse(Path(corpus) / "ews" / "xsd-15.2.2562" / "messages.xsd"))
    everything = get_folder.Request(
        tuple(get_folder.FolderRef(name, ADA) for name in ("root", "calendar", "nonsense")), "AllProperties"
    )
    ids = f'<t:AlternateId Format="EwsId" Id="DUMMY" Mailbox="{ADA}"/>'
    bodies = (
        DELEGATES,
        CALENDAR,
        DAY,
        REPLIES,
        get_delegate.write_request(get_delegate.Request(ADA, users=("ghost@contoso.com",))),
        get_user_oof_settings.write_request(get_user_oof_settings.Request(LINUS)),
        get_folder.write_request(everything),
        '<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>',
        f'<m:ConvertId DestinationFormat="EntryId"><m:SourceIds>{ids}</m:SourceIds></m:ConvertId>',
    )
    for body in bodies:
        answer = ews(estate, body)
        opened = envelope.read_body(answer)
        assert not isinstance(opened, EwsFault | Failure)
        assert schema.validate(parse_xml(etree.tostring(opened))), (body, schema.error_log)


def test_time_zones_and_ids(estate: Estate) -> None:
    asked = '<m:GetServerTimeZones ReturnFullTimeZoneData="false"><m:Ids><t:Id>UTC</t:Id><t:Id>Mars</t:Id></m:Ids>'
    assert ews(estate, f"{asked}</m:GetServerTimeZones>").body.count(b"<t:TimeZoneDefinition ") == 1
    folder = get_folder.read_answer(ews(estate, CALENDAR))
    assert isinstance(folder, get_folder.Response) and isinstance(folder.folders[0], get_folder.Folder)
    known = f'<t:AlternateId Format="EwsId" Id="{folder.folders[0].folder_id}" Mailbox="{ADA}"/>'
    converted = ews(
        estate,
        f'<m:ConvertId DestinationFormat="HexEntryId"><m:SourceIds>{known}</m:SourceIds></m:ConvertId>',
    )
    assert b'Format="HexEntryId"' in converted.body
    nonsense = ews(estate, '<m:ConvertId DestinationFormat="Nonsense"><m:SourceIds/></m:ConvertId>')
    assert nonsense.status == 500


# REST


def view(
    estate: Estate, user: str = ADA, mailbox: str = "me", agent: str = "Microsoft.Skype.Presence.App/1.0"
) -> object:
    token = user_token(estate, user).removeprefix("Bearer ")
    ask = exchange_rest.ask_calendar_view(
        MAIL, NOW, NOW + timedelta(days=2), mailbox=mailbox, user_agent=agent, bearer=token
    )
    return exchange_rest.read_calendar_view(send(estate, ask))


def test_the_calendar_by_rest(estate: Estate) -> None:
    events = view(estate)
    assert isinstance(events, tuple)
    assert [(one.subject, one.show_as) for one in events] == [("Budget", "Busy"), ("Lunch", "Tentative")]
    estate.organization = estate.organization.edit(r.CalendarEvent, busy_type="OOF")
    away = view(estate, mailbox=ADA)
    assert isinstance(away, tuple)
    assert away[0].show_as == "Oof"


def test_rest_is_published_when_it_says_401(estate: Estate) -> None:
    answer = send(estate, exchange_rest.ask_root(MAIL))
    assert exchange_rest.read_root(answer) == exchange_rest.RootAnswer(401, True)
    assert send(estate, exchange_rest.ask_root(MAIL), ADMINISTRATOR).status == 401, "REST takes tokens only"


def test_rest_refuses(estate: Estate) -> None:
    token = user_token(estate)
    agent = "Microsoft.Skype.Presence.App/1.0"

    def status(path: str) -> int:
        ask = get(f"https://{MAIL}/api{path}")
        return send(estate, ask, authorization=token, user_agent=agent).status

    assert status("") == 404
    assert status(f"/v2.0/users/{GRACE}/calendarView") == 403
    assert status("/v2.0/me/calendarView?startDateTime=2026-01-02T00:00:00Z&endDateTime=2026-01-01T00:00:00Z") == 400
    assert isinstance(view(estate, agent="curl/8"), Failure)
    estate.organization = estate.organization.edit(r.CasMailbox, ews_enabled=False)
    assert isinstance(view(estate), tuple), "EwsEnabled does not rule REST"
    estate.organization = estate.organization.edit(
        r.ExchangeServer, admin_display_version="Version 15.0 (Build 1497.2)"
    )
    assert status("/v2.0/me/calendarView") == 404
