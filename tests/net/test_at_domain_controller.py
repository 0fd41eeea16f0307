"""Every on-premises cmdlet at one domain controller, and nothing else touched."""

from __future__ import annotations

from typing import Any

import pytest

from hybridge.net.answerers.at_domain_controller import AtDomainController
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, DnsAnswer, DnsAsk, HttpAnswer, HttpAsk, TlsAnswer, TlsAsk

HOST = "dc1.contoso.com"


class Echo:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[HttpAsk | CmdletAsk | DnsAsk] = []

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        self.asked.append(ask)
        return HttpAnswer(status=200)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        self.asked.append(ask)
        return CmdletAnswer()

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        self.asked.append(ask)
        return DnsAnswer()

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)


def ask(name: str, premises: Premises = Premises.ON_PREMISES, **parameters: Any) -> CmdletAsk:
    return CmdletAsk(premises=premises, name=name, parameters=tuple(parameters.items()))


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        (ask("Get-AuthConfig"), {"DomainController": HOST}),
        (ask("Get-MailUser", Identity="x"), {"Identity": "x", "DomainController": HOST}),
        (ask("Get-MailUser", domaincontroller="dc2.contoso.com"), {"domaincontroller": "dc2.contoso.com"}),
        (ask("Get-Command", Name=("Get-MailUser",)), {"Name": ("Get-MailUser",)}),
        (ask("Get-Mailbox", Premises.ONLINE, Identity="x"), {"Identity": "x"}),
    ],
)
async def test_a_cmdlet_is_sent_there(given: CmdletAsk, parameters: dict[str, Any]) -> None:
    inner = Echo()
    await AtDomainController(inner, HOST).cmdlet(given)
    (sent,) = inner.asked
    assert isinstance(sent, CmdletAsk)
    assert dict(sent.parameters) == parameters


async def test_everything_else_goes_as_it_came() -> None:
    inner = Echo()
    there = AtDomainController(inner, HOST)
    http, dns = HttpAsk(method="GET", url="https://x/"), DnsAsk(name="x")
    assert (await there.http(http)).status == 200
    await there.dns(dns)
    assert inner.asked == [http, dns]
