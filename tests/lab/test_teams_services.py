"""The Teams services of the lab as the independent witness: what people notice, story by story."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hybridge.lab.apps import router
from hybridge.lab.apps.keepings import kept
from hybridge.lab.apps.presence_board import last_known
from hybridge.lab.apps.teams_services import (
    NO_CONNECTION,
    NO_DETAILS,
    NO_ICON,
    NOT_PERMITTED,
    Seen,
    calendar,
    presence,
    presence_of,
    scheduler,
    symptoms,
)
from hybridge.lab.apps.tokens import mint
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.serve.site import Site
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.rules import CALLERS
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom
from hybridge.wire.ask import Answerer, CmdletAnswer

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, GRACE, ALAN, KATHERINE = "ada@contoso.com", "grace@contoso.com", "alan@contoso.com", "katherine@contoso.com"
DELEGATION, CALENDAR, PRESENCE = (
    Symptom.DELEGATE_CANNOT_SCHEDULE,
    Symptom.CALENDAR_MISSING,
    Symptom.PRESENCE_STUCK,
)
ALL = {DELEGATION, CALENDAR, PRESENCE}
Break = Callable[[Organization], Organization]


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


@dataclass(frozen=True)
class Lab:
    """An estate and the answerer that reaches its apps."""

    estate: Estate
    answerer: Answerer

    async def notices(self) -> tuple[Seen, ...]:
        return await symptoms(self.estate, self.answerer)

    def break_(self, breaks: Break) -> None:
        self.estate.organization = breaks(self.estate.organization)


@pytest.fixture
def lab() -> Lab:
    organization = contoso(NOW, certificate())
    estate = Estate(organization, clock=lambda: NOW, certificate=certificate(), randomness=random.Random(1))
    kept(estate).signing_key = signing_key()
    site = Site(app=router.answer, hosts=frozenset(router.HOSTS))
    return Lab(estate, InProcess(estate, site, lambda *_: CmdletAnswer(), mint))


async def test_a_healthy_organization_shows_nothing(lab: Lab) -> None:
    assert await lab.notices() == ()
    assert {logged.status for logged in lab.estate.log} == {200, 302}
    assert {logged.user_agent for logged in lab.estate.log} == {caller.user_agent for caller in CALLERS}


# Breaks


def edit(kind: type[r.Record], where: Callable[[Any], bool] = lambda _: True, **changes: Any) -> Break:
    return lambda organization: organization.edit(kind, where, **changes)


def drop(kind: type[r.Record], where: Callable[[Any], bool] = lambda _: True) -> Break:
    return lambda organization: organization.drop(*(one.address for one in organization.all(kind) if where(one)))


def put(*records: r.Record) -> Break:
    return lambda organization: organization.put(*records)


def both(*breaks: Break) -> Break:
    def broken(organization: Organization) -> Organization:
        for one in breaks:
            organization = one(organization)
        return organization

    return broken


def without(*patterns: str) -> Break:
    def broken(organization: Organization) -> Organization:
        (config,) = organization.all(r.OrganizationConfig, ON)
        left = tuple(entry for entry in config.ews_allow_list or () if entry not in patterns)
        return organization.put(msgspec.structs.replace(config, ews_allow_list=left))

    return broken


def of(mailbox: str) -> Callable[[Any], bool]:
    return lambda one: one.identity == mailbox


def on_premises(one: r.Record) -> bool:
    return one.premises is ON


def is_scheduler(one: r.PartnerApplication) -> bool:
    return one.application_identifier == apps.TEAMS_SCHEDULER


LEGACY = r.PartnerApplication(
    premises=ON,
    identity="SfBOnline",
    application_identifier=apps.SKYPE_FOR_BUSINESS_ONLINE,
    linked_account=apps.INTEGRATION_ACCOUNT,
)
SCHEDULER_PATTERN, PRESENCE_PATTERN = "*SchedulingService*", "*Microsoft.Skype.Presence.App/*"
CALENDAR_PATTERNS = ("MicrosoftNinja/*", "*Teams/*", "SkypeSpaces/*", "*SkypeSpaces/*")


def role(*entries: str) -> Break:
    return edit(r.ManagementRole, of(apps.INTEGRATION_ROLE), role_entries=entries)


STORIES: dict[str, tuple[Break, set[Symptom]]] = {
    # EWS access
    "EWS off for the organization": (edit(r.OrganizationConfig, on_premises, ews_enabled=False), ALL),
    "EWS off for a mailbox": (edit(r.CasMailbox, of(ADA), ews_enabled=False), ALL),
    "an empty allow list": (edit(r.OrganizationConfig, on_premises, ews_allow_list=()), ALL),
    "the scheduler is not on the list": (without(SCHEDULER_PATTERN), {DELEGATION}),
    "the calendar is not on the list": (without(*CALENDAR_PATTERNS), {CALENDAR}),
    "only the seed patterns of the calendar": (without("*SkypeSpaces/*"), {CALENDAR}),
    "presence is not on the list": (without(PRESENCE_PATTERN), {PRESENCE}),
    "presence is misspelt": (
        both(
            without(PRESENCE_PATTERN),
            edit(r.OrganizationConfig, on_premises, ews_allow_list=(f"* {PRESENCE_PATTERN[1:]}",)),
        ),
        ALL,
    ),
    "a block list names the scheduler": (
        edit(
            r.OrganizationConfig,
            on_premises,
            ews_application_access_policy="EnforceBlockList",
            ews_block_list=("schedulingservice/*",),
        ),
        {DELEGATION},
    ),
    "a mailbox has a list of its own": (
        edit(
            r.CasMailbox,
            of(ADA),
            ews_application_access_policy="EnforceAllowList",
            ews_allow_list=(SCHEDULER_PATTERN, *CALENDAR_PATTERNS),
        ),
        {PRESENCE},
    ),
    # Delegation
    "the delegate is not listed": (drop(r.DelegateUser), {DELEGATION}),
    "no calendar right": (drop(r.MailboxFolderPermission, lambda one: one.user == GRACE), {DELEGATION}),
    "Reviewer": (
        edit(r.MailboxFolderPermission, lambda one: one.user == GRACE, access_rights=("Reviewer",)),
        {DELEGATION},
    ),
    "Owner looks higher": (
        edit(r.MailboxFolderPermission, lambda one: one.user == GRACE, access_rights=("Owner",)),
        {DELEGATION},
    ),
    # Partner applications
    "no scheduler": (drop(r.PartnerApplication, is_scheduler), {DELEGATION}),
    "the scheduler is disabled": (edit(r.PartnerApplication, is_scheduler, enabled=False), {DELEGATION}),
    "only the legacy application": (both(drop(r.PartnerApplication, is_scheduler), put(LEGACY)), {DELEGATION}),
    "the scheduler is not linked": (edit(r.PartnerApplication, is_scheduler, linked_account=""), {DELEGATION}),
    "no account": (drop(r.MailUser, of(apps.INTEGRATION_ACCOUNT)), {DELEGATION}),
    "no role assignment": (drop(r.ManagementRoleAssignment), {DELEGATION}),
    "the role assignment is off": (edit(r.ManagementRoleAssignment, enabled=False), {DELEGATION}),
    "no role": (drop(r.ManagementRole, of(apps.INTEGRATION_ROLE)), {DELEGATION}),
    "the role lacks GetDelegate": (role("FindItem"), {DELEGATION}),
    # Keys and certificates
    "no key at the scheduler's principal": (
        edit(r.ServicePrincipal, of(apps.TEAMS_SCHEDULER), key_credentials=()),
        {DELEGATION},
    ),
    "another key": (
        edit(r.ServicePrincipal, key_credentials=(r.KeyCredential(key=b"another"),)),
        {DELEGATION},
    ),
    "no principal": (drop(r.ServicePrincipal, of(apps.TEAMS_SCHEDULER)), {DELEGATION}),
    "the certificate has expired": (edit(r.ExchangeCertificate, not_after=NOW), {DELEGATION}),
    "the certificate is on one server only": (
        drop(r.ExchangeCertificate, lambda one: one.server == "EX2"),
        {DELEGATION},
    ),
    "no certificate at all": (drop(r.ExchangeCertificate), {DELEGATION}),
    "no thumbprint": (edit(r.AuthConfig, current_certificate_thumbprint=""), {DELEGATION}),
    # OAuth
    "OAuth is off": (edit(r.WebServicesVirtualDirectory, oauth_authentication=False), ALL),
    "OAuth is off on one server": (
        edit(r.WebServicesVirtualDirectory, lambda one: one.server == "EX2", oauth_authentication=False),
        ALL,
    ),
    "another tenant is trusted": (edit(r.AuthServer, realm="another-tenant"), ALL),
    "no AuthServer is enabled": (edit(r.AuthServer, enabled=False), ALL),
    # Teams
    "the calendar is not pinned": (edit(r.TeamsAppSetupPolicy, pinned_app_bar_apps=()), {CALENDAR}),
    "SfBOnly": (edit(r.TeamsUpgradePolicy, of("Global"), mode="SfBOnly"), {CALENDAR}),
    "SfBWithTeamsCollab for one": (
        edit(r.CsOnlineUser, of(ADA), teams_upgrade_policy="SfBWithTeamsCollab"),
        {CALENDAR},
    ),
    # Autodiscover and publishing
    "the cloud thinks the mailbox is there": (drop(r.MailUser, lambda one: one.identity == ADA), ALL),
    "the mail user points to the cloud": (
        edit(r.MailUser, of(ADA), external_email_address="ada@contoso.mail.onmicrosoft.com"),
        ALL,
    ),
    "the mail user points nowhere": (edit(r.MailUser, of(ADA), external_email_address="ada@gone.example"), ALL),
    "autodiscover is not published": (
        edit(r.PublishedPath, lambda one: one.path == "/autodiscover", answered_by="nothing-there"),
        ALL,
    ),
    "autodiscover is pre-authenticated": (
        edit(r.PublishedPath, lambda one: one.path == "/autodiscover", answered_by="login-page"),
        ALL,
    ),
    "EWS is pre-authenticated": (
        edit(r.PublishedPath, lambda one: one.path == "/ews", answered_by="login-page"),
        ALL,
    ),
    "the REST API is not published": (drop(r.PublishedPath, lambda one: one.path == "/api"), {PRESENCE}),
    "the REST API is pre-authenticated": (
        edit(r.PublishedPath, lambda one: one.path == "/api", answered_by="login-page"),
        {PRESENCE},
    ),
    "a device refuses Teams": (
        edit(r.PublishedPath, lambda one: one.path == "/ews", refused_user_agents=("*SkypeSpaces*",)),
        {CALENDAR},
    ),
    "a device refuses the scheduler anywhere": (
        edit(r.PublishedPath, refused_user_agents=(SCHEDULER_PATTERN,)),
        {DELEGATION},
    ),
    "no external URL": (edit(r.WebServicesVirtualDirectory, external_url=""), ALL),
    "an external URL that is only known inside": (
        edit(r.WebServicesVirtualDirectory, external_url="https://ex1.contoso.local/EWS/Exchange.asmx"),
        ALL,
    ),
    # Versions
    "2013 CU18": (edit(r.ExchangeServer, admin_display_version="Version 15.0 (Build 1347.2)"), ALL),
    "2013 CU23": (
        edit(r.ExchangeServer, admin_display_version="Version 15.0 (Build 1497.2)"),
        {CALENDAR, PRESENCE},
    ),
    "2016 CU2": (edit(r.ExchangeServer, admin_display_version="Version 15.1 (Build 466.34)"), ALL),
    # Presence
    "automatic replies are left on": (edit(r.UserOofSettings, of(ADA), oof_state="Enabled"), {PRESENCE}),
}


@pytest.mark.parametrize("story", STORIES)
async def test_what_is_noticed(lab: Lab, story: str) -> None:
    breaks, expected = STORIES[story]
    lab.break_(breaks)
    seen = await lab.notices()
    assert {one.symptom for one in seen} == expected, seen
    assert all(one.says and one.because for one in seen)


async def test_once_healed_nothing_is_noticed(lab: Lab) -> None:
    for breaks, _ in list(STORIES.values())[::7]:
        lab.break_(breaks)
        assert await lab.notices() != ()
        lab.estate.organization = lab.estate.healthy
        assert await lab.notices() == ()


UNNOTICED: dict[str, Break] = {
    "the calendar may be pinned by its user": edit(
        r.TeamsAppSetupPolicy, pinned_app_bar_apps=(), allow_user_pinning=True
    ),
    "Author is enough": edit(r.MailboxFolderPermission, lambda one: one.user == GRACE, access_rights=("Author",)),
    "Send on Behalf is not asked for": edit(r.Mailbox, grant_send_on_behalf_to=()),
    "the account shows in the address list": edit(
        r.MailUser, of(apps.INTEGRATION_ACCOUNT), hidden_from_address_lists_enabled=False
    ),
    "Cloud Voicemail is no part of it": drop(
        r.PartnerApplication, lambda one: one.application_identifier == apps.CLOUD_VOICEMAIL
    ),
    "no policy at all": edit(
        r.OrganizationConfig, on_premises, ews_application_access_policy=None, ews_allow_list=None
    ),
    "scheduled replies are over": edit(
        r.UserOofSettings,
        oof_state="Scheduled",
        start_at=NOW - timedelta(days=2),
        end_at=NOW - timedelta(days=1),
    ),
}


@pytest.mark.parametrize("story", UNNOTICED)
async def test_what_nobody_notices(lab: Lab, story: str) -> None:
    lab.break_(UNNOTICED[story])
    assert await lab.notices() == ()


# Words, one by one


async def test_what_the_delegate_reads(lab: Lab) -> None:
    lab.break_(edit(r.MailboxFolderPermission, lambda one: one.user == GRACE, access_rights=("Owner",)))
    seen = await scheduler(lab.estate, lab.answerer, ADA, GRACE)
    assert (seen.service, seen.who, seen.says) == ("scheduler", f"{ADA}:{GRACE}", NOT_PERMITTED)
    assert seen.because == f"GetDelegate gives {GRACE} the calendar level Custom."
    assert await scheduler(lab.estate, lab.answerer, ALAN, KATHERINE) == Seen("scheduler", f"{ALAN}:{KATHERINE}")
    stranger = await scheduler(lab.estate, lab.answerer, ALAN, GRACE)
    assert (stranger.says, stranger.because) == (NOT_PERMITTED, f"GetDelegate does not list {GRACE}.")


@pytest.mark.parametrize(
    ("breaks", "because"),
    [
        (edit(r.ServicePrincipal, key_credentials=()), "AADSTS700027"),
        (role("FindItem"), "RBAC"),
        (edit(r.PartnerApplication, enabled=False), "invalid_client"),
        (without(SCHEDULER_PATTERN), "HTTP 403"),
        (drop(r.MailUser, lambda one: one.premises is ONLINE), "outlook.office365.com"),
        (drop(r.Mailbox, of(ADA)), "UserNotFound"),
        (edit(r.MailUser, external_email_address="ada@gone.example"), "no name autodiscover.gone.example"),
        (edit(r.MailUser, external_email_address="a@contoso.mail.onmicrosoft.com"), "without end"),
    ],
    ids=["key", "role", "application", "list", "cloud", "nobody", "dns", "circle"],
)
async def test_the_trace_says_why(lab: Lab, breaks: Break, because: str) -> None:
    lab.break_(breaks)
    seen = await scheduler(lab.estate, lab.answerer, ADA, GRACE)
    assert (seen.symptom, seen.says) == (DELEGATION, NO_CONNECTION)
    assert because in seen.because


async def test_what_the_calendar_shows(lab: Lab) -> None:
    assert await calendar(lab.estate, lab.answerer, ADA) == Seen("calendar", ADA)
    lab.break_(edit(r.ExchangeServer, of("EX1"), admin_display_version="Version 15.0 (Build 1497.2)"))
    old = await calendar(lab.estate, lab.answerer, ADA)
    assert (old.says, "15.0.1497.2" in old.because) == (NO_DETAILS, True)
    assert (await calendar(lab.estate, lab.answerer, ALAN)).symptom is None
    lab.break_(edit(r.TeamsUpgradePolicy, mode="SfBOnly"))
    assert (await calendar(lab.estate, lab.answerer, ADA)).says == NO_ICON


async def test_a_certificate_nobody_trusts_stops_everything(lab: Lab) -> None:
    lab.estate.switch_certificate("autodiscover.contoso.com", "expired")
    assert {one.symptom for one in await lab.notices()} == ALL


async def test_presence_follows_the_calendar(lab: Lab) -> None:
    assert (await presence_of(lab.estate, lab.answerer, ADA)).activity == "Available"
    lab.estate.move_clock(timedelta(hours=2))
    there = await presence_of(lab.estate, lab.answerer, ADA)
    assert (there.availability, there.activity, there.out_of_office) == ("Busy", "InAMeeting", False)
    assert there.seen_at == NOW + timedelta(hours=2)
    assert await lab.notices() == ()
    lab.estate.move_clock(timedelta(hours=24))
    assert (await presence_of(lab.estate, lab.answerer, ADA)).activity == "Available", "tentative changes nothing"


async def test_presence_gets_stuck_on_out_of_office(lab: Lab) -> None:
    lab.break_(edit(r.UserOofSettings, of(ADA), oof_state="Enabled"))
    shown = await presence(lab.estate, lab.answerer, ADA)
    assert (shown.symptom, shown.says) == (PRESENCE, "Teams shows Out of Office.")
    lab.estate.organization = lab.estate.healthy
    lab.break_(drop(r.PublishedPath, lambda one: one.path == "/api"))
    stuck = await presence(lab.estate, lab.answerer, ADA)
    assert stuck.says == "Presence stays at Out of Office, whatever the calendar and automatic replies say."
    assert (await presence_of(lab.estate, lab.answerer, ADA)).out_of_office
    assert last_known(lab.estate, ADA).seen_at == NOW
    lab.estate.organization = lab.estate.healthy
    assert await presence(lab.estate, lab.answerer, ADA) == Seen("presence", ADA)
    assert not last_known(lab.estate, ADA).out_of_office


async def test_a_reset_forgets_what_presence_showed(lab: Lab) -> None:
    lab.break_(edit(r.UserOofSettings, of(ADA), oof_state="Enabled"))
    await lab.notices()
    assert last_known(lab.estate, ADA).out_of_office
    lab.estate.reset()
    assert not last_known(lab.estate, ADA).out_of_office


async def test_an_out_of_office_event_is_shown_but_is_no_symptom(lab: Lab) -> None:
    lab.break_(edit(r.CalendarEvent, start_at=NOW, end_at=NOW + timedelta(hours=1), busy_type="OOF"))
    assert await lab.notices() == ()
    shown = last_known(lab.estate, ADA)
    assert (shown.availability, shown.activity, shown.out_of_office) == ("Available", "OutOfOffice", True)


async def test_two_labs_say_the_same(lab: Lab) -> None:
    lab.break_(edit(r.OrganizationConfig, on_premises, ews_allow_list=()))
    first, second = await lab.notices(), await lab.notices()
    assert first == second
    assert [one.service for one in first] == ["scheduler"] * 2 + ["calendar"] * 4 + ["presence"] * 4
