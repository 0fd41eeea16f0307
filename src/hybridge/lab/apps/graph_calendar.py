"""Calendars of online mailboxes as Graph serves them: free/busy, calendar views, events, and the mailbox's settings."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.graph_delta import answer_delta
from hybridge.lab.apps.graph_events import SHOWN, STORED, master, whole
from hybridge.lab.apps.graph_mailboxes import at_mailbox
from hybridge.lab.behaviour.sharing import asked_online
from hybridge.lab.contoso import TENANT_ID
from hybridge.lab.estate import Estate
from hybridge.lab.mail.items import Attendee, Changed, Item, Occurrence
from hybridge.lab.mail.store import MailStore, store_of
from hybridge.org.records import Mailbox, UserOofSettings
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews.calendar_items import read_item_id
from hybridge.wire.graph import calendar_view, events, get_schedule, mailbox_settings
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused, instant, json_answer

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ZONE = "W. Europe Standard Time"
"""The time zone of the lab's people."""
LONGEST_VIEW = timedelta(days=1825)
_DIGITS = {"tentative": "1", "busy": "2", "oof": "3"}
_STATUS = {"Disabled": "disabled", "Enabled": "alwaysEnabled", "Scheduled": "scheduled"}


def answer_calendar(estate: Estate, request: Request) -> HttpAnswer:
    """The answer to a request for a calendar or for settings of a mailbox."""
    if (user := get_schedule.read_path(request.path)) and request.method == "POST":
        return at_mailbox(estate, request, user, _schedules)
    if (view := calendar_view.read_path(request.path)) is not None and request.method == "GET":
        return at_mailbox(estate, request, view[0], answer_delta if view[1] else _view)
    if (named := events.read_path(request.path)) is not None:
        return at_mailbox(estate, request, named[0], _events)
    if (setting := mailbox_settings.read_path(request.path)) is not None:
        return at_mailbox(estate, request, setting[0], _settings)
    return write_error(405, "Request_BadRequest", f"{request.method} is not for {request.path}.", estate.now())


def is_calendar(request: Request) -> bool:
    """Whether ``answer_calendar`` answers it."""
    readers = (calendar_view.read_path, events.read_path, mailbox_settings.read_path)
    named = any(read(request.path) is not None for read in readers)
    return named or (request.method == "POST" and get_schedule.read_path(request.path) != "")


# Free/busy ------------------------------------------------------------------------------------------------------------


def _schedules(estate: Estate, request: Request, _: Mailbox) -> HttpAnswer:
    """Free/busy as a person online sees it: of people online by themselves, of others as their servers show it."""
    try:
        wanted, window = get_schedule.read_ask(request.body), get_schedule.read_window(request.body)
    except JsonRefused as refused:
        return write_error(400, "ErrorInvalidParameter", str(refused), estate.now())
    return get_schedule.write_schedules(tuple(_schedule(estate, address, *window) for address in wanted))


def _schedule(estate: Estate, address: str, *window: object) -> get_schedule.Schedule:
    organization = estate.organization
    premises = ONLINE if organization.one(Mailbox, ONLINE, address) else ON
    refused = None if premises is ONLINE else asked_online(organization, address, estate.now(), TENANT_ID)
    if refused is not None:
        message = f"{refused.message} ({refused.exception_code})" if refused.exception_code else refused.message
        return get_schedule.Schedule(address=address, error_code=refused.code, error_message=message)
    items = tuple(map(_item, store_of(estate).occurrences(premises, address, *window)))  # type: ignore[arg-type]
    digits = max((_DIGITS.get(one.status, "0") for one in items), default="0")
    return get_schedule.Schedule(address=address, availability_view=digits, items=items, zone=ZONE)


def _item(one: Occurrence) -> get_schedule.ScheduleItem:
    return get_schedule.ScheduleItem(
        start_at=one.start_at,
        end_at=one.end_at,
        status=SHOWN.get(one.busy_type, "unknown"),
        is_private=one.is_private,
        subject=one.subject,
        location=one.location,
    )


# Views and events -----------------------------------------------------------------------------------------------------


def _view(estate: Estate, request: Request, mailbox: Mailbox) -> HttpAnswer:
    query = {name.lower(): value for name, value in request.query.items()}
    start, end = instant(query.get("startdatetime")), instant(query.get("enddatetime"))
    if start is None or end is None or not timedelta() < end - start <= LONGEST_VIEW:
        says = "The query string parameters startDateTime and endDateTime name no time window."
        return write_error(400, "ErrorInvalidParameter", says, estate.now())
    found = tuple(map(whole, store_of(estate).occurrences(ONLINE, mailbox.identity, start, end)))
    skipped = query.get("$skip", "")
    skip = int(skipped) if skipped.isascii() and skipped.isdigit() and len(skipped) < 9 else 0
    size = calendar_view.read_page_size(request.headers.get("prefer", ""), query.get("$top", ""))
    more = ""
    if skip + size < len(found):
        window = f"startDateTime={query['startdatetime']}&endDateTime={query['enddatetime']}"
        more = f"https://{request.host}{request.path}?{window}&$top={size}&$skip={skip + size}"
    return calendar_view.write_page(found[skip : skip + size], next_link=more)


def _events(estate: Estate, request: Request, mailbox: Mailbox) -> HttpAnswer:
    identity = (events.read_path(request.path) or ("", ""))[1]
    store = store_of(estate)
    if not identity and request.method in ("GET", "POST"):
        return _collection(estate, request, mailbox)
    found = store.occurrence(read_item_id(identity))
    if found is None or found.mailbox.lower() != mailbox.identity.lower():
        says = "The specified object was not found in the store."
        return write_error(404, "ErrorItemNotFound", says, estate.now())
    if request.method == "GET":
        return json_answer(200, events.write_event(_shown(found)))
    if request.method == "DELETE":
        _delete(store, found)
        return HttpAnswer(status=204)
    if request.method != "PATCH":
        says = f"{request.method} is not for an event."
        return write_error(405, "ErrorInvalidRequest", says, estate.now())
    try:
        _patch(store, found, events.read_body(request.body))
    except JsonRefused as refused:
        return write_error(400, "ErrorInvalidRequest", str(refused), estate.now())
    changed = store.occurrence(read_item_id(identity))
    return json_answer(200, events.write_event(_shown(changed or found)))


def _shown(one: Occurrence) -> events.Event:
    return master(one.item) if one.kind == "Single" and one.item.recurrence is not None else whole(one)


def _collection(estate: Estate, request: Request, mailbox: Mailbox) -> HttpAnswer:
    """``GET`` lists single events and masters, not occurrences; ``POST`` makes a single event."""
    store = store_of(estate)
    if request.method == "GET":
        listed = (store.occurrence(one.identity) for one in store.items(ONLINE, mailbox.identity))
        return calendar_view.write_page([_shown(one) for one in listed if one is not None])
    try:
        body = events.read_body(request.body)
        if body.start_at is None or body.end_at is None:
            raise JsonRefused("The event has no start or no end.")
        empty = Item(premises=ONLINE, mailbox=mailbox.identity, start_at=body.start_at, end_at=body.end_at)
        made = store.add(_with(msgspec.structs.replace(empty, organizer=mailbox.identity), body))
    except JsonRefused as refused:
        return write_error(400, "ErrorInvalidRequest", str(refused), estate.now())
    found = store.occurrence(made.identity)
    return json_answer(201, events.write_event(_shown(found)) if found else {})


def _with(item: Item, body: events.EventBody) -> Item:
    """``item`` as ``body`` wants it. Raises ``JsonRefused``."""
    start, end = body.start_at or item.start_at, body.end_at or item.end_at
    if end < start:
        raise JsonRefused("The event ends before it starts.")
    invited = item.attendees if body.attendees is None else tuple(Attendee(address=one) for one in body.attendees)
    own = item.response in ("Organizer", "Unknown")
    return msgspec.structs.replace(
        item,
        start_at=start,
        end_at=end,
        subject=item.subject if body.subject is None else body.subject,
        busy_type=item.busy_type if body.show_as is None else STORED[body.show_as],
        is_all_day=item.is_all_day if body.is_all_day is None else body.is_all_day,
        sensitivity=item.sensitivity if body.sensitivity is None else body.sensitivity.capitalize(),
        location=item.location if body.location is None else body.location,
        attendees=invited,
        response=("Organizer" if invited else "Unknown") if own else item.response,
    )


def _patch(store: MailStore, one: Occurrence, body: events.EventBody) -> None:
    """Change an event; of a series' occurrence, make an exception."""
    series = store.get(read_item_id(one.series_id)) if one.series_id else None
    if series is None:
        store.put(_with(one.item, body))
        return
    at = one.original_start or one.start_at
    alone = msgspec.structs.replace(one.item, start_at=one.start_at, end_at=one.end_at, recurrence=None, exceptions=())
    others = tuple(each for each in series.exceptions if each.original_start != at)
    changed = Changed(original_start=at, item=_with(alone, body))
    store.put(msgspec.structs.replace(series, exceptions=(*others, changed)))


def _delete(store: MailStore, one: Occurrence) -> None:
    """Delete an event, a series, or one occurrence of a series."""
    series = store.get(read_item_id(one.series_id)) if one.series_id else None
    if series is None:
        store.remove(one.item, for_good=False)
        return
    at = one.original_start or one.start_at
    others = tuple(each for each in series.exceptions if each.original_start != at)
    store.put(msgspec.structs.replace(series, exceptions=others, deleted=(*series.deleted, at)))


# Settings -------------------------------------------------------------------------------------------------------------


def _settings(estate: Estate, request: Request, mailbox: Mailbox) -> HttpAnswer:
    setting = (mailbox_settings.read_path(request.path) or ("", ""))[1]
    if request.method == "GET":
        return mailbox_settings.write_settings(_replies(estate, mailbox.identity), ZONE, setting)
    if request.method != "PATCH" or setting:
        says = f"{request.method} is not for this setting."
        return write_error(405, "ErrorInvalidRequest", says, estate.now())
    try:
        wanted = mailbox_settings.read_patch(request.body, _replies(estate, mailbox.identity))
    except JsonRefused as refused:
        return write_error(400, "ErrorInvalidRequest", str(refused), estate.now())
    state = next(state for state, status in _STATUS.items() if status == wanted.status)
    record = UserOofSettings(
        premises=ONLINE, identity=mailbox.identity, oof_state=state, start_at=wanted.start_at, end_at=wanted.end_at
    )
    estate.organization = estate.organization.put(record)
    return mailbox_settings.write_settings(wanted, ZONE)


def _replies(estate: Estate, mailbox: str) -> mailbox_settings.AutomaticReplies:
    """The automatic replies of a mailbox; Graph gives some window even where none was ever set."""
    found = estate.organization.one(UserOofSettings, ONLINE, mailbox)
    start = (found.start_at if found else None) or estate.now().replace(minute=0, second=0, microsecond=0)
    end = (found.end_at if found else None) or start + timedelta(days=1)
    status = _STATUS.get(found.oof_state, "disabled") if found else "disabled"
    return mailbox_settings.AutomaticReplies(status=status, start_at=start, end_at=end)
