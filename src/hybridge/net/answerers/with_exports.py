"""A live run beside exports of what remote PowerShell cannot show.

Exchange's PowerShell runs its own cmdlets and no others: files and registry of the servers are read by an administrator
on the servers, and lie in a folder (``exchange.exports``). What the live session answers itself is taken from there.
"""

from __future__ import annotations

from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

NOT_SHOWN_LIVE = frozenset({"get-exchangeserversettings"})
"""Names, in lower case, of what no session of Exchange shows unless somebody published it there."""


class WithExports:
    """Asks ``inner``; what it cannot show is asked of ``exports``, a snapshot."""

    def __init__(self, inner: Answerer, exports: Answerer) -> None:
        self._inner = inner
        self._exports = exports

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """Ask ``inner``."""
        return await self._inner.http(ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """Ask the exports for what is not shown live, and ``inner`` where they do not hold it."""
        if ask.premises is Premises.ON_PREMISES and ask.name.lower() in NOT_SHOWN_LIVE:
            kept = await self._exports.cmdlet(ask)
            if kept.failure is None:
                return kept
        return await self._inner.cmdlet(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """Ask ``inner``."""
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """Ask ``inner``."""
        return await self._inner.tls(ask)
