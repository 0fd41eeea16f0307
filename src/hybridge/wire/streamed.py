"""An answer that goes on for as long as both sides like, as whoever reads it sees it: see ``wire.ask`` for the others.

The head is an ``HttpAnswer`` (with a failure when there was none); ``chunks`` are the bytes of the body as they come
over the wire, cut anywhere, and None unless the answer is a good one. A ``Failure`` is the last of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk


@dataclass(frozen=True)
class Streamed:
    """An opened answer. The connection is closed by leaving the block it was opened in."""

    answer: HttpAnswer
    chunks: AsyncIterator[bytes | Failure] | None = None


class Lines(Protocol):
    """Reaches the servers of one account. Never raises for anything the outside does."""

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """Answer an ask."""

    async def grouped(self, group: str, ask: HttpAsk) -> HttpAnswer:
        """Answer an ask of ``group``, whose asks share the cookies their server sets."""

    def stream(self, group: str, ask: HttpAsk) -> AbstractAsyncContextManager[Streamed]:
        """Open an answer that does not end."""

    def forgive(self, url: str) -> None:
        """Let the host of ``url`` be signed in at once more, where it had accepted the account before."""

    def forget(self, group: str) -> None:
        """Drop the cookies of ``group``."""
