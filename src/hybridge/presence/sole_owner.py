"""One gateway alone: it holds the lease of its own state file, and nobody else may run on that file.

A lock on a file beside it keeps two gateways of one machine apart (it ends with the process, however that ends); the
revision, higher with every start, fences off whoever lost the file without noticing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from hybridge.net.clock import Clock
from hybridge.presence.ownership import Lease
from hybridge.presence.store import StateStore

if sys.platform != "win32":
    import fcntl


class SoleOwner:
    """Implements ``ownership.Ownership`` over one state file."""

    def __init__(self, store: StateStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock: int | None = None

    @property
    def lock_path(self) -> Path:
        """The file whose lock is held."""
        return self._store.path.with_name(self._store.path.name + ".lock")

    async def acquire(self, share: str) -> Lease | None:
        """The lease, or None while another gateway runs on this state file."""
        if self._lock is None and not self._take_lock():
            return None
        return Lease(share, await asyncio.to_thread(self._store.take, self._clock.now()))

    async def renew(self, lease: Lease) -> bool:
        """Whether nobody took over meanwhile."""
        return self._lock is not None and await asyncio.to_thread(self._store.holds, lease.revision)

    async def release(self, lease: Lease) -> None:
        """Let the next one start."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> bool:
        self.lock_path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        if sys.platform != "win32":
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                return False
        self._lock = lock
        return True
