"""Graph: up to 20 requests in one (``$batch``), both halves.

Every request inside is metered, permitted and answered alone; the whole is answered 200 whatever became of them, in
any order. A request names its path without the version, so one batch holds requests of one version only.

Source: Microsoft Graph, Combine multiple HTTP requests using JSON batching.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, objects, read_json, read_object, text
from hybridge.wire.xml import malformed

MAX_REQUESTS = 20
_VERSION = re.compile(r"/(v1\.0|beta)(/.*)", re.I)


def version_of(one: HttpAsk) -> str:
    """The version of Graph an ask is made of: ``v1.0`` or ``beta``, "" where it is none of Graph."""
    match = _VERSION.match(urlsplit(one.url).path)
    return match[1].lower() if match else ""


def ask_batch(graph_host: str, asks: Sequence[HttpAsk]) -> HttpAsk:
    """One ask for all of ``asks``: of one version, and at most ``MAX_REQUESTS``. They are numbered from 1."""
    version = version_of(asks[0])
    requests = [_item(str(number), one) for number, one in enumerate(asks, 1)]
    body = msgspec.json.encode({"requests": requests})
    return ask("POST", graph_host, f"/{version}/$batch", body)


def _item(number: str, one: HttpAsk) -> dict[str, Any]:
    url = urlsplit(one.url)
    match = _VERSION.match(url.path)
    path = (match[2] if match else url.path) + (f"?{url.query}" if url.query else "")
    item: dict[str, Any] = {"id": number, "method": one.method, "url": path}
    if one.body:
        item["headers"] = {"Content-Type": "application/json"}
        item["body"] = read_json(one.body)
    return item


def read_batch(answer: HttpAnswer, count: int) -> tuple[HttpAnswer, ...] | Failure:
    """The answers to the ``count`` asks, in the order they were asked; one that is missing has a failure."""
    if answer.failure or answer.status != 200:
        return read_error(answer, "the batch")
    try:
        found = {text(one.get("id")): one for one in objects(read_object(answer.body).get("responses"))}
    except JsonRefused as error:
        return malformed(f"The batch cannot be read: {error}")
    return tuple(_answer(found.get(str(number)), answer) for number in range(1, count + 1))


def _answer(one: dict[str, Any] | None, whole: HttpAnswer) -> HttpAnswer:
    status = one.get("status") if one else None
    if one is None or not isinstance(status, int):
        return HttpAnswer(failure=malformed("Graph left one request of the batch unanswered."))
    headers = tuple((name.lower(), str(value)) for name, value in mapping(one.get("headers")).items())
    body = one.get("body")
    return HttpAnswer(
        status=status,
        headers=headers,
        body=msgspec.json.encode(body) if body is not None else b"",
        answered_at=whole.answered_at,
    )


# The server's half ----------------------------------------------------------------------------------------------------


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A request inside a batch; ``url`` begins behind the version, and holds the query."""

    id: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""


def read_path(path: str) -> str:
    """The version whose ``$batch`` a request's path is, "" for another path."""
    match = re.fullmatch(r"/(v1\.0|beta)/\$batch/?", path, re.I)
    return match[1].lower() if match else ""


def read_items(body: bytes) -> tuple[Item, ...]:
    """The requests of a batch. Raises ``JsonRefused`` when Graph would answer 400."""
    given = objects(read_object(body).get("requests"))
    if not given:
        raise JsonRefused("The batch holds no requests.")
    if len(given) > MAX_REQUESTS:
        raise JsonRefused(f"Number of batch requests exceeds the limit of {MAX_REQUESTS}.")
    items = tuple(_read_item(one) for one in given)
    if len({one.id.lower() for one in items}) != len(items):
        raise JsonRefused("The ids of a batch must be unique.")
    return items


def _read_item(one: dict[str, Any]) -> Item:
    headers = {name.lower(): text(value) for name, value in mapping(one.get("headers")).items()}
    item = Item(
        id=text(one.get("id")),
        method=text(one.get("method")).upper(),
        url="/" + text(one.get("url")).lstrip("/"),
        headers=headers,
        body=msgspec.json.encode(one["body"]) if one.get("body") is not None else b"",
    )
    if not (item.id and item.method and len(item.url) > 1):
        raise JsonRefused("Every request of a batch needs an id, a method and a url.")
    if item.body and "content-type" not in headers:
        raise JsonRefused("A request with a body needs a Content-Type header.")
    return item


def write_batch(answers: Iterable[tuple[str, HttpAnswer]]) -> HttpAnswer:
    """The answer with what became of each request, by its id."""
    return json_answer(200, {"responses": [_written(number, answer) for number, answer in answers]})


def _written(number: str, answer: HttpAnswer) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": number, "status": answer.status, "headers": dict(answer.headers)}
    return shown | ({"body": read_json(answer.body)} if answer.body else {})
