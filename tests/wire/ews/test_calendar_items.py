"""CreateItem, GetItem, DeleteItem and FindItem: what one half writes the other reads, and the schema takes it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from hybridge.wire.ask import Failure
from hybridge.wire.ews import create_item, delete_item, find_item, get_item
from hybridge.wire.ews.calendar_items import CalendarItem, ItemError, ItemId, item_id, read_item_id
from hybridge.wire.ews.envelope import ServerVersion, ask, read_body, read_request, write_response
from hybridge.wire.ews.faults import EwsFault, RequestRefused
from hybridge.wire.ews.item_properties import write_item
from hybridge.wire.xml import Element, parse_xml

START = datetime(2000, 1, 1, tzinfo=UTC)
ADA = "ada@contoso.com"
ODD = "a<b> & \"c\" 'd' ü"
ID = ItemId(item_id(f"{ADA}/7"), "AQAAAA==")
BUILD = ServerVersion(15, 2, 2562, 37)
CREATE = create_item.Request(ADA, CalendarItem(ODD, START, START + timedelta(minutes=30), "Free"))
ASKED = {
    "CreateItem": create_item.write_request(CREATE),
    "GetItem": get_item.write_request(get_item.Request((ID, ItemId(ID.id)))),
    "DeleteItem": delete_item.write_request(delete_item.Request((ID,))),
    "FindItem": find_item.write_request(find_item.Request(ADA, START, START + timedelta(days=1))),
}
ERROR = ItemError("ErrorAccessDenied", ODD)
ITEM = write_item("CalendarItem", {"item:ItemId": ID, "item:Subject": ODD})
SAID = {
    "made": create_item.write_response((write_item("CalendarItem", {"item:ItemId": ID}),)),
    "not made": create_item.write_response((ERROR,)),
    "shown": get_item.write_response((ITEM, ERROR)),
    "gone": delete_item.write_response(delete_item.Response((None, ERROR))),
    "found": find_item.write_response((find_item.Found((ITEM,), 1),)),
    "not found": find_item.write_response((ERROR,)),
}


def opened(body: str) -> Element:
    incoming = read_request(ask("https://mail.contoso.com/EWS/Exchange.asmx", body, user_agent="t").body)
    return incoming.child


def answered(body: str) -> Element:
    said = read_body(write_response(body, BUILD))
    assert not isinstance(said, EwsFault | Failure), said
    return said


def test_requests_read_back() -> None:
    created = create_item.read_request(opened(ASKED["CreateItem"]))
    assert (created.mailbox, created.invitations) == (ADA, "SendToNone")
    (made,) = created.items
    assert isinstance(made, create_item.NewItem)
    assert made.properties == {
        "item:Subject": ODD,
        "item:Sensitivity": "Private",
        "item:ReminderIsSet": False,
        "calendar:Start": START,
        "calendar:End": START + timedelta(minutes=30),
        "calendar:LegacyFreeBusyStatus": "Free",
    }
    assert get_item.read_request(opened(ASKED["GetItem"])).ids == (ID, ItemId(ID.id))
    assert delete_item.read_request(opened(ASKED["DeleteItem"])) == delete_item.Request((ID,))
    search = find_item.read_request(opened(ASKED["FindItem"]))
    assert search.mailbox == ADA
    assert search.view == find_item.CalendarView(START, START + timedelta(days=1))
    assert search.shape.additional == {"item:Subject"}


def test_responses_read_back() -> None:
    assert create_item.read_response(answered(SAID["made"])) == create_item.Response(ID)
    refused = create_item.read_response(answered(SAID["not made"]))
    assert isinstance(refused, create_item.Response)
    assert (refused.code, refused.message) == ("ErrorAccessDenied", ODD)
    shown = get_item.read_response(answered(SAID["shown"]))
    assert isinstance(shown, get_item.Response)
    assert shown.items == (CalendarItem(subject=ODD, item_id=ID), ERROR)
    assert shown.code == "ErrorAccessDenied"
    gone = delete_item.read_response(answered(SAID["gone"]))
    assert isinstance(gone, delete_item.Response)
    assert gone.items == (None, ERROR)
    found = find_item.read_response(answered(SAID["found"]))
    assert isinstance(found, find_item.Response)
    assert found.items == (CalendarItem(subject=ODD, item_id=ID),)
    nothing = find_item.read_response(answered(SAID["not found"]))
    assert isinstance(nothing, find_item.Response)
    assert nothing.code == "ErrorAccessDenied"


def test_another_operations_answer_is_foreign() -> None:
    assert isinstance(create_item.read_response(answered(SAID["gone"])), Failure)
    assert isinstance(delete_item.read_response(answered(SAID["found"])), Failure)
    assert isinstance(get_item.read_response(answered(SAID["made"])), Failure)
    assert isinstance(find_item.read_response(answered(SAID["shown"])), Failure)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('SendMeetingInvitations="SendToNone"', 'SendMeetingInvitations="SendToMany"'),
        ("<t:Start>2000-01-01T00:00:00Z</t:Start>", "<t:Start>soon</t:Start>"),
        ("<t:ReminderIsSet>false</t:ReminderIsSet>", "<t:RequiredAttendees/>"),
        ("<t:ReminderIsSet>false</t:ReminderIsSet>", "<t:IsMeeting>true</t:IsMeeting>"),
        ("<t:LegacyFreeBusyStatus>Free<", "<t:LegacyFreeBusyStatus>Asleep<"),
    ],
)
def test_what_breaks_the_schema_is_refused(right: str, wrong: str) -> None:
    assert right in ASKED["CreateItem"]
    with pytest.raises(RequestRefused):
        create_item.read_request(opened(ASKED["CreateItem"].replace(right, wrong)))


def test_ids_are_ours_or_nobodys() -> None:
    assert read_item_id(item_id(f"{ADA}/7")) == f"{ADA}/7"
    assert [read_item_id(one) for one in ("", "AAMk", "AAMkITEM!", item_id("x")[:-1])] == [""] * 4


@pytest.mark.skipif(not os.environ.get("HYBRIDGE_CORPUS"), reason="HYBRIDGE_CORPUS names no folder with the schema")
@pytest.mark.parametrize("body", [*ASKED.values(), *SAID.values()], ids=[*ASKED, *SAID])
def test_every_body_is_valid_by_the_schema(body: str) -> None:
    path = Path(os.environ["HYBRIDGE_CORPUS"]) / "ews" / "xsd-15.2.2562" / "messages.xsd"
    schema = etree.XMLSchema(etree.parse(path))
    whole = parse_xml(write_response(body, BUILD).body)
    assert schema.validate(whole[1][0]), schema.error_log
