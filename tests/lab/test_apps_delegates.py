"""The lab's EWS operations on delegates, and the small ones, asked through the wire halves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hybridge.lab.contoso import EWS_URL, AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import add_delegate, envelope, get_delegate, get_folder, remove_delegate, update_delegate
from hybridge.wire.ews import resolve_names as names
from hybridge.wire.ews.delegate_changes import DelegateSettings, FolderLevels, Request, Response
from hybridge.wire.ews.faults import EwsFault

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ON = Premises.ON_PREMISES
ADA, GRACE, ALAN, LINUS = "ada@contoso.com", "grace@contoso.com", "alan@contoso.com", "linus@contoso.com"
EDITOR = FolderLevels(calendar="Editor")


@pytest.fixture
def estate() -> Estate:
    certificate = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
    return Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)


async def ews(estate: Estate, body: str, impersonate: str = ADA) -> HttpAnswer:
    return await InProcess(estate).http(
        envelope.ask(EWS_URL, body, user_agent="hybridge/test", impersonate=impersonate)
    )


async def add(estate: Estate, *users: DelegateSettings, mailbox: str = ADA, deliver: str = "") -> Response:
    answer = add_delegate.read_answer(await ews(estate, add_delegate.write_request(Request(mailbox, users, deliver))))
    assert isinstance(answer, Response)
    return answer


async def update(estate: Estate, *users: DelegateSettings, deliver: str = "") -> Response:
    answer = update_delegate.read_answer(await ews(estate, update_delegate.write_request(Request(ADA, users, deliver))))
    assert isinstance(answer, Response)
    return answer


async def remove(estate: Estate, *users: str) -> Response:
    body = remove_delegate.write_request(remove_delegate.Request(ADA, users))
    answer = remove_delegate.read_answer(await ews(estate, body))
    assert isinstance(answer, Response)
    return answer


async def listed(estate: Estate) -> get_delegate.Response:
    answer = get_delegate.read_answer(await ews(estate, get_delegate.write_request(get_delegate.Request(ADA))))
    assert isinstance(answer, get_delegate.Response)
    return answer


def codes(response: Response) -> list[str]:
    return [response.code, *(outcome.code for outcome in response.outcomes)]


def granted(organization: Organization) -> tuple[str, ...]:
    mailbox = organization.one(Mailbox, ON, ADA)
    assert mailbox
    return mailbox.grant_send_on_behalf_to


def rights(organization: Organization, user: str) -> dict[str, tuple[str, ...]]:
    return {
        one.folder: one.access_rights
        for one in organization.all(MailboxFolderPermission, ON, ADA)
        if one.user.lower() == user
    }


async def test_to_add_writes_three_places_and_to_remove_clears_them(estate: Estate) -> None:
    before = estate.organization
    levels = FolderLevels(calendar="Author", inbox="Reviewer", tasks="None")
    response = await add(estate, DelegateSettings(ALAN, levels, receive_copies=True))
    (outcome,) = response.outcomes
    assert outcome.delegate == get_delegate.Delegate(ALAN, "", True, False, "Alan Turing")
    assert estate.organization.one(DelegateUser, ON, f"{ADA}/{ALAN}")
    assert rights(estate.organization, ALAN) == {"Calendar": ("Author",), "Inbox": ("Reviewer",)}
    assert granted(estate.organization) == (GRACE, ALAN)
    assert [(one.address, one.calendar_level) for one in (await listed(estate)).people] == [
        (ALAN, "Author"),
        (GRACE, "Editor"),
    ]
    assert codes(await remove(estate, ALAN.upper())) == ["NoError", "NoError"]
    assert estate.organization.difference(before) == ()


async def test_a_name_of_the_owner_s_language(estate: Estate) -> None:
    german = [one for one in estate.organization.all(MailboxFolderPermission, ON, ADA)]
    estate.organization = estate.organization.drop(*(one.address for one in german)).put(
        MailboxFolderPermission(
            premises=ON, identity=f"{ADA}:\\Kalender/Default", mailbox=ADA, folder="Kalender", user="Default"
        )
    )
    await add(estate, DelegateSettings(ALAN, FolderLevels("Editor", inbox="Editor")))
    assert rights(estate.organization, ALAN) == {"Kalender": ("Editor",), "Inbox": ("Editor",)}
    folder = get_folder.read_answer(await ews(estate, get_folder.write_request(get_folder.calendar_of(ADA))))
    assert isinstance(folder, get_folder.Response) and isinstance(folder.folders[0], get_folder.Folder)
    assert folder.folders[0].display_name == "Kalender"


@pytest.mark.parametrize(
    ("user", "levels", "code"),
    [
        (GRACE, EDITOR, "ErrorDelegateAlreadyExists"),
        (ADA, EDITOR, "ErrorDelegateCannotAddOwner"),
        ("nobody@contoso.com", EDITOR, "ErrorDelegateNoUser"),
        (LINUS, EDITOR, "ErrorDelegateNoUser"),
        (ALAN, FolderLevels(notes="Custom"), "ErrorInvalidDelegatePermission"),
    ],
)
async def test_a_refused_delegate_changes_nothing_and_stops_nobody(
    estate: Estate, user: str, levels: FolderLevels, code: str
) -> None:
    before = estate.organization
    assert codes(await add(estate, DelegateSettings(user, levels))) == ["NoError", code]
    assert estate.organization == before
    response = await add(estate, DelegateSettings(user, levels), DelegateSettings("Katherine Johnson", EDITOR))
    assert codes(response) == ["NoError", code, "NoError"]
    assert estate.organization.one(DelegateUser, ON, f"{ADA}/katherine@contoso.com")


async def test_a_mailbox_must_be_named_and_here(estate: Estate) -> None:
    for mailbox, code in (
        ("", "ErrorMissingEmailAddress"),
        (LINUS, "ErrorNonExistentMailbox"),
        (ALAN, "ErrorAccessDenied"),
    ):
        response = await add(estate, DelegateSettings(GRACE), mailbox=mailbox, deliver="NoForward")
        assert codes(response) == [code]
    assert estate.organization == estate.healthy


async def test_an_update_changes_what_it_says(estate: Estate) -> None:
    response = await update(estate, DelegateSettings(GRACE, view_private_items=True), DelegateSettings(ALAN))
    assert codes(response) == ["NoError", "NoError", "ErrorNotDelegate"]
    record = estate.organization.one(DelegateUser, ON, f"{ADA}/{GRACE}")
    assert record and (record.receive_copies_of_meeting_messages, record.view_private_items) == (False, True)
    assert rights(estate.organization, GRACE) == {"Calendar": ("Editor",)}
    assert codes(await update(estate, DelegateSettings(GRACE, FolderLevels(calendar="None")))) == ["NoError"] * 2
    assert rights(estate.organization, GRACE) == {}
    refused = await update(estate, DelegateSettings(GRACE, FolderLevels(calendar="Custom"), view_private_items=False))
    assert codes(refused) == ["NoError", "ErrorInvalidDelegatePermission"]
    assert estate.organization.one(DelegateUser, ON, f"{ADA}/{GRACE}") == record


async def test_who_gets_meeting_requests_is_kept_until_it_is_named(estate: Estate) -> None:
    assert (await listed(estate)).deliver_meeting_requests == "NoForward"
    await update(estate, deliver="DelegatesOnly")
    await update(estate, DelegateSettings(GRACE, receive_copies=True))
    assert (await listed(estate)).deliver_meeting_requests == "DelegatesOnly"
    await remove(estate, GRACE)
    assert (await listed(estate)).deliver_meeting_requests == "DelegatesOnly"
    await add(estate, DelegateSettings(GRACE, EDITOR), deliver="DelegatesAndMe")
    assert (await listed(estate)).deliver_meeting_requests == "DelegatesAndMe"
    estate.reset()
    assert (await listed(estate)).deliver_meeting_requests == "NoForward"


async def test_nobody_is_removed_twice(estate: Estate) -> None:
    assert codes(await remove(estate, GRACE, GRACE)) == ["NoError", "NoError", "ErrorNotDelegate"]
    assert granted(estate.organization) == ()


async def test_right_on_another_folder_opens_no_calendar(estate: Estate) -> None:
    await add(estate, DelegateSettings(ALAN, FolderLevels(inbox="Editor")))
    body = get_folder.write_request(get_folder.calendar_of(ADA))
    answer = get_folder.read_answer(await ews(estate, body, impersonate=ALAN))
    assert isinstance(answer, get_folder.Response) and answer.code == "ErrorFolderNotFound"


@pytest.mark.parametrize(
    ("entry", "code", "found"),
    [
        ("ada", "NoError", [ADA]),
        ("smtp:ADA@contoso.com", "NoError", [ADA]),
        ("Grace Hop", "NoError", [GRACE]),
        ("a", names.SEVERAL, [ADA, ALAN]),
        ("zoe", names.NOBODY, []),
    ],
)
async def test_names_are_resolved(estate: Estate, entry: str, code: str, found: list[str]) -> None:
    answer = names.read_answer(await ews(estate, names.write_request(names.Request(entry))))
    assert not isinstance(answer, EwsFault)
    assert isinstance(answer, names.Response)
    assert (answer.code, [match.address for match in answer.matches]) == (code, found)
