"""The public names that were looked at from outside: what checks of DNS, the network and TLS read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hybridge.checks.autodiscover.answers import in_cloud
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import NotApplicable
from hybridge.org.organization import Organization
from hybridge.org.probes import PublishedHostProbe
from hybridge.org.records import PublishedHost
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
LAB_HOST = "mail."
"""Beginning of the name that faults of the lab break: the one Teams reaches EWS and REST by."""


def broken(**changes: object) -> Callable[[Organization], Organization]:
    """Breaks how the lab's mail host is published."""
    return lambda organization: organization.edit(
        PublishedHost, lambda one: one.identity.startswith(LAB_HOST), **changes
    )


def hosts(evidence: Evidence) -> Iterator[tuple[PublishedHostProbe, Origin] | Unseen | NotApplicable]:
    """Every public host of the organization's own with its origin, or why there is none to judge."""
    reading = evidence.all(PublishedHostProbe, ON)
    if isinstance(reading, Unseen):
        yield reading
        return
    if not reading.records:
        yield Unseen(
            what=PublishedHostProbe.__name__,
            reason="not-asked",
            says="No public name of the organization was looked at.",
            how=PublishedHostProbe.cmdlet,
        )
        return
    own = [probe for probe in reading.records if not in_cloud(f"https://{probe.leads_to}/")]
    yield from ((probe, reading.origin) for probe in own)
    if not own:
        yield NotApplicable("Every public name leads to Exchange Online.")


def connected(evidence: Evidence) -> Iterator[tuple[PublishedHostProbe, Origin] | Unseen | NotApplicable]:
    """As ``hosts``; a host no TLS connection came about with is Unseen."""
    for one in hosts(evidence):
        if isinstance(one, tuple) and one[0].stopped:
            yield unreached(one[0])
        else:
            yield one


def unreached(probe: PublishedHostProbe) -> Unseen:
    """That ``probe`` shows nothing of TLS."""
    return Unseen(
        what=PublishedHostProbe.__name__,
        reason="unreachable",
        says=probe.says or f"No TLS connection to {probe.identity} came about.",
        how="ask from outside your network",
    )
