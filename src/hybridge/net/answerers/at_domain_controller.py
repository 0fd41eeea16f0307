"""Every on-premises cmdlet at one domain controller.

In a forest with several, an object written at one is not there yet for a cmdlet that reads at another. Whoever looks at
what a plan wrote through one domain controller must look there too.
"""

from __future__ import annotations

import msgspec

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

PARAMETER = "DomainController"
_WITHOUT = frozenset({"get-command", "get-exchangeserversettings", "test-oauthconnectivity"})
"""Cmdlets that take no such parameter."""


class AtDomainController:
    """Asks ``inner``, with ``-DomainController host`` for every on-premises cmdlet that names none."""

    def __init__(self, inner: Answerer, host: str) -> None:
        self._inner = inner
        self._host = host

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """Ask ``inner``."""
        return await self._inner.http(ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """Ask ``inner``, at the domain controller."""
        given = {name.lower() for name, _ in ask.parameters}
        if ask.premises is Premises.ON_PREMISES and PARAMETER.lower() not in given and ask.name.lower() not in _WITHOUT:
            ask = msgspec.structs.replace(ask, parameters=(*ask.parameters, (PARAMETER, self._host)))
        return await self._inner.cmdlet(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """Ask ``inner``."""
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """Ask ``inner``."""
        return await self._inner.tls(ask)
