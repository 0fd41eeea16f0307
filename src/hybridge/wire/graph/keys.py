"""Graph: one key credential, as service principals and applications carry them.

A key may have been uploaded as base64 of base64 (Microsoft's own scripts did), so it is decoded again while it is text.
``None`` stays None: a writer must know that Graph did not show a key, because a PATCH replaces the whole list.

``customKeyIdentifier`` appears as 40 hexadecimal digits or as base64 of the 20 bytes; both are read as upper-case
digits, anything else is kept as it came.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from hybridge.org.records import KeyCredential
from hybridge.wire.json_body import instant, text, written_instant

_MAX_KEY = 64 * 1024


def read_key_credential(key: dict[str, Any]) -> KeyCredential:
    """The key credential of a service principal or an application."""
    return KeyCredential(
        key_id=text(key.get("keyId")),
        custom_key_identifier=_read_identifier(text(key.get("customKeyIdentifier"))),
        display_name=text(key.get("displayName")),
        key=read_key(text(key.get("key"))),
        end_at=instant(key.get("endDateTime")),
        type=text(key.get("type")),
        usage=text(key.get("usage")),
    )


def read_key(written: str) -> bytes | None:
    """The DER of a key written in base64, once or twice; None when it is absent or not base64 at all."""
    if not 0 < len(written) <= _MAX_KEY:
        return None
    der = _decoded(written)
    if der is not None and not der.startswith(b"0") and der.isascii():
        again = _decoded(der.decode())
        return again if again is not None and again.startswith(b"0") else der
    return der


def _decoded(written: str) -> bytes | None:
    try:
        return base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        return None


_DIGITS = re.compile(r"[0-9A-Fa-f]{40}", re.ASCII)


def _read_identifier(written: str) -> str:
    if _DIGITS.fullmatch(written):
        return written.upper()
    raw = _decoded(written)
    if raw is None:
        return written
    if len(raw) == 20:
        return raw.hex().upper()
    return raw.decode().upper() if raw.isascii() and _DIGITS.fullmatch(raw.decode()) else written


def write_key_credential(key: KeyCredential) -> dict[str, Any]:
    """The object Graph shows for ``key``."""
    return {
        "customKeyIdentifier": key.custom_key_identifier or None,
        "displayName": key.display_name or None,
        "endDateTime": written_instant(key.end_at),
        "hasExtendedValue": None,
        "key": None if key.key is None else base64.b64encode(key.key).decode(),
        "keyId": key.key_id,
        "type": key.type,
        "usage": key.usage,
    }
