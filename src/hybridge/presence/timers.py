"""Timers: who is to be woken when. Values only; whoever has a clock and a loop asks ``due``."""

from __future__ import annotations

import heapq
from datetime import datetime


class Timers:
    """One instant a key (a person's address).

    Setting and dropping leave a dead entry in the heap, which is swept out when it comes up, or when the dead outnumber
    the living.
    """

    __slots__ = ("_at", "_heap")

    def __init__(self) -> None:
        self._at: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def __len__(self) -> int:
        return len(self._at)

    def set(self, key: str, at: datetime) -> None:
        """Wake ``key`` at ``at``, and at no other time."""
        if self._at.get(key) == at:
            return
        self._at[key] = at
        heapq.heappush(self._heap, (at, key))
        if len(self._heap) > 2 * len(self._at) + 64:
            self._heap = [(due, name) for name, due in self._at.items()]
            heapq.heapify(self._heap)

    def drop(self, key: str) -> None:
        """Do not wake ``key``; nothing happens where it has no timer."""
        self._at.pop(key, None)

    def due(self, now: datetime) -> list[str]:
        """The keys whose time has come, the earliest first; their timers are gone."""
        found: list[str] = []
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                found.append(key)
        return found

    @property
    def next_at(self) -> datetime | None:
        """When the next is due; None when there is none."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
