"""Makes broken bodies of whole ones: by bytes, by the tree of a JSON document, and by the tree of an XML one.

All randomness comes from the ``random.Random`` handed in, so that a seed repeats a run.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

TOKENS = (
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&a;",
    b"&#0;",
    b"&#xD800;",
    b"]]>",
    b"<![CDATA[",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"-1",
    b"1e999",
    b"99999999999999999999999999",
    b"0000-00-00T00:00:00Z",
    b"9999-12-31T23:59:59.9999999+14:00",
    b"PT99999999999H",
    b"xsi:nil='true'",
    b"\xf0\x9f\x98\x80",
    b"%",
    b"_xD83D_",
    b"https://[::1",
    b"http://\xc3\xa4:99999/",
    b"A" * 5000,
)
"""What readers stumble over."""

VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**70,
    1.5,
    "",
    "text",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "\ud83d",
    "https://[::1",
    [],
    [None],
    {},
    {"a": [1]},
    [[[]]],
)


def mutated(body: bytes, other: bytes, chance: random.Random) -> bytes:
    """``body`` broken in one to four ways; ``other`` lends pieces."""
    for _ in range(chance.randint(1, 4)):
        body = chance.choice(_WAYS)(body, other, chance)
    return body[:200_000]


def _place(body: bytes, chance: random.Random) -> int:
    return chance.randint(0, len(body))


def _flip(body: bytes, _: bytes, chance: random.Random) -> bytes:
    at = _place(body, chance)
    return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]


def _cut(body: bytes, _: bytes, chance: random.Random) -> bytes:
    return body[: _place(body, chance)]


def _without(body: bytes, _: bytes, chance: random.Random) -> bytes:
    at = _place(body, chance)
    return body[:at] + body[at + chance.randint(1, 60) :]


def _twice(body: bytes, _: bytes, chance: random.Random) -> bytes:
    at, size = _place(body, chance), chance.randint(1, 400)
    return body[: at + size] + body[at : at + size] * chance.randint(1, 20) + body[at + size :]


def _token(body: bytes, _: bytes, chance: random.Random) -> bytes:
    at = _place(body, chance)
    return body[:at] + chance.choice(TOKENS) + body[at + chance.choice((0, 0, 4)) :]


def _spliced(body: bytes, other: bytes, chance: random.Random) -> bytes:
    return body[: _place(body, chance)] + other[_place(other, chance) :]


def _number(body: bytes, _: bytes, chance: random.Random) -> bytes:
    """Another number in the place of one."""
    found = list(re.finditer(rb"\d+", body))
    if not found:
        return body
    one = chance.choice(found)
    return body[: one.start()] + chance.choice((b"", b"-1", b"0", b"9" * 30, b"1e9")) + body[one.end() :]


def _text(body: bytes, other: bytes, chance: random.Random) -> bytes:
    """Another text between two tags or quotes."""
    found = list(re.finditer(rb'>[^<>]*<|"[^"]*"', body))
    if not found:
        return body
    one = chance.choice(found)
    inside = chance.choice((*TOKENS, b"", other[:40].replace(b"<", b"").replace(b'"', b"")))
    return body[: one.start() + 1] + inside + body[one.end() - 1 :]


def _renamed(body: bytes, _: bytes, chance: random.Random) -> bytes:
    """A tag or key taken for another one of the same document."""
    names = sorted(set(re.findall(rb'</?([\w:]+)|"(\w+)"\s*:', body)))
    flat = [name for pair in names for name in pair if name]
    if len(flat) < 2:
        return body
    first, second = chance.sample(flat, 2)
    return body.replace(first, second, chance.choice((1, 2, -1)))


def _tree(body: bytes, _: bytes, chance: random.Random) -> bytes:
    """A value of a JSON document replaced by one of another type."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    places: list[tuple[Any, Any]] = []
    _collect(document, places)
    if not places:
        return json.dumps(chance.choice(VALUES)).encode()
    holder, key = chance.choice(places)
    holder[key] = chance.choice((*VALUES, document if chance.random() < 0.05 and holder is not document else None))
    try:
        return json.dumps(document).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return body


def _collect(node: Any, places: list[tuple[Any, Any]]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            places.append((node, key))
            _collect(value, places)
    elif isinstance(node, list):
        for number, value in enumerate(node):
            places.append((node, number))
            _collect(value, places)


_WAYS: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (
    _flip,
    _cut,
    _without,
    _twice,
    _token,
    _spliced,
    _number,
    _text,
    _renamed,
    _tree,
    _tree,
)
