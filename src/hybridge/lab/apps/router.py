"""Which app answers for which host."""

from __future__ import annotations

from hybridge.lab.apps import base, entra, exchange, exchange_online, graph, teams_config
from hybridge.lab.apps.base import App, Request
from hybridge.lab.contoso import AUTODISCOVER_HOST, MAIL_HOST, ROUTING_DOMAIN, SERVERS
from hybridge.lab.estate import Estate
from hybridge.terms.clouds import WORLDWIDE
from hybridge.wire.ask import HttpAnswer

_APPS: dict[str, App] = {
    MAIL_HOST: exchange.answer,
    AUTODISCOVER_HOST: exchange.answer,
    **dict.fromkeys(SERVERS.values(), exchange.answer),
    WORLDWIDE.exchange: exchange_online.answer,
    f"autodiscover.{ROUTING_DOMAIN}": exchange_online.answer,
    WORLDWIDE.login: entra.answer,
    WORLDWIDE.graph: graph.answer,
    WORLDWIDE.teams_config: teams_config.answer,
}

HOSTS = tuple(_APPS)
"""Every host the lab serves."""


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """The answer of the host's app; 404 for a host nobody serves."""
    app = _APPS.get(request.host)
    return app(estate, request) if app else base.not_found(f"{request.host} is not served here.")
