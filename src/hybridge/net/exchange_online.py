"""Runs cmdlets of Exchange Online for the live answerer: one conversation each, over its own ``http``.

What a conversation asks goes through the same rules, limits and tokens as every other ask. Whether the Admin API is
shut for this application is remembered, so that a run meets the shut door once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from hybridge.net.config import EntraConfig
from hybridge.terms.clouds import CLOUDS, WORLDWIDE, Cloud
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.exchange_online.conversation import Conversation
from hybridge.wire.exchange_online.place import Place

Http = Callable[[HttpAsk], Awaitable[HttpAnswer]]


class ExchangeOnline:
    """Cmdlets of the tenant that ``entra`` signs in to; ``http`` sends what the conversations ask."""

    def __init__(self, http: Http, entra: EntraConfig) -> None:
        cloud = CLOUDS.get(entra.cloud, WORLDWIDE)
        self._http = http
        self._place = Place(cloud.admin_api, entra.tenant_id)
        self._cloud = cloud
        self._configured = bool(entra.tenant_id and entra.client_id)
        self._documented = True

    async def run(self, ask: CmdletAsk) -> CmdletAnswer:
        """The answer to ``ask``: every page of it, or why there is none."""
        *before, last = [page async for page in self.pages(ask)]
        if last.failure is not None or not before:
            return last
        objects = tuple(one for page in (*before, last) for one in page.objects)
        return msgspec.structs.replace(last, objects=objects)

    async def pages(self, ask: CmdletAsk) -> AsyncIterator[CmdletAnswer]:
        """The answer to ``ask`` as it comes: pages of objects, and at the end one with what else there is to say."""
        conversation = Conversation(self._place, ask, documented=self._documented)
        step = conversation.begin()
        if isinstance(step, HttpAsk) and not self._configured:
            yield CmdletAnswer(failure=_not_configured(ask))
            return
        if isinstance(step, HttpAsk) and not self._place.host:
            yield CmdletAnswer(failure=_not_known(ask, self._cloud))
            return
        while isinstance(step, HttpAsk):
            if objects := conversation.taken():
                yield CmdletAnswer(objects=objects)
            step = conversation.go_on(await self._http(step))
        self._documented = self._documented and not conversation.shut
        yield step


def _not_configured(ask: CmdletAsk) -> Failure:
    return Failure(
        reason=FailureReason.NOT_CONFIGURED,
        says=f"{ask.name} was not run in Exchange Online: no Entra application is configured.",
        next_step="Set entra.tenant_id, entra.client_id and entra.client_secret or entra.certificate_file, "
        "or examine an offline export.",
    )


def _not_known(ask: CmdletAsk, cloud: Cloud) -> Failure:
    return Failure(
        reason=FailureReason.NOT_CONFIGURED,
        says=f"{ask.name} was not run: where {cloud.title} runs cmdlets of Exchange Online is not known to hybridge.",
        next_step="Examine an offline export: hybridge snapshot commands prints how to make one.",
    )
