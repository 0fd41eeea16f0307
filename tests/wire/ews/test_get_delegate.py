"""GetDelegate, both halves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire.ask import Failure
from hybridge.wire.ews import get_delegate as op
from hybridge.wire.ews.envelope import MESSAGES, TYPES, RequestRefused, ServerVersion, ask, read_request, write_response
from hybridge.wire.xml import parse_xml

BUILD = ServerVersion(15, 2, 2562, 37)
WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cc", "Zs"]), min_size=1, max_size=20
)
REQUESTS = st.builds(op.Request, WORDS, st.lists(WORDS, max_size=3).map(tuple), st.booleans())
DELEGATES = st.builds(
    op.Delegate,
    WORDS,
    st.sampled_from(["", "None", "Reviewer", "Author", "Editor", "Custom"]),
    st.booleans(),
    st.booleans(),
    WORDS,
    st.sampled_from(["", "S-1-5-21-1-2-3-1116"]),
)
ERRORS = st.builds(op.DelegateError, st.sampled_from(["ErrorNotDelegate", "ErrorDelegateNoUser"]), WORDS)
RESPONSES = st.builds(
    op.Response,
    st.just("NoError"),
    st.just(""),
    st.lists(DELEGATES | ERRORS, max_size=4).map(tuple),
    st.sampled_from(["", "DelegatesOnly", "DelegatesAndMe", "NoForward"]),
)


@given(REQUESTS)
@settings(deadline=None, max_examples=50)
def test_requests_travel(request: op.Request) -> None:
    body = ask("https://x/EWS/Exchange.asmx", op.write_request(request), user_agent="t").body
    assert op.read_request(read_request(body).child) == request


@given(RESPONSES)
@settings(deadline=None, max_examples=50)
def test_responses_travel(response: op.Response) -> None:
    assert op.read_answer(write_response(op.write_response(response), BUILD)) == response


def test_an_error_of_the_operation_is_in_the_response() -> None:
    denied = op.Response("ErrorAccessDenied", "Access is denied.")
    assert op.read_answer(write_response(op.write_response(denied), BUILD)) == denied


def element(inside: str) -> str:
    return inside.replace(">", f' xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">', 1)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('<m:GetDelegate IncludePermissions="true"></m:GetDelegate>', "incomplete.*m:Mailbox"),
        ("<m:GetDelegate ><m:Mailbox/></m:GetDelegate>", "IncludePermissions"),
        ('<m:GetDelegate IncludePermissions="yes"><m:Mailbox/></m:GetDelegate>', "not allowed"),
        ('<m:GetDelegate IncludePermissions="true"><m:UserIds/><m:Mailbox/></m:GetDelegate>', "unexpected child"),
        ('<m:GetDelegate IncludePermissions="true"><t:Mailbox/></m:GetDelegate>', "unexpected child"),
        ('<m:GetDelegate IncludePermissions="true"><m:Mailbox/><m:UserIds/></m:GetDelegate>', "incomplete.*t:UserId"),
        ('<m:GetDelegate IncludePermissions="true"><m:Mailbox/><m:Mailbox/></m:GetDelegate>', "unexpected child"),
    ],
)
def test_requests_against_the_schema(body: str, says: str) -> None:
    with pytest.raises(RequestRefused, match=says) as refused:
        op.read_request(parse_xml(element(body).encode()))
    assert refused.value.fault.code == "ErrorSchemaValidation"
    assert refused.value.fault.value("Violation")


def test_an_unknown_level_is_kept_and_a_missing_one_is_empty() -> None:
    read = op.read_response(
        parse_xml(
            element(
                '<m:GetDelegateResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
                '<m:ResponseMessages><m:DelegateUserResponseMessageType ResponseClass="Success"><m:DelegateUser>'
                "<t:UserId><t:PrimarySmtpAddress> a@b.c </t:PrimarySmtpAddress></t:UserId><t:DelegatePermissions>"
                "<t:CalendarFolderPermissionLevel>Overlord</t:CalendarFolderPermissionLevel></t:DelegatePermissions>"
                "</m:DelegateUser></m:DelegateUserResponseMessageType>"
                '<m:DelegateUserResponseMessageType ResponseClass="Success"><m:DelegateUser/>'
                "</m:DelegateUserResponseMessageType></m:ResponseMessages></m:GetDelegateResponse>"
            ).encode()
        )
    )
    assert read == op.Response(delegates=(op.Delegate("a@b.c", "Overlord"), op.Delegate("")))


@pytest.mark.parametrize(
    "body", ["<m:GetFolderResponse></m:GetFolderResponse>", "<t:GetDelegateResponse></t:GetDelegateResponse>"]
)
def test_another_message_is_a_failure(body: str) -> None:
    read = op.read_response(parse_xml(element(body).encode()))
    assert isinstance(read, Failure)
    assert "GetDelegateResponse was expected" in read.says


def test_an_empty_message_is_not_a_success() -> None:
    read = op.read_response(parse_xml(element("<m:GetDelegateResponse></m:GetDelegateResponse>").encode()))
    assert isinstance(read, op.Response)
    assert read.code == "Error"
