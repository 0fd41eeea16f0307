"""The persistent organization does what a plain dict of records would, however it was reached."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.org.organization import Organization
from hybridge.org.records import Address, CasMailbox, MailboxFolderPermission, MailUser, Record
from hybridge.org.shards import Shards
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
Model = dict[Address, Record]

_BOXES = st.integers(0, 12).map(lambda number: f"Box{number}@contoso.com")
_RECORDS = st.one_of(
    st.builds(CasMailbox, premises=st.just(ON), identity=_BOXES, ews_enabled=st.booleans()),
    st.builds(MailUser, premises=st.sampled_from(Premises), identity=_BOXES, external_email_address=_BOXES),
    st.builds(
        lambda box, user, right: MailboxFolderPermission(
            premises=ON, identity=f"{box}:\\Calendar/{user}", mailbox=box, user=user, access_rights=(right,)
        ),
        _BOXES,
        _BOXES,
        st.sampled_from(("Editor", "Owner")),
    ),
)
_STEPS = st.lists(st.tuples(st.booleans(), st.lists(_RECORDS, max_size=6), st.booleans()), max_size=12)


def agree(organization: Organization, model: Model) -> None:
    """``organization`` holds exactly ``model``, by every way of asking."""
    assert tuple(organization) == tuple(model[address] for address in sorted(model))
    assert len(organization) == len(model)
    assert organization == Organization(model.values())
    assert Organization(model.values()) == organization
    assert all(organization.at(address) == record for address, record in model.items())
    for kind in (CasMailbox, MailUser, MailboxFolderPermission):
        for premises in (None, ON, ONLINE):
            for scope in (None, "", "BOX3@contoso.com"):
                assert organization.all(kind, premises, scope) == _wanted(model, kind, premises, scope)


def _wanted(model: Model, kind: type[Record], premises: Premises | None, scope: str | None) -> tuple[Record, ...]:
    return tuple(
        model[address]
        for address in sorted(model)
        if type(model[address]) is kind
        and (premises is None or address.premises is premises)
        and (scope is None or model[address].scope == scope.lower())
    )


@settings(max_examples=40, deadline=None)
@given(_STEPS)
def test_every_change_is_that_of_a_dict(steps: Iterable[tuple[bool, list[Record], bool]]) -> None:
    organization, model = Organization(), Model()
    for puts, records, asks_between in steps:
        before, former = organization, dict(model)
        if puts:
            organization = organization.put(*records)
            model |= {record.address: record for record in records}
        else:
            organization = organization.drop(*(record.address for record in records))
            model = {address: record for address, record in model.items() if address not in _addresses(records)}
        if asks_between:  # what is looked up is kept from then on, and must follow the changes
            agree(organization, model)
        changed = {address for address in former.keys() | model.keys() if former.get(address) != model.get(address)}
        assert before.difference(organization) == tuple(sorted(changed))
        assert (before == organization) is (not changed)
        agree(before, former)
    agree(organization, model)


def _addresses(records: Iterable[Record]) -> set[Address]:
    return {record.address for record in records}


def test_a_record_whose_scope_moves_is_found_in_the_new_one_alone() -> None:
    def entry(mailbox: str) -> MailboxFolderPermission:
        return MailboxFolderPermission(premises=ON, identity="x/y", mailbox=mailbox, user="y")

    organization = Organization((entry("a@contoso.com"),))
    assert organization.all(MailboxFolderPermission, ON, "a@contoso.com")
    moved = organization.put(entry("b@contoso.com"))
    assert moved.all(MailboxFolderPermission, ON, "a@contoso.com") == ()
    assert moved.all(MailboxFolderPermission, ON, "b@contoso.com") == (entry("b@contoso.com"),)


def test_many_small_changes_are_those_of_one_large() -> None:
    boxes = [CasMailbox(premises=ON, identity=f"box{number}@contoso.com") for number in range(2_000)]
    one_by_one = Organization()
    for box in boxes:
        one_by_one = one_by_one.put(box)
    assert one_by_one == Organization(boxes)
    assert one_by_one.all(CasMailbox) == tuple(sorted(boxes, key=lambda box: box.identity))
    for box in boxes[:1_999]:
        one_by_one = one_by_one.drop(box.address)
    assert tuple(one_by_one) == (boxes[1_999],)


def test_a_change_shares_nearly_everything() -> None:
    entries = {str(number): number for number in range(10_000)}
    before = Shards(entries)
    after = before.changed({"7": 70, "8": None})
    shared = sum(one is two for one, two in zip(before._dicts, after._dicts, strict=True))
    assert shared >= len(before._dicts) - 2
    assert (len(before), len(after)) == (10_000, 9_999)
    assert (before.get("7"), after.get("7"), after.get("8")) == (7, 70, None)
    assert dict(before.items()) == entries
