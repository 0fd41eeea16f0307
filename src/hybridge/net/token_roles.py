"""The permissions an access token of ours carries, read from it without checking it.

Entra writes an application's permissions into the claim ``roles`` of its tokens. A token is opaque to whoever shows it,
so nothing may be decided by this but one thing: whether it is worth beginning what the permission is needed for. The
service decides. Names leave this file, never the token or any other claim. Source: Microsoft's reference of access
token claims.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

LONGEST = 64 * 1024
"""Characters of the largest token that is looked into."""
_MOST = 500
_LONGEST_NAME = 200


class _Claims(msgspec.Struct):
    roles: tuple[str, ...] = ()


def roles_of(token: str) -> tuple[str, ...] | None:
    """The permissions in ``token``, sorted; none where it has no such claim; None where it cannot be read."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST:
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        roles = msgspec.json.decode(payload, type=_Claims).roles
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    return tuple(sorted({role for role in roles[:_MOST] if len(role) <= _LONGEST_NAME and role.isprintable()}))
