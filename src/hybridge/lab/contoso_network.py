"""What Contoso's firewall admits, and what its servers are set to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hybridge.org import records as r
from hybridge.rules import built_in
from hybridge.rules.endpoints import TEAMS
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
FIREWALL_HOST = "firewall.contoso.com"
ALLOW_LIST_URL = f"https://{FIREWALL_HOST}/allow-list.txt"
"""Where the firewall's list lies, as such lists are kept for firewalls to fetch."""


def network_records(servers: Iterable[str], mail_host: str, cloud: Cloud) -> Iterator[r.Record]:
    """The firewall's list, the settings of ``servers``, and Outlook on the web published at ``mail_host``."""
    instance = built_in().endpoints.of_cloud(cloud.name)
    sets = instance.sets if instance else ()
    ranges = dict.fromkeys(str(network) for one in sets for network in one.networks if network.version == 4)
    yield r.FirewallAllowList(premises=ON, identity=ALLOW_LIST_URL, ranges=tuple(ranges))
    for name in servers:
        yield r.ServerSettings(
            premises=ON,
            identity=name,
            setup_version="15.2.2562.37",
            max_query_string_length=4096,
            strong_crypto=True,
            system_default_tls=True,
            tls12_client=True,
            tls12_server=True,
            lm_compatibility_level=5,
            reached=outbound_hosts(cloud),
            not_reached=(),
            directories=_DIRECTORIES,
        )
    yield r.PublishedPath(premises=ON, identity=f"{mail_host}/owa", host=mail_host, path="/owa")


_DIRECTORIES = tuple(
    r.DirectoryProtection(f"{site}/{name}", value, ssl_required=True)
    for site, directories in (
        (
            "Default Web Site",
            {
                "API": "Require",
                "Autodiscover": "None",
                "ECP": "Require",
                "EWS": "Allow",
                "MAPI": "Require",
                "Microsoft-Server-ActiveSync": "Allow",
                "OAB": "Allow",
                "OWA": "Require",
                "PowerShell": "Require",
                "RPC": "Require",
            },
        ),
        ("Exchange Back End", {"API": "Require", "Autodiscover": "None", "EWS": "Require", "REST": "Require"}),
    )
    for name, value in directories.items()
)


def teams_address(cloud: Cloud) -> str:
    """Where the lab's Teams services say they come from: an address of the first range of Teams in ``cloud``."""
    instance = built_in().endpoints.of_cloud(cloud.name)
    ranges = instance.ranges(area="Skype", number=TEAMS) if instance else ()
    return str(next((network[42] for network in ranges if network.version == 4), ""))


def outbound_hosts(cloud: Cloud) -> tuple[str, ...]:
    """Hosts of ``cloud`` that Exchange must reach."""
    return cloud.login, cloud.exchange
