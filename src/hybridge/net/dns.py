"""The DNS view: which addresses a name has, seen through the configured name server or the system.

With ``net.nameserver`` every question goes there (dnspython, at most 32 at once: more lose answers to timeouts).
Without it connects use the system's resolver, because only that knows hosts files, and questions for records use the
system's name servers. On top lies the connect-to table, read by name before any DNS and by address on each answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from ipaddress import ip_address
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rcode
import dns.resolver
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from hybridge.net.clock import stopwatch
from hybridge.net.config import NetConfig
from hybridge.net.connect_to import ConnectTo, is_address, plain_name, read_place
from hybridge.net.trust import CONNECTION
from hybridge.wire.ask import DnsAnswer, DnsAsk, Failure, FailureReason

AT_ONCE = 32
KEPT_ANSWERS = 4096
LIFETIME = 6.0
"""Seconds for one question with its repetitions; never more than half of ``net.timeout``, so that DNS silence shows."""
RDTYPES = frozenset({"A", "AAAA", "CNAME", "SRV", "MX", "TXT"})


class NotResolved(OSError):
    """A name that leads nowhere; ``failure`` says why. An OSError, because that is what a connector expects."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(None, failure.says)
        self.failure = failure


class DnsView:
    """Answers DNS questions. Never raises."""

    def __init__(self, net: NetConfig) -> None:
        self._net = net
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._opened: dns.asyncresolver.Resolver | None = None

    async def ask(self, ask: DnsAsk) -> DnsAnswer:
        """Answer one question."""
        elapsed = stopwatch()
        answer = await self._answer(ask)
        return answer if isinstance(answer, DnsAnswer) else DnsAnswer(failure=answer, took_ms=elapsed())

    async def _answer(self, ask: DnsAsk) -> DnsAnswer | Failure:
        if ask.rdtype not in RDTYPES:
            return Failure(reason=FailureReason.DEFECT, says=f"hybridge does not ask for {ask.rdtype} records.")
        if self._net.only_mapped and not self._net.nameserver:
            return Failure(
                reason=FailureReason.REFUSED,
                says=f"DNS is not asked for {ask.name}: net.only_mapped is set and net.nameserver is not.",
                next_step="Set net.nameserver, or switch net.only_mapped off.",
            )
        try:
            resolver = await self._resolver()
        except NotResolved as error:
            return error.failure
        elapsed = stopwatch()
        async with self._turn:
            try:
                answer = await resolver.resolve(ask.name, ask.rdtype, search=False)
            except dns.resolver.NoAnswer:
                return DnsAnswer(took_ms=elapsed())
            except (dns.exception.DNSException, OSError, ValueError) as error:
                return self._failure(ask, error)
        return DnsAnswer(records=tuple(record.to_text() for record in answer), took_ms=elapsed())

    async def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._opened is None:
            try:
                self._opened = await self._open()
            except dns.resolver.NoResolverConfiguration as error:
                raise NotResolved(
                    Failure(
                        reason=FailureReason.NOT_CONFIGURED,
                        says="This machine names no DNS server.",
                        next_step="Set net.nameserver.",
                    )
                ) from error
        return self._opened

    async def _open(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=not self._net.nameserver)
        if self._net.nameserver:
            host, port = read_place(self._net.nameserver)
            address = host if is_address(host) else await self._address_of_server(host)
            resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port or 53)]
        resolver.search = []
        resolver.retry_servfail = False
        resolver.lifetime = min(LIFETIME, self._net.timeout / 2)
        resolver.timeout = resolver.lifetime / 3
        resolver.cache = dns.resolver.LRUCache(KEPT_ANSWERS)
        return resolver

    async def _address_of_server(self, host: str) -> str:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, 53, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise NotResolved(
                Failure(
                    reason=FailureReason.NAME_NOT_FOUND,
                    says=f"The name server {host} of net.nameserver has no address.",
                    next_step="Give net.nameserver as an address.",
                )
            ) from error
        return str(found[0][4][0])

    def _failure(self, ask: DnsAsk, error: Exception) -> Failure:
        server = f"The name server {self._net.nameserver}" if self._net.nameserver else "The system's name server"
        if isinstance(error, dns.resolver.NXDOMAIN):
            return Failure(
                reason=FailureReason.NAME_NOT_FOUND,
                says=f"DNS knows no name {ask.name}.",
                next_step="Check the spelling and the DNS zone.",
            )
        if isinstance(error, dns.exception.Timeout):
            return _unreachable(f"{server} did not answer the question for {ask.name} ({ask.rdtype}).")
        if isinstance(error, dns.resolver.NoNameservers):
            word = _rcode_in(error)
            return _unreachable(f"{server} could not answer the question for {ask.name} ({ask.rdtype}): {word}.")
        if isinstance(error, OSError):
            return _unreachable(f"{server} could not be reached: {error.strerror or type(error).__name__}.")
        return Failure(
            reason=FailureReason.MALFORMED,
            says=f"{ask.name[:80]!r} is not a name that can stand in DNS, or its answer is broken.",
            next_step="Check the spelling.",
        )


def _unreachable(says: str) -> Failure:
    return Failure(
        reason=FailureReason.UNREACHABLE, says=says, next_step="Check the name server and the way to it (port 53)."
    )


def _rcode_in(error: dns.resolver.NoNameservers) -> str:
    """The answer code (SERVFAIL, REFUSED ...), which dnspython only keeps in the response or a text."""
    for entry in error.kwargs.get("errors", ()):
        response = entry[4]
        if response is not None:
            return str(dns.rcode.to_text(response.rcode()))
        if isinstance(entry[3], OSError):
            return entry[3].strerror or "the connection failed"
        return str(entry[3])
    return "no usable answer"


class Addresses(Protocol):
    """Tells the addresses of a name, or raises ``NotResolved``."""

    async def of(self, host: str, family: socket.AddressFamily) -> list[str]: ...


class _Question:
    """One question several wait for: who gives up does not end it for the others, the last one does."""

    def __init__(self, asked: asyncio.Task[list[str]]) -> None:
        self._asked = asked
        self._waiting = 0

    @property
    def over(self) -> bool:
        """Whether it was answered or given up."""
        return self._asked.done() or self._asked.cancelling() > 0

    async def answer(self) -> list[str]:
        """What was found; raises ``NotResolved``."""
        self._waiting += 1
        try:
            return await asyncio.shield(self._asked)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._asked.cancel()  # does nothing to one that has ended


class ViewAddresses:
    """Addresses through the DNS view: A and AAAA are asked at once, IPv4 comes first.

    Connections that are opened together share one question. Nothing is kept beyond what the TTL allows (``DnsView``
    sees to that): a name that was moved or taken away is seen so at the next look.
    """

    def __init__(self, view: DnsView) -> None:
        self._view = view
        self._open: dict[tuple[str, int], _Question] = {}

    async def of(self, host: str, family: socket.AddressFamily) -> list[str]:
        """The addresses of ``host`` in ``family``."""
        at = (plain_name(host), int(family))
        question = self._open.get(at)
        if question is None or question.over:
            question = self._open[at] = _Question(asyncio.create_task(self._ask(host, family)))
        return list(await question.answer())

    async def _ask(self, host: str, family: socket.AddressFamily) -> list[str]:
        wanted = [rdtype for rdtype, other in (("A", socket.AF_INET6), ("AAAA", socket.AF_INET)) if family != other]
        asked: list[Awaitable[DnsAnswer]] = [self._view.ask(DnsAsk(name=host, rdtype=rdtype)) for rdtype in wanted]
        answers = await asyncio.gather(*asked)
        found = [record for answer in answers for record in answer.records]
        failed = next((answer.failure for answer in answers if answer.failure), None)
        if not found:
            raise NotResolved(failed or no_address(host))
        return found


class SystemAddresses:
    """Addresses as the operating system tells them (hosts file, name service switch, DNS)."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def of(self, host: str, family: socket.AddressFamily) -> list[str]:
        """The addresses of ``host`` in ``family``."""
        try:
            found = await self._resolver.resolve(host, 0, family)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise NotResolved(_unreachable(f"DNS did not answer the question for {host}.")) from error
            raise NotResolved(no_address(host)) from error
        except (OSError, UnicodeError) as error:
            raise NotResolved(no_address(host)) from error
        return [entry["host"] for entry in found]


def no_address(host: str) -> Failure:
    """The failure for a name without any address."""
    return Failure(
        reason=FailureReason.NAME_NOT_FOUND,
        says=f"DNS has no address for {host}.",
        next_step="Check the spelling and the DNS zone.",
    )


def not_mapped(host: str) -> Failure:
    """The failure for a host which ``net.only_mapped`` keeps us from."""
    return Failure(
        reason=FailureReason.REFUSED,
        says=f"{host} is not in net.connect_to, and net.only_mapped allows no other host.",
        next_step=f"Add {host} to net.connect_to, or switch net.only_mapped off.",
    )


class Resolver(AbstractResolver):
    """Where to connect: the table by name, else DNS and then the table by address."""

    def __init__(self, net: NetConfig, addresses: Addresses) -> None:
        self._net = net
        self._table = ConnectTo(net.connect_to)
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses and ports for ``host``; raises only NotResolved."""
        places = await self._places(host, port, family)
        facts = CONNECTION.get()
        if facts is not None:
            facts.resolved = True
        return [_entry(host, *place) for place in places]

    async def _places(self, host: str, port: int, family: socket.AddressFamily) -> list[tuple[str, int]]:
        direct = self._table.find(host, port)
        if direct is not None:
            return [direct]
        if self._net.only_mapped and not self._table.knows_addresses:
            raise NotResolved(not_mapped(host))
        places = []
        for address in await self._addresses.of(host, family):
            mapped = self._table.find(address, port)
            if mapped is not None or not self._net.only_mapped:
                places.append(mapped or (address, port))
        if not places:
            raise NotResolved(not_mapped(host))
        return places

    async def close(self) -> None:
        """Nothing is held open."""


def _entry(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


def open_resolver(net: NetConfig, view: DnsView) -> Resolver:
    """The resolver for connects: through ``view`` when a name server is configured, else through the system."""
    return Resolver(net, ViewAddresses(view) if net.nameserver else SystemAddresses())
