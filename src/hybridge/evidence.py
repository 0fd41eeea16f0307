"""Seen or Unseen: what is known of an organization, where from, and what could not be read.

A *reading* is the answer to "all records of this kind, on this side, of this scope". It is either ``Seen`` (possibly
with no records: then there are none, and that is a fact) or ``Unseen`` with a reason. Checks pattern-match on the two
and yield the Unseen; the engine turns it into Inconclusive. A reading nobody made is Unseen too, so that nothing ever
passes by being absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from hybridge.org.organization import Organization
from hybridge.org.records import Address, Record
from hybridge.terms.premises import Premises

R = TypeVar("R", bound=Record)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a fact was seen: "Get-AuthConfig", "GET https://...", a file; with a short excerpt free of secrets."""

    source: str
    seen_at: datetime | None = None
    excerpt: str = ""


@dataclass(frozen=True)
class Seen(Generic[R]):
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


@dataclass(frozen=True)
class Key:
    """Names one reading. ``scope`` is "" for the whole organization, else a mailbox or server in lower case."""

    kind: str
    premises: Premises
    scope: str = ""


@dataclass(frozen=True)
class Evidence:
    """All readings of one examination, and the instant they are judged at.

    ``now`` is the aware UTC instant every date is compared with; ``domain`` and ``tenant_id`` come from the
    configuration and may be empty.
    """

    now: datetime
    readings: Mapping[Key, Seen[Record] | Unseen] = field(default_factory=dict)
    domain: str = ""
    tenant_id: str = ""

    def all(self, kind: type[R], premises: Premises, scope: str = "") -> Seen[R] | Unseen:
        """The reading of ``kind``; a scope that was not read by itself is cut from the whole organization's reading."""
        own = self.readings.get(Key(kind.__name__, premises, scope.lower()))
        if own is None and scope:
            whole = self.readings.get(Key(kind.__name__, premises))
            if isinstance(whole, Seen):
                own = Seen(tuple(r for r in whole.records if r.scope == scope.lower()), whole.origin)
            else:
                own = whole
        if own is None:
            return Unseen(
                what=kind.__name__,
                reason="not-asked",
                says=f"{kind.__name__} ({premises}) was not read.",
                how=kind.cmdlet,
            )
        return own  # type: ignore[return-value]

    def one(self, kind: type[R], premises: Premises, identity: str, scope: str = "") -> Seen[R] | Unseen:
        """Like ``all``, reduced to the record with ``identity`` (case ignored): one record or none."""
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
        kinds: dict[tuple[str, Premises], list[Record]] = {}
        for record in organization:
            kinds.setdefault((type(record).__name__, record.premises), []).append(record)
        readings: dict[Key, Seen[Record] | Unseen] = {}
        for key, reading in self.readings.items():
            if isinstance(reading, Unseen):
                readings[key] = reading
                continue
            found = kinds.get((key.kind, key.premises), [])
            wanted = tuple(record for record in found if not key.scope or record.scope == key.scope)
            readings[key] = Seen(wanted, reading.origin)
        return Evidence(now=self.now, readings=readings, domain=self.domain, tenant_id=self.tenant_id)

    def origin_of(self, address: Address) -> Origin | None:
        """Where the record at ``address`` was seen."""
        for key, reading in self.readings.items():
            if isinstance(reading, Seen) and key.kind == address.kind and key.premises is address.premises:
                for record in reading.records:
                    if record.address == address:
                        return reading.origin
        return None


def complete(
    organization: Organization, kinds: Iterable[tuple[type[Record], Premises]], now: datetime, **coordinates: str
) -> Evidence:
    """Evidence in which every one of ``kinds`` was read completely from ``organization``."""
    origin = Origin(source="records")
    readings: dict[Key, Seen[Record] | Unseen] = {
        Key(kind.__name__, premises): Seen(organization.all(kind, premises), origin) for kind, premises in kinds
    }
    return Evidence(now=now, readings=readings, **coordinates)
