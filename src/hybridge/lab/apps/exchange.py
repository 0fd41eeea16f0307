"""The on-premises Exchange organization: mail, autodiscover and both servers' own names.

A request meets the edge first (see ``behaviour.publishing``); what passes is answered by a server, and every answer of
a server carries Exchange's own headers, by which a client can tell Exchange from a proxy.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from hybridge.lab.apps import autodiscover_classic, base, firewall, owa
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.edge import as_passed_on, cut, edge_page
from hybridge.lab.apps.ews import answer_ews
from hybridge.lab.apps.keepings import kept
from hybridge.lab.apps.sign_in import token_caller, user_named_by_token
from hybridge.lab.behaviour import routing
from hybridge.lab.behaviour.ews_access import ews_access
from hybridge.lab.behaviour.publishing import PASSED_ON, Edge, edge, published_path
from hybridge.lab.behaviour.server_oauth import published_certificates
from hybridge.lab.behaviour.servers import back_end, front_end, version_of
from hybridge.lab.behaviour.versions import has_rest
from hybridge.lab.contoso import DOMAIN
from hybridge.lab.estate import Estate
from hybridge.lab.mail.store import store_of
from hybridge.org.records import AuthConfig, ExchangeServer, ServerSettings
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_v2, exchange_rest, json_body, oauth
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer
from hybridge.wire.oauth_documents import METADATA_PATH

ON = Premises.ON_PREMISES
EWS_PATH = "/ews/exchange.asmx"
DEFAULT_QUERY_LENGTH = 2048
"""Characters of a query ASP.NET takes where web.config does not say."""

Page = Callable[[Estate, Request, ExchangeServer], HttpAnswer]


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What the world gets for a request to one of Exchange's names."""
    if (stopped := firewall.stopped(estate, request)) is not None:
        return stopped
    if estate.facing(request.host).network == "refused":
        return HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says=f"{request.host} is down."))
    agent = request.headers.get("user-agent", "")
    verdict = edge(estate.organization, request.host, request.path, agent)
    if verdict not in PASSED_ON:
        return edge_page(verdict, request)
    mailbox = _mailbox_of(estate, request)
    server = front_end(estate.organization, request.host, mailbox)
    if server is None:
        return base.text("No server is in the array.", 503)
    page = _page(request.path)
    answered = as_passed_on(verdict, request, lambda: page(estate, request, server))
    answered = _with_exchange_headers(estate, request, answered, server, mailbox)
    torn = verdict is Edge.CUT or estate.facing(request.host).network == "reset"
    return cut(answered, request.host) if torn else answered


def _mailbox_of(estate: Estate, request: Request) -> str:
    """The mailbox a request is about as far as its outside shows, "" when it does not."""
    question = autodiscover_v2.read_ask(request.path, request.query)
    if question:
        return question.mailbox
    return request.headers.get("x-anchormailbox", "") or user_named_by_token(estate, request)


def _page(path: str) -> Page:
    lowered = path.lower().rstrip("/")
    if lowered == EWS_PATH:
        return answer_ews
    if lowered == autodiscover_v2.PATH or lowered.startswith(f"{autodiscover_v2.PATH}/"):
        return _autodiscover_v2
    if lowered in (METADATA_PATH, "/metadata/json/1"):
        return _metadata
    if lowered.endswith("/healthcheck.htm"):
        return _health
    if lowered == "/api" or lowered.startswith("/api/"):
        return _rest
    if lowered == "/owa" or lowered.startswith("/owa/"):
        return owa.answer
    if lowered in autodiscover_classic.PATHS:
        return autodiscover_classic.answer_on_premises
    if lowered.startswith(autodiscover_classic.MAPI_PATHS):
        return autodiscover_classic.answer_mapi
    return lambda *_: base.not_found()


def _with_exchange_headers(
    estate: Estate, request: Request, answered: HttpAnswer, server: ExchangeServer, mailbox: str
) -> HttpAnswer:
    """``answered`` with the headers only Exchange sets."""
    holder = back_end(estate.organization, mailbox) or server
    headers = [
        ("server", "Microsoft-IIS/10.0"),
        ("request-id", kept(estate).next_request_id()),
        ("x-feserver", server.identity),
        ("x-beserver", holder.identity),
        ("x-calculatedbetarget", holder.fqdn),
        ("x-diaginfo", holder.identity),
    ]
    if request.headers.get("return-client-request-id", "").lower() == "true":
        headers.append(("client-request-id", request.headers.get("client-request-id", "")))
    return msgspec.structs.replace(answered, headers=(*answered.headers, *headers))


def _autodiscover_v2(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    question = autodiscover_v2.read_ask(request.path, request.query)
    if question is None:
        return base.not_found()
    if not question.mailbox or not question.protocol:
        missing = "Email" if not question.mailbox else "Protocol"
        return autodiscover_v2.refused("MandatoryParameterMissing", f"The parameter {missing} is missing.")
    route = routing.route_on_premises(
        estate.organization, server, request.host, question.mailbox, question.protocol, estate.cloud
    )
    return write_route(route, question)


def write_route(route: routing.Route, question: autodiscover_v2.Question) -> HttpAnswer:
    """The answer that says where ``question`` leads."""
    match route:
        case routing.Here(protocol, url):
            return autodiscover_v2.found(protocol, url)
        case routing.Elsewhere(host):
            onward = autodiscover_v2.ask(host, question.mailbox, question.protocol, question.redirect_count + 1)
            return autodiscover_v2.redirected(onward.url)
        case routing.Refusal(code, message):
            return autodiscover_v2.refused(code, message)
        case _:
            return base.not_found()


def _metadata(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    organization = estate.organization
    config = next(iter(organization.all(AuthConfig, ON)), None)
    realm = (config.realm if config else "") or DOMAIN
    service = (config.service_name if config else "") or EXCHANGE_ONLINE
    document = oauth.Metadata(
        realm=realm,
        service_name=service,
        issuer=f"{service}@{realm}",
        certificates=published_certificates(organization, server),
    )
    return oauth.write_metadata(document, (f"{service}/{request.host}@{realm}",))


def _health(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    path = published_path(estate.organization, request.host, request.path)
    if path is not None and not path.healthy:
        return base.text("Service Unavailable", 503)
    return HttpAnswer(
        status=200, headers=(("content-type", "text/html"),), body=f"200 OK<br/>{server.fqdn.upper()}".encode()
    )


def _rest(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    """The REST API, which takes tokens only."""
    if not has_rest(version_of(server)):
        return base.not_found()
    if _too_long(estate, request, server):
        return exchange_rest.write_query_too_long()
    caller = token_caller(estate, request, server)
    if isinstance(caller, HttpAnswer):
        return caller
    agent = request.headers.get("user-agent", "")
    if not ews_access(estate.organization, ON, caller.user, agent, rest=True).allowed:
        return HttpAnswer(status=403)
    asked = exchange_rest.read_ask(request.path)
    if not asked:
        return _rest_error(404, "ResourceNotFound", "There is nothing at this path.")
    mailbox = caller.user if asked == "me" else asked
    if not mailbox or not caller.owns(mailbox):
        return _rest_error(403, "ErrorAccessDenied", "The caller may not read this calendar.")
    if back_end(estate.organization, mailbox) is None:
        return _rest_error(404, "MailboxNotFound", "There is no such mailbox here.")
    window = _window(request, estate.now())
    if window is None:
        return _rest_error(400, "ErrorInvalidParameter", "startDateTime must lie before endDateTime.")
    events = store_of(estate).occurrences(ON, mailbox, *window)
    return exchange_rest.write_calendar_view(
        request.host,
        tuple(
            exchange_rest.RestEvent(event.start_at, event.end_at, _show_as(event.busy_type), event.subject)
            for event in events
        ),
    )


def _too_long(estate: Estate, request: Request, server: ExchangeServer) -> bool:
    """Whether the query is longer than web.config of ``server`` allows; IIS looks before anybody signs in."""
    settings = estate.organization.one(ServerSettings, ON, server.identity)
    allowed = (settings.max_query_string_length if settings else None) or DEFAULT_QUERY_LENGTH
    return firewall.query_length(request.query) > allowed


def _rest_error(status: int, code: str, message: str) -> HttpAnswer:
    return json_body.json_answer(status, {"error": {"code": code, "message": message}})


def _window(request: Request, now: datetime) -> tuple[datetime, datetime] | None:
    """The window of a calendar view; a missing bound is now, or a day later."""
    query = {name.lower(): value for name, value in request.query.items()}
    start = json_body.instant(query.get("startdatetime")) or now
    end = json_body.instant(query.get("enddatetime")) or start + timedelta(days=1)
    return (start, end) if start < end else None


def _show_as(busy_type: str) -> str:
    """EWS says OOF where REST says Oof."""
    return "Oof" if busy_type == "OOF" else busy_type
