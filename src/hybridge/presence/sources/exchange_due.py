"""When each mailbox is due: a heap whose entries are dropped when they are overtaken, not when they are replaced."""

from __future__ import annotations

import heapq


class Due:
    """Names by the tick at which they are due. One name has one tick."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def __contains__(self, name: str) -> bool:
        return name in self._at

    def __len__(self) -> int:
        return len(self._at)

    def set(self, name: str, at: float) -> None:
        """``name`` is due at ``at``, whatever it was before."""
        self._at[name] = at
        heapq.heappush(self._heap, (at, name))
        if len(self._heap) > 64 + 4 * len(self._at):
            self._heap = [(when, one) for one, when in self._at.items()]
            heapq.heapify(self._heap)

    def sooner(self, name: str, at: float) -> None:
        """``name`` is due at ``at`` unless it is sooner already."""
        if at < self._at.get(name, float("inf")):
            self.set(name, at)

    def drop(self, name: str) -> None:
        """``name`` is not due any more."""
        self._at.pop(name, None)

    def take(self, until: float, most: int | None = None) -> list[str]:
        """Take out at most ``most`` names due until ``until``, first come first."""
        taken: list[str] = []
        while self._heap and self._heap[0][0] <= until and (most is None or len(taken) < most):
            at, name = heapq.heappop(self._heap)
            if self._at.get(name) == at:
                del self._at[name]
                taken.append(name)
        return taken

    def next_at(self) -> float | None:
        """When the next is due, None when none is."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
