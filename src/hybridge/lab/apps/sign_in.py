"""Who is calling an Exchange server: a token in the request, or an account the listener signed in; else a challenge."""

from __future__ import annotations

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.tokens import read_bearer
from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.behaviour.server_oauth import Denied, Place, challenge, ews_takes_tokens, judge
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.org.records import ExchangeServer
from hybridge.wire import oauth
from hybridge.wire.ask import HttpAnswer


def ews_caller(estate: Estate, request: Request, server: ExchangeServer) -> Caller | HttpAnswer:
    """The caller of EWS at ``server``, or the 401 that refuses and says what is offered."""
    if request.principal == ADMINISTRATOR:
        return Caller(full_access=True)
    if request.principal:
        return Caller(user=request.principal)
    if not ews_takes_tokens(estate.organization, server):
        return HttpAnswer(status=401)
    return token_caller(estate, request, server)


def token_caller(estate: Estate, request: Request, server: ExchangeServer) -> Caller | HttpAnswer:
    """The caller the request's token signs in at ``server``, or the 401 that refuses it and says what is offered."""
    token = read_bearer(estate, request.headers.get("authorization", ""))
    if token is None:
        return unauthorized(estate)
    now = estate.now() + estate.skew(request.host)
    verdict = judge(estate.organization, token, Place(server, request.host, now, estate.cloud))
    if isinstance(verdict, Denied):
        return unauthorized(estate, verdict)
    return Caller(user=verdict.user, operations=verdict.operations)


def unauthorized(estate: Estate, denied: Denied | None = None) -> HttpAnswer:
    """A 401 with the Bearer challenge, and why a token was refused."""
    offered = challenge(estate.organization)
    bearer = oauth.write_challenge(
        offered.trusted_issuers,
        authorization_uri=offered.authorization_uri,
        error="invalid_token" if denied else "",
    )
    headers = [("www-authenticate", bearer)]
    if denied:
        headers.append(("x-ms-diagnostics", oauth.write_diagnostics(denied.diagnostics)))
    return HttpAnswer(status=401, headers=tuple(headers))


def user_named_by_token(estate: Estate, request: Request) -> str:
    """The user a signed token in the request speaks for, "" without one; used only to find a server."""
    token = read_bearer(estate, request.headers.get("authorization", ""))
    return token.user if token and token.signed else ""
