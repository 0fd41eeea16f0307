"""What may be asked, and who may receive which credential. Pure: an ask and the configuration in, a verdict out.

The rules: only http and https; no user name inside a URL; an anonymous ask carries no credential at all; the Exchange
account goes over https to the configured hosts, a token to the hosts the cloud names, and nothing goes anywhere else,
whatever an Autodiscover answer says.
"""

from __future__ import annotations

from yarl import URL

from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.connect_to import ConnectTo, is_address, plain_name, read_place
from hybridge.terms.clouds import CLOUDS
from hybridge.wire.ask import Failure, FailureReason, HttpAsk, Sign

CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
BARE_BEARER = "bearer"
"""``Authorization: Bearer`` without a token carries nothing; servers answer it with their challenge."""


def read_url(text: str) -> URL | Failure:
    """The URL of an ask, or why it is none that hybridge asks."""
    try:
        url = URL(text)
        host = url.host
        port = url.port
    except (ValueError, TypeError):
        return _malformed(f"{text[:100]!r} is not a URL.")
    if url.scheme not in ("http", "https"):
        return _refused(f"hybridge asks only http and https addresses, not {url.scheme or 'one without a scheme'!r}.")
    if not host or not port:
        return _malformed(f"{text[:100]!r} names no host.")
    if url.user is not None or url.password is not None:
        return _refused(f"The address of {host} carries a user name; hybridge sends nothing to such addresses.")
    return url


def host_of(url: URL) -> str:
    """The host as it is compared everywhere: punycode, lower case, no trailing dot."""
    return plain_name(url.raw_host or "")


def place_of(url: URL) -> str:
    """Host, with the port when it is not the scheme's own: how sentences name a server."""
    host = f"[{host_of(url)}]" if ":" in host_of(url) else host_of(url)
    return host if url.is_default_port() else f"{host}:{url.port}"


def may_connect(url: URL, net: NetConfig, table: ConnectTo) -> Failure | None:
    """Refuse addresses in place of names where a connect-to table must be obeyed: they would slip past it."""
    host = host_of(url)
    if not is_address(host) or not (net.only_mapped or table):
        return None
    if table.find(host, url.port or 0) is not None:
        return _refused(
            f"{host} stands in net.connect_to, which is applied to names only, so it is not asked by its address.",
            "Ask by host name.",
        )
    if net.only_mapped:
        return _refused(
            f"{host} is an address, and net.only_mapped allows only the hosts of net.connect_to.", "Ask by host name."
        )
    return None


def may_send(ask: HttpAsk, url: URL, exchange: ExchangeConfig, entra: EntraConfig) -> Failure | None:
    """Refuse an ask that would carry a credential where it must not go."""
    for name, value in ask.headers:
        if name.lower() in CREDENTIAL_HEADERS and not (
            ask.sign is Sign.NONE and name.lower() == "authorization" and value.strip().lower() == BARE_BEARER
        ):
            return _refused(
                f"The ask to {host_of(url)} brings its own {name} header; credentials are named, not carried."
            )
    if ask.sign is Sign.NONE:
        return None
    if url.scheme != "https":
        return _refused(f"No credential is sent to {host_of(url)} over plain http.", "Use https.")
    return _may_exchange(url, exchange) if ask.sign is Sign.EXCHANGE else _may_entra(ask, url, entra)


def _may_exchange(url: URL, exchange: ExchangeConfig) -> Failure | None:
    if not exchange.username:
        return Failure(
            reason=FailureReason.NOT_CONFIGURED,
            says=f"No Exchange account is configured, so {host_of(url)} is not asked.",
            next_step="Set exchange.username, exchange.password and exchange.hosts.",
        )
    if (host_of(url), url.port) in _allowed(exchange.hosts):
        return None
    return _refused(
        f"The Exchange account is not sent to {place_of(url)}: it is not one of exchange.hosts.",
        f"If {host_of(url)} is yours, add it to exchange.hosts.",
    )


def _allowed(hosts: tuple[str, ...]) -> set[tuple[str, int]]:
    allowed = set()
    for text in hosts:
        try:
            place = read_place(text)
        except ValueError:
            continue
        allowed.add((place.host, place.port or 443))
    return allowed


def _may_entra(ask: HttpAsk, url: URL, entra: EntraConfig) -> Failure | None:
    cloud = CLOUDS.get(entra.cloud)
    if cloud is None or not (entra.tenant_id and entra.client_id):
        return Failure(
            reason=FailureReason.NOT_CONFIGURED,
            says=f"No Entra application is configured, so {host_of(url)} is not asked.",
            next_step="Set entra.tenant_id, entra.client_id and entra.client_secret or entra.certificate_file.",
        )
    exchange = {cloud.exchange, cloud.admin_api}
    if host_of(url) not in {cloud.graph, cloud.teams_config, *exchange} or url.port != 443:
        return _refused(f"No Entra token is sent to {place_of(url)}: the {cloud.name} cloud does not name it.")
    if not ask.scope:
        return Failure(reason=FailureReason.DEFECT, says=f"The ask to {host_of(url)} names no scope for its token.")
    audiences = {f"https://{host}/.default": host for host in exchange}
    if audiences.get(ask.scope, "") != (host_of(url) if host_of(url) in exchange else ""):
        return _refused(f"The token for {ask.scope} is not sent to {place_of(url)}: it is for another host.")
    return None


def _refused(says: str, next_step: str = "") -> Failure:
    return Failure(reason=FailureReason.REFUSED, says=says, next_step=next_step)


def _malformed(says: str) -> Failure:
    return Failure(reason=FailureReason.MALFORMED, says=says, next_step="Correct the address.")
