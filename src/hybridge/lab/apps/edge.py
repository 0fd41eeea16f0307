"""What comes back of a request to Exchange's public names when the edge, or the settings behind it, are not right.

The edge's own pages carry none of Exchange's headers. What is passed on is answered by Exchange, if strangely: without
any sign-in it can be asked for, with one that nobody expects, or cut in the middle.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hybridge.lab.apps import base
from hybridge.lab.apps.base import OFFERS, Request
from hybridge.lab.behaviour.publishing import Edge
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer

SIGN_IN_PATH = "/preauth/sign-in"
"""The sign-in page of a proxy that lets nobody through without it."""
FORM_PATH = "/owa/auth/logon.aspx"
"""Exchange's own form, shown where a virtual directory has forms-based authentication alone."""

_HTML = (("content-type", "text/html; charset=utf-8"),)
_DENIED = (Edge.DENIED, Edge.PROXY_DENIED, Edge.AGENT_REFUSED)


def edge_page(verdict: Edge, request: Request) -> HttpAnswer:
    """What the edge answers in Exchange's place."""
    if request.path == SIGN_IN_PATH:
        return _login_page(request)
    if verdict in _DENIED:
        return _page(403, "403 Forbidden", "The gateway does not allow this URL." if verdict is _DENIED[1] else "")
    if verdict is Edge.BRIDGE_ERROR:
        return _page(500, "500 Internal Server Error", "The gateway does not accept the certificate of the server.")
    if verdict is Edge.MOVED:
        return base.redirect(f"https://{request.host}/owa/", 301)
    if verdict is Edge.LOGIN_PAGE:
        return _login_page(request)
    return _page(404, "404 Not Found")


def as_passed_on(verdict: Edge, request: Request, do: Callable[[], HttpAnswer]) -> HttpAnswer:
    """Exchange's answer to ``request``, which is that of ``do`` where everything is right."""
    if verdict is Edge.NO_METHODS:
        return HttpAnswer(status=401, headers=((OFFERS, "none"),))
    if verdict is Edge.ONLY_DIGEST:
        digest = f'Digest realm="{request.host}", qop="auth", algorithm=MD5-sess, nonce="0"'
        return HttpAnswer(status=401, headers=(("www-authenticate", digest), (OFFERS, "none")))
    if verdict is Edge.ONLY_FORMS:
        return base.redirect(f"https://{request.host}{FORM_PATH}?url=https://{request.host}{request.path}&reason=0")
    stranger = not request.principal and "authorization" not in _told(request)
    if verdict is Edge.ANONYMOUS and stranger and request.method in ("GET", "HEAD"):
        return _page(200, "Service", "You have created a service.")
    answer = do()
    if verdict is Edge.LACKS_NEGOTIATE and answer.status == 401:
        return msgspec.structs.replace(answer, headers=(*answer.headers, (OFFERS, "basic")))
    return answer


def cut(answer: HttpAnswer, host: str) -> HttpAnswer:
    """``answer``, of which only the beginning arrives."""
    failure = Failure(reason=FailureReason.MALFORMED, says=f"The reply of {host} was cut off.")
    return msgspec.structs.replace(answer, failure=failure)


def _told(request: Request) -> dict[str, str]:
    """The headers that tell something: an Authorization that names a scheme alone signs nobody in."""
    return {name: value for name, value in request.headers.items() if name != "authorization" or len(value.split()) > 1}


def _login_page(request: Request) -> HttpAnswer:
    if "text/html" in request.headers.get("accept", "") and request.path != SIGN_IN_PATH:
        return base.redirect(f"https://{request.host}{SIGN_IN_PATH}")
    form = f"<form method='post' action='{SIGN_IN_PATH}'>Sign in<input name='user'></form>"
    return HttpAnswer(status=200, headers=_HTML, body=f"<html><body>{form}</body></html>".encode())


def _page(status: int, title: str, says: str = "") -> HttpAnswer:
    more = f"<p>{says}</p>" if says else ""
    return HttpAnswer(status=status, headers=_HTML, body=f"<html><body><h1>{title}</h1>{more}</body></html>".encode())
