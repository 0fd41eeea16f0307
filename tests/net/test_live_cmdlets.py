"""What the live answerer says of cmdlets it cannot run."""

from __future__ import annotations

from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, FailureReason


async def test_cmdlets_that_are_not_offered() -> None:
    async with open_live(NetConfig(), ExchangeConfig(), EntraConfig(), SystemClock()) as live:
        for premises, words in (
            (Premises.ONLINE, "no Entra application is configured"),
            (Premises.ON_PREMISES, "no Exchange PowerShell address is configured"),
        ):
            failure = (await live.cmdlet(CmdletAsk(premises=premises, name="Get-CASMailbox"))).failure
            assert failure is not None and failure.reason is FailureReason.NOT_CONFIGURED
            assert failure.says.startswith("Get-CASMailbox was not run") and words in failure.says
            assert failure.next_step
