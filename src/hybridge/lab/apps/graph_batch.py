"""Graph's ``$batch`` in the lab: every request inside is answered as if it had come alone."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.estate import Estate
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph import batch
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused


def answer_batch(estate: Estate, request: Request, answer: Callable[[Estate, Request], HttpAnswer]) -> HttpAnswer:
    """What the batch answers; ``answer`` answers a single request. A batch inside a batch is refused."""
    try:
        items = batch.read_items(request.body)
    except JsonRefused as refused:
        return write_error(400, "BadRequest", str(refused), estate.now())
    version = batch.read_path(request.path)
    return batch.write_batch((item.id, _alone(estate, _request(request, version, item), answer)) for item in items)


def _alone(estate: Estate, request: Request, answer: Callable[[Estate, Request], HttpAnswer]) -> HttpAnswer:
    if batch.read_path(request.path):
        return write_error(400, "BadRequest", "A batch cannot hold a batch.", estate.now())
    return answer(estate, request)


def _request(outer: Request, version: str, item: batch.Item) -> Request:
    url = urlsplit(item.url)
    query: dict[str, str] = {}
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        query.setdefault(name, value)
    headers = {**item.headers, "authorization": outer.headers.get("authorization", "")}
    return msgspec.structs.replace(
        outer,
        method=item.method,
        path=f"/{version}{unquote(url.path)}",
        query=query,
        headers=headers,
        body=item.body,
    )
