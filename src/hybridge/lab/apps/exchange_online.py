"""Exchange Online: Autodiscover V2, EWS that lets nobody of the lab in, and cmdlets for administrators."""

from __future__ import annotations

from hybridge.lab.apps import base, exchange_online_admin
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.exchange import EWS_PATH, write_route
from hybridge.lab.behaviour.routing import Here, route_online
from hybridge.lab.contoso import DOMAIN, INITIAL_DOMAIN, ROUTING_DOMAIN
from hybridge.lab.estate import Estate
from hybridge.terms.applications import ACCESS_CONTROL_SERVICE
from hybridge.terms.hybrid_application import EXCHANGE_ONLINE_NAME
from hybridge.wire import autodiscover_v2, oauth
from hybridge.wire.ask import HttpAnswer

DOMAINS = frozenset({DOMAIN, INITIAL_DOMAIN, ROUTING_DOMAIN})
"""The tenant's verified domains."""

AUTHORIZATION_URI = "https://login.microsoftonline.com/common/oauth2/authorize"


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What Exchange Online answers."""
    administrative = exchange_online_admin.answer(estate, request)
    if administrative is not None:
        return administrative
    question = autodiscover_v2.read_ask(request.path, request.query)
    if question:
        return _autodiscover_v2(estate, question)
    if request.path.lower() == EWS_PATH:
        challenge = oauth.write_challenge((f"{ACCESS_CONTROL_SERVICE}@*",), authorization_uri=AUTHORIZATION_URI)
        return HttpAnswer(status=401, headers=(("www-authenticate", challenge),))
    return base.not_found()


def _autodiscover_v2(estate: Estate, question: autodiscover_v2.Question) -> HttpAnswer:
    if not question.mailbox or not question.protocol:
        missing = "Email" if not question.mailbox else "Protocol"
        return autodiscover_v2.refused("MandatoryParameterMissing", f"The parameter {missing} is missing.")
    route = route_online(estate.organization, question.mailbox, question.protocol, DOMAINS)
    if isinstance(route, Here) and question.server_location:
        return autodiscover_v2.found(route.protocol, route.url, EXCHANGE_ONLINE_NAME)
    return write_route(route, question)
