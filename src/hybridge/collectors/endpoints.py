"""Asks Microsoft's endpoint service for its present address ranges: the version first, the sets only when newer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from hybridge.rules.endpoints import Endpoints, Instance
from hybridge.wire import endpoint_service
from hybridge.wire.ask import Answerer, Failure

SOURCE = f"Microsoft 365 endpoint service, https://{endpoint_service.HOST}"


async def collect_endpoints(
    answerer: Answerer, known: Endpoints, instances: Iterable[str], now: datetime, new_id: Callable[[], UUID]
) -> Endpoints | Failure:
    """``known`` with what the service has for ``instances`` at ``now``; the first Failure when one cannot be had.

    An instance whose version is the known one is kept without asking for it. ``new_id`` makes each request's id.
    """
    found = await asyncio.gather(*(_one(answerer, known, name, new_id) for name in instances))
    merged = dict(known.instances)
    for one in found:
        if isinstance(one, Failure):
            return one
        merged[one[0]] = one[1]
    return Endpoints(as_of=now.date(), source=SOURCE, instances=merged)


async def _one(
    answerer: Answerer, known: Endpoints, name: str, new_id: Callable[[], UUID]
) -> tuple[str, Instance] | Failure:
    version = endpoint_service.read_version(await answerer.http(endpoint_service.ask_version(name, new_id())))
    if isinstance(version, Failure):
        return version
    mine = known.instances.get(name)
    if mine is not None and mine.version == version.latest:
        return name, mine
    answer = await answerer.http(endpoint_service.ask_endpoints(name, new_id()))
    instance = endpoint_service.read_endpoints(answer, version.latest)
    if isinstance(instance, Failure):
        return instance
    return name, msgspec.structs.replace(instance, dropped=_dropped(mine, instance))


def _dropped(before: Instance | None, after: Instance) -> tuple[str, ...]:
    """Ranges of ``before``, and those dropped before it, that are in no set of ``after``."""
    if before is None:
        return ()
    kept = {text for one in after.sets for text in one.ips}
    were = (*before.dropped, *(text for one in before.sets for text in one.ips))
    return tuple(dict.fromkeys(text for text in were if text not in kept))
