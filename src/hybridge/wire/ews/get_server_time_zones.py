"""EWS GetServerTimeZones: clients fetch a zone's rules here before they ask for free/busy in it.

Ids are Windows ids. A zone is written as its periods, one group of transitions, and the transition into that group,
which is as much as today's rules need. Reading takes id, name and the bias of the standard period: real servers send
definitions that break their own schema, so nothing more is relied on.
"""

from __future__ import annotations

import re

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.legacy_time_zone import LegacyTimeZone, Rule
from hybridge.wire.ews.reading import (
    Foreign,
    Slot,
    attribute,
    child,
    children,
    expect,
    guarded,
    sequence,
    status,
    strict_boolean,
)
from hybridge.wire.ews.writing import element, response_class
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element, escape

OPERATION = "GetServerTimeZones"


class Request(msgspec.Struct, frozen=True):
    """``ids`` empty asks for every zone; without ``full`` only ids and names are wanted."""

    ids: tuple[str, ...] = ()
    full: bool = True


class Zone(msgspec.Struct, frozen=True):
    """A zone with today's rules; two rules of the same bias are a zone without summer time."""

    id: str
    name: str
    rules: LegacyTimeZone = LegacyTimeZone()


class Response(msgspec.Struct, frozen=True):
    """The zones; ``code`` is "NoError" unless the operation failed."""

    code: str = "NoError"
    message: str = ""
    zones: tuple[Zone, ...] = ()
    full: bool = True


def write_request(request: Request) -> str:
    """The body of the request."""
    ids = "".join(element("t:Id", one) for one in request.ids)
    return (
        f'<m:GetServerTimeZones ReturnFullTimeZoneData="{str(request.full).lower()}">'
        f"{f'<m:Ids>{ids}</m:Ids>' if ids else ''}</m:GetServerTimeZones>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    ids = sequence(operation, Slot("m:Ids", at_least=0))["m:Ids"]
    found = sequence(ids[0], Slot("t:Id", at_most=None))["t:Id"] if ids else []
    full = attribute(operation, "ReturnFullTimeZoneData")
    return Request(
        ids=tuple((one.text or "").strip() for one in found),
        full=not full or strict_boolean(operation, full),
    )


def write_response(response: Response) -> str:
    """The body of the answer."""
    zones = "".join(_write_zone(zone, response.full) for zone in response.zones)
    return (
        "<m:GetServerTimeZonesResponse><m:ResponseMessages>"
        f'<m:GetServerTimeZonesResponseMessage ResponseClass="{response_class(response.code)}">'
        f"{written_status(response.code, response.message)}"
        f"<m:TimeZoneDefinitions>{zones}</m:TimeZoneDefinitions>"
        "</m:GetServerTimeZonesResponseMessage></m:ResponseMessages></m:GetServerTimeZonesResponse>"
    )


def _write_zone(zone: Zone, full: bool) -> str:
    head = f'<t:TimeZoneDefinition Id="{escape(zone.id)}" Name="{escape(zone.name)}"'
    if not full:
        return f"{head}/>"
    rules, stem = zone.rules, f"trule:Microsoft/Registry/{zone.id}/1-"
    if rules.standard.bias == rules.daylight.bias:
        periods = _write_period(rules.bias, "Standard", stem)
        inside = f"<t:Transition>{_write_to('Period', f'{stem}Standard')}</t:Transition>"
    else:
        periods = _write_period(rules.bias + rules.standard.bias, "Standard", stem)
        periods += _write_period(rules.bias + rules.daylight.bias, "Daylight", stem)
        inside = _write_transition(rules.daylight, f"{stem}Daylight")
        inside += _write_transition(rules.standard, f"{stem}Standard")
    return (
        f"{head}><t:Periods>{periods}</t:Periods>"
        f'<t:TransitionsGroups><t:TransitionsGroup Id="0">{inside}</t:TransitionsGroup></t:TransitionsGroups>'
        f"<t:Transitions><t:Transition>{_write_to('Group', '0')}</t:Transition></t:Transitions></t:TimeZoneDefinition>"
    )


def _write_period(bias: int, name: str, stem: str) -> str:
    return f'<t:Period Bias="{_duration(bias)}" Name="{name}" Id="{escape(stem)}{name}"/>'


def _write_to(kind: str, target: str) -> str:
    return f'<t:To Kind="{kind}">{escape(target)}</t:To>'


def _write_transition(rule: Rule, target: str) -> str:
    return (
        f"<t:RecurringDayTransition>{_write_to('Period', target)}"
        f"{element('t:TimeOffset', _duration(rule.at.hour * 60 + rule.at.minute))}{element('t:Month', rule.month)}"
        f"{element('t:DayOfWeek', rule.day_of_week)}"
        f"{element('t:Occurrence', -1 if rule.day_order == 5 else rule.day_order)}</t:RecurringDayTransition>"
    )


def _duration(minutes: int) -> str:
    return f"{'-' if minutes < 0 else ''}PT{abs(minutes) // 60}H{abs(minutes) % 60}M"


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    expect(answer, "m:GetServerTimeZonesResponse")
    message = next(children(child(answer, "m:ResponseMessages"), "m:GetServerTimeZonesResponseMessage"), None)
    if message is None:
        raise Foreign("the GetServerTimeZones response holds no message.")
    said = status(message)
    found = children(child(message, "m:TimeZoneDefinitions"), "t:TimeZoneDefinition")
    return Response(said.code, said.message, tuple(_read_zone(zone) for zone in found))


def _read_zone(zone: Element) -> Zone:
    periods = children(child(zone, "t:Periods"), "t:Period")
    biases = [attribute(period, "Bias") for period in periods if attribute(period, "Name") == "Standard"]
    return Zone(
        attribute(zone, "Id"),
        attribute(zone, "Name"),
        LegacyTimeZone(bias=_minutes(biases[0]) if biases else 0),
    )


_DURATION = re.compile(r"(-?)PT(?:(\d{1,2})H)?(?:(\d{1,4})M)?(?:0+(?:\.0+)?S)?", re.ASCII)


def _minutes(duration: str) -> int:
    match = _DURATION.fullmatch(duration)
    if not match:
        return 0
    minutes = int(match[2] or 0) * 60 + int(match[3] or 0)
    return -minutes if match[1] else minutes


def _summer(bias: int, daylight: tuple[int, int, int], standard: tuple[int, int, int]) -> LegacyTimeZone:
    """A zone an hour ahead between two Sundays, each (month, which Sunday, local hour)."""
    return LegacyTimeZone(bias, standard=_sunday(*standard, bias=0), daylight=_sunday(*daylight, bias=-60))


def _sunday(month: int, order: int, hour: int, bias: int) -> Rule:
    at = msgspec.structs.replace(Rule(month, order), bias=bias)
    return msgspec.structs.replace(at, at=at.at.replace(hour=hour))


ZONES = (
    Zone("UTC", "(UTC) Coordinated Universal Time"),
    Zone("GMT Standard Time", "(UTC+00:00) Dublin, Edinburgh, Lisbon, London", _summer(0, (3, 5, 1), (10, 5, 2))),
    Zone(
        "W. Europe Standard Time",
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        _summer(-60, (3, 5, 2), (10, 5, 3)),
    ),
    Zone(
        "Romance Standard Time",
        "(UTC+01:00) Brussels, Copenhagen, Madrid, Paris",
        _summer(-60, (3, 5, 2), (10, 5, 3)),
    ),
    Zone("Eastern Standard Time", "(UTC-05:00) Eastern Time (US & Canada)", _summer(300, (3, 2, 2), (11, 1, 2))),
    Zone("Pacific Standard Time", "(UTC-08:00) Pacific Time (US & Canada)", _summer(480, (3, 2, 2), (11, 1, 2))),
    Zone("India Standard Time", "(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", LegacyTimeZone(-330)),
    Zone("Tokyo Standard Time", "(UTC+09:00) Osaka, Sapporo, Tokyo", LegacyTimeZone(-540)),
)
"""Zones the lab knows, with the rules in force since 2007."""
