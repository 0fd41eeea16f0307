"""Changes as values, and plans made of them.

A ``Change`` says what a record is and what it shall be; creation has no ``before``, removal no ``after``. The inverse
is derived, never written by hand. A hand turns a change into cmdlets or requests; what-if is the printed plan.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from hybridge.org.organization import Organization
from hybridge.org.records import Address, Record
from hybridge.org.union import AnyRecord


class Risk(StrEnum):
    """How much a change can disturb others. Plans are ordered by need, then from low to high."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``before`` becomes ``after`` at ``address``; None means absent. ``why`` names the causes it cures."""

    address: Address
    before: AnyRecord | None
    after: AnyRecord | None
    says: str
    """One sentence in the imperative: "Add the pattern ... to the EWS allow list"."""
    risk: Risk = Risk.LOW
    why: tuple[str, ...] = ()

    @property
    def inverse(self) -> Change:
        """The change that takes this one back."""
        return msgspec.structs.replace(self, before=self.after, after=self.before, says=f"Take back: {self.says}")

    def applied_to(self, organization: Organization) -> Organization:
        """The organization as it is once the change is made."""
        return organization.drop(self.address) if self.after is None else organization.put(self.after)


class Manual(msgspec.Struct, frozen=True, kw_only=True):
    """A cure software must not make itself: exact steps for a person, and how to see that they worked."""

    cause: str = ""
    subject: str = ""
    says: str
    steps: tuple[str, ...]
    verify: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Changes in the order they are made, and what is left to a person.

    ``organization`` is the configured domain; ``evidence_at`` the instant the evidence was judged at.
    """

    id: str
    organization: str
    evidence_at: datetime
    changes: tuple[Change, ...] = ()
    manual: tuple[Manual, ...] = ()
    procedure: str = ""
    """Name of the procedure the plan carries out; "" for a plan of cures."""
    domain_controller: str = ""
    """The one that every on-premises cmdlet of the plan, and of its undo, is sent to; "" leaves it to Exchange."""

    @property
    def empty(self) -> bool:
        return not self.changes and not self.manual


def change(organization: Organization, after: Record, says: str, risk: Risk = Risk.LOW) -> Change:
    """The change that puts ``after`` in its place in ``organization``."""
    return Change(
        address=after.address, before=_any(organization.at(after.address)), after=_any(after), says=says, risk=risk
    )


def removal(organization: Organization, address: Address, says: str, risk: Risk = Risk.MEDIUM) -> Change:
    """The change that removes the record at ``address``."""
    return Change(address=address, before=_any(organization.at(address)), after=None, says=says, risk=risk)


def _any(record: Record | None) -> AnyRecord | None:
    return record  # type: ignore[return-value]
