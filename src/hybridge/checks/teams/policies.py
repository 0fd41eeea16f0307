"""Which Teams policy holds for a person: the one assigned by name, else the organization's default, "Global"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from hybridge.checks.location import of_person
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.org.records import CsOnlineUser, Record
from hybridge.terms.premises import Premises

ONLINE = Premises.ONLINE
GLOBAL = "Global"
P = TypeVar("P", bound=Record)


@dataclass(frozen=True)
class InForce(Generic[P]):
    """The policy called ``name`` in force for ``user``; ``policy`` is None when no policy of that name was read."""

    user: CsOnlineUser
    name: str
    policy: P | None
    origins: tuple[Origin, ...]


def policy_name(assigned: str) -> str:
    """The name of an assigned policy without the "Tag:" Teams prints before it; "Global" when none is assigned."""
    return assigned.strip().removeprefix("Tag:") or GLOBAL


def teams_user(evidence: Evidence, address: str) -> Seen[CsOnlineUser] | Unseen:
    """The Teams user behind mailbox ``address``; Unseen also when Teams does not know them."""
    reading = of_person(evidence, CsOnlineUser, address)
    if isinstance(reading, Seen) and reading.first is None:
        return Unseen(
            what=CsOnlineUser.__name__,
            reason="not-found",
            says=f"Teams knows no user {address}.",
            how=f'Get-CsOnlineUser -Identity "{address}"',
        )
    return reading


def policy_of(evidence: Evidence, kind: type[P], user: Seen[CsOnlineUser], assigned: str) -> InForce[P] | Unseen:
    """The policy of ``kind`` in force for ``user``, whose assigned policy is called ``assigned`` ("" for none)."""
    policies = evidence.all(kind, ONLINE)
    if isinstance(policies, Unseen):
        return policies
    assert user.first is not None
    name = policy_name(assigned)
    found = next((one for one in policies.records if policy_name(one.identity).lower() == name.lower()), None)
    return InForce(user.first, name, found, (user.origin, policies.origin))


def not_listed(kind: type[Record], name: str) -> Unseen:
    """Unseen for a policy that a person has, but that was not among those read."""
    return Unseen(
        what=kind.__name__,
        reason="not-found",
        says=f"The {kind.__name__} '{name}' was not among those that were read.",
        how=f'{kind.cmdlet} -Identity "{name}"',
    )
