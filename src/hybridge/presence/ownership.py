"""Who may publish for whom: leases.

Several gateways may one day share the people among them; whoever holds the lease of a share publishes for it, and
everything written carries the lease's revision, so that a gateway that lost its lease without noticing is fenced off.
One gateway alone holds every lease of its own state file: ``SoleOwner``.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class Lease(msgspec.Struct, frozen=True):
    """``share`` is held under ``revision``; a later holder has a higher one."""

    share: str
    revision: int


class Ownership(Protocol):
    """Where leases come from."""

    async def acquire(self, share: str) -> Lease | None:
        """The lease of ``share``, or None while another holds it."""

    async def renew(self, lease: Lease) -> bool:
        """Whether it is still ours."""

    async def release(self, lease: Lease) -> None:
        """Give it back."""
