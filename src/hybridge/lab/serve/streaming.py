"""Writes an answer that goes on: pieces as they become due by the lab's clock, until either side ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from hybridge.lab.apps.base import StreamedAnswer
from hybridge.lab.estate import Estate

LOOK_SECONDS = 1.0
"""How often (really) it is looked whether the client is still there."""
_LEAST_SECONDS = 0.01


async def write_stream(
    incoming: web.Request, answer: StreamedAnswer, headers: Mapping[str, str], estate: Estate
) -> web.StreamResponse:
    """Send the head of ``answer`` and then, in chunks, what its stream writes."""
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.enable_chunked_encoding()
    woken = asyncio.Event()
    stream = answer.stream
    stream.opened(woken.set)
    try:
        await response.prepare(incoming)
        while _connected(incoming):
            woken.clear()
            for piece in stream.take():
                await response.write(piece)
            if stream.ended:
                break
            until_due = (stream.next_at - estate.now()).total_seconds()
            await _woken(woken, min(max(until_due, _LEAST_SECONDS), LOOK_SECONDS))
    except ConnectionError:
        return response  # the client has gone
    finally:
        stream.closed()
    if stream.torn and incoming.transport is not None:
        incoming.transport.abort()
        return response
    if _connected(incoming):
        await response.write_eof()
    return response


def _connected(incoming: web.Request) -> bool:
    return incoming.transport is not None and not incoming.transport.is_closing()


async def _woken(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
