"""What a person is licensed for: shared by the checks of licences."""

from __future__ import annotations

from collections.abc import Callable

from hybridge.checks.location import of_person
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.org.organization import Organization
from hybridge.org.records import UserLicense
from hybridge.terms.premises import Premises

ONLINE = Premises.ONLINE
TEAMS = "TEAMS1"
EXCHANGE = "EXCHANGE_S_"
"""How the names of the services begin."""


def licence_of(evidence: Evidence, address: str) -> Seen[UserLicense] | Unseen:
    """The licences of the person with mailbox ``address``; Unseen also when Entra does not know them."""
    reading = of_person(evidence, UserLicense, address)
    if isinstance(reading, Seen) and reading.first is None:
        return Unseen(
            what=UserLicense.__name__,
            reason="not-found",
            says=f"The licences of {address} were not among those that were read, or Entra knows no such user.",
            how=f'Get-MgUserLicenseDetail -UserId "{address}"',
        )
    return reading


def without(prefix: str) -> Callable[[Organization], Organization]:
    """A break that takes the services whose names begin with ``prefix`` out of the first person's licences."""

    def breaks(organization: Organization) -> Organization:
        first = organization.all(UserLicense, ONLINE)[0]
        left = tuple(plan for plan in first.service_plans if not plan.name.startswith(prefix))
        return organization.edit(UserLicense, lambda one: one.identity == first.identity, service_plans=left)

    return breaks
