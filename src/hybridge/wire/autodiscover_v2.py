"""Autodiscover V2: an anonymous GET that names a mailbox and a protocol, answered by a URL, a redirect or an error.

Two forms of the URL exist and a server must know both: ``/autodiscover/autodiscover.json?Email=...&Protocol=...`` and
``/autodiscover/autodiscover.json/v1.0/<mailbox>?Protocol=...``. Errors are HTTP 400 with ErrorCode and ErrorMessage;
some servers send them with status 200. What a redirect may lead to is for the collector to judge, not for the codec.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.json_body import JsonRefused, json_answer, read_object, text

PATH = "/autodiscover/autodiscover.json"
LIMIT = 256 * 1024
"""Largest reply read, in bytes: a real one has a few hundred."""
_REDIRECTS = (301, 302, 303, 307, 308)


class Found(msgspec.Struct, frozen=True):
    """The URL of ``protocol``, spelt as the server spells it."""

    protocol: str
    url: str
    server_location: str = ""
    """"Exchange Online" where it was asked for and the cloud answered; Exchange Server does not say."""


class Redirected(msgspec.Struct, frozen=True):
    """Ask again at ``location``, exactly as received: absolute or not, secure or not."""

    location: str


class Refused(msgspec.Struct, frozen=True):
    """The server answered with an error of Autodiscover, such as ``InvalidProtocol`` or ``UserNotFound``."""

    error_code: str
    message: str


class NotJson(msgspec.Struct, frozen=True):
    """Something answered which is not Autodiscover V2: a login page, a 404, a cut body. ``says`` is one sentence."""

    status: int
    says: str = ""


class Question(msgspec.Struct, frozen=True):
    """What is asked; ``mailbox`` and ``protocol`` are "" when the request left them out."""

    mailbox: str
    protocol: str
    redirect_count: int = 0
    server_location: bool = False
    """Whether the answer shall say who answers."""


def ask(host: str, mailbox: str, protocol: str, redirect_count: int = 0) -> HttpAsk:
    """Ask ``host`` for ``protocol`` of ``mailbox``."""
    return ask_location(
        f"https://{host}{PATH}?Email={quote(mailbox, safe='@')}&Protocol={quote(protocol, safe='')}"
        f"&RedirectCount={redirect_count}"
    )


def ask_server_location(host: str, mailbox: str, protocol: str = "EWS") -> HttpAsk:
    """Ask ``host`` for ``protocol`` of ``mailbox`` and for who answers."""
    named = f"{PATH}/v1.0/{quote(mailbox, safe='@')}"
    return ask_location(f"https://{host}{named}?Protocol={quote(protocol, safe='')}&ServerLocation=true")


def ask_location(url: str) -> HttpAsk:
    """Ask the ``url`` a redirect named."""
    return HttpAsk(method="GET", url=url, headers=(("Accept", "application/json"),), limit=LIMIT)


def read_answer(answer: HttpAnswer) -> Found | Redirected | Refused | NotJson | Failure:
    """What the server said; ``Failure`` only when there was no answer."""
    if answer.failure:
        return answer.failure
    location = answer.header("location")
    if answer.status in _REDIRECTS:
        return Redirected(location) if location else NotJson(answer.status, "The redirect names no location.")
    try:
        body = read_object(answer.body, LIMIT)
    except JsonRefused as error:
        return NotJson(answer.status, str(error))
    return _read_body(answer.status, {key.lower(): value for key, value in body.items()})


def _read_body(status: int, body: Mapping[str, Any]) -> Found | Refused | NotJson:
    if code := text(body.get("errorcode")):
        return Refused(code, text(body.get("errormessage")))
    url = text(body.get("url"))
    if status == 200 and url:
        return Found(text(body.get("protocol")), url, text(body.get("serverlocation")))
    return NotJson(status, "The JSON holds neither Url nor ErrorCode.")


def read_ask(path: str, query: Mapping[str, str]) -> Question | None:
    """The question of a request, or None when the path is another one. Names are compared without case."""
    lowered = path.lower()
    if lowered != PATH and not lowered.startswith(f"{PATH}/v1.0/"):
        return None
    values = {key.lower(): value for key, value in query.items()}
    mailbox = unquote(path[len(PATH) + len("/v1.0/") :]) if lowered != PATH else values.get("email", "")
    count = values.get("redirectcount", "")
    hops = int(count) if count.isascii() and count.isdigit() and len(count) < 6 else 0
    located = values.get("serverlocation", "").strip().lower() == "true"
    return Question(mailbox.strip(), values.get("protocol", "").strip(), hops, located)


def found(protocol: str, url: str, server_location: str = "") -> HttpAnswer:
    """The answer with a URL; Exchange echoes the case of the protocol it was asked for."""
    located = {"ServerLocation": server_location} if server_location else {}
    return json_answer(200, {"Protocol": protocol, "Url": url, **located})


def redirected(location: str) -> HttpAnswer:
    """The answer that sends the caller to ``location``."""
    return HttpAnswer(status=302, headers=(("location", location),))


def refused(code: str, message: str) -> HttpAnswer:
    """The answer that carries an error."""
    return json_answer(400, {"ErrorCode": code, "ErrorMessage": message})
