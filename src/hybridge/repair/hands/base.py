"""What a hand is: it reads one record afresh and makes one change, and never decides whether it should.

The executor compares, journals and reads back; a hand only knows the words of its service. Both of its verbs answer
with a value when the outside fails. A hand is given an answerer that really asks: one that remembers answers would
show the executor the past.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

from hybridge.org.records import Address, Record
from hybridge.plan import Change
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, Failure

Kinds = frozenset[tuple[str, Premises]]
"""Record kinds (class names) with the side they are written on."""
Sleep = Callable[[float], Awaitable[None]]
"""Waits for a number of seconds."""


class Clock(Protocol):
    """Tells the present instant as aware UTC; ``net.clock`` has those that do."""

    def now(self) -> datetime: ...


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The service took the change; ``says`` is one sentence for the journal, without any secret."""

    says: str


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What an account must be allowed, so that a hand can make a change and take it back.

    ``says`` is one sentence, ``least`` the least role or permission that is enough. What can be asked beforehand is
    ``cmdlets`` (name and parameter names, on-premises) and ``permissions`` of ``service``, of which one is enough; the
    rest shows when it is needed.
    """

    says: str
    least: str
    service: str = ""
    """The service whose token must carry ``permissions``: "Microsoft Graph", "Exchange Online", "" for none."""
    cmdlets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    permissions: tuple[str, ...] = ()


@runtime_checkable
class Entitled(Protocol):
    """A hand that says what rights it needs. Every hand of ours does."""

    def rights(self, change: Change) -> Rights:
        """What ``change`` needs."""


class Hand(Protocol):
    """Writes the records of ``kinds``."""

    @property
    def kinds(self) -> Kinds:
        """What it writes."""

    async def read(self, answerer: Answerer, address: Address) -> Record | None | Failure:
        """The record at ``address`` as it is now; None when there is none."""

    async def write(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Make ``change``; the present was compared with its ``before`` a moment ago."""


def hand_for(hands: Sequence[Hand], address: Address) -> Hand | None:
    """The first hand that writes the record at ``address``."""
    return next((hand for hand in hands if (address.kind, address.premises) in hand.kinds), None)
