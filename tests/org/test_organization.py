"""The immutable map: what is put is found, equality is by value, differences are named."""

from __future__ import annotations

import pytest

from hybridge.org.organization import Organization
from hybridge.org.records import CasMailbox, OrganizationConfig
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ADA = CasMailbox(premises=ON, identity="Ada@contoso.com", ews_enabled=True)
ALAN = CasMailbox(premises=ON, identity="alan@contoso.com")
CONFIG = OrganizationConfig(premises=ON, identity="Contoso")


def test_lookups_ignore_case_and_keep_sides_and_kinds_apart() -> None:
    organization = Organization((ALAN, CONFIG, ADA))
    assert organization.one(CasMailbox, ON, "ADA@contoso.com") == ADA
    assert organization.one(CasMailbox, Premises.ONLINE, "ada@contoso.com") is None
    assert organization.all(CasMailbox) == (ADA, ALAN)
    assert organization.all(CasMailbox, scope="ADA@contoso.com") == (ADA,)
    assert organization.all(OrganizationConfig, Premises.ONLINE) == ()


def test_changes_make_a_new_organization() -> None:
    before = Organization((ADA, CONFIG))
    after = before.edit(CasMailbox, ews_enabled=False)
    assert before.one(CasMailbox, ON, "ada@contoso.com") == ADA
    assert before.difference(after) == (ADA.address,)
    assert after.put(ADA) == before
    assert before.drop(ADA.address).drop(ADA.address) == Organization((CONFIG,))


def test_no_list_and_an_empty_list_differ() -> None:
    unset = Organization((CONFIG,))
    assert unset != unset.edit(OrganizationConfig, ews_allow_list=())


def test_organizations_are_values_but_no_keys() -> None:
    with pytest.raises(TypeError):
        hash(Organization())
