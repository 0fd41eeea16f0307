"""A list of addresses ages: ranges are missing that only tests need, and ranges are open that nobody uses any more.

## How it is decided

The firewall's list (`network.allow_list`, or `--firewall FILE`) is compared with Microsoft's ranges:

* set 46, from which Microsoft's Remote Connectivity Analyzer comes: without it, its tests fail where Teams works;
* ranges that were Microsoft's and are in none of its sets any more: they may belong to somebody else one day.

When the snapshot of the ranges is older than half a year it is said that nothing sure can be said of it; `hybridge
rules refresh` asks Microsoft whether there is a newer one.

## How to cure it by hand

Add the ranges of set 46, at least while you test, and take out those that are no longer Microsoft's.

## How hybridge cures it

It does not change firewalls: it names the ranges.

## How to undo

Put the rule of the firewall back as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.network.inbound_ranges import NO_LIST, instance_of, without
from hybridge.checks.network.ranges import covered, networks_of, uncovered
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import FirewallAllowList
from hybridge.rules.endpoints import OFFICE, Instance
from hybridge.rules.model import OLD_DAYS
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_STALE = "13.107.64.0/18"


def _with_a_stale_range(organization: Organization) -> Organization:
    return organization.put(
        *(msgspec.structs.replace(one, ranges=(*one.ranges, _STALE)) for one in organization.all(FirewallAllowList, ON))
    )


class AllowListUpkeep(Check):
    """Looks for what is missing of the analyzer's ranges, and for what is no longer Microsoft's."""

    title = "Is the firewall's list of Microsoft's addresses kept up?"
    why = (
        "An old list makes tests from outside fail, and leaves doors open to addresses that are no longer Microsoft's."
    )
    scope = Scope.ORGANIZATION
    severity = Severity.ADVICE
    needs = ((FirewallAllowList, ON),)
    needs_online = True
    needs_publishing = True
    sources = (sources.ENDPOINTS, sources.CONNECTIVITY_ANALYZER)
    covers = ("NET-02", "NET-03")
    causes = (
        Cause(
            slug="analyzer-missing",
            says="The firewall does not admit Microsoft's Remote Connectivity Analyzer.",
            breaks=without("Common", OFFICE),
            heals=steps(
                "Admit the ranges of the Remote Connectivity Analyzer while you test: <ranges>.",
                "Add them to the rule of the firewall for the public names of Exchange: <ranges>",
                verify="The analyzer reaches Exchange, and hybridge doctor no longer finds network/allow-list-upkeep.",
            ),
            healable=False,
            covers=("NET-01",),
        ),
        Cause(
            slug="stale-ranges",
            says="The firewall admits ranges that are not Microsoft's any more.",
            breaks=_with_a_stale_range,
            heals=steps(
                "Take <ranges> out of the firewall's list: Microsoft has dropped them.",
                "Make sure that nothing else needs them, and take them out of the rule: <ranges>",
                verify="hybridge doctor no longer finds network/allow-list-upkeep.",
            ),
            healable=False,
            covers=("NET-03",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding per cause."""
        reading = evidence.all(FirewallAllowList, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if not reading.records:
            yield NotApplicable(NO_LIST)
            return
        endpoints = evidence.rules.endpoints
        if (days := (evidence.now.date() - endpoints.as_of).days) > OLD_DAYS:
            yield Unseen(
                what="address ranges",
                reason="not-configured",
                says=f"The address ranges are of {endpoints.as_of}, {days} days old: newer ones are likely.",
                how="hybridge rules refresh",
            )
        instance = instance_of(evidence)
        if isinstance(instance, Unseen):
            yield instance
            return
        yield from self._judge(reading, instance, subject)

    def _judge(self, reading: Seen[FirewallAllowList], instance: Instance, subject: Subject) -> Iterator[Finding]:
        record = reading.records[0]
        allowed = networks_of(text for one in reading.records for text in one.ranges)
        present = networks_of(text for one in instance.sets for text in one.ips)
        office = [one for one in instance.sets if one.id == OFFICE]
        missing = uncovered((network for one in office for network in one.networks), allowed)
        stale = [one for one in networks_of(instance.dropped) if covered(one, allowed) and not covered(one, present)]
        for slug, ranges, says in (
            ("analyzer-missing", missing, "lacks {}, from which Microsoft's Remote Connectivity Analyzer comes."),
            ("stale-ranges", stale, "admits {}, which is not Microsoft's any more."),
        ):
            if ranges:
                shown = ", ".join(map(str, ranges))
                yield self.finding(
                    slug,
                    subject,
                    f"The firewall's list {record.identity} {says.format(shown)}",
                    address=record.address,
                    facts={"ranges": shown, "list": record.identity},
                    origins=(reading.origin,),
                )
