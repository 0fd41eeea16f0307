"""What the lab answers is valid by the schema Exchange publishes (15.2.2562), and so is what the client asks.

The schema is read from ``HYBRIDGE_CORPUS``; without it these tests are skipped.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from hybridge.wire.ews import (
    add_delegate,
    convert_id,
    get_delegate,
    get_folder,
    get_server_time_zones,
    get_user_availability,
    get_user_oof_settings,
    remove_delegate,
    resolve_names,
    update_delegate,
)
from hybridge.wire.ews.delegate_changes import (
    LEVELS,
    SCOPES,
    DelegateSettings,
    FolderLevels,
    Outcome,
    Request,
    Response,
)
from hybridge.wire.ews.distinguished_folders import KINDS, folder_id
from hybridge.wire.ews.envelope import SOAP, EwsFault, ServerVersion, ask, write_fault, write_response
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy, WorkingPeriod
from hybridge.wire.xml import Element, parse_xml

CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the folder of foreign messages")

BUILD = ServerVersion(15, 2, 2562, 37)
NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
HOSTILE = "a<b>&\"'\u0000\ud7ff\ufffe\r\n]]> \U0001f600"


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(CORPUS) / "ews" / "xsd-15.2.2562" / "messages.xsd"))


def assert_valid(element: Element) -> None:
    valid = schema().validate(element)
    assert valid, f"{schema().error_log}\n{etree.tostring(element, encoding='unicode')}"


def parts(body: bytes) -> tuple[Element, Element]:
    """The header, and the only child of the Body."""
    header, inside = parse_xml(body)
    assert (header.tag, inside.tag) == (f"{{{SOAP}}}Header", f"{{{SOAP}}}Body")
    return header, inside[0]


DELEGATES = (
    get_delegate.Delegate("grace@contoso.com", "Editor", True, True, "Grace Hopper", "S-1-5-21-1-2-3-1116"),
    get_delegate.Delegate(HOSTILE, "Custom", display_name=HOSTILE),
    get_delegate.Delegate("nobody@contoso.com"),
    get_delegate.DelegateError("ErrorDelegateNoUser", HOSTILE),
)
CHANGES = Response(
    outcomes=(
        Outcome(delegate=get_delegate.Delegate("grace@contoso.com", "", True, True, HOSTILE, "S-1-5-21-1-2-3-1116")),
        Outcome("ErrorDelegateAlreadyExists", HOSTILE),
        Outcome(),
    )
)
SETTINGS = (
    DelegateSettings("grace@contoso.com", FolderLevels(*LEVELS, "Author"), True, False),
    DelegateSettings("grace@contoso.com", FolderLevels(calendar="Editor", journal="None"), view_private_items=True),
    DelegateSettings(HOSTILE),
)
PERIODS = (
    BusyPeriod(NOON, NOON + timedelta(hours=1), "OOF"),
    BusyPeriod(NOON, NOON, "WorkingElsewhere", HOSTILE, HOSTILE, is_meeting=True, detailed=True),
    BusyPeriod(NOON, NOON, "NoData", "hidden", is_private=True, detailed=True),
)
WORKING = (WorkingPeriod(("Monday", "Tuesday"), 480, 1020), WorkingPeriod(("Friday",), 480, 720))
RESPONSES = {
    "delegates": get_delegate.write_response(
        get_delegate.Response(delegates=DELEGATES, deliver_meeting_requests="DelegatesAndSendInformationToMe")
    ),
    "no delegates": get_delegate.write_response(get_delegate.Response()),
    "delegates denied": get_delegate.write_response(get_delegate.Response("ErrorAccessDenied", HOSTILE)),
    "folders": get_folder.write_response(
        get_folder.Response(
            (
                *(
                    get_folder.Folder(
                        folder_id("a@b.c", name),
                        "AQ",
                        kind.element,
                        folder_id("a@b.c", "root"),
                        kind.folder_class,
                        kind.display_name,
                        total_count=1,
                        child_folder_count=2,
                        unread_count=3,
                    )
                    for name, kind in KINDS.items()
                ),
                get_folder.Folder("only-an-id"),
                get_folder.FolderError("ErrorFolderNotFound", HOSTILE),
            )
        )
    ),
    "availability": get_user_availability.write_response(
        get_user_availability.Response(
            (
                FreeBusy(("DetailedMerged",), PERIODS, "0123", WORKING, -60),
                FreeBusy(("FreeBusy", "MergedOnly")),
                FreeBusy(("None",)),
                get_user_availability.MailboxError("ErrorMailRecipientNotFound", HOSTILE),
                get_user_availability.MailboxError("ErrorProxyRequestProcessingFailed"),
            )
        )
    ),
    "availability of nobody": get_user_availability.write_response(get_user_availability.Response(())),
    "oof scheduled": get_user_oof_settings.write_response(
        get_user_oof_settings.Response(
            oof_state="Scheduled",
            external_audience="Known",
            start_at=NOON,
            end_at=NOON + timedelta(days=2),
            internal_reply=HOSTILE,
            external_reply=HOSTILE,
            allow_external_oof="All",
        )
    ),
    "oof disabled": get_user_oof_settings.write_response(get_user_oof_settings.Response(oof_state="Disabled")),
    "oof denied": get_user_oof_settings.write_response(get_user_oof_settings.Response("ErrorAccessDenied", HOSTILE)),
    "time zones": get_server_time_zones.write_response(
        get_server_time_zones.Response(zones=get_server_time_zones.ZONES)
    ),
    "names of time zones": get_server_time_zones.write_response(
        get_server_time_zones.Response(zones=get_server_time_zones.ZONES, full=False)
    ),
    "no time zone": get_server_time_zones.write_response(get_server_time_zones.Response("ErrorTimeZone", "Unknown.")),
    "one name": resolve_names.write_response(
        resolve_names.Response(matches=(resolve_names.Match("ada@contoso.com", HOSTILE),))
    ),
    "several names": resolve_names.write_response(
        resolve_names.Response(
            resolve_names.SEVERAL,
            "Multiple results were found.",
            (resolve_names.Match("ada@contoso.com"), resolve_names.Match("adam@contoso.com")),
        )
    ),
    "nobody": resolve_names.write_response(resolve_names.Response(resolve_names.NOBODY, "No results were found.")),
    "delegates added": add_delegate.write_response(CHANGES),
    "delegates updated": update_delegate.write_response(CHANGES),
    "delegates removed": remove_delegate.write_response(CHANGES),
    "no delegate added": add_delegate.write_response(Response("ErrorAccessDenied", HOSTILE)),
    "meeting requests only": update_delegate.write_response(Response()),
    "ids": convert_id.write_response(
        convert_id.Response((convert_id.AlternateId("EwsId", "AAMk", "a@b.c"), convert_id.ConvertError()))
    ),
}
REQUESTS = {
    "delegates": get_delegate.write_request(get_delegate.Request("ada@contoso.com")),
    "some delegates": get_delegate.write_request(get_delegate.Request(HOSTILE, ("a@b.c", HOSTILE), False)),
    "add delegates": add_delegate.write_request(Request("ada@contoso.com", SETTINGS, "NoForward")),
    "update delegates": update_delegate.write_request(Request(HOSTILE, SETTINGS)),
    **{scope: update_delegate.write_request(Request("ada@contoso.com", (), scope)) for scope in SCOPES},
    "remove delegates": remove_delegate.write_request(remove_delegate.Request(HOSTILE, ("a@b.c", HOSTILE))),
    "calendar": get_folder.write_request(get_folder.calendar_of("ada@contoso.com")),
    "folders": get_folder.write_request(
        get_folder.Request(
            (get_folder.FolderRef(folder_id=HOSTILE), get_folder.FolderRef("inbox")), "IdOnly", ("folder:DisplayName",)
        )
    ),
    "availability": get_user_availability.write_request(
        get_user_availability.Request(("a@b.c", HOSTILE), NOON, NOON + timedelta(days=1))
    ),
    "oof": get_user_oof_settings.write_request(get_user_oof_settings.Request(HOSTILE)),
    "time zones": get_server_time_zones.write_request(get_server_time_zones.Request(("UTC",))),
    "names": resolve_names.write_request(resolve_names.Request("ada")),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_answers_of_the_lab(name: str) -> None:
    header, body = parts(write_response(RESPONSES[name], BUILD).body)
    for element in (*header, body):
        assert_valid(element)


@pytest.mark.parametrize("name", REQUESTS)
def test_asks_of_the_client(name: str) -> None:
    made = ask("https://x/EWS/Exchange.asmx", REQUESTS[name], user_agent="t", impersonate="ada@contoso.com")
    header, body = parts(made.body)
    for element in (*header, body):
        assert_valid(element)


def test_code_of_a_fault() -> None:
    """A fault has no schema of its own; its code must be one the schema knows, its shape that of SOAP 1.1."""
    fault = EwsFault("ErrorSchemaValidation", HOSTILE, (("Violation", HOSTILE), ("BackOffMilliseconds", "5")))
    _, sent = parts(write_fault(fault, BUILD).body)
    assert [child.tag for child in sent] == ["faultcode", "faultstring", "detail"]
    messages = etree.parse(Path(CORPUS) / "ews" / "xsd-15.2.2562" / "messages.xsd")
    known = {one.get("value") for one in messages.iter("{http://www.w3.org/2001/XMLSchema}enumeration")}
    for code in (
        fault.code,
        "ErrorInvalidServerVersion",
        "ErrorInvalidExchangeImpersonationHeaderData",
        "ErrorMailboxDataArrayTooBig",
        "ErrorMailboxDataArrayEmpty",
        "ErrorInvalidFreeBusyViewType",
        "ErrorInvalidTimeInterval",
        "ErrorInvalidMergedFreeBusyInterval",
        "ErrorTimeZone",
        "ErrorNotDelegate",
        "ErrorDelegateAlreadyExists",
        "ErrorDelegateCannotAddOwner",
        "ErrorDelegateNoUser",
        "ErrorInvalidDelegatePermission",
        "ErrorMissingEmailAddress",
    ):
        assert code in known
