"""Asks nothing of a side that is not there.

Where ``organization.hybrid`` says that an organization has one side only, its collectors are handed this answerer: an
ask of the other side is answered with a Failure and never sent.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from hybridge.terms.clouds import Cloud
from hybridge.terms.hybrid_kinds import HybridKind
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    Stopped,
    TlsAnswer,
    TlsAsk,
)

_ABSENT = {HybridKind.ON_PREMISES.value: Premises.ONLINE, HybridKind.ONLINE.value: Premises.ON_PREMISES}


def one_sided(answerer: Answerer, wanted: str, cloud: Cloud, domain: str) -> Answerer:
    """``answerer`` without the side that ``wanted`` (``organization.hybrid``) says is not there."""
    absent = _ABSENT.get(wanted)
    return answerer if absent is None else OneSided(answerer, absent, cloud, domain)


class OneSided:
    """An Answerer that sends nothing to the ``absent`` side.

    Online are the hosts of ``cloud``; on-premises are the names below ``domain``.
    """

    def __init__(self, inner: Answerer, absent: Premises, cloud: Cloud, domain: str) -> None:
        self._inner = inner
        self._absent = absent
        self._cloud = frozenset(filter(None, (cloud.login, cloud.graph, cloud.exchange, cloud.teams_config)))
        self._domain = domain.lower()

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """As ``Answerer.http``."""
        if self._side((urlsplit(ask.url).hostname or "").lower()) is self._absent:
            return HttpAnswer(failure=self._failure())
        return await self._inner.http(ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """As ``Answerer.cmdlet``."""
        if ask.premises is self._absent:
            return CmdletAnswer(failure=self._failure())
        return await self._inner.cmdlet(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """As ``Answerer.dns``: names are looked up on whatever side."""
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """As ``Answerer.tls``."""
        if self._side(ask.host.lower()) is self._absent:
            return TlsAnswer(failure=self._failure(), stopped=Stopped.NOT_ASKED)
        return await self._inner.tls(ask)

    def _side(self, host: str) -> Premises | None:
        if host in self._cloud:
            return Premises.ONLINE
        own = host == self._domain or host.endswith("." + self._domain)
        return Premises.ON_PREMISES if own else None

    def _failure(self) -> Failure:
        side = "Exchange Online" if self._absent is Premises.ONLINE else "Exchange Server"
        return Failure(
            reason=FailureReason.NOT_CONFIGURED,
            says=f"The organization has no {side}: organization.hybrid says so.",
            next_step="set organization.hybrid in hybridge.toml to what the organization is",
        )
