"""Saved exchanges: (ask, answer) pairs as JSON files a person can read and hybridge replays exactly.

A file is ``{"format": 1, "exchanges": [{"ask": ..., "answer": ...}]}``. JSON has no dates and no bytes, so these are
written as ``{"$date": "..."}``, ``{"$text": "..."}`` (bytes that are UTF-8 text) and ``{"$base64": "..."}``; a dict
with such a key of its own is wrapped in ``{"$dict": ...}``. What was packed unpacks to equal values, tuples to lists.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from hybridge.wire.ask import CmdletAnswer, CmdletAsk, DnsAnswer, DnsAsk, HttpAnswer, HttpAsk, TlsAnswer, TlsAsk

FORMAT = 1
HTTP_FILE, DNS_FILE, TLS_FILE, CMDLETS_FOLDER = "http.json", "dns.json", "tls.json", "cmdlets"

Ask = TypeVar("Ask", bound=HttpAsk | CmdletAsk | DnsAsk | TlsAsk)
Answer = TypeVar("Answer", bound=HttpAnswer | CmdletAnswer | DnsAnswer | TlsAnswer)

_MARKS = frozenset({"$date", "$text", "$base64", "$dict"})


class SnapshotProblem(ValueError):
    """A snapshot folder or one of its files cannot be read or written; the message is one sentence."""


def pack(value: Any) -> Any:
    """``value`` with dates and bytes replaced by their marks."""
    if isinstance(value, bytes):
        try:
            return {"$text": value.decode()}
        except UnicodeDecodeError:
            return {"$base64": b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$date": value.isoformat()}
    if isinstance(value, dict):
        packed = {key: pack(item) for key, item in value.items()}
        return {"$dict": packed} if _MARKS & packed.keys() else packed
    if isinstance(value, list | tuple):
        return [pack(item) for item in value]
    return value


def unpack(value: Any) -> Any:
    """The reverse of ``pack``. Raises ``ValueError`` for a mark with the wrong content."""
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1 or not _MARKS & value.keys():
        return {key: unpack(item) for key, item in value.items()}
    ((mark, content),) = value.items()
    if mark == "$dict" and isinstance(content, dict):
        return {key: unpack(item) for key, item in content.items()}
    if not isinstance(content, str):
        raise ValueError(f"The mark {mark} has no text.")
    if mark == "$date":
        return datetime.fromisoformat(content)
    return content.encode() if mark == "$text" else b64decode(content, validate=True)


def key_of(ask: HttpAsk | CmdletAsk | DnsAsk | TlsAsk) -> bytes:
    """What makes two asks the same: everything, but for the case and order of names."""
    if isinstance(ask, HttpAsk):
        headers = sorted((name.lower(), value) for name, value in ask.headers)
        parts: list[Any] = [ask.method.upper(), ask.url, headers, ask.body, ask.sign, ask.scope]
    elif isinstance(ask, CmdletAsk):
        parameters = sorted(((name.lower(), value) for name, value in ask.parameters), key=lambda pair: pair[0])
        parts = [ask.premises, ask.name.lower(), parameters]
    elif isinstance(ask, TlsAsk):
        parts = [ask.host.lower().rstrip("."), ask.port]
    else:
        parts = [ask.name.lower().rstrip("."), ask.rdtype.upper()]
    return msgspec.json.encode(pack(parts))


class Exchanges(Generic[Ask, Answer]):
    """Asks of one kind with their answers; a later answer to the same ask replaces the earlier one."""

    def __init__(self, ask_type: type[Ask], answer_type: type[Answer]) -> None:
        self._ask_type, self._answer_type = ask_type, answer_type
        self._pairs: dict[bytes, tuple[Ask, Answer]] = {}

    def put(self, ask: Ask, answer: Answer) -> None:
        """Keep ``answer`` as the answer to ``ask``."""
        self._pairs[key_of(ask)] = (ask, answer)

    def get(self, ask: Ask) -> Answer | None:
        """The kept answer to ``ask``, or None."""
        found = self._pairs.get(key_of(ask))
        return found[1] if found else None

    def pairs(self) -> Iterable[tuple[Ask, Answer]]:
        """Everything kept, in the order it was asked."""
        return self._pairs.values()

    def encoded(self, only: Iterable[tuple[Ask, Answer]] | None = None) -> bytes:
        """The file that holds these exchanges (or ``only`` some of them)."""
        pairs = self._pairs.values() if only is None else only
        builtins = [
            {
                name: msgspec.to_builtins(part, builtin_types=(bytes, datetime))
                for name, part in zip(_NAMES, pair, strict=True)
            }
            for pair in pairs
        ]
        document = msgspec.json.encode({"format": FORMAT, "exchanges": pack(builtins)})
        return msgspec.json.format(document, indent=1) + b"\n"

    def load(self, path: Path) -> None:
        """Add the exchanges of a file. Raises ``SnapshotProblem`` naming the file."""
        try:
            document = msgspec.json.decode(path.read_bytes())
            if not isinstance(document, dict) or document.get("format") != FORMAT:
                raise SnapshotProblem(f"'{path}' was not saved by this version of hybridge (format {FORMAT}).")
            for one in document["exchanges"]:
                self.put(*self._pair(unpack(one)))
        except OSError as error:
            raise SnapshotProblem(f"'{path}' cannot be read: {error.strerror}.") from None
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, SnapshotProblem):
                raise
            raise SnapshotProblem(f"'{path}' is damaged: it does not hold saved exchanges.") from None

    def _pair(self, one: Any) -> tuple[Ask, Answer]:
        kinds = (bytes, datetime)
        ask = msgspec.convert(one["ask"], self._ask_type, builtin_types=kinds)
        return ask, msgspec.convert(one["answer"], self._answer_type, builtin_types=kinds)


_NAMES = ("ask", "answer")
