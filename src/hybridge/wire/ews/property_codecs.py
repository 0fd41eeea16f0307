"""How the values of items' properties are written and read: one pair of functions for each kind of value.

Values: str, bool, int, aware datetime, tuple of str, ``Body``, ``Person`` and tuples of it, ``Recurrence``, ``ItemId``,
and what only a server writes (occurrences of a series, effective rights). Reading is strict, as Exchange reads
requests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from hybridge.wire.ews.calendar_items import ItemId, write_item_id
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import (
    Slot,
    attribute,
    local_name,
    one_of,
    sequence,
    strict_boolean,
    strict_instant,
    text,
    whole_number,
)
from hybridge.wire.ews.recurrences import Recurrence, read_recurrence, write_recurrence
from hybridge.wire.ews.windows_zones import zone_of
from hybridge.wire.ews.writing import element, filled
from hybridge.wire.ews.writing import instant as written_instant
from hybridge.wire.xml import Element, escape

ToUtc = Callable[[datetime], datetime]


class Body(msgspec.Struct, frozen=True):
    """The text of an item; ``kind`` is Text or HTML."""

    text: str
    kind: str = "Text"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody named in an item; ``response`` and ``responded_at`` are an attendee's."""

    address: str
    name: str = ""
    response: str = ""
    responded_at: datetime | None = None


class ListedOccurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence as its master lists it."""

    item_id: ItemId
    start_at: datetime
    end_at: datetime
    original_start: datetime


class Codec(NamedTuple):
    """``read`` takes an element and the zone of naive times; ``write`` takes the element's name and the value."""

    read: Callable[[Element, ToUtc], Any]
    write: Callable[[str, Any], str]


def placed_in(zone: str) -> ToUtc:
    """What puts a time without a zone into the zone of the Windows id ``zone``, "" for UTC."""
    known = zone_of(zone)
    return lambda naive: naive.replace(tzinfo=known).astimezone(UTC)


def _read_text(found: Element, _: ToUtc) -> str:
    if len(found):
        raise schema_violation(f"The element '{local_name(found)}' cannot contain child elements.", found)
    return found.text or ""


def _read_boolean(found: Element, _: ToUtc) -> bool:
    return strict_boolean(found, (found.text or "").strip())


def _read_number(found: Element, _: ToUtc) -> int:
    value = whole_number((found.text or "").strip())
    if value is None:
        raise schema_violation(f"The element '{local_name(found)}' is not a number.", found)
    return value


def _read_strings(found: Element, _: ToUtc) -> tuple[str, ...]:
    return tuple(one.text or "" for one in sequence(found, Slot("t:String", at_least=0, at_most=None))["t:String"])


def _write_strings(name: str, value: tuple[str, ...]) -> str:
    return f"<{name}>{''.join(element('t:String', one) for one in value)}</{name}>" if value else ""


def _read_body(found: Element, _: ToUtc) -> Body:
    return Body(found.text or "", one_of(found, attribute(found, "BodyType"), ("Text", "HTML")))


def _write_body(name: str, value: Body) -> str:
    return f'<{name} BodyType="{value.kind}">{escape(value.text)}</{name}>'


_MAILBOX = (
    Slot("t:Name", at_least=0),
    Slot("t:EmailAddress", at_least=0),
    Slot("t:RoutingType", at_least=0),
    Slot("t:MailboxType", at_least=0),
    Slot("t:ItemId", at_least=0),
    Slot("t:OriginalDisplayName", at_least=0),
)


def _read_mailbox(found: Element) -> Person:
    sequence(found, *_MAILBOX)
    return Person(address=text(found, "t:EmailAddress"), name=text(found, "t:Name"))


def _write_mailbox(person: Person) -> str:
    return (
        f"<t:Mailbox>{filled('t:Name', person.name)}{filled('t:EmailAddress', person.address)}"
        "<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>"
    )


def _read_person(found: Element, _: ToUtc) -> Person:
    return _read_mailbox(sequence(found, Slot("t:Mailbox"))["t:Mailbox"][0])


def _write_person(name: str, value: Person) -> str:
    return f"<{name}>{_write_mailbox(value)}</{name}>"


def _read_people(found: Element, _: ToUtc) -> tuple[Person, ...]:
    return tuple(_read_mailbox(one) for one in sequence(found, Slot("t:Mailbox", at_most=None))["t:Mailbox"])


def _write_people(name: str, value: tuple[Person, ...]) -> str:
    return f"<{name}>{''.join(_write_mailbox(one) for one in value)}</{name}>" if value else ""


_ATTENDEE = (
    Slot("t:Mailbox"),
    Slot("t:ResponseType", at_least=0),
    Slot("t:LastResponseTime", at_least=0),
    Slot("t:ProposedStart", at_least=0),
    Slot("t:ProposedEnd", at_least=0),
)


def _read_attendees(found: Element, _: ToUtc) -> tuple[Person, ...]:
    every = sequence(found, Slot("t:Attendee", at_most=None))["t:Attendee"]
    return tuple(_read_mailbox(sequence(one, *_ATTENDEE)["t:Mailbox"][0]) for one in every)


def _write_attendees(name: str, value: tuple[Person, ...]) -> str:
    return f"<{name}>{''.join(_write_attendee(one) for one in value)}</{name}>" if value else ""


def _write_attendee(person: Person) -> str:
    at = element("t:LastResponseTime", written_instant(person.responded_at)) if person.responded_at else ""
    said = element("t:ResponseType", person.response or "Unknown")
    return f"<t:Attendee>{_write_mailbox(person)}{said}{at}</t:Attendee>"


def _write_occurrence(name: str, value: ListedOccurrence) -> str:
    return (
        f"<{name}>{write_item_id(value.item_id)}{element('t:Start', written_instant(value.start_at))}"
        f"{element('t:End', written_instant(value.end_at))}"
        f"{element('t:OriginalStart', written_instant(value.original_start))}</{name}>"
    )


def _write_occurrences(name: str, value: tuple[ListedOccurrence, ...]) -> str:
    return f"<{name}>{''.join(_write_occurrence('t:Occurrence', one) for one in value)}</{name}>" if value else ""


def _write_deleted(name: str, value: tuple[datetime, ...]) -> str:
    every = "".join(
        f"<t:DeletedOccurrence>{element('t:Start', written_instant(at))}</t:DeletedOccurrence>" for at in value
    )
    return f"<{name}>{every}</{name}>" if value else ""


def _read_zone(found: Element, _: ToUtc) -> str:
    identity = attribute(found, "Id")
    if not identity:
        raise schema_violation(f"The element '{local_name(found)}' names no time zone.", found)
    return identity


def _write_zone(name: str, value: str) -> str:
    return f'<{name} Id="{escape(value)}" Name="{escape(value)}"/>'


_RIGHTS = ("CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read", "ViewPrivateItems")


def _write_rights(name: str, value: frozenset[str]) -> str:
    return f"<{name}>{''.join(element(f't:{right}', right in value) for right in _RIGHTS)}</{name}>"


def _write_objects(name: str, value: tuple[str, ...]) -> str:
    return f"<{name}>{''.join(f'<t:{one}/>' for one in value)}</{name}>" if value else ""


def _unread(found: Element, _: ToUtc) -> Any:
    raise schema_violation(f"The element '{local_name(found)}' is read-only.", found)


def choice(*allowed: str) -> Codec:
    """Text out of an enumeration of the schema."""
    return Codec(lambda found, _: one_of(found, (found.text or "").strip(), allowed), element)


TEXT = Codec(_read_text, element)
BOOLEAN = Codec(_read_boolean, element)
NUMBER = Codec(_read_number, element)
INSTANT = Codec(strict_instant, lambda name, value: element(name, written_instant(value)))
STRINGS = Codec(_read_strings, _write_strings)
BODY = Codec(_read_body, _write_body)
PERSON = Codec(_read_person, _write_person)
PEOPLE = Codec(_read_people, _write_people)
ATTENDEES = Codec(_read_attendees, _write_attendees)
ZONE = Codec(_read_zone, _write_zone)
OCCURRENCE = Codec(_unread, _write_occurrence)
OCCURRENCES = Codec(_unread, _write_occurrences)
DELETED = Codec(_unread, _write_deleted)
RIGHTS = Codec(_unread, _write_rights)
OBJECTS = Codec(_unread, _write_objects)


def _read_series(found: Element, _: ToUtc) -> Recurrence:
    return read_recurrence(found)


def _write_series(_: str, value: Recurrence) -> str:
    return write_recurrence(value)


SERIES = Codec(_read_series, _write_series)
ITEM_ID = Codec(_unread, lambda _, value: write_item_id(value))
ASSOCIATED_ID = Codec(
    _unread, lambda name, value: f'<{name} Id="{escape(value.id)}" ChangeKey="{escape(value.change_key)}"/>'
)
FOLDER_ID = Codec(_unread, lambda name, value: f'<{name} Id="{escape(value)}"/>')
MIME = Codec(_read_text, lambda name, value: f'<{name} CharacterSet="UTF-8">{escape(value)}</{name}>')
