"""Bodies of EWS requests about items, written by hand, and what to read off the answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from hybridge.terms.premises import Premises
from hybridge.wire.ews.namespaces import PREFIXES
from hybridge.wire.ews.writing import instant
from hybridge.wire.xml import Element

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, ALAN, GRACE = "ada@contoso.com", "alan@contoso.com", "grace@contoso.com"
START = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEKLY = (
    "<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek>"
    "</t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2027-03-01</t:StartDate>"
    "<t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"
)
BERLIN = '<t:StartTimeZone Id="W. Europe Standard Time"/>'


class Client(Protocol):
    def __call__(self, body: str, *, user: str = ADA, header: str = "") -> Element: ...


def found(element: Element, path: str) -> list[Element]:
    return list(element.iterfind(f".//{path}", PREFIXES))


def code(element: Element) -> str:
    return found(element, "m:ResponseCode")[0].text or ""


def texts(element: Element, path: str) -> list[str]:
    return [one.text or "" for one in found(element, path)]


def ids(element: Element) -> tuple[str, str]:
    """Id and change key of the first item."""
    one = found(element, "t:ItemId")[0]
    return str(one.get("Id")), str(one.get("ChangeKey"))


def named(one: tuple[str, str]) -> str:
    return f'<t:ItemId Id="{one[0]}" ChangeKey="{one[1]}"/>'


def create(inside: str, send: str = "SendToNone", folder: str = "") -> str:
    saved = f"<m:SavedItemFolderId>{folder}</m:SavedItemFolderId>" if folder else ""
    return (
        f'<m:CreateItem SendMeetingInvitations="{send}">{saved}<m:Items><t:CalendarItem>{inside}</t:CalendarItem>'
        "</m:Items></m:CreateItem>"
    )


def times(start: datetime = START, end: datetime = START + HOUR) -> str:
    return f"<t:Start>{instant(start)}</t:Start><t:End>{instant(end)}</t:End>"


def update(one: str, changes: str, conflict: str = "AutoResolve", send: str = "SendToNone") -> str:
    return (
        f'<m:UpdateItem ConflictResolution="{conflict}" SendMeetingInvitationsOrCancellations="{send}">'
        f"<m:ItemChanges><t:ItemChange>{one}<t:Updates>{changes}</t:Updates></t:ItemChange></m:ItemChanges>"
        "</m:UpdateItem>"
    )


def put(uri: str, inside: str, does: str = "SetItemField") -> str:
    return f'<t:{does}><t:FieldURI FieldURI="{uri}"/><t:CalendarItem>{inside}</t:CalendarItem></t:{does}>'


def subject(word: str) -> str:
    return put("item:Subject", f"<t:Subject>{word}</t:Subject>")


def get(*ids: str, shape: str = "AllProperties") -> str:
    return (
        f"<m:GetItem><m:ItemShape><t:BaseShape>{shape}</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>"
        f"</m:ItemShape><m:ItemIds>{''.join(ids)}</m:ItemIds></m:GetItem>"
    )


def delete(one: str, send: str = "SendToNone", way: str = "HardDelete") -> str:
    whom = f'SendMeetingCancellations="{send}"'
    return f'<m:DeleteItem DeleteType="{way}" {whom}><m:ItemIds>{one}</m:ItemIds></m:DeleteItem>'


def view(start: datetime, end: datetime, most: str = "", owner: str = "") -> str:
    named = f"<t:Mailbox><t:EmailAddress>{owner}</t:EmailAddress></t:Mailbox>" if owner else ""
    return (
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>'
        f'<m:CalendarView {most} StartDate="{instant(start)}" EndDate="{instant(end)}"/><m:ParentFolderIds>'
        f'<t:DistinguishedFolderId Id="calendar">{named}</t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem>'
    )


def answered(kind: str, one: str) -> str:
    reference = one.replace("t:ItemId", "t:ReferenceItemId")
    return (
        f'<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:{kind}>{reference}</t:{kind}></m:Items>'
        "</m:CreateItem>"
    )


def invited(*people: str) -> str:
    every = "".join(
        f"<t:Attendee><t:Mailbox><t:EmailAddress>{one}</t:EmailAddress></t:Mailbox></t:Attendee>" for one in people
    )
    return f"<t:RequiredAttendees>{every}</t:RequiredAttendees>"
