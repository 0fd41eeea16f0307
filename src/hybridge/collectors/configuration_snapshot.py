"""Takes a snapshot of a tenant's configuration through Graph: begin the job, wait for it, read what it took.

``pause`` waits a number of seconds between two looks; the whole takes minutes in a large tenant.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hybridge.terms.clouds import Cloud
from hybridge.wire.ask import Answerer, Failure, FailureReason
from hybridge.wire.graph import configuration_snapshots as snapshots
from hybridge.wire.graph.errors import read_error
from hybridge.wire.json_body import JsonRefused
from hybridge.wire.xml import malformed

INTERVAL = 10.0
"""Seconds between two looks at a job."""
LOOKS = 180
"""Looks at most: half an hour."""

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Taken:
    """A snapshot: its bytes as Graph gave them, and what Graph says is missing in it."""

    body: bytes
    resources: tuple[snapshots.Resource, ...]
    missing: tuple[str, ...] = ()


async def take_snapshot(
    answerer: Answerer, cloud: Cloud, name: str, pause: Pause, interval: float = INTERVAL
) -> Taken | Failure:
    """A snapshot of the tenant, or why there is none. ``name`` is made of letters, digits and blanks."""
    job = snapshots.read_job(await answerer.http(snapshots.ask_create(cloud.graph, name)))
    for _ in range(LOOKS):
        if isinstance(job, Failure) or not job.working:
            break
        await pause(interval)
        job = snapshots.read_job(await answerer.http(snapshots.ask_job(cloud.graph, job)))
    return job if isinstance(job, Failure) else await _read(answerer, cloud, job)


async def _read(answerer: Answerer, cloud: Cloud, job: snapshots.Job) -> Taken | Failure:
    if not job.done:
        why = "; ".join(job.error_details) or f"it is {job.status}"
        return Failure(
            reason=FailureReason.UNREACHABLE,
            says=f"Graph did not finish the snapshot of the configuration: {why[:300]}.",
            next_step="Look at the rights of Unified Tenant Configuration Management, then try again.",
        )
    ask = snapshots.ask_resources(cloud.graph, job)
    if isinstance(ask, Failure):
        return ask
    answer = await answerer.http(ask)
    if answer.failure is not None or answer.status != 200:
        return read_error(answer, "the snapshot of the configuration")
    try:
        return Taken(answer.body, snapshots.read_resources(answer.body), job.error_details)
    except JsonRefused as refused:
        return malformed(f"The snapshot of the configuration cannot be read. {refused}")
