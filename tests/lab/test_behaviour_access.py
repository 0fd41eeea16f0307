"""Behaviour of the lab: the edge, EWS access policies, calendar permissions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from hybridge.lab.behaviour.delegates import calendar_level, get_delegates
from hybridge.lab.behaviour.ews_access import BLOCKED, DISABLED, EwsVerdict, ews_access
from hybridge.lab.behaviour.mailbox_rights import Caller, FreeBusyDetail, free_busy_detail, may_open_calendar
from hybridge.lab.behaviour.publishing import Edge, edge
from hybridge.lab.behaviour.teams_policies import can_show_calendar, has_meetings
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.rules import CALLERS
from hybridge.terms.applications import TEAMS_CALENDAR_APP
from hybridge.terms.premises import Premises
from hybridge.wire.ews import get_delegate

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CERTIFICATE = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
HEALTHY = contoso(NOW, CERTIFICATE)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, GRACE = "ada@contoso.com", "grace@contoso.com"


def published(**changes: Any) -> Organization:
    return HEALTHY.edit(r.PublishedPath, lambda one: one.path == "/ews", **changes)


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("mail.contoso.com", "/EWS/Exchange.asmx", Edge.EXCHANGE),
        ("MAIL.contoso.com", "/ews", Edge.EXCHANGE),
        ("mail.contoso.com", "/ewsx", Edge.NOTHING_THERE),
        ("mail.contoso.com", "/ecp", Edge.NOTHING_THERE),
        ("autodiscover.contoso.com", "/autodiscover/autodiscover.json", Edge.EXCHANGE),
        ("ex1.contoso.com", "/owa", Edge.EXCHANGE),
        ("unknown.contoso.com", "/ews", Edge.NOTHING_THERE),
    ],
)
def test_the_edge_lets_published_paths_through(host: str, path: str, expected: Edge) -> None:
    assert edge(HEALTHY, host, path, "Teams") is expected


@pytest.mark.parametrize("word", ["nothing-there", "login-page", "denied"])
def test_the_edge_answers_itself(word: str) -> None:
    assert edge(published(answered_by=word), "mail.contoso.com", "/ews/exchange.asmx", "x") == word


def test_a_path_that_was_never_published_is_not_there() -> None:
    gone = HEALTHY.drop(*(one.address for one in HEALTHY.all(r.PublishedPath) if one.path == "/api"))
    assert edge(gone, "mail.contoso.com", "/api/v2.0/me", "x") is Edge.NOTHING_THERE


def test_the_longest_published_path_decides() -> None:
    narrow = r.PublishedPath(
        premises=ON, identity="mail.contoso.com/ews/secret", host="mail.contoso.com", path="/ews/secret"
    )
    organization = published(answered_by="denied").put(narrow)
    assert edge(organization, "mail.contoso.com", "/ews/secret/door", "x") is Edge.EXCHANGE
    assert edge(organization, "mail.contoso.com", "/ews/other", "x") is Edge.DENIED


def test_a_device_refuses_user_agents() -> None:
    organization = published(refused_user_agents=("*SkypeSpaces*",))
    refused = edge(organization, "mail.contoso.com", "/EWS/Exchange.asmx", "Teams CalendarSkypeSpaces/1.0a$*+")
    assert refused is Edge.AGENT_REFUSED
    assert edge(organization, "mail.contoso.com", "/EWS/Exchange.asmx", "Outlook") is Edge.EXCHANGE


def config(**changes: Any) -> Organization:
    return HEALTHY.edit(r.OrganizationConfig, **changes)


def mailbox(organization: Organization = HEALTHY, **changes: Any) -> Organization:
    return organization.edit(r.CasMailbox, lambda one: one.identity == ADA, **changes)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_every_caller_may_use_ews_of_the_healthy_organization(caller: object) -> None:
    assert ews_access(HEALTHY, ON, ADA, caller.user_agent).allowed  # type: ignore[attr-defined]


def test_a_stranger_is_not_on_the_allow_list() -> None:
    assert ews_access(HEALTHY, ON, ADA, "curl/8.0") == EwsVerdict(False, "")


@pytest.mark.parametrize(
    ("organization", "allowed"),
    [
        (config(ews_enabled=True), True),
        (config(ews_enabled=None), True),
        (config(ews_enabled=False), False),
        (mailbox(ews_enabled=False), False),
        (mailbox(ews_enabled=None), True),
        (mailbox(config(ews_enabled=False), ews_enabled=True), False),
        (config(ews_allow_list=()), False),
        (config(ews_allow_list=None), False),
        (config(ews_allow_list=("* Scheduling/*",)), False),
        (config(ews_application_access_policy=None, ews_allow_list=()), True),
        (config(ews_application_access_policy="enforceAllowList", ews_allow_list=("*",)), True),
        (config(ews_application_access_policy="EnforceBlockList"), True),
        (config(ews_application_access_policy="EnforceBlockList", ews_block_list=()), True),
        (config(ews_application_access_policy="EnforceBlockList", ews_block_list=("*scheduling*",)), False),
        (mailbox(ews_application_access_policy="EnforceAllowList", ews_allow_list=()), False),
        (mailbox(ews_enabled=None, ews_application_access_policy="EnforceAllowList", ews_allow_list=()), True),
        (mailbox(config(ews_allow_list=()), ews_application_access_policy="EnforceBlockList"), True),
        (HEALTHY.drop(*(one.address for one in HEALTHY.all(r.OrganizationConfig))), True),
    ],
)
def test_ews_access(organization: Organization, allowed: bool) -> None:
    assert ews_access(organization, ON, ADA, "SchedulingService/1.0").allowed is allowed


def test_ews_enabled_does_not_rule_rest_but_the_lists_do() -> None:
    assert ews_access(config(ews_enabled=False), ON, ADA, "SkypeSpaces/1.0a$*+", rest=True).allowed
    assert not ews_access(config(ews_allow_list=()), ON, ADA, "SkypeSpaces/1.0a$*+", rest=True).allowed


def test_exchange_online_names_the_reason() -> None:
    online = Organization(
        (r.OrganizationConfig(premises=ONLINE, identity="Contoso", ews_application_access_policy="EnforceAllowList"),)
    )
    shut = online.edit(r.OrganizationConfig, ews_enabled=False)
    empty = online.edit(r.OrganizationConfig, ews_allow_list=())
    assert ews_access(shut, ONLINE, ADA, "x").policy_reason == DISABLED
    assert ews_access(empty, ONLINE, ADA, "x").policy_reason == BLOCKED


def right(*rights: str) -> Organization:
    return HEALTHY.edit(r.MailboxFolderPermission, lambda one: one.user == GRACE, access_rights=rights)


@pytest.mark.parametrize(
    ("rights", "level"),
    [
        (("Editor",), "Editor"),
        (("author",), "Author"),
        (("Reviewer",), "Reviewer"),
        (("None",), "None"),
        ((), "None"),
        (("Owner",), "Custom"),
        (("PublishingEditor",), "Custom"),
        (("PublishingAuthor",), "Custom"),
        (("AvailabilityOnly",), "Custom"),
        (("ReadItems", "CreateItems"), "Custom"),
        (("Editor", "FolderOwner"), "Custom"),
    ],
)
def test_calendar_level(rights: tuple[str, ...], level: str) -> None:
    assert calendar_level(right(*rights), ADA, GRACE.upper()) == level


def test_no_entry_is_level_none_whatever_default_says() -> None:
    organization = HEALTHY.edit(r.MailboxFolderPermission, lambda one: one.user == "Default", access_rights=("Editor",))
    assert calendar_level(organization, ADA, "alan@contoso.com") == "None"


def test_get_delegates() -> None:
    answer = get_delegates(HEALTHY, get_delegate.Request(ADA))
    assert answer == get_delegate.Response(
        delegates=(get_delegate.Delegate(GRACE, "Editor", display_name="Grace Hopper"),),
        deliver_meeting_requests="NoForward",
    )


def test_a_calendar_right_alone_makes_no_delegate() -> None:
    organization = HEALTHY.drop(*(one.address for one in HEALTHY.all(r.DelegateUser)))
    assert get_delegates(organization, get_delegate.Request(ADA)).delegates == ()
    (said,) = get_delegates(organization, get_delegate.Request(ADA, users=(GRACE,))).delegates
    assert isinstance(said, get_delegate.DelegateError)
    assert said.code == "ErrorNotDelegate"


def test_delegates_without_permissions_and_with_copies() -> None:
    organization = HEALTHY.edit(r.DelegateUser, receive_copies_of_meeting_messages=True, view_private_items=True)
    answer = get_delegates(organization, get_delegate.Request(ADA, include_permissions=False))
    (delegate,) = answer.delegates
    assert isinstance(delegate, get_delegate.Delegate)
    assert (delegate.calendar_level, delegate.receive_copies, delegate.view_private_items) == ("", True, True)
    assert answer.deliver_meeting_requests == "DelegatesAndMe"


def test_who_opens_a_calendar() -> None:
    assert may_open_calendar(HEALTHY, Caller(user=ADA), ADA.upper())
    assert may_open_calendar(HEALTHY, Caller(user=GRACE), ADA)
    assert may_open_calendar(HEALTHY, Caller(full_access=True), ADA)
    assert may_open_calendar(HEALTHY, Caller(operations=frozenset({"GetFolder"})), ADA)
    assert not may_open_calendar(HEALTHY, Caller(user="alan@contoso.com"), ADA)
    assert not may_open_calendar(right("AvailabilityOnly"), Caller(user=GRACE), ADA)


def test_how_much_free_busy_shows() -> None:
    alan = Caller(user="alan@contoso.com")
    everybody_none = HEALTHY.edit(r.MailboxFolderPermission, lambda one: one.user == "Default", access_rights=("None",))
    assert free_busy_detail(HEALTHY, alan, ADA) is FreeBusyDetail.TIMES
    assert free_busy_detail(HEALTHY, Caller(user=GRACE), ADA) is FreeBusyDetail.DETAILS
    assert free_busy_detail(HEALTHY, Caller(user=ADA), ADA) is FreeBusyDetail.DETAILS
    assert free_busy_detail(everybody_none, alan, ADA) is FreeBusyDetail.NOTHING
    assert free_busy_detail(everybody_none, Caller(user=GRACE), ADA) is FreeBusyDetail.DETAILS


def test_a_role_limits_operations() -> None:
    assert Caller(operations=frozenset({"GetDelegate"})).may_run("GetDelegate")
    assert not Caller(operations=frozenset({"GetDelegate"})).may_run("GetFolder")
    assert Caller(user=ADA).may_run("GetFolder")


def pinned(allow_user_pinning: bool, *apps: str) -> Organization:
    return HEALTHY.edit(r.TeamsAppSetupPolicy, pinned_app_bar_apps=apps, allow_user_pinning=allow_user_pinning)


def test_the_calendar_app_shows_when_pinned_or_pinnable() -> None:
    assert can_show_calendar(HEALTHY, ADA)
    assert can_show_calendar(pinned(False, TEAMS_CALENDAR_APP.upper()), ADA)
    assert can_show_calendar(pinned(True), ADA)
    assert not can_show_calendar(pinned(False), ADA)


def test_a_policy_of_ones_own_comes_before_global() -> None:
    bare = r.TeamsAppSetupPolicy(premises=ONLINE, identity="Bare", allow_user_pinning=False)
    organization = HEALTHY.put(bare).edit(
        r.CsOnlineUser, lambda one: one.identity == ADA, teams_app_setup_policy="Tag:Bare"
    )
    assert not can_show_calendar(organization, ADA)
    assert can_show_calendar(organization, GRACE)
    assert can_show_calendar(organization.drop(bare.address), ADA), "a policy that is gone counts as Global"


@pytest.mark.parametrize(
    ("mode", "meetings"),
    [
        ("TeamsOnly", True),
        ("Islands", True),
        ("SfBWithTeamsCollabAndMeetings", True),
        ("SfBOnly", False),
        ("SfBWithTeamsCollab", False),
    ],
)
def test_coexistence_modes(mode: str, meetings: bool) -> None:
    everybody = HEALTHY.edit(r.TeamsUpgradePolicy, lambda one: one.identity == "Global", mode=mode)
    assert has_meetings(everybody, ADA) is meetings
    one = HEALTHY.one(r.CsOnlineUser, ONLINE, ADA)
    assert one is not None
    own = r.TeamsUpgradePolicy(premises=ONLINE, identity="Own", mode=mode)
    alone = HEALTHY.put(own, msgspec.structs.replace(one, teams_upgrade_policy="Own"))
    assert has_meetings(alone, ADA) is meetings
    assert has_meetings(alone, GRACE)


def test_no_teams_policy_at_all_hides_nothing() -> None:
    empty = Organization()
    assert can_show_calendar(empty, ADA)
    assert has_meetings(empty, ADA)
