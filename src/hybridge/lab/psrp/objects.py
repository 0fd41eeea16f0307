"""Plain values as .NET objects that psrpcore can send, and the arguments it received as plain values.

psrpcore writes a Python float in single precision and a small negative number as an invalid Int32, so both get their
.NET type here. An object instance that occurs twice becomes a back reference, so every value is built anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from psrpcore.types import PSDict, PSDouble, PSInt64, PSList, PSNoteProperty, PSObject, WarningRecord

from hybridge.lab.cmdlets.outcome import Dictionary, Written

LIST_TYPE = "Microsoft.Exchange.Data.MultiValuedProperty`1[[System.String, mscorlib]]"
NESTED_TYPE = "Microsoft.Exchange.Data.Directory.ADObjectId"
_INT32 = 2**31


def build(written: Written) -> PSObject:
    """The object one cmdlet writes."""
    return _object(written.properties, written.type_name)


def warning(message: str) -> WarningRecord:
    """A warning; unlike psrpcore's own it prints as its message."""
    made = WarningRecord(Message=message)
    made.PSObject.to_string = message
    return made


def _object(properties: Mapping[str, Any], type_name: str) -> PSObject:
    made = PSObject()
    meta = made.PSObject
    meta.type_names = [type_name, "System.Object"]
    meta.adapted_properties = [
        PSNoteProperty(name, value=_value(value)) for name, value in properties.items() if name != "ToString"
    ]
    if "ToString" in properties:
        meta.to_string = str(properties["ToString"])
    return made


def _value(value: Any) -> Any:
    if isinstance(value, Dictionary):
        return PSDict({key: _value(entry) for key, entry in value.items()})
    if isinstance(value, Mapping):
        return _object(value, NESTED_TYPE)
    if isinstance(value, list | tuple):
        made = PSList([_value(entry) for entry in value])
        made.PSObject.type_names = [LIST_TYPE, "System.Object"]
        return made
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, float):
        return PSDouble(value)
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT32 <= value < _INT32:
        return PSInt64(value)
    return value


def plain(value: Any) -> Any:
    """An argument a client sent, as ``CmdletAsk`` holds it: None, bool, int, str, datetime, a tuple, or a dict."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        zone = value.tzinfo or UTC
        return datetime(
            value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, zone
        )
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return tuple(plain(entry) for entry in value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, int):
        return int(value)
    return str(value) if isinstance(value, str | UUID | float) else _printed(value)


def _printed(value: Any) -> str:
    meta = getattr(value, "PSObject", None)
    printed = getattr(meta, "to_string", None)
    return str(printed if printed is not None else value)
