"""Reading the discovery order: what was asked by which method, and what counts as an answer."""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.org.organization import Organization
from hybridge.org.probes import DiscoveryStepProbe
from hybridge.org.records import PublishedHost
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def steps_by(steps: Seen[DiscoveryStepProbe], method: str) -> tuple[DiscoveryStepProbe, ...]:
    """What was asked by ``method``."""
    return tuple(one for one in steps.records if one.method == method)


def lost(steps: Seen[DiscoveryStepProbe], *methods: str) -> Iterator[Unseen]:
    """A gap for each address of ``methods`` that gave no answer at all: another check judges why."""
    for one in steps.records:
        if one.method in methods and one.reason:
            yield Unseen(
                what=f"Autodiscover at {one.url}",
                reason=one.reason,
                says=one.says or f"{one.url} gave no answer.",
                how=f"make {one.url} answer, or ask from a place that reaches it",
            )


def autodiscover_host(evidence: Evidence) -> str:
    """The name Outlook and Teams make of the mail domain."""
    return f"autodiscover.{evidence.domain}"


def published(organization: Organization, host: str, **changes: object) -> Organization:
    """``organization`` with ``host`` published differently."""
    before = organization.one(PublishedHost, ON, host) or PublishedHost(premises=ON, identity=host)
    fields = {name: getattr(before, name) for name in before.__struct_fields__} | changes
    return organization.put(PublishedHost(**fields))


def seen_host(organization: Organization, start: str) -> str:
    """The first published host whose name starts with ``start``."""
    hosts = (one.identity for one in organization.all(PublishedHost, ON))
    return next((host for host in hosts if host.startswith(start)), f"{start}contoso.com")
