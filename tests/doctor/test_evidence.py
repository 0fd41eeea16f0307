"""Readings: by themselves, cut from a larger one, projected on another organization."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hybridge.evidence import Evidence, Key, Origin, Reading, Seen, Unseen
from hybridge.org.organization import Organization
from hybridge.org.records import CasMailbox, Mailbox, MailUser, OrganizationConfig
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
OWN, WHOLE = Origin(source="Get-CASMailbox -Identity ada"), Origin(source="Get-CASMailbox")
ADA = CasMailbox(premises=ON, identity="Ada@contoso.com", ews_enabled=True)
GRACE = CasMailbox(premises=ON, identity="grace@contoso.com")
CONFIG = OrganizationConfig(premises=ON, identity="Contoso")
GAP = Unseen(what="MailUser", reason="forbidden", says="Nobody may read it.")


def evidence(**readings: Reading) -> Evidence:
    """``kind__scope`` names a reading on-premises."""
    made: dict[Key, Reading] = {}
    for name, reading in readings.items():
        kind, _, scope = name.partition("__")
        made[Key(kind, ON, scope and f"{scope}@contoso.com")] = reading
    return Evidence(now=NOW, readings=made)


BY_MAILBOX = evidence(CasMailbox__ada=Seen((ADA,), OWN), CasMailbox__grace=Seen((GRACE,), WHOLE))
AS_A_WHOLE = evidence(CasMailbox=Seen((GRACE, ADA), WHOLE), OrganizationConfig=Seen((CONFIG,), OWN), MailUser=GAP)


def records(reading: Seen[CasMailbox] | Unseen) -> tuple[CasMailbox, ...]:
    assert isinstance(reading, Seen)
    return reading.records


@pytest.mark.parametrize("seen", [BY_MAILBOX, AS_A_WHOLE])
@pytest.mark.parametrize("projected", [False, True])
def test_a_mailbox_is_found_by_scope_and_by_identity_without_case(seen: Evidence, projected: bool) -> None:
    found = seen.projected(seen.organization()) if projected else seen
    assert records(found.all(CasMailbox, ON, "ADA@contoso.com")) == (ADA,)
    assert records(found.one(CasMailbox, ON, "ada@CONTOSO.com", "Ada@contoso.com")) == (ADA,)
    assert records(found.one(CasMailbox, ON, "grace@contoso.com", "ada@contoso.com")) == ()
    assert found.origin_of(GRACE.address) == WHOLE


def test_a_whole_reading_is_complete_and_says_so_of_nobody() -> None:
    assert records(AS_A_WHOLE.all(CasMailbox, ON)) == (GRACE, ADA)
    assert records(AS_A_WHOLE.one(CasMailbox, ON, "ADA@contoso.com")) == (ADA,)
    assert records(AS_A_WHOLE.all(CasMailbox, ON, "nobody@contoso.com")) == ()
    assert records(AS_A_WHOLE.one(CasMailbox, ON, "nobody@contoso.com")) == ()


@pytest.mark.parametrize("seen", [AS_A_WHOLE, AS_A_WHOLE.projected(AS_A_WHOLE.organization())])
def test_what_nobody_read_or_could_read_is_unseen(seen: Evidence) -> None:
    for reading in (seen.all(MailUser, ON), seen.one(MailUser, ON, "x"), seen.all(MailUser, ON, "x@contoso.com")):
        assert reading == GAP
    for unread in (seen.all(CasMailbox, ONLINE), seen.one(CasMailbox, ONLINE, "x"), BY_MAILBOX.all(CasMailbox, ON)):
        assert isinstance(unread, Unseen)
        assert (unread.reason, unread.how) == ("not-asked", "Get-CASMailbox")
    assert seen.origin_of(MailUser(premises=ON, identity="x").address) is None


def test_a_projection_shows_changes_everywhere_and_keeps_origins() -> None:
    after = CasMailbox(premises=ON, identity="ada@contoso.com", ews_enabled=False)
    new = CasMailbox(premises=ON, identity="alan@contoso.com")
    changed = AS_A_WHOLE.organization().put(after, new).drop(GRACE.address)
    found = AS_A_WHOLE.projected(changed)
    assert records(found.all(CasMailbox, ON)) == (after, new)
    assert records(found.all(CasMailbox, ON, "ada@contoso.com")) == (after,)
    assert records(found.one(CasMailbox, ON, "alan@contoso.com")) == (new,)
    assert records(found.all(CasMailbox, ON, "grace@contoso.com")) == ()
    assert found.all(CasMailbox, ON) == Seen((after, new), WHOLE)
    assert found.organization() == changed
    assert set(found.readings) == set(AS_A_WHOLE.readings)
    assert found.projected(AS_A_WHOLE.organization()).organization() == AS_A_WHOLE.organization()


def test_a_mailbox_asked_for_by_its_second_address_is_followed() -> None:
    box = Mailbox(premises=ON, identity="ada@contoso.com", user_principal_name="ada@contoso.com")
    seen = Evidence(now=NOW, readings={Key("Mailbox", ON, "countess@contoso.com"): Seen((box,), OWN)})
    hidden = Mailbox(premises=ON, identity="ada@contoso.com", user_principal_name="ada@contoso.com", server_name="EX2")
    found = seen.projected(seen.organization().put(hidden)).all(Mailbox, ON, "countess@contoso.com")
    assert found == Seen((hidden,), OWN)
    gone = seen.projected(Organization()).all(Mailbox, ON, "countess@contoso.com")
    assert gone == Seen((), OWN)
