"""All rules together, and how old they are."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from hybridge.rules.builds import Builds
from hybridge.rules.endpoints import Endpoints
from hybridge.terms.callers import EwsCaller, Feature

OLD_DAYS = 180
"""Rules older than this may miss updates, ranges and callers."""


class Callers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every service of Teams known to call Exchange, with the feature that dies with it."""

    as_of: date
    source: str
    callers: tuple[EwsCaller, ...]

    def agent_of(self, feature: Feature) -> str:
        """The user agent of the service behind ``feature``, the newest known."""
        return [caller.user_agent for caller in self.callers if caller.feature is feature][-1]


class Retirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How EWS ends in Exchange Online. All days are those from which a thing is so."""

    as_of: date
    source: str
    lists_prefilled: date
    """Microsoft fills EwsAllowedAppIDs of tenants that had none."""
    switched_off_unless_allowed: date
    """EwsEnabled null becomes False; True needs EwsAllowedAppIDs."""
    gone: date
    """EWS of Exchange Online is off for good."""
    policy_reasons: tuple[str, ...] = ()
    """Values of the X-EWS-Policy-Reason header of a refusal."""


class Application(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application of Microsoft that calls Exchange. ``features`` are what dies when it is refused."""

    id: str
    name: str
    features: tuple[Feature, ...] = ()


class Applications(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ids of applications as callers of Exchange Online."""

    as_of: date
    source: str
    applications: tuple[Application, ...]


class RulesAge(msgspec.Struct, frozen=True, kw_only=True):
    """One rules file: its day, its age in days at the time of the report, and where it is from."""

    name: str
    as_of: date
    days: int
    source: str = ""
    own: bool = False
    """Whether it is the user's and not the one that came with hybridge."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Every dated rule. ``own`` names the files that are the user's."""

    builds: Builds
    callers: Callers
    retirement: Retirement
    endpoints: Endpoints
    applications: Applications
    own: tuple[str, ...] = ()

    def ages(self, now: datetime) -> tuple[RulesAge, ...]:
        """How old each file is at ``now``, oldest first."""
        found = (
            RulesAge(
                name=name,
                as_of=one.as_of,
                days=max((now.date() - one.as_of).days, 0),
                source=one.source,
                own=name in self.own,
            )
            for name in NAMES
            if (one := getattr(self, name))
        )
        return tuple(sorted(found, key=lambda age: (-age.days, age.name)))


NAMES = ("builds", "callers", "retirement", "endpoints", "applications")
"""Fields of ``Rules``, and names of the files without their suffix."""

KINDS: dict[str, type[msgspec.Struct]] = {
    "builds": Builds,
    "callers": Callers,
    "retirement": Retirement,
    "endpoints": Endpoints,
    "applications": Applications,
}
