"""What an app of the lab is: a function of the estate and a request, giving an answer. No input, no output, no wait."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from hybridge.lab.estate import Estate
from hybridge.wire.ask import HttpAnswer


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request as an app sees it.

    ``host`` is lower-case without a port; ``path`` and ``query`` are percent-decoded (the first value of a repeated
    name counts); header names are lower-case. ``principal`` is "" until the listener has signed the client in, then
    the account's one name (``estate.ADMINISTRATOR``); ``client_address`` is the peer's IP address.
    """

    method: str
    host: str
    path: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""
    principal: str = ""
    client_address: str = "127.0.0.1"


Response = HttpAnswer


class Writing(Protocol):
    """What is written into an answer that goes on: asked for what is due whenever it woke, or its time has come."""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""

    @property
    def torn(self) -> bool:
        """Whether it ended in the middle: the connection is to be cut."""

    @property
    def next_at(self) -> datetime:
        """When (the lab's time) something is due if nothing happens before."""

    def opened(self, wake: Callable[[], None]) -> None:
        """From now on call ``wake`` when there may be something to write."""

    def take(self) -> tuple[bytes, ...]:
        """The pieces to write now."""

    def closed(self) -> None:
        """Nobody reads any more."""


class StreamedAnswer(HttpAnswer, frozen=True, kw_only=True):
    """An answer in chunks, of which only the head is known; the body is what ``stream`` writes as time passes."""

    stream: Writing


OFFERS = "x-lab-offers"
"""Header of a 401 by which an app says, in lower case, which Windows sign-ins are on; "none" for none of them."""


def digest(request: Request) -> str:
    """A short text that is equal for requests that ask the same, whoever asks."""
    query = "&".join(f"{name}={value}" for name, value in sorted(request.query.items()))
    agent = request.headers.get("user-agent", "")
    head = "\n".join((request.method, request.host, request.path, query, agent))
    return hashlib.sha256(head.encode() + b"\n" + request.body).hexdigest()[:16]


App = Callable[[Estate, Request], HttpAnswer]


def text(body: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> HttpAnswer:
    """Plain text in UTF-8."""
    return HttpAnswer(
        status=status, headers=(("content-type", "text/plain; charset=utf-8"), *headers), body=body.encode()
    )


def json(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> HttpAnswer:
    """``value`` as JSON; structs, tuples and datetimes are understood."""
    body = msgspec.json.encode(value)
    return HttpAnswer(status=status, headers=(("content-type", "application/json; charset=utf-8"), *headers), body=body)


def not_found(says: str = "Not found") -> HttpAnswer:
    """404 with a line of text."""
    return text(says, status=404)


def redirect(location: str, status: int = 302) -> HttpAnswer:
    """A redirect to ``location``, without a body."""
    return HttpAnswer(status=status, headers=(("location", location),))
