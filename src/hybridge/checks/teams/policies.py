"""Which Teams policy holds for a person: the one assigned by name, else the organization's default, "Global"."""

from __future__ import annotations

from collections.abc import Callable
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


def listed_policy(
    evidence: Evidence, address: str, kind: type[P], assigned: Callable[[CsOnlineUser], str]
) -> tuple[P, tuple[Origin, ...]] | Unseen:
    """The policy of ``kind`` in force for the person behind mailbox ``address``, and where that was seen.

    ``assigned`` reads the name of the policy the person was assigned.

    Unseen where the person or the policies were not read, or the policy is not among them.
    """
    user = teams_user(evidence, address)
    if isinstance(user, Unseen):
        return user
    assert user.first is not None
    found = policy_of(evidence, kind, user, assigned(user.first))
    if isinstance(found, Unseen):
        return found
    return not_listed(kind, found.name) if found.policy is None else (found.policy, found.origins)


def not_listed(kind: type[Record], name: str) -> Unseen:
    """Unseen for a policy that a person has, but that was not among those read."""
    return Unseen(
        what=kind.__name__,
        reason="not-found",
        says=f"The {kind.__name__} '{name}' was not among those that were read.",
        how=f'{kind.cmdlet} -Identity "{name}"',
    )
