"""What a plan must never hold: the published mistakes, and what would take access or keys away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hybridge.org import records as r
from hybridge.org.union import AnyRecord
from hybridge.plan import Change
from hybridge.repair.comparison import between, differences, same
from hybridge.repair.rules import refusal, unwritable
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
UNSET = r.OrganizationConfig(premises=ON, identity="Contoso")
ALLOWING = msgspec.structs.replace(
    UNSET, ews_application_access_policy="EnforceAllowList", ews_allow_list=("OWA/*", "* Odd/*")
)
BLOCKING = msgspec.structs.replace(
    UNSET, ews_application_access_policy="EnforceBlockList", ews_block_list=("*Teams*", "Old/*")
)


def refused(before: AnyRecord | None, after: AnyRecord | None) -> str:
    record = after or before
    assert record is not None
    return refusal(Change(address=record.address, before=before, after=after, says="Do it."), NOW)


def allow(*entries: str) -> r.OrganizationConfig:
    return msgspec.structs.replace(ALLOWING, ews_allow_list=entries)


@pytest.mark.parametrize("entry", ["* Microsoft.Skype.Presence.App/*", " *Teams*", "*Teams* ", "*Teams *"])
def test_a_stray_blank_is_not_added(entry: str) -> None:
    assert "stray blank" in refused(ALLOWING, allow("OWA/*", "* Odd/*", entry))


def test_an_allow_list_is_not_switched_on() -> None:
    assert "never switches an EWS policy (not set to 'EnforceAllowList')" in refused(UNSET, ALLOWING)
    assert "would be refused from then on" in refused(UNSET, ALLOWING)


@pytest.mark.parametrize(("before", "after"), [(ALLOWING, UNSET), (ALLOWING, BLOCKING), (UNSET, BLOCKING)])
def test_no_policy_is_switched(before: r.OrganizationConfig, after: r.OrganizationConfig) -> None:
    assert "never switches" in refused(before, after)


def test_several_callers_in_one_text_are_not_added() -> None:
    assert "one pattern" in refused(ALLOWING, allow("OWA/*", "* Odd/*", "SchedulingService/*,*SkypeSpaces/*"))


@pytest.mark.parametrize("entry", ["\u201cTeams*\u201d", "Teams\u2013*", "\u2019Teams", "Teams\u00a0/*"])
def test_typographic_signs_are_not_added(entry: str) -> None:
    assert "typographic" in refused(ALLOWING, allow("OWA/*", "* Odd/*", entry))


def test_odd_entries_that_are_there_may_stay_or_go() -> None:
    assert refused(ALLOWING, allow("OWA/*", "* Odd/*", "*Teams*")) == ""
    assert refused(ALLOWING, allow("OWA/*", "*Teams*")) == ""


def test_an_enforced_allow_list_is_not_emptied() -> None:
    assert "must not be emptied" in refused(ALLOWING, allow())
    assert "must not be emptied" in refused(ALLOWING, msgspec.structs.replace(ALLOWING, ews_allow_list=None))
    assert refused(BLOCKING, msgspec.structs.replace(BLOCKING, ews_block_list=())) == ""


def test_a_list_without_its_policy_is_not_touched() -> None:
    assert "only read under the policy" in refused(BLOCKING, msgspec.structs.replace(BLOCKING, ews_allow_list=("x",)))


def test_undo_may_bring_mistakes_back_but_never_a_policy() -> None:
    healed = allow("OWA/*", "*Odd/*")
    back = Change(address=ALLOWING.address, before=healed, after=ALLOWING, says="Undo.")
    assert unwritable(back) == ""
    assert "never switches" in unwritable(Change(address=UNSET.address, before=ALLOWING, after=UNSET, says="Undo."))


def permission(*rights: str, user: str = "grace@contoso.com") -> r.MailboxFolderPermission:
    identity = f"ada@contoso.com:\\Calendar/{user}"
    return r.MailboxFolderPermission(
        premises=ON, identity=identity, mailbox="ada@contoso.com", user=user, access_rights=rights
    )


def test_rights_must_be_real_and_known() -> None:
    assert refused(None, permission("Editor")) == ""
    assert refused(permission("Owner"), permission("Editor")) == ""
    assert "no right" in refused(None, permission())
    assert "no right" in refused(permission("Owner"), permission("Custom"))
    assert "could not be given back" in refused(permission("Custom"), permission("Editor"))
    assert "part of every folder" in refused(permission("None", user="Default"), None)


def key(der: bytes | None, key_id: str = "", end_at: datetime | None = None) -> r.KeyCredential:
    return r.KeyCredential(key_id=key_id, key=der, end_at=end_at)


def principal(*keys: r.KeyCredential) -> r.ServicePrincipal:
    return r.ServicePrincipal(premises=ONLINE, identity="7557eb47", object_id="1", key_credentials=keys)


OURS, THEIRS = key(b"0ours"), key(b"0theirs", "2")
EXPIRED = key(b"0old", "3", NOW - timedelta(days=1))


def test_keys_are_only_added() -> None:
    assert refused(principal(THEIRS), principal(THEIRS, OURS)) == ""
    assert refused(None, principal(OURS)) == ""
    assert refused(principal(THEIRS, EXPIRED), principal(THEIRS, OURS)) == ""
    assert "must not be dropped" in refused(principal(THEIRS), principal(OURS))
    assert "would lose it" in refused(principal(key(None, "9")), principal(key(None, "9"), OURS))
    assert "no DER" in refused(principal(THEIRS), principal(THEIRS, key(None)))
    assert "never removed" in refused(principal(THEIRS), None)


def test_a_change_must_name_what_it_holds() -> None:
    other = msgspec.structs.replace(ALLOWING, identity="Fabrikam")
    change = Change(address=ALLOWING.address, before=ALLOWING, after=other, says="Do it.")
    assert "but holds" in refusal(change, NOW)
    nothing = Change(address=permission("Editor").address, before=None, after=None, says="Do it.")
    assert "neither what was nor what shall be" in refusal(nothing, NOW)


def test_records_are_compared_the_way_exchange_does() -> None:
    address = ALLOWING.address
    assert same(address, allow("OWA/*", "a/*"), allow("A/*", "owa/*"), NOW)
    assert not same(address, allow(), msgspec.structs.replace(ALLOWING, ews_allow_list=None), NOW)
    user = r.MailUser(premises=ON, identity="App", external_email_address="SMTP:App@contoso.com")
    other = msgspec.structs.replace(user, external_email_address="app@contoso.com", user_principal_name="elsewhere")
    assert same(user.address, user, other, NOW)
    policy = r.TeamsAppSetupPolicy(premises=ONLINE, identity="Global", pinned_app_bar_apps=("a", "b"))
    turned = msgspec.structs.replace(policy, pinned_app_bar_apps=("b", "a"))
    assert not same(policy.address, policy, turned, NOW)


def test_keys_are_compared_by_their_living_bytes() -> None:
    address = principal().address
    renamed = key(b"0ours", "other id", NOW + timedelta(days=1))
    assert same(address, principal(OURS, EXPIRED), principal(renamed), NOW)
    assert same(address, principal(), principal(EXPIRED), NOW)
    assert not same(address, None, principal(), NOW)
    (difference,) = differences(address, principal(OURS), principal(THEIRS), NOW)
    assert difference.field == "key_credentials"
    assert "0theirs" not in str(difference)


def test_differences_name_the_field_and_both_values() -> None:
    (difference,) = differences(ALLOWING.address, ALLOWING, allow("OWA/*"), NOW)
    assert str(difference) == "ews_allow_list is [OWA/*], not [OWA/*, * Odd/*]"
    (gone,) = differences(ALLOWING.address, ALLOWING, None, NOW)
    assert str(gone) == "it is absent, not present"


def test_half_way_is_a_mixture_of_before_and_after() -> None:
    before, after = allow("a", "b"), allow("a", "c", "d")
    address = before.address
    assert between(address, allow("a", "b", "c"), before, after, NOW)
    assert between(address, allow("a"), before, after, NOW)
    assert not between(address, allow("a", "x"), before, after, NOW)
    assert not between(address, allow("b"), before, after, NOW)
    enabled = msgspec.structs.replace(after, ews_enabled=True)
    assert not between(address, msgspec.structs.replace(before, ews_enabled=False), before, enabled, NOW)
    assert between(address, msgspec.structs.replace(before, ews_enabled=True), before, enabled, NOW)
