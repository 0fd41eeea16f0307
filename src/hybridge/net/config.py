"""What the network side is told: plain values, read from nowhere (``hybridge.config`` reads the file)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hybridge.net.connect_to import read_place, table_faults
from hybridge.net.secret import Secret
from hybridge.terms.clouds import CLOUDS
from hybridge.wire.ask import Failure, FailureReason


@dataclass(frozen=True)
class NetConfig:
    """How to connect.

    ``connect_to`` maps ``host[:port]`` or ``address[:port]`` to ``address[:port]`` (see ``net.connect_to``);
    ``ca_file`` is a PEM file of certificate authorities trusted beside the system's; ``nameserver`` (host or
    host:port) is asked instead of the system's resolver; with ``only_mapped`` nothing outside ``connect_to`` is
    connected to; ``timeout`` is in seconds for one whole ask; ``per_host`` is the number of asks at once to one host.
    """

    connect_to: Mapping[str, str] = field(default_factory=dict)
    ca_file: str = ""
    nameserver: str = ""
    only_mapped: bool = False
    timeout: float = 20.0
    per_host: int = 8


@dataclass(frozen=True)
class ExchangeConfig:
    """On-premises Exchange. ``hosts`` are the only ones the account is ever sent to (port 443 unless they name one)."""

    hosts: tuple[str, ...] = ()
    powershell_url: str = ""
    username: str = ""
    password: Secret = field(default_factory=Secret)
    auth: Literal["basic", "ntlm", "negotiate"] = "negotiate"


@dataclass(frozen=True)
class EntraConfig:
    """The Entra application to sign in as, by ``client_secret`` or by ``certificate_file`` (PEM with its key)."""

    tenant_id: str = ""
    client_id: str = ""
    client_secret: Secret = field(default_factory=Secret)
    certificate_file: str = ""
    cloud: str = "worldwide"


def config_failures(net: NetConfig, exchange: ExchangeConfig, entra: EntraConfig) -> tuple[Failure, ...]:
    """Everything in the configuration that cannot work, before anything is asked. The CA file is read elsewhere."""
    sentences = (*_net_faults(net), *_exchange_faults(exchange), *_entra_faults(entra))
    return tuple(
        Failure(reason=FailureReason.NOT_CONFIGURED, says=says, next_step="Correct this setting and run again.")
        for says in sentences
    )


def _net_faults(net: NetConfig) -> Iterator[str]:
    yield from table_faults(net.connect_to)
    if net.nameserver:
        yield from _place_faults("net.nameserver", net.nameserver)
    if not net.timeout > 0:
        yield f"net.timeout must be more than 0 seconds, not {net.timeout}."
    if net.per_host < 1:
        yield f"net.per_host must be at least 1, not {net.per_host}."


def _exchange_faults(exchange: ExchangeConfig) -> Iterator[str]:
    for host in exchange.hosts:
        yield from _place_faults("exchange.hosts", host)
    if exchange.username and not exchange.password:
        yield f"exchange.password is empty, so {exchange.username} cannot sign in."
    if exchange.auth not in ("basic", "ntlm", "negotiate"):
        yield f"exchange.auth is basic, ntlm or negotiate, not {exchange.auth!r}."


def _entra_faults(entra: EntraConfig) -> Iterator[str]:
    if entra.cloud not in CLOUDS:
        yield f"entra.cloud is one of {', '.join(CLOUDS)}, not {entra.cloud!r}."
    if entra.client_id and not (entra.client_secret or entra.certificate_file):
        yield "entra.client_id is set, but neither entra.client_secret nor entra.certificate_file."
    if entra.client_secret and entra.certificate_file:
        yield "Both entra.client_secret and entra.certificate_file are set; only one can be used."
    if (entra.client_secret or entra.certificate_file) and not (entra.tenant_id and entra.client_id):
        yield "entra.tenant_id and entra.client_id are needed to sign in to Entra."


def _place_faults(setting: str, text: str) -> Iterator[str]:
    try:
        read_place(text)
    except ValueError as error:
        yield f"{setting}: {error}"
