"""The EWS hand against the lab in process: the list of delegates changes, and nothing beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.repair.delegates_lab import (
    ADA,
    ADD,
    DROPPED,
    GRACE,
    LISTED,
    ON,
    PAIR,
    STATES,
    Lab,
    granting,
    right,
    unlisted,
)

from hybridge.lab.apps.keepings import kept
from hybridge.org.organization import Organization
from hybridge.org.records import Address, DelegateUser, Mailbox, MailboxFolderPermission, WebServicesVirtualDirectory
from hybridge.plan import Change
from hybridge.repair.hands.base import Reply
from hybridge.repair.hands.ews import EwsHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.wire.ask import (
    Failure,
    FailureReason,
    Sign,
)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "delegates")


EVERY_STATE = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


@EVERY_STATE
async def test_only_the_list_changes_and_undo_is_exact(lab: Lab, state: Callable[[Lab], Organization]) -> None:
    before = lab.break_(state(lab))
    assert await lab.hand.read(lab, PAIR) is None
    assert isinstance(await lab.hand.write(lab, ADD), Reply)
    assert lab.estate.organization.difference(before) == (PAIR,)
    assert await lab.hand.read(lab, PAIR) == LISTED
    assert isinstance(await lab.hand.write(lab, ADD.inverse), Reply)
    assert as_sets(lab.estate.organization).difference(as_sets(before)) == ()
    assert await lab.hand.read(lab, PAIR) is None
    assert lab.signs == {Sign.EXCHANGE}
    assert lab.notes == [] and lab.slept == []


def as_sets(organization: Organization) -> Organization:
    """Who may send on behalf sorted: Exchange keeps no order."""
    return Organization(
        msgspec.structs.replace(one, grant_send_on_behalf_to=tuple(sorted(one.grant_send_on_behalf_to)))
        if isinstance(one, Mailbox)
        else one
        for one in organization
    )


async def test_a_present_right_is_passed_and_not_set_again(lab: Lab) -> None:
    lab.break_(unlisted(lab))
    reply = await lab.hand.write(lab, ADD)
    assert lab.wrote == ["AddDelegate"]
    assert isinstance(reply, Reply)
    assert reply.says == f"AddDelegate: {GRACE} is a delegate of {ADA}."
    reply = await lab.hand.write(lab, ADD.inverse)
    assert isinstance(reply, Reply)
    assert reply.says.endswith("Put back: the right on Calendar, the permission to send on behalf.")
    assert lab.wrote == ["AddDelegate", "RemoveDelegate", "Add-MailboxFolderPermission", "Set-Mailbox"]


@pytest.mark.parametrize("deliver", ["DelegatesOnly", "DelegatesAndSendInformationToMe", "NoForward"])
async def test_who_gets_meeting_requests_stays(lab: Lab, deliver: str) -> None:
    lab.break_(unlisted(lab))
    rules = kept(lab.estate).meeting_requests
    rules[ADA] = deliver
    await lab.hand.write(lab, ADD)
    assert rules == {ADA: deliver}
    await lab.hand.write(lab, ADD.inverse)
    assert rules == {ADA: deliver}


async def test_who_gets_meeting_requests_is_put_back(lab: Lab) -> None:
    rules = kept(lab.estate).meeting_requests
    rules[ADA] = "DelegatesOnly"

    def forgets(name: str) -> None:
        if name == "RemoveDelegate":
            rules[ADA] = "NoForward"

    lab.after = forgets
    reply = await lab.hand.write(lab, ADD.inverse)
    assert isinstance(reply, Reply) and "who gets meeting requests" in reply.says
    assert rules == {ADA: "DelegatesOnly"}


async def test_flags_are_changed_and_nothing_else(lab: Lab) -> None:
    after = msgspec.structs.replace(LISTED, receive_copies_of_meeting_messages=True)
    change = Change(address=PAIR, before=LISTED, after=after, says="Send copies to Grace.")
    before = lab.break_(granting(lab.estate.healthy.put(right("Owner"))))
    reply = await lab.hand.write(lab, change)
    assert isinstance(reply, Reply) and reply.says.startswith("UpdateDelegate: ")
    assert lab.estate.organization == before.put(after)
    assert await lab.hand.read(lab, PAIR) == after
    assert lab.wrote == ["UpdateDelegate"]


async def test_a_calendar_with_a_name_of_its_own_language(lab: Lab) -> None:
    german = (one for one in lab.estate.healthy.all(MailboxFolderPermission, ON, ADA))
    renamed = [
        msgspec.structs.replace(one, folder="Kalender", identity=f"{ADA}:\\Kalender/{one.user}") for one in german
    ]
    gone = [one.address for one in lab.estate.healthy.all(MailboxFolderPermission, ON, ADA)]
    before = lab.break_(unlisted(lab).drop(*gone).put(*renamed))
    for change in (ADD, ADD.inverse):
        assert isinstance(await lab.hand.write(lab, change), Reply)
    assert lab.estate.organization.difference(before) == ()


async def test_the_directory_may_show_the_grant_a_moment_later(lab: Lab) -> None:
    before = lab.break_(granting(unlisted(lab)))

    def later(name: str) -> None:
        if name == "AddDelegate":
            lab.break_(granting(lab.estate.organization))

    async def sleep(seconds: float) -> None:
        lab.slept.append(seconds)
        lab.break_(granting(lab.estate.organization, GRACE))

    lab.after, lab.sleep = later, sleep  # type: ignore[method-assign]
    assert isinstance(await lab.hand.write(lab, ADD), Reply)
    assert lab.slept == [1.0]
    assert lab.estate.organization.difference(before) == (PAIR,)


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        (f"{ADA}/linus@contoso.com", "ErrorDelegateNoUser"),
        (f"{ADA}/{ADA}", "ErrorDelegateCannotAddOwner"),
        (f"{ADA}/{GRACE}", "ErrorDelegateAlreadyExists"),
    ],
)
async def test_what_exchange_refuses_is_a_failure_and_changes_nothing(lab: Lab, pair: str, says: str) -> None:
    delegator, _, delegate = pair.partition("/")
    record = DelegateUser(premises=ON, identity=pair, delegator=delegator, delegate=delegate)
    failure = await lab.hand.write(lab, Change(address=record.address, before=None, after=record, says="Try."))
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.FORBIDDEN and says in failure.says and failure.next_step
    assert lab.estate.organization == lab.estate.healthy
    assert lab.notes == []


async def test_a_stranger_is_refused_before_anything_is_written(lab: Lab) -> None:
    record = DelegateUser(premises=ON, identity=f"{ADA}/zoe@contoso.com", delegator=ADA, delegate="zoe@contoso.com")
    failure = await lab.hand.write(lab, Change(address=record.address, before=None, after=record, says="Try."))
    assert isinstance(failure, Failure) and "zoe@contoso.com" in failure.says
    assert lab.wrote == []


async def test_an_absent_delegate_cannot_be_removed(lab: Lab) -> None:
    lab.break_(unlisted(lab))
    failure = await lab.hand.write(lab, ADD.inverse)
    assert isinstance(failure, Failure) and "ErrorNotDelegate" in failure.says
    assert lab.notes == []


async def test_an_unknown_mailbox_is_a_failure(lab: Lab) -> None:
    failure = await lab.hand.read(lab, Address("DelegateUser", ON, f"zoe@contoso.com/{GRACE}"))
    assert isinstance(failure, Failure) and "ErrorNonExistentMailbox" in failure.says


@pytest.mark.parametrize("name", ["GetDelegate", "GetFolder", "Get-MailboxFolderPermission", "Get-Mailbox"])
async def test_what_cannot_be_looked_at_before_is_not_written(lab: Lab, name: str) -> None:
    before = lab.break_(unlisted(lab))
    lab.cut = lambda asked: "before" if asked == name else ""
    assert await lab.hand.write(lab, ADD) == DROPPED
    assert lab.estate.organization == before
    assert lab.wrote == []


async def test_without_an_address_of_its_own_the_directories_are_asked(lab: Lab) -> None:
    lab.cut = lambda asked: "before" if "autodiscover" in asked else ""
    assert await lab.hand.read(lab, PAIR) == LISTED
    lab.break_(lab.estate.healthy.edit(WebServicesVirtualDirectory, external_url=""))
    failure = await lab.hand.read(lab, PAIR)
    assert isinstance(failure, Failure)
    assert failure.says == f"No EWS address is known for {ADA}." and failure.next_step


async def test_the_address_is_found_once_for_a_delegator(lab: Lab) -> None:
    hand = lab.hand
    for _ in range(3):
        await hand.read(lab, PAIR)
    assert sum("autodiscover" in name for name in lab.asked) == 2
    assert lab.asked[2:] == ["GetDelegate"] * 3


async def test_the_account_goes_nowhere_but_to_its_hosts(lab: Lab) -> None:
    async def elsewhere(_: object, __: str) -> str | Failure:
        return "https://outlook.office365.com/EWS/Exchange.asmx"

    hand = EwsHand(elsewhere, "hybridge/test", PowerShellHand(), lab.clock)
    failure = await hand.read(lab, PAIR)
    assert isinstance(failure, Failure) and failure.reason is FailureReason.REFUSED
    assert "is not sent to outlook.office365.com" in failure.says
