"""The web site at the organization's bare domain: it knows nothing of Exchange, and says so with a 404.

What the edge publishes for the domain (``PublishedPath``) decides what it does at a path: by default nothing is there,
and ``login-page`` is a site that answers every path with a page.
"""

from __future__ import annotations

from hybridge.lab.apps.base import Request
from hybridge.lab.behaviour.publishing import Edge, edge
from hybridge.lab.estate import Estate
from hybridge.wire.ask import HttpAnswer

_HTML = (("content-type", "text/html; charset=utf-8"), ("server", "nginx"))


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What the web site answers."""
    if request.path in ("", "/"):
        return _page(200, "Contoso")
    verdict = edge(estate.organization, request.host, request.path, request.headers.get("user-agent", ""))
    if verdict is Edge.LOGIN_PAGE:
        return _page(200, "Welcome to Contoso")
    if verdict in (Edge.DENIED, Edge.AGENT_REFUSED):
        return _page(403, "403 Forbidden")
    return _page(404, "404 Not Found")


def _page(status: int, title: str) -> HttpAnswer:
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return HttpAnswer(status=status, headers=_HTML, body=body.encode())
