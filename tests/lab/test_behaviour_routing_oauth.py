"""Behaviour of the lab: Autodiscover V2 routing, versions, OAuth, free/busy, automatic replies, presence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from hybridge.lab.behaviour import routing
from hybridge.lab.behaviour.automatic_replies import are_sent, oof_settings
from hybridge.lab.behaviour.availability import events_at, events_within, free_busy
from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.behaviour.presence import ShownPresence, shown_presence
from hybridge.lab.behaviour.server_oauth import (
    AUTHORIZATION_URI,
    Accepted,
    Denied,
    Place,
    Token,
    auth_certificate,
    challenge,
    ews_takes_tokens,
    judge,
    operations_of,
    published_certificates,
)
from hybridge.lab.behaviour.servers import back_end, front_end
from hybridge.lab.behaviour.versions import has_autodiscover_v2, has_rest, server_version
from hybridge.lab.contoso import TENANT_ID, AuthCertificate, contoso
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.wire.ews.envelope import ServerVersion
from hybridge.wire.ews.free_busy_view import FreeBusy
from hybridge.wire.ews.get_user_availability import MailboxError, Request

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CERTIFICATE = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
HEALTHY = contoso(NOW, CERTIFICATE)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, ALAN, LINUS = "ada@contoso.com", "alan@contoso.com", "linus@contoso.com"
MAIL = "mail.contoso.com"
DOMAINS = ("contoso.com",)


def server(name: str = "EX1", organization: Organization = HEALTHY) -> r.ExchangeServer:
    found = organization.one(r.ExchangeServer, ON, name)
    assert found is not None
    return found


# Versions and servers


@pytest.mark.parametrize(
    ("printed", "v2", "rest"),
    [
        ("Version 15.0 (Build 1347.2)", False, False),
        ("Version 15.0 (Build 1365.1)", True, False),
        ("Version 15.0 (Build 1497.48)", True, False),
        ("Version 15.1 (Build 225.42)", False, False),
        ("Version 15.1 (Build 544.26)", False, False),
        ("Version 15.1 (Build 544.27)", True, True),
        ("Version 15.2 (Build 2562.37)", True, True),
        ("Version 14.3 (Build 123.4)", False, False),
    ],
)
def test_what_a_version_can_do(printed: str, v2: bool, rest: bool) -> None:
    version = server_version(printed)
    assert (has_autodiscover_v2(version), has_rest(version)) == (v2, rest)


def test_a_version_that_cannot_be_read_is_named() -> None:
    assert server_version("Version 15.2 (Build 1544.4)") == ServerVersion(15, 2, 1544, 4)
    with pytest.raises(ValueError, match='"Exchange 2019" is not an AdminDisplayVersion'):
        server_version("Exchange 2019")


def test_which_server_answers() -> None:
    assert front_end(HEALTHY, "EX2.contoso.com", ADA) == server("EX2")
    assert front_end(HEALTHY, MAIL, ALAN) == server("EX2")
    assert front_end(HEALTHY, MAIL, "nobody@contoso.com") == server("EX1")
    assert front_end(HEALTHY, MAIL) == server("EX1")
    assert front_end(Organization(), MAIL) is None
    assert back_end(HEALTHY, ALAN) == server("EX2")
    assert back_end(HEALTHY, LINUS) is None


# Autodiscover V2


def test_exchange_online_routes_by_recipient() -> None:
    def route(mailbox: str, protocol: str = "EWS", organization: Organization = HEALTHY) -> routing.Route:
        return routing.route_online(organization, mailbox, protocol, DOMAINS)

    cloud = "https://outlook.office365.com/EWS/Exchange.asmx"
    assert route(LINUS, "ews") == routing.Here("ews", cloud)
    assert route(ADA.upper()) == routing.Elsewhere("autodiscover.contoso.com")
    assert route("ghost@contoso.com") == routing.Here("EWS", cloud), "nobody can list users by asking"
    assert isinstance(route("ghost@fabrikam.com"), routing.Refusal)
    assert route("ada") == routing.Refusal("InvalidUserId", "'ada' is not an SMTP address.")
    refused = route(ADA, "Gopher")
    assert isinstance(refused, routing.Refusal) and refused.code == "ProtocolNotSupported"


def test_a_mail_user_is_sent_where_its_external_address_points() -> None:
    moved = HEALTHY.edit(
        r.MailUser, lambda one: one.premises is ONLINE, external_email_address="SMTP:ada@branch.contoso.com"
    )
    assert routing.route_online(moved, ADA, "REST", DOMAINS) == routing.Elsewhere("autodiscover.branch.contoso.com")


def test_a_second_mailbox_online_hides_the_one_on_premises() -> None:
    twice = HEALTHY.put(r.Mailbox(premises=ONLINE, identity=ADA, user_principal_name=ADA))
    assert isinstance(routing.route_online(twice, ADA, "EWS", DOMAINS), routing.Here)


def route_here(mailbox: str, protocol: str, organization: Organization = HEALTHY) -> routing.Route:
    return routing.route_on_premises(
        organization, server(organization=organization), "autodiscover.contoso.com", mailbox, protocol
    )


@pytest.mark.parametrize(
    ("protocol", "url"),
    [
        ("EWS", "https://mail.contoso.com/EWS/Exchange.asmx"),
        ("rest", "https://mail.contoso.com/api"),
        ("ActiveSync", "https://mail.contoso.com/Microsoft-Server-ActiveSync"),
        ("AutoDiscoverV1", "https://autodiscover.contoso.com/autodiscover/autodiscover.xml"),
    ],
)
def test_exchange_server_answers_with_its_urls(protocol: str, url: str) -> None:
    assert route_here(ADA, protocol) == routing.Here(protocol, url)


def versioned(printed: str) -> Organization:
    return HEALTHY.edit(r.ExchangeServer, admin_display_version=printed)


def test_exchange_server_by_age() -> None:
    cu23, cu18 = versioned("Version 15.0 (Build 1497.2)"), versioned("Version 15.0 (Build 1347.2)")
    refused = route_here(ADA, "REST", cu23)
    assert isinstance(refused, routing.Refusal)
    assert refused.code == "InvalidProtocol"
    assert "REST" in refused.message.partition("not one of")[0]
    assert "REST" not in refused.message.partition("not one of")[2]
    assert isinstance(route_here(ADA, "EWS", cu23), routing.Here)
    assert route_here(ADA, "EWS", cu18) == routing.NoSuchPage()


def test_exchange_server_and_people_it_does_not_hold() -> None:
    assert route_here(LINUS, "EWS") == routing.Elsewhere("outlook.office365.com")
    ghost = route_here("ghost@contoso.com", "EWS")
    assert isinstance(ghost, routing.Refusal) and ghost.code == "UserNotFound"
    bad = route_here("@contoso.com", "EWS")
    assert isinstance(bad, routing.Refusal) and bad.code == "InvalidUserId"


def test_a_blank_external_url_is_an_empty_answer() -> None:
    blank = HEALTHY.edit(r.WebServicesVirtualDirectory, external_url="")
    assert route_here(ADA, "EWS", blank) == routing.Here("EWS", "")
    assert route_here(ADA, "REST", blank) == routing.Here("REST", "")


# OAuth


def test_the_challenge() -> None:
    offered = challenge(HEALTHY)
    assert offered.client_id == apps.EXCHANGE_ONLINE
    assert offered.trusted_issuers == (f"{apps.ACCESS_CONTROL_SERVICE}@{TENANT_ID}",)
    assert offered.authorization_uri == AUTHORIZATION_URI


def test_the_challenge_shows_the_trust() -> None:
    assert challenge(HEALTHY.edit(r.AuthServer, realm="another-tenant")).tenant_ids == ("another-tenant",)
    nobody = challenge(HEALTHY.edit(r.AuthServer, enabled=False))
    assert (nobody.trusted_issuers, nobody.authorization_uri) == ((), "")
    plain = challenge(HEALTHY.edit(r.AuthServer, is_default_authorization_endpoint=False))
    assert (plain.tenant_ids, plain.authorization_uri) == ((TENANT_ID,), "")


def test_oauth_is_on_or_off_for_each_servers_ews() -> None:
    off = HEALTHY.edit(r.WebServicesVirtualDirectory, lambda one: one.server == "EX1", oauth_authentication=False)
    unset = HEALTHY.edit(r.WebServicesVirtualDirectory, oauth_authentication=None)
    bare = HEALTHY.drop(*(one.address for one in HEALTHY.all(r.WebServicesVirtualDirectory)))
    assert not ews_takes_tokens(off, server("EX1"))
    assert ews_takes_tokens(off, server("EX2"))
    assert ews_takes_tokens(unset, server("EX1"))
    assert not ews_takes_tokens(bare, server("EX1"))


APP_TOKEN = Token(
    signed=True,
    issuer=f"{apps.ACCESS_CONTROL_SERVICE}@{TENANT_ID}",
    audience=f"{apps.EXCHANGE_ONLINE}/{MAIL}@{TENANT_ID}",
    app_id=apps.TEAMS_SCHEDULER,
    user=ADA,
    expires_at=NOW + timedelta(hours=1),
)
USER_TOKEN = Token(
    signed=True,
    issuer=f"https://sts.windows.net/{TENANT_ID}/",
    audience=f"https://{MAIL}/",
    app_id="cc15fd57-2c6c-4117-a88c-83b1d56b4bbe",
    user=ADA,
    expires_at=NOW + timedelta(hours=1),
)


def judged(token: Token, organization: Organization = HEALTHY, **changes: Any) -> Accepted | str:
    """The verdict; a refusal by its category."""
    token = Token(**{**token.__dict__, **changes})
    verdict = judge(organization, token, Place(server(organization=organization), MAIL, NOW))
    return verdict.diagnostics.category if isinstance(verdict, Denied) else verdict


def test_good_tokens_sign_in() -> None:
    assert judged(APP_TOKEN) == Accepted(apps.TEAMS_SCHEDULER, ADA, frozenset(apps.INTEGRATION_ROLE_ENTRIES))
    assert judged(APP_TOKEN, user="") == Accepted(apps.TEAMS_SCHEDULER, "", frozenset(apps.INTEGRATION_ROLE_ENTRIES))
    assert judged(USER_TOKEN) == Accepted(USER_TOKEN.app_id, ADA, None)


@pytest.mark.parametrize("token", [APP_TOKEN, USER_TOKEN], ids=["application", "user"])
def test_tokens_refused_alike(token: Token) -> None:
    assert judged(token, signed=False) == "invalid_signature"
    assert judged(token, expires_at=NOW) == "token_expired"
    assert judged(token, audience="https://other.contoso.com/") == "invalid_resource"
    assert judged(token, audience=f"http://{MAIL}/") == "invalid_resource"
    assert judged(token, HEALTHY.edit(r.AuthServer, realm="another")) == "invalid_tenant"
    assert judged(token, HEALTHY.edit(r.AuthServer, enabled=False)) == "invalid_tenant"
    assert judged(token, user=LINUS) == "invalid_user"


def test_each_kind_of_token_needs_its_kind_of_auth_server() -> None:
    no_entra = HEALTHY.edit(r.AuthServer, lambda one: one.type == "AzureAD", enabled=False)
    no_acs = HEALTHY.edit(r.AuthServer, lambda one: one.type == "MicrosoftACS", enabled=False)
    assert isinstance(judged(APP_TOKEN, no_entra), Accepted)
    assert judged(USER_TOKEN, no_entra) == "invalid_tenant"
    assert judged(APP_TOKEN, no_acs) == "invalid_tenant"
    assert isinstance(judged(USER_TOKEN, no_acs), Accepted)


def test_a_user_needs_no_partner_application() -> None:
    alone = HEALTHY.drop(*(one.address for one in HEALTHY.all(r.PartnerApplication)))
    assert isinstance(judged(USER_TOKEN, alone), Accepted)


def scheduler(**changes: Any) -> Organization:
    return HEALTHY.edit(r.PartnerApplication, lambda one: one.application_identifier == apps.TEAMS_SCHEDULER, **changes)


def test_a_partner_application_must_be_there_enabled_and_linked() -> None:
    gone = HEALTHY.drop(
        *(
            one.address
            for one in HEALTHY.all(r.PartnerApplication)
            if one.application_identifier == apps.TEAMS_SCHEDULER
        )
    )
    legacy = gone.put(
        r.PartnerApplication(
            premises=ON,
            identity="SfBOnline",
            application_identifier=apps.SKYPE_FOR_BUSINESS_ONLINE,
            linked_account=apps.INTEGRATION_ACCOUNT,
        )
    )
    for organization in (
        gone,
        legacy,
        scheduler(enabled=False),
        scheduler(use_auth_server=False),
        scheduler(linked_account=""),
        scheduler(linked_account="Nobody"),
        HEALTHY.drop(*(one.address for one in HEALTHY.all(r.MailUser, ON))),
    ):
        assert judged(APP_TOKEN, organization) == "invalid_client"
    assert isinstance(
        judged(APP_TOKEN, scheduler(linked_account=f"contoso.com/Users/{apps.INTEGRATION_ACCOUNT}")), Accepted
    )
    assert isinstance(judged(APP_TOKEN, app_id=apps.TEAMS_SCHEDULER.upper()), Accepted)


def test_operations_come_from_enabled_assignments() -> None:
    account = apps.INTEGRATION_ACCOUNT
    off = HEALTHY.edit(r.ManagementRoleAssignment, enabled=False)
    stripped = HEALTHY.edit(
        r.ManagementRole, lambda one: one.identity == apps.INTEGRATION_ROLE, role_entries=("FindItem",)
    )
    second = HEALTHY.put(
        r.ManagementRoleAssignment(
            premises=ON,
            identity=f"UserApplication-{account}",
            role="UserApplication",
            role_assignee=f"contoso.com/Users/{account}",
        )
    )
    assert operations_of(HEALTHY, account) == frozenset(apps.INTEGRATION_ROLE_ENTRIES)
    assert operations_of(off, account) == frozenset()
    assert operations_of(stripped, account) == {"FindItem"}
    assert "SendItem" in operations_of(second, account)
    assert operations_of(HEALTHY, "somebody") == frozenset()


def certificates(**changes: Any) -> Organization:
    return HEALTHY.edit(r.ExchangeCertificate, lambda one: one.server == "EX1", **changes)


@pytest.mark.parametrize(
    "organization",
    [
        certificates(not_after=NOW),
        certificates(not_before=NOW + timedelta(seconds=1)),
        HEALTHY.drop(*(one.address for one in HEALTHY.all(r.ExchangeCertificate) if one.server == "EX1")),
        HEALTHY.edit(r.AuthConfig, current_certificate_thumbprint=""),
        HEALTHY.edit(r.AuthConfig, current_certificate_thumbprint="0" * 40),
    ],
    ids=["expired", "not yet valid", "missing on this server", "none named", "another named"],
)
def test_without_a_valid_certificate_of_its_own_a_server_refuses_applications(organization: Organization) -> None:
    assert auth_certificate(organization, server("EX1"), NOW) is None
    assert judged(APP_TOKEN, organization) == "internal_error"
    assert isinstance(judged(USER_TOKEN, organization), Accepted)


def test_certificates_elsewhere_and_everywhere() -> None:
    gone_here = HEALTHY.drop(*(one.address for one in HEALTHY.all(r.ExchangeCertificate) if one.server == "EX1"))
    anywhere = certificates(server="")
    assert auth_certificate(gone_here, None, NOW) is not None
    assert auth_certificate(gone_here, server("EX2"), NOW) is not None
    assert auth_certificate(anywhere, server("EX1"), NOW) is not None


def test_published_certificates() -> None:
    assert published_certificates(HEALTHY, server()) == (b"public half",)
    assert published_certificates(certificates(not_after=NOW), server()) == (b"public half",), "even when expired"
    staged = HEALTHY.put(
        r.ExchangeCertificate(premises=ON, identity="EX1/FF", server="EX1", thumbprint="FF", raw_data=b"next")
    ).edit(r.AuthConfig, next_certificate_thumbprint="ff")
    assert published_certificates(staged, server("EX1")) == (b"public half", b"next")
    assert published_certificates(staged, server("EX2")) == (b"public half",)
    assert published_certificates(Organization(), server()) == ()


# Calendar, automatic replies, presence


def event(number: int, start: timedelta, end: timedelta, busy_type: str = "Busy") -> r.CalendarEvent:
    return r.CalendarEvent(
        premises=ON,
        identity=f"{ADA}/{number}",
        mailbox=ADA,
        start_at=NOW + start,
        end_at=NOW + end,
        busy_type=busy_type,
        subject=f"Event {number}",
    )


HOUR = timedelta(hours=1)
BUSY_DAY = HEALTHY.put(
    event(1, -HOUR, timedelta()),
    event(2, timedelta(), HOUR, "Tentative"),
    event(3, HOUR / 2, HOUR, "OOF"),
    event(4, 2 * HOUR, 3 * HOUR, "Strange"),
)
DAY = Request((ADA,), NOW, NOW + 4 * HOUR, "DetailedMerged")


def test_events_of_a_window_and_of_an_instant() -> None:
    within = events_within(BUSY_DAY, ADA.upper(), NOW, NOW + HOUR)
    assert [one.identity[-1] for one in within] == ["2", "3"], "one that only touches the window is not in it"
    assert [one.identity[-1] for one in events_at(BUSY_DAY, ADA, NOW)] == ["2"]
    assert [one.identity[-1] for one in events_at(BUSY_DAY, ADA, NOW + HOUR)] == []


def test_free_busy_in_full() -> None:
    answer = free_busy(BUSY_DAY, Caller(user=ADA), ADA, DAY)
    assert isinstance(answer, FreeBusy)
    assert answer.view_types == ("DetailedMerged",)
    assert answer.merged == "13005500"
    assert [period.subject for period in answer.periods] == ["Event 2", "Event 3", "Event 4"]
    assert answer.working_periods


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("DetailedMerged", "FreeBusyMerged"),
        ("Detailed", "FreeBusy"),
        ("FreeBusy", "FreeBusy"),
        ("MergedOnly", "MergedOnly"),
    ],
)
def test_others_see_times_only(asked: str, given: str) -> None:
    request = msgspec.structs.replace(DAY, view=asked)
    answer = free_busy(BUSY_DAY, Caller(user=ALAN), ADA, request)
    assert isinstance(answer, FreeBusy)
    assert answer.view_types == (given,)
    assert all(not period.subject and not period.detailed for period in answer.periods)
    assert bool(answer.periods) is (given != "MergedOnly")
    assert bool(answer.merged) is ("Merged" in given)


def test_free_busy_refused() -> None:
    def code(mailbox: str, request: Request = DAY, organization: Organization = HEALTHY) -> str:
        answer = free_busy(organization, Caller(user=ALAN), mailbox, request)
        assert isinstance(answer, MailboxError)
        return answer.code

    closed = HEALTHY.edit(r.MailboxFolderPermission, lambda one: one.user == "Default", access_rights=("None",))
    assert code("ghost@contoso.com") == "ErrorMailRecipientNotFound"
    assert code(LINUS) == "ErrorMailRecipientNotFound"
    assert code(ADA, organization=closed) == "ErrorNoFreeBusyAccess"
    assert code(ADA, msgspec.structs.replace(DAY, end_at=NOW + timedelta(days=63))) == "ErrorTimeIntervalTooBig"
    nothing = free_busy(HEALTHY, Caller(user=ADA), ADA, msgspec.structs.replace(DAY, view="None"))
    assert nothing == FreeBusy(("None",))


@pytest.mark.parametrize(
    ("state", "start", "end", "active"),
    [
        ("Disabled", -HOUR, HOUR, False),
        ("Enabled", HOUR, 2 * HOUR, True),
        ("Scheduled", -HOUR, HOUR, True),
        ("Scheduled", timedelta(), HOUR, True),
        ("Scheduled", -HOUR, timedelta(), False),
        ("Scheduled", HOUR, 2 * HOUR, False),
    ],
)
def test_automatic_replies(state: str, start: timedelta, end: timedelta, active: bool) -> None:
    organization = HEALTHY.edit(
        r.UserOofSettings,
        lambda one: one.identity == ADA,
        oof_state=state,
        start_at=NOW + start,
        end_at=NOW + end,
    )
    assert are_sent(organization, ON, ADA, NOW) is active
    assert oof_settings(Organization(), ON, ADA).oof_state == "Disabled"


@pytest.mark.parametrize(
    ("busy_types", "replies", "shown"),
    [
        ((), False, ShownPresence("Available", "Available")),
        (("Free", "WorkingElsewhere", "Tentative"), False, ShownPresence("Available", "Available")),
        (("Tentative", "busy"), False, ShownPresence("Busy", "InAMeeting")),
        ((), True, ShownPresence("Available", "OutOfOffice", True)),
        (("Oof",), False, ShownPresence("Available", "OutOfOffice", True)),
        (("Busy",), True, ShownPresence("Busy", "InAMeeting", True)),
    ],
)
def test_presence(busy_types: tuple[str, ...], replies: bool, shown: ShownPresence) -> None:
    assert shown_presence(busy_types, replies) == shown
