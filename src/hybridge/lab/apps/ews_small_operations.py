"""Two EWS operations that foreign clients send before they do anything: ConvertId and GetServerTimeZones.

Only the server half exists, because no part of hybridge asks them. The lab knows a few time zones by their Windows
names, in UTC, with one rule for summer time each. Source: messages.xsd and types.xsd.
"""

from __future__ import annotations

from dataclasses import dataclass

from hybridge.wire.ews.distinguished_folders import read_folder_id
from hybridge.wire.ews.reading import Slot, attribute, one_of, sequence
from hybridge.wire.ews.writing import element, status
from hybridge.wire.xml import Element, escape

ID_FORMATS = ("EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId")
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def convert_id(operation: Element) -> str:
    """The response to ConvertId: ids of the lab's folders read the same in every format, all others are malformed."""
    wanted = one_of(operation, attribute(operation, "DestinationFormat"), ID_FORMATS)
    sources = sequence(operation, Slot("m:SourceIds"))["m:SourceIds"][0]
    kinds = "t:AlternateId|t:AlternatePublicFolderId|t:AlternatePublicFolderItemId"
    messages = "".join(_converted(source, wanted) for source in sequence(sources, Slot(kinds, at_most=None))[kinds])
    return f"<m:ConvertIdResponse><m:ResponseMessages>{messages}</m:ResponseMessages></m:ConvertIdResponse>"


def _converted(source: Element, wanted: str) -> str:
    identity, mailbox = attribute(source, "Id"), attribute(source, "Mailbox")
    if read_folder_id(identity) is None:
        said = status("ErrorInvalidIdMalformed", "The id is malformed.")
        return f'<m:ConvertIdResponseMessage ResponseClass="Error">{said}</m:ConvertIdResponseMessage>'
    return (
        f'<m:ConvertIdResponseMessage ResponseClass="Success">{status("NoError", "")}'
        f'<m:AlternateId xmlns:xsi="{_XSI}" xsi:type="t:AlternateIdType" Format="{wanted}" Id="{escape(identity)}" '
        f'Mailbox="{escape(mailbox)}"/></m:ConvertIdResponseMessage>'
    )


@dataclass(frozen=True)
class _Change:
    """The clock changes on the ``occurrence``-th Sunday (-1 is the last) of ``month``, ``offset`` after midnight."""

    month: int
    occurrence: int
    offset: str


@dataclass(frozen=True)
class _Zone:
    """A zone: biases are xs:durations, UTC = local + bias; without changes it has no summer time."""

    name: str
    bias: str
    daylight_bias: str = ""
    to_daylight: _Change | None = None
    to_standard: _Change | None = None


_ZONES = {
    "UTC": _Zone("(UTC) Coordinated Universal Time", "PT0S"),
    "GMT Standard Time": _Zone("(UTC+00:00) London", "PT0S", "-PT1H", _Change(3, -1, "PT1H"), _Change(10, -1, "PT2H")),
    "W. Europe Standard Time": _Zone(
        "(UTC+01:00) Berlin", "-PT1H", "-PT2H", _Change(3, -1, "PT2H"), _Change(10, -1, "PT3H")
    ),
    "Eastern Standard Time": _Zone(
        "(UTC-05:00) New York", "PT5H", "PT4H", _Change(3, 2, "PT2H"), _Change(11, 1, "PT2H")
    ),
    "Pacific Standard Time": _Zone(
        "(UTC-08:00) Los Angeles", "PT8H", "PT7H", _Change(3, 2, "PT2H"), _Change(11, 1, "PT2H")
    ),
}


def server_time_zones(operation: Element) -> str:
    """The response to GetServerTimeZones: the zones asked for that the lab knows, or all of them."""
    asked = sequence(operation, Slot("m:Ids", at_least=0))["m:Ids"]
    wanted = [(one.text or "").strip() for ids in asked for one in sequence(ids, Slot("t:Id", 0, None))["t:Id"]]
    full = attribute(operation, "ReturnFullTimeZoneData") not in ("false", "0")
    zones = "".join(_definition(key, _ZONES[key], full) for key in wanted or _ZONES if key in _ZONES)
    return (
        "<m:GetServerTimeZonesResponse><m:ResponseMessages>"
        '<m:GetServerTimeZonesResponseMessage ResponseClass="Success">'
        f"{status('NoError', '')}<m:TimeZoneDefinitions>{zones}</m:TimeZoneDefinitions>"
        "</m:GetServerTimeZonesResponseMessage></m:ResponseMessages></m:GetServerTimeZonesResponse>"
    )


def _definition(key: str, zone: _Zone, full: bool) -> str:
    opened = f'<t:TimeZoneDefinition Name="{escape(zone.name)}" Id="{escape(key)}"'
    if not full:
        return f"{opened}/>"
    standard = _period(key, "Standard", zone.bias)
    daylight = _period(key, "Daylight", zone.daylight_bias) if zone.to_daylight else ""
    changes = (
        _recurring(key, "Standard", zone.to_standard) + _recurring(key, "Daylight", zone.to_daylight)
        if zone.to_standard and zone.to_daylight
        else f"<t:Transition>{_to('Period', _period_id(key, 'Standard'))}</t:Transition>"
    )
    return (
        f"{opened}><t:Periods>{standard}{daylight}</t:Periods>"
        f'<t:TransitionsGroups><t:TransitionsGroup Id="0">{changes}</t:TransitionsGroup></t:TransitionsGroups>'
        f"<t:Transitions><t:Transition>{_to('Group', '0')}</t:Transition></t:Transitions></t:TimeZoneDefinition>"
    )


def _period_id(key: str, name: str) -> str:
    return f"trule:Microsoft/Registry/{key}/1-{name}"


def _period(key: str, name: str, bias: str) -> str:
    return f'<t:Period Bias="{bias}" Name="{name}" Id="{escape(_period_id(key, name))}"/>'


def _to(kind: str, target: str) -> str:
    return f'<t:To Kind="{kind}">{escape(target)}</t:To>'


def _recurring(key: str, name: str, change: _Change) -> str:
    return (
        f"<t:RecurringDayTransition>{_to('Period', _period_id(key, name))}{element('t:TimeOffset', change.offset)}"
        f"{element('t:Month', change.month)}{element('t:DayOfWeek', 'Sunday')}"
        f"{element('t:Occurrence', change.occurrence)}</t:RecurringDayTransition>"
    )
