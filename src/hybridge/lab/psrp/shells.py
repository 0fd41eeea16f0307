"""Sessions: one shell is one runspace pool with its pipelines and what waits to be fetched.

Bytes from the client go into psrpcore, which gives events; what psrpcore wants sent is sorted into a box per target
(the pool itself, or one pipeline) from which Receive takes whole chunks. A chunk is made for the envelope size of the
request that fetches it and is never split.

psrpcore must know a pipeline before it sees the message that creates it, so the pipeline is made when its Command
arrives. A client that never closes its pipelines leaves none behind: one that has ended goes with its last chunk.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psrpcore import (
    CreatePipelineEvent,
    GetAvailableRunspacesEvent,
    GetCommandMetadataEvent,
    PSRPPayload,
    ResetRunspaceStateEvent,
    ServerPipeline,
    ServerRunspacePool,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)
from psrpcore.types import PSInvocationState

from hybridge.lab.cmdlets.outcome import Caller, ConnectionCut
from hybridge.lab.psrp import pipelines
from hybridge.lab.psrp.errors import NO_LANGUAGE
from hybridge.lab.psrp.wsman import BAD_PARAMETER, WsmanFault

UNFETCHED = 400
"""Chunks that may wait before a pipeline pauses."""

_ENDED = (PSInvocationState.Completed, PSInvocationState.Failed, PSInvocationState.Stopped)


@dataclass
class Box:
    """Chunks that wait for one target, and the bell that wakes who waits for them."""

    chunks: deque[bytes] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)


class Shell:
    """One session of ``caller``. ``used_at`` is the event loop's time of its last request."""

    def __init__(self, shell_id: str, caller: Caller, execute: pipelines.Execute, now: float) -> None:
        self.id = shell_id
        self.caller = caller
        self.used_at = now
        self.connected = True
        self._execute = execute
        self._pool = ServerRunspacePool()
        self._boxes: dict[UUID | None, Box] = {None: Box()}
        self._pipelines: dict[UUID, ServerPipeline] = {}
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._limit = 0
        """Bytes of a chunk, as whoever fetches them last said."""
        self._fetched = asyncio.Event()
        self._cut = False
        """Whether a cmdlet has met a connection that ends: the session ends with it."""

    @property
    def owner(self) -> str:
        """Who opened it."""
        return self.caller.principal

    @property
    def busy(self) -> bool:
        """Whether a cmdlet is running."""
        return bool(self._running)

    def feed(self, octets: bytes) -> None:
        """Take bytes of the inner protocol. Raises ``WsmanFault`` when they are none, or not understood."""
        try:
            self._pool.receive_data(PSRPPayload(octets, StreamType.default, None))
            while (event := self._pool.next_event()) is not None:
                self._react(event)
        except Exception as wrong:  # whatever psrpcore meets in foreign bytes must not become a bare HTTP 500
            raise WsmanFault(
                BAD_PARAMETER, f"The PowerShell remoting message could not be processed: {type(wrong).__name__}."
            ) from wrong
        self._ring()

    def command(self, command_id: str, first: bytes) -> None:
        """Begin the pipeline ``command_id`` with its first bytes; the rest may follow by ``feed``."""
        target = _uuid(command_id)
        if target in self._boxes:
            raise WsmanFault(BAD_PARAMETER, f"The command {command_id} is already running.")
        self._pipelines[target] = ServerPipeline(self._pool, target)
        self._boxes[target] = Box()
        try:
            self.feed(first)
        except WsmanFault:
            self._forget(target)
            raise

    async def receive(self, command_id: str, limit: int, patience: float) -> tuple[list[bytes], bool] | None:
        """Chunks for a target, at most ``limit`` bytes, and whether they are the last; None after ``patience`` s.

        Raises ``ConnectionCut`` when there will never be an answer.
        """
        target = _uuid(command_id) if command_id else None
        box = self._boxes.get(target)
        if box is None:
            return [], True
        clock = asyncio.get_running_loop()
        deadline = clock.time() + patience
        self._limit = limit
        self._sort(limit)
        while not box.chunks and not self._has_ended(target):
            if self._cut:
                raise ConnectionCut
            try:
                await asyncio.wait_for(box.filled.wait(), deadline - clock.time())
            except TimeoutError:
                return None
            if self._boxes.get(target) is not box:
                return [], True
            self._sort(limit)
        taken = _take(box, limit)
        self._fetched.set()
        done = not box.chunks and self._has_ended(target)
        if done and target is not None:
            self._forget(target)
        return taken, done

    def signal(self, command_id: str, code: str) -> None:
        """End a pipeline: ``Terminate`` forgets it, anything else (ctrl_c) stops it and says so."""
        target = _uuid(command_id)
        task = self._running.pop(target, None)
        if task is not None:
            task.cancel()
        pipeline = self._pipelines.get(target)
        if pipeline is not None and pipeline.state is PSInvocationState.Running:
            pipeline.begin_stop()
            pipeline.stop()
            self._ring()
        if code.endswith("/Terminate"):
            self._forget(target)

    async def close(self) -> None:
        """End everything that runs."""
        tasks = list(self._running.values())
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for box in self._boxes.values():
            box.filled.set()
        self._boxes.clear()
        self._fetched.set()

    def _react(self, event: Any) -> None:
        if isinstance(event, CreatePipelineEvent):
            self._start(event.pipeline_id)
        elif isinstance(event, GetCommandMetadataEvent):
            pipelines.fail(self._pipelines[event.pipeline_id], NO_LANGUAGE)
        elif isinstance(event, GetAvailableRunspacesEvent):
            free = max(0, self._pool.max_runspaces - len(self._running))
            self._pool.runspace_availability_response(event.ci, free)
        elif isinstance(event, SetMaxRunspacesEvent | SetMinRunspacesEvent | ResetRunspaceStateEvent):
            self._pool.runspace_availability_response(event.ci, True)

    def _start(self, target: UUID) -> None:
        task = asyncio.get_running_loop().create_task(
            pipelines.run(self._pipelines[target], self._execute, self.caller, lambda: self._room(target)),
            name=f"pipeline {target}",
        )
        self._running[target] = task
        task.add_done_callback(lambda done: self._finished(target, done))

    async def _room(self, target: UUID) -> None:
        """Let the chunks made so far go, and wait while many of them lie there unfetched."""
        if self._limit:
            self._sort(self._limit)
        self._ring()
        await asyncio.sleep(0)
        box = self._boxes.get(target)
        while box is not None and len(box.chunks) > UNFETCHED and self._boxes.get(target) is box:
            self._fetched.clear()
            await self._fetched.wait()

    def _finished(self, target: UUID, task: asyncio.Task[None]) -> None:
        if self._running.get(target) is task:
            del self._running[target]
        if not task.cancelled():
            # An executor raises nothing else; if it did, the loop's handler must not add to it.
            self._cut = isinstance(task.exception(), ConnectionCut) or self._cut
        self._ring()

    def _ring(self) -> None:
        """Wake whoever waits: what is new for whom is seen when the chunks are sorted."""
        for box in self._boxes.values():
            box.filled.set()

    def _sort(self, limit: int) -> None:
        """Move what psrpcore wants sent into the boxes, in chunks of at most ``limit`` bytes."""
        for box in self._boxes.values():
            if not box.chunks:
                box.filled.clear()
        while (payload := self._pool.data_to_send(limit)) is not None:
            box = self._boxes.get(payload.pipeline_id) or Box()
            box.chunks.append(payload.data)
            box.filled.set()

    def _has_ended(self, target: UUID | None) -> bool:
        """Whether nothing more will come for ``target``; the pool itself lasts as long as the shell."""
        return target is not None and self._pipelines[target].state in _ENDED

    def _forget(self, target: UUID) -> None:
        self._boxes.pop(target, None)
        pipeline = self._pipelines.pop(target, None)
        if pipeline is not None:
            self._pool.pipeline_table.pop(target, None)


def _take(box: Box, limit: int) -> list[bytes]:
    taken: list[bytes] = []
    room = limit
    while box.chunks and (not taken or len(box.chunks[0]) <= room):
        chunk = box.chunks.popleft()
        room -= len(chunk)
        taken.append(chunk)
    return taken


def _uuid(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise WsmanFault(BAD_PARAMETER, f"'{written[:50]}' is not the id of a command.") from None
