"""A firewall that admits only Microsoft's addresses must admit all of them, and Microsoft changes them.

## How it is decided

The firewall's list of source addresses (`network.allow_list` in hybridge.toml, or `--firewall FILE`: one CIDR a line)
is compared with the address ranges Microsoft publishes, TCP 443:

* set 12, Teams: delegation, calendar and presence come from there;
* set 1, Exchange Online: free/busy, moves of mailboxes and mail tips come from there.

A range counts as admitted when the list covers every address of it. IPv6 is looked at where the list has any. Without a
list there is nothing to compare. The ranges are a dated snapshot: `hybridge rules show` tells its age, `hybridge rules
refresh` asks Microsoft for newer ones.

## How to cure it by hand

Add the ranges named to the rule of the firewall that admits TCP 443 to Exchange's public names. Let a job read
Microsoft's list every week: ranges are announced thirty days ahead.

```powershell
$id = [guid]::NewGuid()
Invoke-RestMethod "https://endpoints.office.com/endpoints/Worldwide?ClientRequestId=$id"
```

## How hybridge cures it

It does not change firewalls: it names the ranges to add.

## How to undo

Take the ranges out of the rule again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.network.ranges import networks_of, uncovered
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import ORGANIZATION, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import FirewallAllowList
from hybridge.rules import built_in
from hybridge.rules.endpoints import EXCHANGE_ONLINE, TEAMS, Instance, Network
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
NO_LIST = "No list of what the firewall admits was given (network.allow_list, or --firewall FILE)."
WANTED = (
    ("teams-missing", "Skype", TEAMS, "Teams"),
    ("exchange-online-missing", "Exchange", EXCHANGE_ONLINE, "Exchange Online"),
)
"""Cause, service area, number of its set, and who comes from there."""


def without(area: str, number: int) -> Callable[[Organization], Organization]:
    """A fault: the firewall's list has lost the ranges of one set (of whatever cloud has them)."""

    def breaks(organization: Organization) -> Organization:
        instances = built_in().endpoints.instances.values()
        gone = {network for one in instances for network in one.ranges(area=area, number=number)}
        lists = organization.all(FirewallAllowList, ON)
        return organization.put(*(_left(one, gone) for one in lists))

    return breaks


def _left(record: FirewallAllowList, gone: set[Network]) -> FirewallAllowList:
    kept = tuple(text for text in record.ranges if not set(networks_of((text,))) & gone)
    return msgspec.structs.replace(record, ranges=kept)


def instance_of(evidence: Evidence) -> Instance | Unseen:
    """The ranges of the cloud the tenant is in."""
    found = evidence.rules.endpoints.of_cloud(evidence.cloud.name)
    return found or Unseen(
        what="address ranges",
        reason="not-configured",
        says=f"The rules of {evidence.rules.endpoints.as_of} hold no ranges of the cloud {evidence.cloud.name}.",
        how="hybridge rules refresh",
    )


_ADD = steps(
    "Admit the ranges of <who> to Exchange, TCP 443: <ranges>.",
    "Add them to the rule of the firewall for the public names of Exchange: <ranges>",
    "Add them to the list hybridge reads as well: <list>",
    verify="hybridge doctor no longer finds network/inbound-ranges.",
)


class InboundRanges(Check):
    """Compares the firewall's list with the ranges that must come in."""

    title = "Does the firewall admit every address Teams and Exchange Online come from?"
    why = "What comes from an address that is not admitted meets silence: features fail, some of the time or always."
    scope = Scope.ORGANIZATION
    needs = ((FirewallAllowList, ON),)
    needs_online = True
    needs_publishing = True
    sources = (sources.ENDPOINTS, sources.OTHER_ENDPOINTS, sources.RESOLVE)
    covers = ("NET-01",)
    causes = (
        Cause(
            slug="teams-missing",
            says="The firewall does not admit all addresses of Teams.",
            breaks=without("Skype", TEAMS),
            heals=_ADD,
            symptoms=tuple(Symptom),
            healable=False,
        ),
        Cause(
            slug="exchange-online-missing",
            says="The firewall does not admit all addresses of Exchange Online.",
            breaks=without("Exchange", EXCHANGE_ONLINE),
            heals=_ADD,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding per service."""
        reading = evidence.all(FirewallAllowList, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if not reading.records:
            yield NotApplicable(NO_LIST)
            return
        instance = instance_of(evidence)
        if isinstance(instance, Unseen):
            yield instance
            return
        allowed = networks_of(text for one in reading.records for text in one.ranges)
        for slug, area, number, who in WANTED:
            yield from self._judge(evidence, reading, instance.ranges(area=area, number=number), allowed, (slug, who))

    def _judge(
        self,
        evidence: Evidence,
        reading: Seen[FirewallAllowList],
        wanted: Sequence[Network],
        allowed: Sequence[Network],
        what: tuple[str, str],
    ) -> Iterator[Saying]:
        slug, who = what
        as_of = evidence.rules.endpoints.as_of
        if not wanted:
            yield Unseen(
                what="address ranges",
                reason="not-configured",
                says=f"The rules of {as_of} hold no address ranges of {who} in the cloud {evidence.cloud.name}.",
                how="hybridge rules refresh",
            )
            return
        missing = uncovered(wanted, allowed)
        if not missing:
            return
        ranges = ", ".join(map(str, missing))
        record = reading.records[0]
        yield self.finding(
            slug,
            ORGANIZATION,
            f"The firewall's list {record.identity} lacks {ranges}, from which {who} comes (ranges of {as_of}).",
            address=record.address,
            facts={"who": who, "ranges": ranges, "list": record.identity},
            origins=(reading.origin,),
        )
