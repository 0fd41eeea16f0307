"""Host names of the Microsoft clouds.

Source: Microsoft's CSS-Exchange scripts (Get-CloudServiceEndpoint) and the Exchange Online Admin API pages.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """Hosts of one cloud. ``name`` is the word used in hybridge.toml."""

    name: str
    login: str
    graph: str
    exchange: str
    teams_config: str
    initial_domain: str


WORLDWIDE = Cloud(
    name="worldwide",
    login="login.microsoftonline.com",
    graph="graph.microsoft.com",
    exchange="outlook.office365.com",
    teams_config="api.interfaces.records.teams.microsoft.com",
    initial_domain="onmicrosoft.com",
)

CLOUDS = {WORLDWIDE.name: WORLDWIDE}

TEAMS_CONFIG_RESOURCE = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"
"""Application id of the Teams configuration service: token scope is ``<this>/.default``."""
