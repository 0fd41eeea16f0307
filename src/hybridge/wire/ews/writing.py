"""Fragments of EWS messages. Templates use the prefixes ``m`` and ``t``, which every envelope of ours declares."""

from __future__ import annotations

from datetime import UTC, datetime

from hybridge.wire.xml import escape


def element(name: str, value: str | int | bool | None) -> str:
    """``<name>value</name>`` escaped, or nothing for None."""
    if value is None:
        return ""
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(written)}</{name}>"


def filled(name: str, value: str) -> str:
    """As ``element``, nothing for an empty value."""
    return element(name, value) if value else ""


def instant(at: datetime) -> str:
    """An aware instant as xs:dateTime in UTC, with microseconds only when there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def status(code: str, message: str) -> str:
    """The children that say how a response (message) went, in the order of the schema."""
    link = "<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>" if code != "NoError" else ""
    return f"{filled('m:MessageText', message)}{element('m:ResponseCode', code)}{link}"


def response_class(code: str) -> str:
    """The ResponseClass that goes with ``code``."""
    return "Success" if code == "NoError" else "Error"
