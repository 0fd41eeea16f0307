"""GetFolder, both halves, and the distinguished folders."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire.ask import Failure
from hybridge.wire.ews import get_folder as op
from hybridge.wire.ews.distinguished_folders import KINDS, folder_id, parent_of, read_folder_id
from hybridge.wire.ews.envelope import MESSAGES, TYPES, RequestRefused, ServerVersion, ask, read_request, write_response
from hybridge.wire.xml import parse_xml

BUILD = ServerVersion(15, 2, 2562, 37)
WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cc", "Zs"]), min_size=1, max_size=20
)
COUNTS = st.none() | st.integers(0, 2**31 - 1)
REFS = st.builds(op.FolderRef, WORDS, st.just("") | WORDS) | st.builds(op.FolderRef, folder_id=WORDS)
REQUESTS = st.builds(
    op.Request,
    st.lists(REFS, min_size=1, max_size=4).map(tuple),
    st.sampled_from(op.SHAPES),
    st.lists(st.sampled_from(["folder:DisplayName", "folder:FolderClass"]), max_size=2).map(tuple),
)
FOLDERS = st.builds(
    op.Folder, WORDS, WORDS, st.sampled_from(["Folder", "TasksFolder"]), WORDS, WORDS, WORDS, COUNTS, COUNTS, COUNTS
)
ERRORS = st.builds(op.FolderError, st.just("ErrorFolderNotFound"), WORDS)


def element(inside: str) -> bytes:
    return inside.replace(">", f' xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">', 1).encode()


@given(REQUESTS)
@settings(deadline=None, max_examples=50)
def test_requests_travel(request: op.Request) -> None:
    body = ask("https://x/EWS/Exchange.asmx", op.write_request(request), user_agent="t").body
    assert op.read_request(read_request(body).child) == request


@given(st.lists(FOLDERS | ERRORS, min_size=1, max_size=4).map(tuple))
@settings(deadline=None, max_examples=50)
def test_responses_travel(folders: tuple[op.Folder | op.FolderError, ...]) -> None:
    response = op.Response(folders)
    assert op.read_answer(write_response(op.write_response(response), BUILD)) == response


def test_code_and_message_are_those_of_the_first_error() -> None:
    good, bad = op.Folder("x"), op.FolderError("ErrorAccessDenied", "No.")
    assert (op.Response((good, bad)).code, op.Response((good, bad)).message) == ("ErrorAccessDenied", "No.")
    assert (op.Response((good,)).code, op.Response((good,)).message) == ("NoError", "")


def test_a_calendar_folder_has_no_unread_count() -> None:
    calendar = op.Folder("x", kind="CalendarFolder", unread_count=3)
    read = op.read_answer(write_response(op.write_response(op.Response((calendar,))), BUILD))
    assert read == op.Response((op.Folder("x", kind="CalendarFolder"),))


def test_shapes() -> None:
    whole = op.Folder("id", "key", "Folder", "parent", "IPF.Note", "Inbox", 1, 2, 3)
    only = op.Request((op.FolderRef("inbox"),), "IdOnly")
    assert op.shaped(whole, only) == op.Folder("id", "key", "Folder")
    asked = op.Request((op.FolderRef("inbox"),), "IdOnly", ("folder:FolderClass", "folder:TotalCount", "folder:X"))
    assert op.shaped(whole, asked) == op.Folder("id", "key", "Folder", folder_class="IPF.Note", total_count=1)
    default = op.Request((op.FolderRef("inbox"),))
    assert op.shaped(whole, default) == op.Folder("id", "key", "Folder", "", "", "Inbox", 1, 2, 3)
    assert op.shaped(whole, op.Request((op.FolderRef("inbox"),), "AllProperties")) == whole


def test_the_calendar_of_somebody() -> None:
    assert op.calendar_of("ada@contoso.com").folders == (op.FolderRef("calendar", "ada@contoso.com"),)


SHAPE = "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
IDS = '<m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds>'


@pytest.mark.parametrize(
    "inside",
    [
        "",
        SHAPE,
        IDS,
        IDS + SHAPE,
        SHAPE + "<m:FolderIds/>",
        SHAPE + "<m:FolderIds><t:DistinguishedFolderId/></m:FolderIds>",
        SHAPE + "<m:FolderIds><t:FolderId/></m:FolderIds>",
        SHAPE + '<m:FolderIds><m:FolderId Id="x"/></m:FolderIds>',
        SHAPE.replace("IdOnly", "Everything") + IDS,
        "<m:FolderShape/>" + IDS,
        SHAPE + IDS + "<m:Extra/>",
    ],
)
def test_requests_against_the_schema(inside: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        op.read_request(parse_xml(element(f"<m:GetFolder>{inside}</m:GetFolder>")))
    assert refused.value.fault.code == "ErrorSchemaValidation"


@pytest.mark.parametrize(
    "inside", ["", "<m:ResponseMessages/>", "<m:ResponseMessages><m:GetItemResponseMessage/></m:ResponseMessages>"]
)
def test_an_answer_without_folders_is_a_failure(inside: str) -> None:
    read = op.read_response(parse_xml(element(f"<m:GetFolderResponse>{inside}</m:GetFolderResponse>")))
    assert isinstance(read, Failure)
    assert "names no folder" in read.says


def test_hostile_counts_are_unknown() -> None:
    read = op.read_response(
        parse_xml(
            element(
                "<m:GetFolderResponse><m:ResponseMessages>"
                '<m:GetFolderResponseMessage ResponseClass="Success"><m:Folders>'
                f"<t:CalendarFolder><t:TotalCount>{'9' * 5000}</t:TotalCount><t:ChildFolderCount>x</t:ChildFolderCount>"
                "</t:CalendarFolder><t:Unknown/></m:Folders></m:GetFolderResponseMessage></m:ResponseMessages>"
                "</m:GetFolderResponse>"
            )
        )
    )
    assert read == op.Response((op.Folder("", kind="CalendarFolder"),))


def test_folder_ids_name_mailbox_and_folder() -> None:
    for name in KINDS:
        made = folder_id("Ada@contoso.com", name)
        assert read_folder_id(made) == ("ada@contoso.com", name)
    assert parent_of("calendar") == "msgfolderroot"
    assert (parent_of("msgfolderroot"), parent_of("root")) == ("root", "")


@pytest.mark.parametrize("foreign", ["", "AAMk", "AAMkAGZhN2IxYTA0", "\u00e9", "x" * 1000, folder_id("a@b.c", "attic")])
def test_foreign_folder_ids(foreign: str) -> None:
    assert read_folder_id(foreign) is None
