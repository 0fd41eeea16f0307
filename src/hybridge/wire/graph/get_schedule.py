"""Graph getSchedule: free/busy of up to 20 people as one person online sees it, both halves.

A person that could not be looked up has an error of their own, with the response code of the availability service;
the others are fine. Source: Microsoft's pages on getSchedule, scheduleInformation and freeBusyError.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.graph.zoned import UTC_PREFERRED, read_zoned, write_zoned
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, objects, read_object, text, texts
from hybridge.wire.xml import malformed

MAX_SCHEDULES = 20
LONGEST_WINDOW = timedelta(days=62)


class ScheduleItem(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a schedule: ``status`` is free, tentative, busy, oof, workingElsewhere or unknown.

    ``is_private`` hides the rest; ``subject`` and ``location`` are "" where the asker may not see them.
    """

    start_at: datetime
    end_at: datetime
    status: str
    is_private: bool = False
    subject: str = ""
    location: str = ""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One person's free/busy: the view (a digit per interval) and the items it is made of, or why there is none.

    The view shows 0 for working elsewhere as for free; only the items tell them apart. ``zone`` is the name of the
    owner's time zone, "" where working hours are not shown.
    """

    address: str
    availability_view: str = ""
    error_code: str = ""
    error_message: str = ""
    items: tuple[ScheduleItem, ...] = ()
    zone: str = ""


def ask_schedules(graph_host: str, user: str, addresses: tuple[str, ...], start: datetime, end: datetime) -> HttpAsk:
    """Ask as ``user`` for the free/busy of ``addresses`` between two aware instants."""
    body = {
        "schedules": list(addresses),
        "startTime": {"dateTime": _written(start), "timeZone": "UTC"},
        "endTime": {"dateTime": _written(end), "timeZone": "UTC"},
        "availabilityViewInterval": 60,
    }
    path = f"/v1.0/users/{quote(user, safe='@')}/calendar/getSchedule"
    return ask("POST", graph_host, path, msgspec.json.encode(body))


def ask_items(graph_host: str, user: str, addresses: tuple[str, ...], start: datetime, end: datetime) -> HttpAsk:
    """As ``ask_schedules``, for who reads the items: in UTC, with the smallest view."""
    one = ask_schedules(graph_host, user, addresses, start, end)
    body = one.body.replace(b'"availabilityViewInterval":60', b'"availabilityViewInterval":1440')
    return msgspec.structs.replace(one, headers=(*one.headers, ("Prefer", UTC_PREFERRED)), body=body)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def read_schedules(answer: HttpAnswer) -> tuple[Schedule, ...] | Failure:
    """Everybody's free/busy, or why it could not be read."""
    if answer.failure or answer.status != 200:
        return read_error(answer, "free/busy")
    try:
        found = objects(read_object(answer.body).get("value"))
    except JsonRefused as error:
        return malformed(f"Free/busy cannot be read: {error}")
    try:
        return tuple(map(_read, found))
    except JsonRefused as error:
        return malformed(f"Free/busy cannot be read: {error}")


def _read(one: dict[str, Any]) -> Schedule:
    return Schedule(
        address=text(one.get("scheduleId")),
        availability_view=text(one.get("availabilityView")),
        error_code=text(mapping(one.get("error")).get("responseCode")),
        error_message=text(mapping(one.get("error")).get("message")),
        items=tuple(map(_read_item, objects(one.get("scheduleItems")))),
        zone=text(mapping(mapping(one.get("workingHours")).get("timeZone")).get("name")),
    )


def _read_item(one: dict[str, Any]) -> ScheduleItem:
    start, end = read_zoned(one.get("start")), read_zoned(one.get("end"))
    if start is None or end is None:
        raise JsonRefused("An item has a time that cannot be read.")
    return ScheduleItem(
        start_at=start,
        end_at=end,
        status=text(one.get("status")),
        is_private=one.get("isPrivate") is True,
        subject=text(one.get("subject")),
        location=text(one.get("location")),
    )


def read_path(path: str) -> str:
    """The user of a request's path, "" for another path."""
    match = _PATH.fullmatch(path)
    return unquote(match[1]) if match else ""


_PATH = re.compile(r"/(?:v1\.0|beta)/users/([^/]+)/calendar/getSchedule/?", re.I)


def read_ask(body: bytes) -> tuple[str, ...]:
    """Whom a request asks about. Raises ``JsonRefused`` when Graph would answer 400."""
    given = texts(read_object(body).get("schedules"))
    if not given:
        raise JsonRefused("The request names no schedules.")
    if len(given) > MAX_SCHEDULES:
        raise JsonRefused(f"At most {MAX_SCHEDULES} schedules may be asked for.")
    return given


def read_window(body: bytes) -> tuple[datetime, datetime]:
    """The window a request asks for. Raises ``JsonRefused`` where Graph would answer 400."""
    given = read_object(body)
    start, end = read_zoned(given.get("startTime")), read_zoned(given.get("endTime"))
    if start is None or end is None:
        raise JsonRefused("startTime or endTime is missing or cannot be read.")
    if not timedelta() < end - start < LONGEST_WINDOW:
        raise JsonRefused(f"The window must be longer than nothing and shorter than {LONGEST_WINDOW.days} days.")
    return start, end


def write_schedules(schedules: tuple[Schedule, ...]) -> HttpAnswer:
    """The answer with everybody's free/busy."""
    return json_answer(200, {"value": [_one(schedule) for schedule in schedules]})


def _one(schedule: Schedule) -> dict[str, object]:
    if schedule.error_code:
        error = {"message": schedule.error_message, "responseCode": schedule.error_code}
        return {"scheduleId": schedule.address, "scheduleItems": [], "error": error}
    shown: dict[str, object] = {
        "scheduleId": schedule.address,
        "availabilityView": schedule.availability_view,
        "scheduleItems": [_item(one) for one in schedule.items],
    }
    if schedule.zone:
        shown["workingHours"] = {"timeZone": {"name": schedule.zone}}
    return shown


def _item(one: ScheduleItem) -> dict[str, object]:
    shown: dict[str, object] = {
        "isPrivate": one.is_private,
        "status": one.status,
        "start": write_zoned(one.start_at),
        "end": write_zoned(one.end_at),
    }
    return shown if one.is_private else shown | {"subject": one.subject, "location": one.location}
