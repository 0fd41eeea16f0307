"""JSON that is written whatever a server said: halves of characters, which UTF-8 cannot hold, become "?"."""

from __future__ import annotations

from typing import Any

import msgspec


def whole(text: str) -> str:
    """``text`` without halves of characters (lone surrogates)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def encoded(value: Any) -> bytes:
    """``value`` as JSON."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_whole(msgspec.to_builtins(value)))


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list | tuple) else value
