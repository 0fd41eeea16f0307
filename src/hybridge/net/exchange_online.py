"""Runs cmdlets of Exchange Online for the live answerer: one conversation each, over its own ``http``.

What a conversation asks goes through the same rules, limits and tokens as every other ask. Whether the Admin API is
shut for this application is remembered, so that a run meets the shut door once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hybridge.net.config import EntraConfig
from hybridge.terms.clouds import CLOUDS, WORLDWIDE
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.exchange_online.conversation import Conversation
from hybridge.wire.exchange_online.place import Place

Http = Callable[[HttpAsk], Awaitable[HttpAnswer]]


class ExchangeOnline:
    """Cmdlets of the tenant that ``entra`` signs in to; ``http`` sends what the conversations ask."""

    def __init__(self, http: Http, entra: EntraConfig) -> None:
        cloud = CLOUDS.get(entra.cloud, WORLDWIDE)
        self._http = http
        self._place = Place(cloud.exchange, entra.tenant_id)
        self._configured = bool(entra.tenant_id and entra.client_id)
        self._documented = True

    async def run(self, ask: CmdletAsk) -> CmdletAnswer:
        """The answer to ``ask``: every page of it, or why there is none."""
        conversation = Conversation(self._place, ask, documented=self._documented)
        step = conversation.begin()
        if isinstance(step, HttpAsk) and not self._configured:
            return CmdletAnswer(failure=_not_configured(ask))
        while isinstance(step, HttpAsk):
            step = conversation.go_on(await self._http(step))
        self._documented = self._documented and not conversation.shut
        return step


def _not_configured(ask: CmdletAsk) -> Failure:
    return Failure(
        reason=FailureReason.NOT_CONFIGURED,
        says=f"{ask.name} was not run in Exchange Online: no Entra application is configured.",
        next_step="Set entra.tenant_id, entra.client_id and entra.client_secret or entra.certificate_file, "
        "or examine an offline export.",
    )
