"""Graph getSchedule: free/busy of up to 20 people as one person online sees it, both halves.

A person that could not be looked up has an error of their own, with the response code of the availability service;
the others are fine. Source: Microsoft's pages on getSchedule, scheduleInformation and freeBusyError.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, objects, read_object, text, texts
from hybridge.wire.xml import malformed

MAX_SCHEDULES = 20


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One person's free/busy: the view (a digit per interval), or why there is none."""

    address: str
    availability_view: str = ""
    error_code: str = ""
    error_message: str = ""


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
    return tuple(
        Schedule(
            address=text(one.get("scheduleId")),
            availability_view=text(one.get("availabilityView")),
            error_code=text(mapping(one.get("error")).get("responseCode")),
            error_message=text(mapping(one.get("error")).get("message")),
        )
        for one in found
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


def write_schedules(schedules: tuple[Schedule, ...]) -> HttpAnswer:
    """The answer with everybody's free/busy."""
    return json_answer(200, {"value": [_one(schedule) for schedule in schedules]})


def _one(schedule: Schedule) -> dict[str, object]:
    if schedule.error_code:
        error = {"message": schedule.error_message, "responseCode": schedule.error_code}
        return {"scheduleId": schedule.address, "scheduleItems": [], "error": error}
    return {"scheduleId": schedule.address, "availabilityView": schedule.availability_view, "scheduleItems": []}
