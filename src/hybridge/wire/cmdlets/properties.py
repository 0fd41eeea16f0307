"""Reading properties of exported objects, whatever exported them.

The same property comes in several dresses: a CLIXML object with its "ToString", the bare text a second serialization
left of it, or what ConvertTo-Json made (an object without "ToString", an array wrapped as {"value": [...], "Count": n},
a date as "/Date(milliseconds)/", bytes as a list of numbers). These functions undress them all; what is missing or
cannot be understood is None (or "" where the caller asks for text), never an exception.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hybridge.wire import clixml

Object = dict[str, Any]
"""One exported object: its properties by name, and "ToString"."""

DIRECTORY = "contoso.com/Users"
"""Container that directory names get when we write them: a record keeps only the last segment."""

_NAMES = ("ToString", "Name", "name", "DisplayName", "displayName", "Address", "Domain", "Value")


def find(one: Mapping[str, Any], *names: str) -> Any:
    """The first property of ``names`` that is there and not None; ``Name`` also finds Graph's ``name``."""
    for name in names:
        for spelt in (name, name[:1].lower() + name[1:]):
            value = one.get(spelt)
            if value is not None:
                return value
    return None


def has(one: Mapping[str, Any], name: str) -> bool:
    """Whether property ``name`` is there, null or not."""
    return name in one or name[:1].lower() + name[1:] in one


def printed(value: Any) -> str:
    """What a value prints as; an object of ConvertTo-Json, which has no "ToString", as its name."""
    if isinstance(value, Mapping):
        return next((clixml.text(value[name]) for name in _NAMES if value.get(name) is not None), "")
    return clixml.text(value)


def words(one: Mapping[str, Any], *names: str) -> str:
    """Text of the first property of ``names`` that is there; "" without one."""
    return printed(find(one, *names)).strip()


def items(value: Any) -> list[Any] | None:
    """The items of a list in any dress; a single value is a list of one, None stays None."""
    if isinstance(value, Mapping) and isinstance(value.get("value"), list) and "ToString" not in value:
        value = value["value"]
    if isinstance(value, list | tuple):
        return list(value)
    if value is None or value == "":
        return None if value is None else []
    return [value]


def texts(one: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """Texts of a list property: None where it is null or absent, () where it is there and empty."""
    found = items(find(one, name))
    return None if found is None else tuple(printed(item) for item in found)


def flag(one: Mapping[str, Any], name: str) -> bool | None:
    """A three-state switch: True, False, or None where it is null, absent or not a switch."""
    value = find(one, name)
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "$true": True, "$false": False}.get(printed(value).strip().lower())


_JSON_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")


def instant(one: Mapping[str, Any], *names: str) -> datetime | None:
    """A date as aware UTC: of CLIXML, ISO 8601 text, or ConvertTo-Json's "/Date(milliseconds since 1970)/".

    Dates printed in the words of a culture are ambiguous and count as unknown.
    """
    value = find(one, *names)
    if isinstance(value, Mapping):
        value = find(value, "value", "DateTime")
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    content = clixml.text(value).strip()
    if milliseconds := _JSON_DATE.fullmatch(content):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(milliseconds[1]))
    try:
        return clixml.read_date(content)
    except ValueError:
        return None


def octets(value: Any) -> bytes | None:
    """Bytes: as they are, as base64 text, or as a list of numbers."""
    if isinstance(value, bytes):
        return value
    numbers = items(value)
    try:
        if isinstance(value, str):
            return b64decode("".join(value.split()), validate=True)
        return bytes(numbers) if numbers is not None else None
    except (ValueError, TypeError):
        return None


_SEPARATOR = re.compile(r"(?<!\\)/|\\(?!/)")


def last_segment(name: str) -> str:
    """The last segment of a directory name: "contoso.lab/Users/Grace Hopper" and "CONTOSO\\Grace Hopper" both give
    "Grace Hopper". A slash within a name is written "\\/"."""
    return _SEPARATOR.split(name)[-1].replace("\\/", "/").strip()


def name_of(value: Any) -> str:
    """Name of a directory object (ADObjectId): the last segment of its text, see ``last_segment``."""
    return last_segment(printed(value))


def address_of(value: Any) -> str:
    """Primary SMTP address of a recipient where the export has it, else its name, see ``name_of``."""
    if isinstance(value, Mapping):
        for part in (value, value.get("ADRecipient"), value.get("RecipientPrincipal")):
            if isinstance(part, Mapping) and (address := words(part, "PrimarySmtpAddress")):
                return address
    return name_of(value)


def directory_object(name: str, container: str = DIRECTORY) -> Object | None:
    """The ADObjectId of ``name`` as an export shows it; None for ""."""
    if not name:
        return None
    path = f"{container}/" if container else ""
    return {"Name": name, "ToString": path + name.replace("/", "\\/")}


def smtp_domain(name: str) -> Object:
    """The SmtpDomain of ``name`` as an export shows it."""
    return {"Domain": name, "ToString": name}
