"""AddDelegate, UpdateDelegate and RemoveDelegate, both halves."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire.ask import Failure
from hybridge.wire.ews import add_delegate, remove_delegate, update_delegate
from hybridge.wire.ews.delegate_changes import (
    LEVELS,
    SCOPES,
    DelegateSettings,
    FolderLevels,
    Outcome,
    Request,
    Response,
)
from hybridge.wire.ews.envelope import MESSAGES, TYPES, RequestRefused, ServerVersion, ask, read_request, write_response
from hybridge.wire.ews.get_delegate import Delegate
from hybridge.wire.xml import parse_xml

BUILD = ServerVersion(15, 2, 2562, 37)
OPERATIONS = [add_delegate, update_delegate, remove_delegate]
WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cc", "Zs"]), min_size=1, max_size=20
)
LEVEL = st.sampled_from(("", *LEVELS))
FLAG = st.sampled_from((None, True, False))
SETTINGS = st.builds(
    DelegateSettings, WORDS, st.builds(FolderLevels, LEVEL, LEVEL, LEVEL, LEVEL, LEVEL, LEVEL), FLAG, FLAG
)
USERS = st.lists(SETTINGS, min_size=1, max_size=3).map(tuple)
REQUESTS = st.builds(Request, WORDS, USERS, st.sampled_from(("", *SCOPES)))
OUTCOMES = st.one_of(
    st.builds(Outcome, st.just("NoError"), st.just(""), st.builds(Delegate, WORDS, st.just(""), st.booleans())),
    st.builds(Outcome, st.sampled_from(["ErrorNotDelegate", "ErrorDelegateNoUser"]), WORDS),
    st.just(Outcome()),
)
RESPONSES = st.builds(Response, st.just("NoError"), st.just(""), st.lists(OUTCOMES, max_size=4).map(tuple))


def sent(body: str) -> bytes:
    return ask("https://x/EWS/Exchange.asmx", body, user_agent="t").body


@pytest.mark.parametrize("operation", [add_delegate, update_delegate], ids=lambda module: module.OPERATION)
@given(request=REQUESTS)
@settings(deadline=None, max_examples=50)
def test_changes_travel(operation: ModuleType, request: Request) -> None:
    incoming = read_request(sent(operation.write_request(request)))
    assert incoming.operation == operation.OPERATION
    assert operation.read_request(incoming.child) == request


@given(st.builds(remove_delegate.Request, WORDS, st.lists(WORDS, min_size=1, max_size=3).map(tuple)))
@settings(deadline=None, max_examples=50)
def test_removals_travel(request: remove_delegate.Request) -> None:
    assert remove_delegate.read_request(read_request(sent(remove_delegate.write_request(request))).child) == request


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda module: module.OPERATION)
@given(response=RESPONSES)
@settings(deadline=None, max_examples=50)
def test_responses_travel(operation: ModuleType, response: Response) -> None:
    assert operation.read_answer(write_response(operation.write_response(response), BUILD)) == response


def test_an_update_may_name_nobody_and_an_addition_may_not() -> None:
    request = Request("ada@contoso.com", (), "DelegatesOnly")
    child = read_request(sent(update_delegate.write_request(request))).child
    assert update_delegate.read_request(child) == request
    with pytest.raises(RequestRefused, match="incomplete.*Expected: m:DelegateUsers|unexpected child"):
        add_delegate.read_request(read_request(sent(add_delegate.write_request(request))).child)


def test_what_is_left_out_is_not_sent() -> None:
    body = add_delegate.write_request(Request("ada@contoso.com", (DelegateSettings("grace@contoso.com"),)))
    assert "Permission" not in body and "Items" not in body and "Meeting" not in body


def element(inside: str) -> bytes:
    return inside.replace(">", f' xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">', 1).encode()


USER = "<t:UserId><t:PrimarySmtpAddress>a@b.c</t:PrimarySmtpAddress></t:UserId>"


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        ("", "incomplete.*m:Mailbox"),
        ("<m:Mailbox/>", "incomplete.*m:DelegateUsers"),
        ("<m:Mailbox/><m:DelegateUsers/>", "incomplete.*t:DelegateUser"),
        ("<m:Mailbox/><m:DelegateUsers><t:DelegateUser/></m:DelegateUsers>", "incomplete.*t:UserId"),
        (
            f"<m:Mailbox/><m:DelegateUsers><t:DelegateUser>{USER}<t:ViewPrivateItems>yes</t:ViewPrivateItems>"
            "</t:DelegateUser></m:DelegateUsers>",
            "'yes' of 'ViewPrivateItems' is not allowed",
        ),
        (
            f"<m:Mailbox/><m:DelegateUsers><t:DelegateUser>{USER}<t:DelegatePermissions><t:CalendarFolderPermissionLevel>"
            "Owner</t:CalendarFolderPermissionLevel></t:DelegatePermissions></t:DelegateUser></m:DelegateUsers>",
            "'Owner' of 'CalendarFolderPermissionLevel' is not allowed",
        ),
        (
            f"<m:Mailbox/><m:DelegateUsers><t:DelegateUser>{USER}<t:ViewPrivateItems>1</t:ViewPrivateItems>"
            "<t:ReceiveCopiesOfMeetingMessages>1</t:ReceiveCopiesOfMeetingMessages></t:DelegateUser></m:DelegateUsers>",
            "unexpected child",
        ),
        (
            f"<m:Mailbox/><m:DelegateUsers><t:DelegateUser>{USER}</t:DelegateUser></m:DelegateUsers>"
            "<m:DeliverMeetingRequests>Everybody</m:DeliverMeetingRequests>",
            "'Everybody' of 'DeliverMeetingRequests' is not allowed",
        ),
    ],
)
def test_requests_against_the_schema(inside: str, says: str) -> None:
    with pytest.raises(RequestRefused, match=says) as refused:
        add_delegate.read_request(parse_xml(element(f"<m:AddDelegate>{inside}</m:AddDelegate>")))
    assert refused.value.fault.code == "ErrorSchemaValidation"


def test_a_removal_of_nobody_breaks_the_schema() -> None:
    with pytest.raises(RequestRefused, match="incomplete.*m:UserIds"):
        remove_delegate.read_request(parse_xml(element("<m:RemoveDelegate><m:Mailbox/></m:RemoveDelegate>")))


def test_what_was_refused() -> None:
    fine, refused = Outcome(), Outcome("ErrorNotDelegate", "No.")
    assert Response(outcomes=(fine,)).refused is None
    assert Response(outcomes=(fine, refused)).refused == refused
    assert Response("ErrorAccessDenied", "No.").refused == Outcome("ErrorAccessDenied", "No.")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda module: module.OPERATION)
def test_another_message_is_a_failure(operation: ModuleType) -> None:
    read = operation.read_response(parse_xml(element("<m:GetDelegateResponse></m:GetDelegateResponse>")))
    assert isinstance(read, Failure)
    assert f"{operation.OPERATION}Response was expected" in read.says
