"""One step at a time, and which step needs which."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from tests.repair.desk import ON, ONLINE, Desk, broken, plan
from tests.repair.storm import as_compared

from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import Change, change
from hybridge.repair.executor import Choice, End
from hybridge.repair.needs import needs_of
from hybridge.terms import applications as apps


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "journals")


class Person:
    """Answers by number, else y; remembers what was offered."""

    def __init__(self, answers: Mapping[int, Choice]) -> None:
        self.answers = answers
        self.offered: list[int] = []

    async def __call__(self, number: int, offered: Change) -> Choice:
        assert offered == plan().changes[number - 1]
        self.offered.append(number)
        return self.answers.get(number, Choice.MAKE)


def ends(applied: object) -> list[str]:
    return [str(step.end) for step in getattr(applied, "steps", ())]


async def test_every_step_is_offered_and_made(desk: Desk) -> None:
    person = Person({})
    assert (await desk.apply(choose=person)).complete
    assert person.offered == list(range(1, 9))


async def test_what_needs_a_skipped_step_is_not_offered_and_recorded_as_skipped(desk: Desk) -> None:
    person = Person({4: Choice.SKIP})
    applied = await desk.apply(choose=person)
    assert not applied.complete
    assert person.offered == [1, 2, 3, 4, 5, 7, 8]
    assert ends(applied) == ["applied"] * 3 + ["skipped", "applied", "skipped", "applied", "applied"]
    assert applied.says == "6 of 8 changes applied, 2 skipped."
    steps = desk.journal().by_number
    assert (steps[4].state, steps[4].says) == ("skipped", "Skipped by choice.")
    assert (steps[6].state, steps[6].says) == ("skipped", "It needs step 4, which was skipped.")
    assert not desk.journal().unfinished, "a choice is no failure"
    assert [step.number for step in desk.journal().left_to_undo] == [8, 7, 5, 3, 2, 1]


async def test_skipping_the_account_leaves_nothing_of_the_procedure_but_what_stands_alone(desk: Desk) -> None:
    person = Person({1: Choice.SKIP})
    await desk.apply(choose=person)
    assert person.offered == [1, 8]


async def test_stop_leaves_the_rest(desk: Desk) -> None:
    person = Person({3: Choice.STOP})
    applied = await desk.apply(choose=person)
    assert person.offered == [1, 2, 3]
    assert ends(applied) == ["applied", "applied", *["not-reached"] * 6]
    assert desk.states() == ["applied", "applied"]
    assert desk.journal().unfinished


async def test_what_is_already_so_is_not_asked(desk: Desk) -> None:
    await desk.apply(choose=Person({4: Choice.SKIP}))
    person = Person({})
    again = await desk.apply(choose=person)
    assert again.complete
    assert person.offered == [4, 6]


async def test_a_plain_apply_makes_what_was_skipped(desk: Desk) -> None:
    await desk.apply(choose=Person({4: Choice.SKIP}))
    assert (await desk.apply()).complete
    assert (await desk.undo()).complete
    assert as_compared(desk.organization) == as_compared(broken())


async def test_undo_leaves_skipped_steps_alone(desk: Desk) -> None:
    await desk.apply(choose=Person({1: Choice.SKIP, 8: Choice.SKIP}))
    assert (await desk.undo()).says == "There is nothing left to undo."
    assert as_compared(desk.organization) == as_compared(broken())


async def test_the_record_is_looked_at_again_after_the_answer(desk: Desk) -> None:
    class Slow(Person):
        async def __call__(self, number: int, offered: Change) -> Choice:
            if number == 4:
                stranger = r.PartnerApplication(premises=ON, identity="TeamsScheduler", application_identifier="x")
                desk.estate.organization = desk.organization.put(stranger)
            return await super().__call__(number, offered)

    applied = await desk.apply(choose=Slow({}))
    assert applied.steps[3].end is End.DRIFTED


async def test_a_step_half_made_that_is_skipped_is_still_to_be_undone(desk: Desk) -> None:
    await desk.apply(choose=Person({3: Choice.STOP}))
    role = desk.organization.one(r.ManagementRole, ON, apps.INTEGRATION_ROLE)
    assert role is not None
    desk.estate.organization = desk.organization.put(
        msgspec.structs.replace(role, role_entries=(*role.role_entries, "SendItem"))
    )
    journal = desk.root / plan().id / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"applied"' not in line or b'"step":2' not in line))
    await desk.apply(choose=Person({2: Choice.SKIP, 8: Choice.SKIP}))
    assert desk.journal().by_number[2].state == "intended"
    assert (await desk.undo()).complete
    assert as_compared(desk.organization) == as_compared(broken())


def gone(record: Record) -> Change:
    return Change(address=record.address, before=record, after=None, says="Remove it.")  # type: ignore[arg-type]


def made(record: Record, *why: str) -> Change:
    return msgspec.structs.replace(change(Organization(), record, "Make it."), why=why)


USER = r.MailUser(premises=ON, identity="Account")
ROLE = r.ManagementRole(premises=ON, identity="Role", parent="UserApplication")
ASSIGNMENT = r.ManagementRoleAssignment(premises=ON, identity="Role-Account", role="Role", role_assignee="Account")
APPLICATION = r.PartnerApplication(
    premises=ON, identity="App", application_identifier="ID", linked_account="contoso.com/Users/Account"
)
PRINCIPAL = r.ServicePrincipal(premises=ONLINE, identity="id")
RIGHT = r.MailboxFolderPermission(
    premises=ON, identity="a@x.com:\\Calendar/b@x.com", mailbox="a@x.com", user="B@x.com", access_rights=("Editor",)
)
DELEGATE = r.DelegateUser(premises=ON, identity="A@x.com/b@x.com", delegator="A@x.com", delegate="b@x.com")
REGISTRATION = r.EntraApplication(premises=ONLINE, identity="ExchangeServerApp-1", application_id="AA")
CONSENT = r.AppRoleAssignment(premises=ONLINE, identity="x", principal="exchangeserverapp-1", app_role_id="p")
SERVER = r.AuthServer(premises=ON, identity="EvoSts", application_identifier="aa")
OVERRIDE = r.SettingOverride(
    premises=ON, identity="o", component_name="Global", section_name="ExchangeOnpremAsThirdPartyAppId"
)


def test_needs_of_the_procedure() -> None:
    assert needs_of(plan().changes) == (
        frozenset(),
        frozenset({1}),
        frozenset({1, 2}),
        frozenset({1, 2, 3}),
        frozenset({1, 3}),
        frozenset({4}),
        frozenset({5}),
        frozenset(),
    )


@pytest.mark.parametrize(
    ("records", "needs"),
    [
        ((USER, ROLE, ASSIGNMENT, APPLICATION, PRINCIPAL), [set(), set(), {1, 2}, {1, 3}, {4}]),
        ((RIGHT, DELEGATE), [set(), {1}]),
        ((REGISTRATION, CONSENT, SERVER, OVERRIDE), [set(), {1}, {1, 2}, {3}]),
        ((msgspec.structs.replace(APPLICATION, linked_account=""), USER), [set(), set()]),
    ],
)
def test_a_record_needs_those_it_names(records: tuple[Record, ...], needs: list[set[int]]) -> None:
    assert [set(one) for one in needs_of([made(record) for record in records])] == needs


def test_a_removal_waits_for_those_who_name_the_record() -> None:
    changes = [gone(APPLICATION), gone(ASSIGNMENT), gone(ROLE), gone(USER)]
    assert [set(one) for one in needs_of(changes)] == [set(), {1}, {2}, {1, 2}]


def test_an_account_goes_after_the_application_is_linked_elsewhere() -> None:
    moved = Change(
        address=APPLICATION.address,
        before=APPLICATION,
        after=msgspec.structs.replace(APPLICATION, linked_account="Other"),
        says="Link it.",
    )
    assert needs_of([moved, gone(USER)])[1] == {1}


def test_one_cure_of_one_subject_is_made_in_order() -> None:
    policy = r.CsOnlineUser(premises=ONLINE, identity="ada@contoso.com")
    access = r.CasMailbox(premises=ON, identity="ada@contoso.com")
    other = r.CsOnlineUser(premises=ONLINE, identity="grace@contoso.com")
    changes = [made(access, "teams/x:y"), made(policy, "teams/x:y"), made(other, "teams/x:y")]
    assert [set(one) for one in needs_of(changes)] == [set(), {1}, set()]


def test_ten_thousand_mailboxes_need_nothing_of_each_other() -> None:
    changes = [
        made(r.CasMailbox(premises=ON, identity=f"m{number}@contoso.com", ews_enabled=True), "ews/x:y")
        for number in range(10_000)
    ]
    assert not any(needs_of(changes))
