"""What the network in front of Exchange lets through, and what the servers themselves show and are set to."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from hybridge.collectors.configuration import ON, ask
from hybridge.collectors.reading import Reading, Readings, http_origin, joined, key, read_cmdlet, unseen
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.wire import allow_list, exchange_rest, owa
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAsk

CONFIGURED = "network.allow_list"
SERVERS_ASKED = 16
"""Servers whose own name is asked for Outlook on the web."""


@dataclass(frozen=True)
class AllowList:
    """Where the firewall's list lies: a file, read already, or an https address (``body`` is None)."""

    where: str = ""
    body: bytes | None = None


async def collect_network(
    answerer: Answerer, source: AllowList, configuration: Readings, ews_url: str, rest_url: str
) -> Readings:
    """The firewall's list, the servers' settings and builds, and how long a query may be."""
    host = public_host(ews_url, rest_url)
    listed, settings, versions, query = await asyncio.gather(
        _allow_list(answerer, source),
        _settings(answerer),
        _versions(answerer, configuration, host),
        _long(answerer, host),
    )
    return {
        key(r.FirewallAllowList, ON): listed,
        key(r.ServerSettings, ON): settings,
        key(p.OwaVersionProbe, ON): versions,
        key(p.LongQueryProbe, ON): query,
    }


def public_host(ews_url: str, rest_url: str) -> str:
    """The host of REST, or that of EWS; "" where neither is known."""
    return urlsplit(rest_url or ews_url).hostname or ""


async def _allow_list(answerer: Answerer, source: AllowList) -> Reading:
    """No list is named: there is none to judge, and that is a fact."""
    what = r.FirewallAllowList.__name__
    if not source.where:
        return Seen((), Origin(source=CONFIGURED))
    body, origin = source.body, Origin(source=source.where)
    if body is None:
        asked = HttpAsk(method="GET", url=source.where)
        answer = await answerer.http(asked)
        if answer.failure is not None:
            return unseen(what, answer.failure, asked=f"The firewall's list at {source.where}")
        if answer.status != 200:
            says = f"The firewall's list at {source.where} was answered with HTTP {answer.status}."
            return Unseen(what=what, reason=FailureReason.MALFORMED, says=says, how=f"correct {CONFIGURED}")
        body, origin = answer.body, http_origin(asked, answer, "the firewall's list")
    ranges = allow_list.read_list(body, source.where)
    if isinstance(ranges, Failure):
        return unseen(what, ranges)
    return Seen((r.FirewallAllowList(premises=ON, identity=source.where, ranges=ranges),), origin)


async def _settings(answerer: Answerer) -> Reading:
    """Exchange's session shows no files and no registry: where nobody published it a command that does, an export has
    them."""
    reading = await read_cmdlet(answerer, r.ServerSettings, ask(r.ServerSettings.cmdlet))
    if isinstance(reading, Unseen) and reading.reason in (FailureReason.FORBIDDEN, FailureReason.NOT_CONFIGURED):
        return msgspec.structs.replace(
            reading,
            reason=FailureReason.NOT_EXPORTED,
            says="Exchange's PowerShell shows no files and no registry of its servers: builds of security updates, TLS "
            "and web.config are not known.",
            how="run the line for Get-ExchangeServerSettings that hybridge snapshot commands prints, and use its "
            "export beside a live run: exchange.exports = DIR in hybridge.toml",
        )
    return reading


async def _versions(answerer: Answerer, configuration: Readings, published: str) -> Reading:
    """Outlook on the web of every server; of the published name where no server is known."""
    servers = configuration.get(key(r.ExchangeServer, ON))
    hosts: dict[str, str] = {}
    for one in servers.records if isinstance(servers, Seen) else ():
        if isinstance(one, r.ExchangeServer) and one.fqdn and "edge" not in one.server_role.lower():
            hosts[one.fqdn.lower()] = one.identity
    if not hosts and published:
        hosts = {published: ""}
    if not hosts:
        return Seen((), Origin(source="GET /owa/"))
    named = sorted(hosts.items())[:SERVERS_ASKED]
    each = await asyncio.gather(*(_version(answerer, host, server) for host, server in named))
    seen = [one for one in each if isinstance(one, Seen)]
    return joined(p.OwaVersionProbe, seen or each)


async def _version(answerer: Answerer, host: str, server: str) -> Reading:
    for asked in (owa.ask_root(host), owa.ask_sign_in(host)):
        answer = await answerer.http(asked)
        if answer.failure is not None:
            return unseen(p.OwaVersionProbe.__name__, answer.failure, asked=f"GET /owa/ of {host}")
        version = owa.read_version(answer)
        if version or answer.status not in (200, 301, 302):
            break
    probe = p.OwaVersionProbe(premises=ON, identity=host, server=server, status=answer.status, version=version)
    return Seen((probe,), http_origin(asked, answer, "build of Outlook on the web"))


async def _long(answerer: Answerer, host: str) -> Reading:
    what = p.LongQueryProbe.__name__
    if not host:
        return Unseen(
            what=what,
            reason="not-configured",
            says="No external address of Exchange is known, so no long query could be sent.",
            how="examine a mailbox, or set ExternalUrl of the EWS virtual directory",
        )
    asked = exchange_rest.ask_long_query(host)
    answer = await answerer.http(asked)
    if answer.failure is not None:
        return unseen(what, answer.failure)
    substatus = _SUBSTATUS.search(answer.body[:4096])
    probe = p.LongQueryProbe(
        premises=ON,
        identity=host,
        status=answer.status,
        substatus=substatus[0].decode() if substatus else "",
        reached_exchange=exchange_rest.reached_exchange(answer),
        length=len(urlsplit(asked.url).query),
    )
    shown = msgspec.structs.replace(asked, url=asked.url.partition("&")[0])
    return Seen((probe,), http_origin(shown, answer, f"query of {probe.length} characters"))


_SUBSTATUS = re.compile(rb"404\.1[0-9]")
