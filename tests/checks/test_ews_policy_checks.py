"""The two allow-list checks at their edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hybridge.checks.base import Saying
from hybridge.evidence import Unseen
from hybridge.findings import Finding, NotApplicable
from hybridge.org.organization import Organization
from hybridge.org.records import CasMailbox, Mailbox, OrganizationConfig
from hybridge.plan import Change, Manual
from hybridge.rules import CALLERS
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

Look = Callable[..., list[Saying]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
Fold = Callable[[Saying, Organization], Organization]
ON = Premises.ON_PREMISES
ORGANIZATION, MAILBOX = "ews/allow-list-organization", "ews/allow-list-mailbox"
WHOLE = ("*SchedulingService*", "*SkypeSpaces/*", "*Microsoft.Skype.Presence.App/*")


def policy(organization: Organization, name: str, **values: Any) -> Organization:
    """``values`` set on what ``name`` judges; both ways to write "allow list" at once."""
    if "ews_allow_list" in values:
        values.setdefault("ews_application_access_policy", "EnforceAllowList")
    if name == ORGANIZATION:
        return organization.edit(OrganizationConfig, **values)
    return organization.edit(CasMailbox, lambda one: one.identity == "ada@contoso.com", **values)


BOTH = pytest.mark.parametrize("name", [ORGANIZATION, MAILBOX])


@BOTH
@pytest.mark.parametrize("listed", [None, ()])
def test_an_enforced_list_without_entries_refuses_everybody(
    look: Look, healthy: Organization, name: str, listed: tuple[str, ...] | None
) -> None:
    (found,) = look(name, policy(healthy, name, ews_allow_list=listed))
    assert isinstance(found, Finding)
    assert found.cause == "list-empty"
    assert set(found.symptoms) == set(Symptom)


@BOTH
def test_no_policy_is_no_problem_whatever_the_lists_hold(look: Look, healthy: Organization, name: str) -> None:
    for listed in (None, (), ("OWA/*",)):
        values = {"ews_application_access_policy": None, "ews_allow_list": listed, "ews_block_list": ("*",)}
        assert look(name, policy(healthy, name, **values)) == []


@BOTH
@pytest.mark.parametrize(
    ("lacks", "symptom"),
    [
        ("*SchedulingService*", Symptom.DELEGATE_CANNOT_SCHEDULE),
        ("*SkypeSpaces/*", Symptom.CALENDAR_MISSING),
        ("*Microsoft.Skype.Presence.App/*", Symptom.PRESENCE_STUCK),
    ],
)
def test_each_feature_is_found_alone(
    look: Look, healthy: Organization, name: str, lacks: str, symptom: Symptom
) -> None:
    listed = tuple(entry for entry in WHOLE if entry != lacks)
    (found,) = look(name, policy(healthy, name, ews_allow_list=listed))
    assert isinstance(found, Finding)
    assert (found.cause, found.symptoms) == ("caller-missing", (symptom,))
    agents = [caller.user_agent for caller in CALLERS if caller.pattern == lacks]
    assert all(f"'{agent}'" in found.says for agent in agents)
    assert found.facts["user_agents"].split(" | ") == agents


def test_the_sentence_names_caller_and_feature(look: Look, healthy: Organization) -> None:
    (found,) = look(ORGANIZATION, policy(healthy, ORGANIZATION, ews_allow_list=WHOLE[1:]))
    assert isinstance(found, Finding)
    assert found.says == "The EWS allow list of Contoso refuses 'SchedulingService/1.0' (delegation)."


@BOTH
def test_the_published_patterns_still_lose_one_calendar_caller(look: Look, healthy: Organization, name: str) -> None:
    listed = ("*SchedulingService*", "MicrosoftNinja/*", "*Teams/*", "SkypeSpaces/*", "*Microsoft.Skype.Presence.App/*")
    (found,) = look(name, policy(healthy, name, ews_allow_list=listed))
    assert isinstance(found, Finding)
    assert (found.cause, found.facts["callers"]) == ("caller-missing", "calendar (Teams)")


@BOTH
def test_case_does_not_matter(look: Look, healthy: Organization, name: str) -> None:
    values = {
        "ews_application_access_policy": "enforceallowlist",
        "ews_allow_list": tuple(entry.upper() for entry in WHOLE),
    }
    assert look(name, policy(healthy, name, **values)) == []


@BOTH
@pytest.mark.parametrize(
    ("entry", "feature", "mistake"),
    [
        ("* Microsoft.Skype.Presence.App/*", "presence", "a stray blank"),
        ("MicrosoftNinja/*,*Teams/*,*SkypeSpaces/*", "calendar", "several patterns in one entry"),
        ("SchedulingService", "delegation", "no asterisk"),
        ("\u201d*SchedulingService*\u201d", "delegation", "typographic characters"),
    ],
)
def test_a_misspelt_entry_is_named_kept_and_made_good(
    look: Look, changed: Fold, healthy: Organization, name: str, entry: str, feature: str, mistake: str
) -> None:
    right = {"presence": WHOLE[2], "calendar": WHOLE[1], "delegation": WHOLE[0]}[feature]
    listed = tuple(entry if one == right else one for one in WHOLE)
    broken = policy(healthy, name, ews_allow_list=listed)
    (found,) = look(name, broken)
    assert isinstance(found, Finding)
    assert (found.cause, found.facts["feature"], found.facts["entries"]) == ("caller-misspelt", feature, entry)
    assert mistake in found.says
    assert access(changed(found, broken), name).ews_allow_list == (*listed, right)


def access(organization: Organization, name: str) -> OrganizationConfig | CasMailbox:
    if name == ORGANIZATION:
        return organization.all(OrganizationConfig, ON)[0]
    return organization.all(CasMailbox, ON)[0]


@BOTH
def test_a_cure_never_switches_a_policy_on(look: Look, heal: Heal, healthy: Organization, name: str) -> None:
    """Even if the policy was switched off between finding and healing."""
    broken = policy(healthy, name, ews_allow_list=("OWA/*",))
    off = policy(healthy, name, ews_application_access_policy=None, ews_allow_list=("OWA/*",))
    for found in look(name, broken):
        assert heal(found, off) == ()


@BOTH
def test_a_block_list_loses_only_what_matches(look: Look, changed: Fold, healthy: Organization, name: str) -> None:
    listed = ("Evil/*", "*teams/*", "*SkypeSpaces*", "Worse/*")
    broken = policy(healthy, name, ews_application_access_policy="EnforceBlockList", ews_block_list=listed)
    (found,) = look(name, broken)
    assert isinstance(found, Finding)
    assert (found.cause, found.facts["feature"]) == ("caller-blocked", "calendar")
    mended = access(changed(found, broken), name)
    assert mended.ews_block_list == ("Evil/*", "Worse/*")
    assert mended.ews_application_access_policy == "EnforceBlockList"


@BOTH
def test_a_block_list_of_everything_is_found_per_feature(look: Look, healthy: Organization, name: str) -> None:
    broken = policy(healthy, name, ews_application_access_policy="EnforceBlockList", ews_block_list=("*",))
    assert [found.facts["feature"] for found in look(name, broken) if isinstance(found, Finding)] == [
        "delegation",
        "calendar",
        "presence",
    ]
    for empty in ((), None):
        nothing = policy(healthy, name, ews_application_access_policy="EnforceBlockList", ews_block_list=empty)
        assert look(name, nothing) == []


def test_ews_enabled_has_three_states_for_the_organization(
    causes: Callable[..., list[str]], healthy: Organization
) -> None:
    shut = [causes(ORGANIZATION, policy(healthy, ORGANIZATION, ews_enabled=value)) for value in (True, None, False)]
    assert shut == [[], [], ["disabled"]]


def test_a_disabled_organization_is_judged_by_its_list_too(
    causes: Callable[..., list[str]], healthy: Organization
) -> None:
    """The list holds for REST, which EwsEnabled does not shut."""
    broken = policy(healthy, ORGANIZATION, ews_enabled=False, ews_allow_list=())
    assert causes(ORGANIZATION, broken) == ["disabled", "list-empty"]


@pytest.mark.parametrize("enabled", [True, None, False])
def test_a_policy_of_a_mailbox_counts_only_while_it_is_enabled(
    causes: Callable[..., list[str]], healthy: Organization, enabled: bool | None
) -> None:
    broken = policy(healthy, MAILBOX, ews_enabled=enabled, ews_allow_list=())
    assert causes(MAILBOX, broken) == {True: ["list-empty"], None: [], False: ["disabled"]}[enabled]


def test_an_online_mailbox_is_not_judged(look: Look, healthy: Organization) -> None:
    (said,) = look(MAILBOX, healthy, "linus@contoso.com")
    assert isinstance(said, NotApplicable) and said.reason.startswith("The mailbox linus@contoso.com is online.")


def test_an_unknown_mailbox_is_not_passed(look: Look, healthy: Organization) -> None:
    (unseen,) = look(MAILBOX, healthy, "nobody@contoso.com")
    assert isinstance(unseen, Unseen)
    assert "nobody@contoso.com" in unseen.says and unseen.how


def test_the_address_is_compared_without_case(causes: Callable[..., list[str]], healthy: Organization) -> None:
    broken = policy(healthy, MAILBOX, ews_enabled=False)
    assert causes(MAILBOX, broken, "ADA@Contoso.com") == ["disabled"]


def test_a_mailbox_whose_settings_are_missing_is_not_passed(
    causes: Callable[..., list[str]], healthy: Organization
) -> None:
    gone = healthy.drop(*(one.address for one in healthy.all(CasMailbox, ON)))
    assert causes(MAILBOX, gone) == ["unseen"]


def test_without_an_organization_on_premises_there_is_nothing_to_judge(
    causes: Callable[..., list[str]], healthy: Organization
) -> None:
    gone = healthy.drop(*(one.address for one in healthy.all(OrganizationConfig, ON)))
    assert causes(ORGANIZATION, gone) == ["not-applicable"]


def test_the_place_of_a_mailbox_may_be_unread(causes: Callable[..., list[str]], healthy: Organization) -> None:
    assert causes(MAILBOX, healthy, unseen=((Mailbox, ON),)) == ["unseen"]
    assert causes(MAILBOX, healthy, unseen=((Mailbox, Premises.ONLINE),)) == []
