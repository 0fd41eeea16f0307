"""The subscriptions of a source: who is notified about, under which id, until when. Values only; see ``graph``.

A notification is believed when its subscription is one of ours and its clientState is the one we gave. It is never more
than a reason to read.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from hybridge.wire.graph.change_notifications import MISSED, REAUTHORIZE, REMOVED, Notification
from hybridge.wire.graph.subscriptions import Subscription

STATE = "client-state"
_PREFIX = "subscription/"


class Held(msgspec.Struct, frozen=True):
    """A subscription of ours: its id and when it ends."""

    id: str
    expires_at: datetime


class Meant(msgspec.Struct, frozen=True):
    """What a notification asks for: to ``read`` the mailbox, to read it ``anew``, to ``renew`` or ``make`` its
    subscription."""

    address: str
    anew: bool = False
    renew: bool = False
    make: bool = False


class Watch:
    """Subscriptions by address. ``counts`` tells how many notifications were of what kind."""

    def __init__(self, kept: Mapping[str, bytes], randomness: random.Random) -> None:
        made = "".join(randomness.choice("abcdefghijkmnopqrstuvwxyz23456789") for _ in range(40))
        self.client_state = kept.get(STATE, b"").decode("ascii", "ignore") or made
        self._held: dict[str, Held] = dict(_read_kept(kept))
        self._addresses = {held.id: address for address, held in self._held.items()}
        self.counts: Counter[str] = Counter()

    def keep(self) -> dict[str, bytes]:
        """What a restart wants to find again."""
        kept = {_PREFIX + address: msgspec.json.encode(held) for address, held in self._held.items()}
        return kept | {STATE: self.client_state.encode()} if kept else {}

    def held(self, address: str) -> Held | None:
        """The subscription about ``address``."""
        return self._held.get(address)

    def __len__(self) -> int:
        return len(self._held)

    def note(self, address: str, made: Subscription) -> None:
        """Graph made or renewed the subscription about ``address``."""
        self.drop(address)
        self._held[address] = Held(made.id, made.expires_at)
        self._addresses[made.id] = address

    def drop(self, address: str) -> Held | None:
        """The subscription about ``address`` is no more; it comes back as it was."""
        held = self._held.pop(address, None)
        if held is not None:
            self._addresses.pop(held.id, None)
        return held

    def strangers(self, watched: Mapping[str, object]) -> tuple[str, ...]:
        """Addresses with a subscription nobody watches any more."""
        return tuple(address for address in self._held if address not in watched)

    def renew_at(self, held: Held, lifetime: timedelta, spread: float) -> datetime:
        """When to renew: after two thirds of its life, at a moment of its own (``spread`` between 0 and 1)."""
        return held.expires_at - lifetime / 3 + lifetime / 10 * spread

    def believed(self, notes: tuple[Notification, ...]) -> Iterator[Meant]:
        """What the notifications that are truly ours ask for, each mailbox at most once for the same."""
        told: set[Meant] = set()
        for note in notes:
            meant = self._meant(note)
            if meant is not None and meant not in told:
                told.add(meant)
                yield meant

    def _meant(self, note: Notification) -> Meant | None:
        address = self._addresses.get(note.subscription_id)
        if address is None or not note.is_of(self.client_state):
            self.counts["strange"] += 1
            return None
        self.counts[note.lifecycle or "change"] += 1
        match note.lifecycle:
            case "":
                return Meant(address)
            case x if x == MISSED:
                return Meant(address, anew=True)
            case x if x == REAUTHORIZE:
                return Meant(address, renew=True)
            case x if x == REMOVED:
                self.drop(address)
                return Meant(address, make=True)
        return None


def _read_kept(kept: Mapping[str, bytes]) -> Iterator[tuple[str, Held]]:
    for name, body in kept.items():
        if name.startswith(_PREFIX) and STATE in kept:
            try:
                yield name.removeprefix(_PREFIX), msgspec.json.decode(body, type=Held)
            except (msgspec.DecodeError, ValueError):
                continue
