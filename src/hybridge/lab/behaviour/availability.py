"""Free/busy of a mailbox: the periods of a window, the merged string, and what a caller may see of them.

Limits: 100 mailboxes (kept by the wire) and a window of 62 days. The merged string has a digit per interval in which
the highest status wins: 0 free, 1 tentative, 2 busy, 3 out of office, 4 working elsewhere, 5 no data (Exchange 2013
and later).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from hybridge.lab.behaviour.mailbox_rights import Caller, FreeBusyDetail, free_busy_detail
from hybridge.lab.mail.expansion import single
from hybridge.lab.mail.items import Occurrence, of_record
from hybridge.org.organization import Organization
from hybridge.org.records import CalendarEvent, Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import hex_entry_id
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy, WorkingPeriod
from hybridge.wire.ews.get_user_availability import MailboxError, Request

ON = Premises.ON_PREMISES
LONGEST_WINDOW = timedelta(days=62)
_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_WORKING_HOURS = WorkingPeriod(_WEEK, 8 * 60, 17 * 60)
_DIGITS = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingelsewhere": "4", "nodata": "5"}


def events_within(
    organization: Organization, mailbox: str, start_at: datetime, end_at: datetime
) -> tuple[CalendarEvent, ...]:
    """Events of ``mailbox`` that overlap the window, the earliest first; one that only touches it does not."""
    events = (
        event
        for event in organization.all(CalendarEvent, ON, mailbox)
        if event.start_at < end_at and event.end_at > start_at
    )
    return tuple(sorted(events, key=lambda event: (event.start_at, event.end_at, event.identity)))


def events_at(organization: Organization, mailbox: str, at: datetime) -> tuple[CalendarEvent, ...]:
    """Events of ``mailbox`` going on at ``at``: begun by then and not yet over."""
    events = organization.all(CalendarEvent, ON, mailbox)
    return tuple(event for event in events if event.start_at <= at < event.end_at)


def free_busy(
    organization: Organization,
    caller: Caller,
    mailbox: str,
    request: Request,
    entries: tuple[Occurrence, ...] | None = None,
) -> FreeBusy | MailboxError:
    """The answer for one ``mailbox`` of ``request``.

    ``entries`` are what its calendar holds in the window; None is the events the organization has for it, and no more.
    """
    if request.end_at - request.start_at > LONGEST_WINDOW:
        return MailboxError("ErrorTimeIntervalTooBig", f"At most {LONGEST_WINDOW.days} days may be asked for.")
    if organization.one(Mailbox, ON, mailbox) is None:
        return MailboxError("ErrorMailRecipientNotFound", f"The recipient {mailbox} was not found.")
    detail = free_busy_detail(organization, caller, mailbox)
    if detail is FreeBusyDetail.NOTHING:
        return MailboxError("ErrorNoFreeBusyAccess", f"The caller may not see the free/busy of {mailbox}.")
    if request.view == "None":
        return FreeBusy(("None",))
    view = _best_view(request.view, detail)
    if entries is None:
        events = events_within(organization, mailbox, request.start_at, request.end_at)
        entries = tuple(single(of_record(event)) for event in events)
    return FreeBusy(
        view_types=(view,),
        periods=() if view == "MergedOnly" else tuple(_period(one, view.startswith("Detailed")) for one in entries),
        merged="".join(_merged(entries, request)) if "Merged" in view else "",
        working_periods=() if view == "MergedOnly" else (_WORKING_HOURS,),
        working_bias=None if view == "MergedOnly" else 0,
    )


def _best_view(asked: str, detail: FreeBusyDetail) -> str:
    """The view asked for, or the best below it that the caller may see."""
    return asked.replace("Detailed", "FreeBusy") if detail is FreeBusyDetail.TIMES else asked


def _period(entry: Occurrence, detailed: bool) -> BusyPeriod:
    return BusyPeriod(
        start_at=entry.start_at,
        end_at=entry.end_at,
        busy_type=entry.busy_type,
        subject=entry.subject if detailed else "",
        location=entry.location if detailed else "",
        is_meeting=detailed and entry.is_meeting,
        is_private=detailed and entry.is_private,
        detailed=detailed,
        entry_id=hex_entry_id(entry.item_id) if detailed else "",
        is_recurring=detailed and entry.is_recurring,
        is_exception=detailed and entry.kind == "Exception",
    )


def _merged(entries: tuple[Occurrence, ...], request: Request) -> Iterator[str]:
    begins, step = request.start_at, timedelta(minutes=request.interval)
    while begins < request.end_at:
        ends = begins + step
        now = (entry for entry in entries if entry.start_at < ends and entry.end_at > begins)
        yield max((_DIGITS.get(entry.busy_type.lower(), "5") for entry in now), default="0")
        begins = ends
