"""Which app answers for which host."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from hybridge.lab.apps import (
    base,
    endpoints,
    entra,
    exchange,
    exchange_online,
    federation_service,
    firewall,
    graph,
    teams_config,
)
from hybridge.lab.apps import website as bare_domain
from hybridge.lab.apps.base import App, Request
from hybridge.lab.contoso import AUTODISCOVER_HOST, DOMAIN, MAIL_HOST, SERVERS, domains_in
from hybridge.lab.contoso_federation import FEDERATION_HOST
from hybridge.lab.contoso_network import FIREWALL_HOST
from hybridge.lab.estate import Estate
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.endpoint_service import HOST as ENDPOINT_SERVICE


@cache
def apps_in(cloud: Cloud) -> Mapping[str, App]:
    """Every host the lab serves with its tenant in ``cloud``, and the app that answers there."""
    apps: dict[str, App] = {
        MAIL_HOST: exchange.answer,
        AUTODISCOVER_HOST: exchange.answer,
        DOMAIN: bare_domain.answer,
        **dict.fromkeys(SERVERS.values(), exchange.answer),
        cloud.exchange: exchange_online.answer,
        cloud.admin_api: exchange_online.answer,
        f"autodiscover.{domains_in(cloud)[2]}": exchange_online.answer,
        cloud.login: entra.answer,
        cloud.graph: graph.answer,
        cloud.teams_config: teams_config.answer,
        ENDPOINT_SERVICE: endpoints.answer,
        FIREWALL_HOST: firewall.answer,
        FEDERATION_HOST: federation_service.answer,
    }
    return {host: app for host, app in apps.items() if host}


HOSTS = tuple(apps_in(WORLDWIDE))
"""Every host the lab serves with its tenant in the worldwide cloud."""


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """The answer of the host's app; 404 for a host nobody serves."""
    app = apps_in(estate.cloud).get(request.host)
    return app(estate, request) if app else base.not_found(f"{request.host} is not served here.")
