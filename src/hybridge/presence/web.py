"""What the gateway answers over HTTP: health, metrics, Graph's notifications; and, locally, its commands.

``/healthz`` says that the process turns, ``/readyz`` that it does its work (503 and the sentences where it does not),
``/metrics`` is for Prometheus, ``/graph/NAME`` takes the change notifications of the source NAME. No person and no
subject is told here; the board and ``why`` are on the control endpoint, behind its token (``presence.control``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from aiohttp import web

from hybridge.presence.control import json_answer
from hybridge.presence.explain import board, why
from hybridge.presence.gateway import Gateway
from hybridge.presence.metrics import CONTENT_TYPE, Metrics
from hybridge.wire.ask import HttpAnswer

LARGEST = 4 * 1024 * 1024
"""Bytes of a notification at most."""


@runtime_checkable
class Notified(Protocol):
    """A source that is told of changes over HTTP."""

    def notified(self, body: bytes, query: Mapping[str, str]) -> HttpAnswer:
        """Answer a notification (within three seconds: it never waits)."""


def public(gateway: Gateway, metrics: Metrics) -> web.Application:
    """What may be reached from elsewhere."""

    async def alive(_: web.Request) -> web.StreamResponse:
        return json_answer({"alive": True})

    async def ready(_: web.Request) -> web.StreamResponse:
        troubles = _not_ready(gateway)
        return json_answer({"ready": not troubles, "troubles": troubles}, 503 if troubles else 200)

    async def figures(_: web.Request) -> web.StreamResponse:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def notification(request: web.Request) -> web.StreamResponse:
        running = gateway.sources.get(request.match_info["name"])
        source = running.source if running is not None else None
        if not isinstance(source, Notified):
            return json_answer({"error": "No such source takes notifications."}, 404)
        answer = source.notified(await request.read(), dict(request.query))
        return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))

    app = web.Application(client_max_size=LARGEST)
    app.add_routes(
        [
            web.get("/healthz", alive),
            web.get("/readyz", ready),
            web.get("/metrics", figures),
            web.post("/graph/{name}", notification),
        ]
    )
    return app


def commands(
    gateway: Gateway, drain: Callable[[], None], reload: Callable[[], None], problem: Callable[[], str]
) -> list[web.RouteDef]:
    """What the control endpoint answers. ``problem`` is why a newer configuration is not in force."""

    async def show_board(_: web.Request) -> web.StreamResponse:
        return json_answer(board(gateway, problem()))

    async def show_why(request: web.Request) -> web.StreamResponse:
        found = why(gateway, request.match_info["user"])
        if found is None:
            says = (
                f"'{request.match_info['user'][:200]}' is not one of the {len(gateway.layout.people)} watched people."
            )
            next_step = "add the address to a [[presence.people]] group; hybridge presence board lists everybody"
            return json_answer({"error": says, "next_step": next_step}, 404)
        return json_answer(found)

    async def do_drain(_: web.Request) -> web.StreamResponse:
        drain()
        return json_answer({"draining": True}, 202)

    async def do_reload(_: web.Request) -> web.StreamResponse:
        reload()
        return json_answer({"reloading": True}, 202)

    return [
        web.get("/board", show_board),
        web.get("/why/{user}", show_why),
        web.post("/drain", do_drain),
        web.post("/reload", do_reload),
    ]


def _not_ready(gateway: Gateway) -> tuple[str, ...]:
    """Why the gateway does not do its work. One server or sink in trouble among others is no reason."""
    reasons = []
    if gateway.lost.is_set():
        reasons.append("Another gateway took over.")
    if gateway.draining:
        reasons.append("The gateway is being drained.")
    if gateway.sources and all(end.trouble for source in gateway.sources.values() for end in source.health()):
        reasons.append("No server can be read.")
    if gateway.sinks and all(sink.trouble or sink.defect for sink in gateway.sinks.values()):
        reasons.append("No sink can be reached.")
    return tuple(reasons)
