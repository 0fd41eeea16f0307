"""The three delegation checks for a delegator in Exchange Online, at their edges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from hybridge.checks.base import Saying
from hybridge.checks.registry import all_checks
from hybridge.checks.rehearsal import evidence_of
from hybridge.evidence import Evidence, Key, Origin, Seen, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.lab.contoso import DOMAIN, TENANT_ID
from hybridge.org.delegations import online_delegates
from hybridge.org.organization import Organization
from hybridge.org.probes import MailboxLocation
from hybridge.org.records import CasMailbox, Mailbox, MailboxFolderPermission, Record
from hybridge.plan import Change, Manual, Risk
from hybridge.repair.planner import prove
from hybridge.repair.rules import refusal, unwritable
from hybridge.terms.premises import Premises

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
Fold = Callable[[Saying, Organization], Organization]
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
PERMISSION, LISTED, ON_BEHALF = (
    "delegation/calendar-permission",
    "delegation/delegate-listed",
    "delegation/send-on-behalf",
)
LINUS, MARIE, GRACE = "linus@contoso.com", "marie@contoso.com", "grace@contoso.com"
PAIR = f"{LINUS}:{MARIE}"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def entry(organization: Organization) -> MailboxFolderPermission:
    found = organization.one(MailboxFolderPermission, ONLINE, f"{LINUS}:\\Calendar/{MARIE}")
    assert found
    return found


def giving(organization: Organization, *rights: str, flags: tuple[str, ...] = ("Delegate",)) -> Organization:
    changed = msgspec.structs.replace(entry(organization), access_rights=rights, sharing_permission_flags=flags)
    return organization.put(changed)


@pytest.mark.parametrize(
    ("rights", "flags", "permission", "listed"),
    [
        (("Editor",), ("Delegate",), [], []),
        (("Author",), ("delegate",), [], []),
        (("Editor",), ("Delegate", "CanViewPrivateItems"), [], []),
        (("Editor",), (), [], ["not-delegate-online"]),
        (("Author",), (), [], ["not-delegate-online"]),
        (("Reviewer",), ("Delegate",), ["too-low-online"], []),
        (("None",), (), ["too-low-online"], ["not-delegate-online"]),
        ((), (), ["too-low-online"], ["not-delegate-online"]),
        (("Owner",), ("Delegate",), ["looks-higher-online"], []),
        (("PublishingEditor",), (), ["looks-higher-online"], ["not-delegate-online"]),
    ],
)
def test_rights_and_flags(
    causes: Causes,
    healthy: Organization,
    rights: tuple[str, ...],
    flags: tuple[str, ...],
    permission: list[str],
    listed: list[str],
) -> None:
    broken = giving(healthy, *rights, flags=flags)
    assert causes(PERMISSION, broken, PAIR) == permission
    assert causes(LISTED, broken, PAIR) == listed


def test_both_findings_about_one_entry_become_one_change(healthy: Organization) -> None:
    without = healthy.drop(entry(healthy).address)
    for broken in (without, giving(healthy, "Reviewer", flags=()), giving(healthy, "Owner", flags=())):
        evidence = _read(broken, healthy)
        plan = prove([c for c in all_checks() if not c.symptom], evidence, [Subject(Scope.DELEGATION, PAIR)])
        (change,) = plan.changes
        assert change.after == entry(healthy)
        assert unwritable(change) == refusal(change, NOW) == ""
        assert change.risk is Risk.MEDIUM and plan.manual == ()


def _read(organization: Organization, healthy: Organization) -> Evidence:
    """All of ``organization``; a kind it lacks is known to be absent."""
    evidence = evidence_of(healthy, NOW, DOMAIN, TENANT_ID)
    return evidence.projected(organization)


def test_the_flags_that_are_there_stay(look: Look, changed: Fold, healthy: Organization) -> None:
    broken = giving(healthy, "Owner", flags=("Delegate", "CanViewPrivateItems"))
    (found,) = look(PERMISSION, broken, PAIR)
    healed = entry(changed(found, broken))
    assert (healed.access_rights, healed.sharing_permission_flags) == (("Editor",), ("Delegate", "CanViewPrivateItems"))


def test_a_printed_display_name_is_the_delegates(look: Look, causes: Causes, healthy: Organization) -> None:
    one = entry(healthy)
    printed = msgspec.structs.replace(one, user="Marie Curie", identity=f"{LINUS}:\\Calendar/Marie Curie")
    named = healthy.drop(one.address).put(printed)
    assert causes(LISTED, named, PAIR) == causes(PERMISSION, named, PAIR) == []
    without = named.put(msgspec.structs.replace(printed, sharing_permission_flags=()))
    (found,) = look(LISTED, without, PAIR)
    assert isinstance(found, Finding) and found.address == printed.address


def test_a_name_nobody_knows_decides_nothing(look: Look, healthy: Organization) -> None:
    one = entry(healthy)
    printed = msgspec.structs.replace(one, user="M. Curie", identity=f"{LINUS}:\\Calendar/M. Curie")
    stranger = f"{LINUS}:somebody@contoso.com"
    for name in (LISTED, PERMISSION):
        (unseen,) = look(name, healthy.drop(one.address).put(printed), stranger)
        assert isinstance(unseen, Unseen) and "-User" in unseen.how
        (found,) = look(name, healthy, stranger)
        assert isinstance(found, Finding)


def test_a_delegate_on_the_other_side_is_left_to_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    (found,) = look(LISTED, healthy, f"{LINUS}:{GRACE}")
    cure = heal(found, healthy)
    assert isinstance(cure, Manual) and "same side" in cure.says


def test_rights_seen_only_as_custom_are_left_to_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = giving(healthy, "Custom", flags=())
    for name in (LISTED, PERMISSION):
        (found,) = look(name, broken, PAIR)
        assert isinstance(heal(found, broken), Manual)


def test_the_grant_is_added_to_the_others(look: Look, changed: Fold, healthy: Organization) -> None:
    linus = healthy.one(Mailbox, ONLINE, LINUS)
    assert linus
    broken = healthy.put(msgspec.structs.replace(linus, grant_send_on_behalf_to=("ada@contoso.com",)))
    (found,) = look(ON_BEHALF, broken, PAIR)
    assert isinstance(found, Finding) and found.cause == "missing-online" and found.symptoms == ()
    healed = changed(found, broken).one(Mailbox, ONLINE, LINUS)
    assert healed and healed.grant_send_on_behalf_to == ("ada@contoso.com", MARIE)


def test_ews_off_online_is_no_error(causes: Causes, look: Look, healthy: Organization) -> None:
    off = healthy.edit(CasMailbox, lambda one: one.premises is ONLINE, ews_enabled=False)
    for name in (PERMISSION, LISTED, ON_BEHALF):
        assert causes(name, off, PAIR) == []
    (said,) = look("ews/allow-list-mailbox", off, LINUS)
    assert isinstance(said, NotApplicable) and "EWS" in said.reason


def test_where_exchange_online_cannot_be_read_its_location_still_counts(healthy: Organization) -> None:
    evidence = evidence_of(healthy, NOW, DOMAIN, TENANT_ID)
    gap = Unseen(what="Mailbox", reason="forbidden", says="Get-Mailbox was refused.", how="Grant the role.")
    where: Seen[Record] = Seen((MailboxLocation(premises=ONLINE, identity=LINUS),), Origin(source="Autodiscover"))
    readings = {
        **evidence.readings,
        Key("Mailbox", ONLINE, LINUS): gap,
        Key("MailboxLocation", ONLINE, LINUS): where,
    }
    limited = Evidence(NOW, readings, DOMAIN, TENANT_ID)
    for check in all_checks():
        if check.scope is Scope.DELEGATION and check.name != "delegation/offered-in-cloud":
            assert list(check.find(limited, Subject(Scope.DELEGATION, PAIR))) == [gap]
        elif check.name in ("ews/allow-list-mailbox", "presence/out-of-office-stuck", "autodiscover/v2-route"):
            (said,) = check.find(limited, Subject(Scope.MAILBOX, LINUS))
            assert isinstance(said, NotApplicable)


def test_delegates_are_derived_from_the_flag(healthy: Organization) -> None:
    entries = healthy.all(MailboxFolderPermission, ONLINE)
    (one,) = online_delegates(entries)
    assert (one.delegator, one.delegate, one.premises, one.view_private_items) == (LINUS, MARIE, ONLINE, False)
    assert online_delegates(healthy.all(MailboxFolderPermission, ON)) == ()


@pytest.mark.parametrize(
    ("rights", "flags", "words"),
    [
        (("Author",), ("Delegate",), "beside the right Editor only"),
        (("Editor",), ("CanViewPrivateItems",), "together with Delegate only"),
    ],
)
def test_flags_exchange_online_would_refuse_are_refused_before(
    healthy: Organization, rights: tuple[str, ...], flags: tuple[str, ...], words: str
) -> None:
    plain = giving(healthy, "Editor", flags=())
    after = msgspec.structs.replace(entry(plain), access_rights=rights, sharing_permission_flags=flags)
    change = Change(address=after.address, before=entry(plain), after=after, says="Change it.")
    assert words in refusal(change, NOW)
    assert refusal(change.inverse, NOW) == "", "undo brings any state back"
