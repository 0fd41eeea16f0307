"""The three delegation checks at their edges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hybridge.checks.base import Saying
from hybridge.checks.delegation.rights import ROLES, Level, level
from hybridge.evidence import Unseen
from hybridge.findings import Finding
from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission
from hybridge.plan import Change, Manual, Risk
from hybridge.repair.rules import refusal
from hybridge.terms.premises import Premises

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
Fold = Callable[[Saying, Organization], Organization]
ON = Premises.ON_PREMISES
PERMISSION, LISTED, ON_BEHALF = (
    "delegation/calendar-permission",
    "delegation/delegate-listed",
    "delegation/send-on-behalf",
)
ADA, GRACE = "ada@contoso.com", "grace@contoso.com"


def giving(organization: Organization, *rights: str) -> Organization:
    return organization.edit(
        MailboxFolderPermission, lambda one: (one.mailbox, one.user) == (ADA, GRACE), access_rights=rights
    )


@pytest.mark.parametrize(
    ("rights", "cause"),
    [
        (("Author",), None),
        (("Editor",), None),
        (("editor",), None),
        (("CreateItems", "DeleteOwnedItems", "EditOwnedItems", "FolderVisible", "ReadItems"), None),
        (("Author", "FolderVisible"), None),
        (("Owner",), "looks-higher"),
        (("PublishingEditor",), "looks-higher"),
        (("PublishingAuthor",), "looks-higher"),
        (("Custom",), "looks-higher"),
        (("Editor", "FolderContact"), "looks-higher"),
        (("Reviewer",), "too-low"),
        (("None",), "too-low"),
        (("AvailabilityOnly",), "too-low"),
        (("LimitedDetails",), "too-low"),
        (("Contributor",), "too-low"),
        (("NonEditingAuthor",), "too-low"),
        (("ReadItems", "CreateItems", "FolderContact"), "too-low"),
        ((), "too-low"),
    ],
)
def test_rights(causes: Causes, healthy: Organization, rights: tuple[str, ...], cause: str | None) -> None:
    assert causes(PERMISSION, giving(healthy, *rights)) == ([cause] if cause else [])


def test_only_author_and_editor_are_accepted() -> None:
    assert {role for role in ROLES if level((role,)) is Level.ACCEPTED} == {"author", "editor"}


def test_no_entry_is_too_low_and_an_entry_is_made(look: Look, changed: Fold, healthy: Organization) -> None:
    entry = MailboxFolderPermission(premises=ON, identity=f"{ADA}:\\Calendar/{GRACE}", mailbox=ADA, user=GRACE)
    gone = healthy.drop(entry.address)
    (found,) = look(PERMISSION, gone)
    assert isinstance(found, Finding) and "no entry" in found.says
    assert changed(found, gone) == healthy


def test_the_entry_is_made_in_the_folder_the_mailbox_has(look: Look, changed: Fold, healthy: Organization) -> None:
    german = healthy.drop(
        *(one.address for one in healthy.all(MailboxFolderPermission, ON, ADA)),
    ).put(
        MailboxFolderPermission(
            premises=ON, identity=f"{ADA}:\\Kalender/Default", mailbox=ADA, folder="Kalender", user="Default"
        )
    )
    (found,) = look(PERMISSION, german)
    made = changed(found, german).one(MailboxFolderPermission, ON, f"{ADA}:\\Kalender/{GRACE}")
    assert made and made.access_rights == ("Editor",)


def test_narrowing_is_riskier_than_widening(look: Look, heal: Heal, healthy: Organization) -> None:
    for right, risk in (("Owner", Risk.MEDIUM), ("Reviewer", Risk.LOW)):
        broken = giving(healthy, right)
        (found,) = look(PERMISSION, broken)
        cure = heal(found, broken)
        assert isinstance(cure, tuple)
        assert [change.risk for change in cure] == [risk]
        assert [refusal(change, datetime(2026, 11, 20, tzinfo=UTC)) for change in cure] == [""]


def test_rights_seen_only_as_custom_are_left_to_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = giving(healthy, "Custom")
    (found,) = look(PERMISSION, broken)
    cure = heal(found, broken)
    assert isinstance(cure, Manual)
    assert any("Set-MailboxFolderPermission" in step for step in cure.steps)


def test_a_folder_right_makes_nobody_a_delegate(look: Look, healthy: Organization) -> None:
    gone = healthy.drop(*(one.address for one in healthy.all(DelegateUser, ON)))
    (found,) = look(LISTED, gone)
    assert isinstance(found, Finding)
    assert "the list holds nobody" in found.says
    assert look(PERMISSION, gone) == []


def test_a_listed_delegate_gets_no_copies_and_sees_nothing_private(
    look: Look, heal: Heal, changed: Fold, healthy: Organization
) -> None:
    gone = healthy.drop(*(one.address for one in healthy.all(DelegateUser, ON)))
    (found,) = look(LISTED, gone)
    cure = heal(found, gone)
    assert isinstance(cure, tuple)
    (change,) = cure
    assert isinstance(change.after, DelegateUser)
    assert (change.after.receive_copies_of_meeting_messages, change.after.view_private_items) == (False, False)
    assert (change.risk, refusal(change, datetime(2026, 11, 20, tzinfo=UTC))) == (Risk.MEDIUM, "")
    assert heal(found, changed(found, gone)) == ()


def test_the_right_and_the_grant_stay_cures_of_their_own(look: Look, changed: Fold, healthy: Organization) -> None:
    entry = next(one for one in healthy.all(MailboxFolderPermission, ON, ADA) if one.user == GRACE)
    bare = grant(healthy.drop(entry.address, *(one.address for one in healthy.all(DelegateUser, ON))))
    (found,) = look(LISTED, bare)
    listed = changed(found, bare)
    assert [one.kind for one in listed.difference(bare)] == ["DelegateUser"]
    assert look(PERMISSION, listed) != [] and look(ON_BEHALF, listed) != []


def test_a_delegate_online_is_left_to_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    (found,) = look(LISTED, healthy, f"{ADA}:linus@contoso.com")
    cure = heal(found, healthy)
    assert isinstance(cure, Manual)
    assert "online" in cure.says


def test_the_delegate_is_found_whatever_the_case(causes: Causes, healthy: Organization) -> None:
    for name in (LISTED, PERMISSION, ON_BEHALF):
        assert causes(name, healthy, "Ada@Contoso.com:GRACE@contoso.COM") == []


@pytest.mark.parametrize("name", [LISTED, PERMISSION, ON_BEHALF])
def test_a_delegator_nobody_knows_is_not_judged(causes: Causes, healthy: Organization, name: str) -> None:
    assert causes(name, healthy, f"nobody@contoso.com:{GRACE}") == ["unseen"]


def grant(organization: Organization, *granted: str) -> Organization:
    return organization.edit(
        Mailbox, lambda one: one.premises is ON and one.identity == ADA, grant_send_on_behalf_to=granted
    )


def test_the_grant_is_added_to_the_others(look: Look, changed: Fold, healthy: Organization) -> None:
    broken = grant(healthy, "katherine@contoso.com")
    (found,) = look(ON_BEHALF, broken)
    assert isinstance(found, Finding) and found.symptoms == ()
    mailbox = changed(found, broken).one(Mailbox, ON, ADA)
    assert mailbox and mailbox.grant_send_on_behalf_to == ("katherine@contoso.com", GRACE)


@pytest.mark.parametrize("printed", ["Grace Hopper", "contoso.com/Users/Grace Hopper", "GRACE@contoso.com"])
def test_a_grant_printed_as_a_name_is_recognised(causes: Causes, healthy: Organization, printed: str) -> None:
    assert causes(ON_BEHALF, grant(healthy, printed)) == []


def test_a_name_nobody_knows_decides_nothing(look: Look, healthy: Organization) -> None:
    (unseen,) = look(ON_BEHALF, grant(healthy, "G. Hopper"))
    assert isinstance(unseen, Unseen)
    assert "Get-Recipient" in unseen.how
