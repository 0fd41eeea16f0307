"""Seen or Unseen: what is known of an organization, where from, and what could not be read.

A *reading* is the answer to "all records of this kind, on this side, of this scope". It is either ``Seen`` (possibly
with no records: then there are none, and that is a fact) or ``Unseen`` with a reason. Checks pattern-match on the two
and yield the Unseen; the engine turns it into Inconclusive. A reading nobody made is Unseen too, so that nothing ever
passes by being absent.

A tenant may have tens of thousands of mailboxes, and every one of them is asked about: nothing here looks through all
records for one of them. ``Readings`` find what belongs to a scope or an identity; ``Projected`` readings take it from
an organization when they are asked for, and hold nothing of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

from hybridge.org.organization import Organization
from hybridge.org.records import Address, Record
from hybridge.rules import Rules, built_in
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.terms.hybrid_kinds import HybridKind
from hybridge.terms.premises import Premises

R = TypeVar("R", bound=Record)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a fact was seen: "Get-AuthConfig", "GET https://...", a file; with a short excerpt free of secrets."""

    source: str
    seen_at: datetime | None = None
    excerpt: str = ""
    took_ms: float = 0.0
    """How long the answer took; of several asked together, the longest."""


class Seen(msgspec.Struct, Generic[R], frozen=True, gc=False):
    """Records that were read; none means there are none."""

    records: tuple[R, ...]
    origin: Origin

    @property
    def first(self) -> R | None:
        return self.records[0] if self.records else None


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be read: ``reason`` is a word of ``FailureReason``, ``how`` says how to get it."""

    what: str
    reason: str
    says: str
    how: str = ""


class Key(msgspec.Struct, frozen=True, gc=False):
    """Names one reading. ``scope`` is "" for the whole organization, else a mailbox or server in lower case."""

    kind: str
    premises: Premises
    scope: str = ""


Reading = Seen[Record] | Unseen


class Readings(Mapping[Key, Reading]):
    """Readings as they were made, with what is looked up in them; both are kept and must not change any more."""

    def __init__(self, made: Mapping[Key, Reading]) -> None:
        self._made = made
        self._scopes: dict[Key, dict[str, list[Record]]] = {}
        self._identities: dict[Key, dict[str, list[Record]]] = {}

    def __getitem__(self, key: Key) -> Reading:
        return self._made[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def cut(self, key: Key, scope: str) -> Reading | None:
        """The reading of ``key`` reduced to the records of ``scope`` (lower case); None when there is none."""
        return self._part(key, scope, self._scopes, lambda record: record.scope)

    def one(self, key: Key, identity: str) -> Reading | None:
        """The reading of ``key`` reduced to the record with ``identity`` (lower case); None when there is none."""
        return self._part(key, identity, self._identities, lambda record: record.identity.lower())

    def _part(
        self, key: Key, name: str, parts: dict[Key, dict[str, list[Record]]], name_of: Callable[[Record], str]
    ) -> Reading | None:
        reading = self._made.get(key)
        if not isinstance(reading, Seen):
            return reading
        if key not in parts:
            named: dict[str, list[Record]] = {}
            for record in reading.records:
                named.setdefault(name_of(record), []).append(record)
            parts[key] = named
        return Seen(tuple(parts[key].get(name, ())), reading.origin)


class Projected(Readings):
    """The readings ``made`` as they would be if the organization were ``organization``; what is unseen stays unseen.

    A reading may hold records that call another scope their own, such as a mailbox asked for by its second address:
    they are followed by their addresses.
    """

    def __init__(self, made: Mapping[Key, Reading], organization: Organization) -> None:
        super().__init__(made._made if isinstance(made, Readings) else made)
        self._organization = organization

    def __getitem__(self, key: Key) -> Reading:
        made = self._made[key]
        if isinstance(made, Unseen):
            return made
        strangers = [record.address for record in made.records if record.scope != key.scope] if key.scope else ()
        found = (self._at(address) for address in strangers)
        known = self._named(key.kind, key.premises, key.scope)
        return Seen((*known, *(one for one in found if one is not None)) if strangers else known, made.origin)

    def cut(self, key: Key, scope: str) -> Reading | None:
        """As ``Readings.cut``."""
        made = self._made.get(key)
        return Seen(self._named(key.kind, key.premises, scope), made.origin) if isinstance(made, Seen) else made

    def one(self, key: Key, identity: str) -> Reading | None:
        """As ``Readings.one``."""
        made = self._made.get(key)
        if not isinstance(made, Seen):
            return made
        found = self._at(Address(key.kind, key.premises, identity))
        return Seen(() if found is None else (found,), made.origin)

    def _named(self, kind: str, premises: Premises, scope: str) -> tuple[Record, ...]:
        return self._organization.named(kind, premises, scope or None)

    def _at(self, address: Address) -> Record | None:
        return self._organization.at(address)


@dataclass(frozen=True)
class Evidence:
    """All readings of one examination, and the instant they are judged at.

    ``now`` is the aware UTC instant every date is compared with; ``domain``, ``tenant_id`` (both may be empty) and
    ``cloud`` come from the configuration. The readings do not change once the evidence is there.
    """

    now: datetime
    readings: Mapping[Key, Reading] = field(default_factory=dict)
    domain: str = ""
    tenant_id: str = ""
    cloud: Cloud = WORLDWIDE
    kind: HybridKind = HybridKind.UNKNOWN
    """How the organization is built, as far as the configuration or what was read tells."""
    rules: Rules = field(default_factory=built_in)
    """Dated rules (builds, callers, ranges ...) that the checks judge by."""

    def all(self, kind: type[R], premises: Premises, scope: str = "") -> Seen[R] | Unseen:
        """The reading of ``kind``; a scope that was not read by itself is cut from the whole organization's reading."""
        own = self._readings.get(Key(kind.__name__, premises, scope.lower()))
        if own is None and scope:
            own = self._readings.cut(Key(kind.__name__, premises), scope.lower())
        return _not_asked(kind, premises) if own is None else own  # type: ignore[return-value]

    def one(self, kind: type[R], premises: Premises, identity: str, scope: str = "") -> Seen[R] | Unseen:
        """Like ``all``, reduced to the record with ``identity`` (case ignored): one record or none."""
        if not scope:
            own = self._readings.one(Key(kind.__name__, premises), identity.lower())
            return _not_asked(kind, premises) if own is None else own  # type: ignore[return-value]
        reading = self.all(kind, premises, scope)
        if isinstance(reading, Unseen):
            return reading
        return Seen(tuple(r for r in reading.records if r.identity.lower() == identity.lower()), reading.origin)

    def organization(self) -> Organization:
        """Everything that was seen, as one organization."""
        return Organization(
            record for reading in self.readings.values() if isinstance(reading, Seen) for record in reading.records
        )

    def projected(self, organization: Organization) -> Evidence:
        """The same readings as they would be if the organization were ``organization``; what is unseen stays unseen."""
        return replace(self, readings=Projected(self.readings, organization))

    def origin_of(self, address: Address) -> Origin | None:
        """Where the record at ``address`` was seen."""
        return self._origins.get(address)

    @cached_property
    def _readings(self) -> Readings:
        return self.readings if isinstance(self.readings, Readings) else Readings(self.readings)

    @cached_property
    def _origins(self) -> dict[Address, Origin]:
        """Address -> origin of the first reading that holds it."""
        origins: dict[Address, Origin] = {}
        for reading in self.readings.values():
            if isinstance(reading, Seen):
                for record in reading.records:
                    origins.setdefault(record.address, reading.origin)
        return origins


def _not_asked(kind: type[Record], premises: Premises) -> Unseen:
    return Unseen(
        what=kind.__name__, reason="not-asked", says=f"{kind.__name__} ({premises}) was not read.", how=kind.cmdlet
    )


def complete(
    organization: Organization,
    kinds: Iterable[tuple[type[Record], Premises]],
    now: datetime,
    *,
    domain: str = "",
    tenant_id: str = "",
) -> Evidence:
    """Evidence in which every one of ``kinds`` was read completely from ``organization``."""
    origin = Origin(source="records")
    readings: dict[Key, Reading] = {
        Key(kind.__name__, premises): Seen(organization.all(kind, premises), origin) for kind, premises in kinds
    }
    return Evidence(now=now, readings=readings, domain=domain, tenant_id=tenant_id)
