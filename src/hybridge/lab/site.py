"""Contoso's site: which hosts are served, by which app, and where remote PowerShell answers."""

from __future__ import annotations

from hybridge.lab import contoso
from hybridge.lab.apps import router
from hybridge.lab.estate import Estate
from hybridge.lab.powershell import open_endpoint
from hybridge.lab.serve.graph_gate import gate_of
from hybridge.lab.serve.site import Site
from hybridge.lab.weather import weather_of

WINDOWS_HOSTS = frozenset({contoso.MAIL_HOST, contoso.AUTODISCOVER_HOST, *contoso.SERVERS.values()})


def contoso_site(estate: Estate) -> Site:
    """Everything the lab serves for ``estate``."""
    weather = weather_of(estate)
    return Site(
        app=router.answer,
        hosts=frozenset(router.apps_in(estate.cloud)),
        windows_hosts=WINDOWS_HOSTS,
        powershell=open_endpoint(estate, lambda ask, run: weather.cmdlet(estate, ask, run)),
        powershell_hosts=frozenset(contoso.SERVERS.values()),
        gate=gate_of(estate),
    )
