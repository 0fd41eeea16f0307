"""Exchange Online: Autodiscover V2, EWS for applications, and cmdlets for administrators."""

from __future__ import annotations

from hybridge.lab.apps import autodiscover_classic, base, exchange_online_admin
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.exchange import EWS_PATH, write_route
from hybridge.lab.apps.exchange_online_ews import answer_ews
from hybridge.lab.apps.tokens import may_use
from hybridge.lab.behaviour.routing import Here, route_online
from hybridge.lab.contoso import domains_in
from hybridge.lab.estate import Estate
from hybridge.terms.hybrid_application import EXCHANGE_ONLINE_NAME
from hybridge.wire import autodiscover_v2
from hybridge.wire.ask import HttpAnswer


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What Exchange Online answers."""
    administrative = exchange_online_admin.answer(estate, request)
    if administrative is not None:
        return administrative
    question = autodiscover_v2.read_ask(request.path, request.query)
    if question:
        return _autodiscover_v2(estate, question)
    classic = autodiscover_classic.answer_online(estate, request, signed_in=_signed_in(estate, request))
    if classic is not None:
        return classic
    if request.path.lower() in (EWS_PATH, *autodiscover_classic.PATHS):
        return answer_ews(estate, request)
    return base.not_found()


def _signed_in(estate: Estate, request: Request) -> bool:
    """Whether the request carries a token for Exchange Online that the lab issued."""
    return may_use(estate, request.headers.get("authorization", ""), (f"https://{estate.cloud.exchange}",))


def _autodiscover_v2(estate: Estate, question: autodiscover_v2.Question) -> HttpAnswer:
    if not question.mailbox or not question.protocol:
        missing = "Email" if not question.mailbox else "Protocol"
        return autodiscover_v2.refused("MandatoryParameterMissing", f"The parameter {missing} is missing.")
    domains = domains_in(estate.cloud)
    route = route_online(estate.organization, question.mailbox, question.protocol, domains, estate.cloud)
    if isinstance(route, Here) and question.server_location:
        return autodiscover_v2.found(route.protocol, route.url, EXCHANGE_ONLINE_NAME)
    return write_route(route, question)
