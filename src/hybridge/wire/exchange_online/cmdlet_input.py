"""The body of both doors: ``{"CmdletInput": {"CmdletName": ..., "Parameters": {...}}}``, both halves.

PowerShell's ``@{Add=...}`` is an object with the type ``#Exchange.GenericHashTable``; arrays, switches (true), numbers
and ``$null`` (null) are plain JSON. Source: the Admin API's pages, and public clients of InvokeCommand.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.json_body import JsonRefused, mapping, read_object, text

HASHTABLE = "#Exchange.GenericHashTable"
_TYPE = "@odata.type"


def write_input(ask: CmdletAsk) -> bytes:
    """The body that runs ``ask``."""
    parameters = {name: _written(value) for name, value in ask.parameters}
    return msgspec.json.encode({"CmdletInput": {"CmdletName": ask.name, "Parameters": parameters}})


def read_input(body: bytes) -> CmdletAsk:
    """The cmdlet a body runs. Raises ``JsonRefused`` when it runs none."""
    given = mapping(read_object(body).get("CmdletInput"))
    name = text(given.get("CmdletName"))
    if not name:
        raise JsonRefused("The request names no cmdlet: it needs CmdletInput with CmdletName.")
    parameters = given.get("Parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise JsonRefused("The parameters of the cmdlet are not an object.")
    read = tuple((key, _read(value)) for key, value in (parameters or {}).items() if key != _TYPE)
    return CmdletAsk(premises=Premises.ONLINE, name=name, parameters=read)


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {_TYPE: HASHTABLE, **{key: _written(entries) for key, entries in value.items()}}
    return [_written(entry) for entry in value] if isinstance(value, tuple | list) else value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _read(entries) for key, entries in value.items() if key != _TYPE}
    return tuple(_read(entry) for entry in value) if isinstance(value, list) else value
