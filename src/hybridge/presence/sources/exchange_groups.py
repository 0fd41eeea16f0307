"""Which mailboxes share a stream: pure bookkeeping.

Mailboxes share one when they live on one server and Autodiscover groups them together, two hundred at most. Whoever is
in a group stays there: each change of a group means that its stream is opened anew. Subscriptions are known by the id
the server gave; those of an earlier run are taken over where the mailbox comes into the same group again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from hybridge.presence.sources.exchange_routes import Route


class Kept(msgspec.Struct, frozen=True):
    """A subscription of an earlier run: the group it was in, and its id."""

    group: str
    subscription_id: str


@dataclass
class Group:
    """The mailboxes of one stream. ``ids`` are their subscriptions, ``refused`` when those without may be tried."""

    key: str
    route: Route
    addresses: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    refused: dict[str, float] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    """Subscriptions nobody needs any more."""
    failures: int = 0
    streaming: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def anchor(self) -> str:
        """The mailbox by which the group is routed: the first that is not known to be refused."""
        good = self.addresses - self.refused.keys()
        return min(good or self.addresses, default="")

    def missing(self, tick: float) -> list[str]:
        """Mailboxes to be subscribed now, the anchor first."""
        anchor = self.anchor
        wanted = (one for one in self.addresses - self.ids.keys() if self.refused.get(one, tick) <= tick)
        return sorted(wanted, key=lambda address: (address != anchor, address))

    def drop(self, subscription_ids: Iterable[str]) -> list[str]:
        """Forget these subscriptions; whose they were."""
        gone = set(subscription_ids)
        lost = [address for address, one in self.ids.items() if one in gone]
        for address in lost:
            del self.ids[address]
        return lost

    def leave(self, address: str) -> None:
        """``address`` is not of this group any more."""
        self.addresses.discard(address)
        if address in self.ids:
            self.left.append(self.ids.pop(address))
        self.refused.pop(address, None)
        self.changed.set()


class Groups:
    """All groups of a source."""

    def __init__(self, most: int, kept: Mapping[str, Kept]) -> None:
        self._most = most
        self._kept = dict(kept)
        self._groups: dict[str, Group] = {}
        self._group_of: dict[str, Group] = {}

    @property
    def all(self) -> tuple[Group, ...]:
        """Every group with somebody in it."""
        return tuple(group for group in self._groups.values() if group.addresses)

    def arrange(self, addresses: set[str], route_of: Callable[[str], Route]) -> None:
        """Put exactly these into groups, moving as few as possible."""
        for address, group in list(self._group_of.items()):
            if address not in addresses or group.route != route_of(address):
                group.leave(address)
                del self._group_of[address]
        for address in sorted(addresses - self._group_of.keys()):
            self._join(address, route_of(address))
        if addresses:
            self._kept.clear()  # what is left was of people nobody watches any more

    def kept(self) -> dict[str, Kept]:
        """The subscriptions there are, for the next run."""
        return self._kept | {
            address: Kept(group.key, one) for group in self._groups.values() for address, one in group.ids.items()
        }

    def _join(self, address: str, route: Route) -> None:
        before = self._kept.pop(address, None)
        group = self._with_room(route, before.group if before else "")
        group.addresses.add(address)
        if before is not None and before.group == group.key:
            group.ids[address] = before.subscription_id
        self._group_of[address] = group
        group.changed.set()

    def _with_room(self, route: Route, wanted: str) -> Group:
        base = f"{route.place}|{route.grouping}|"
        if wanted.startswith(base) and wanted.removeprefix(base).isdigit():
            group = self._groups.setdefault(wanted, Group(wanted, route))
            if len(group.addresses) < self._most:
                return group
        number = 0
        while True:
            key = f"{base}{number}"
            group = self._groups.setdefault(key, Group(key, route))
            if len(group.addresses) < self._most:
                return group
            number += 1
