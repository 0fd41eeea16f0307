r"""A name that has an address must also answer there, to the end.

## How it is decided

Each public name is connected to on port 443. Found is a host that refuses, is silent until `net.timeout`, or cuts the
connection before TLS is up. Where TLS is fine, the paths of Autodiscover, EWS and REST are asked without credentials:
an answer that ends before it is complete, or never comes, is a connection somebody cuts off (a device that inspects
traffic, a load balancer without a healthy server behind it).

A firewall that admits Microsoft's addresses only looks like a host that never answers. Then ask from a machine whose
address is admitted.

## How to cure it by hand

```powershell
Test-NetConnection -ComputerName "mail.contoso.com" -Port 443
Get-ServerHealth -Identity EX1 -HealthSet EWS.Proxy
```

See that the device that publishes the host is up, has a healthy server behind it, and lets TCP port 443 in.

## How hybridge cures it

It does not: network and devices are yours. It prints the steps.

## How to undo

Take the change of the firewall or device back.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.tls.hosts import ON, broken, hosts
from hybridge.evidence import Evidence, Seen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.probes import PublishedHostProbe, PublishedPathProbe
from hybridge.terms.symptoms import Symptom

_EVERY = tuple(Symptom)
_HOW = {"refused": "refuses connections", "timeout": "does not answer", "reset": "cuts connections before TLS is up"}
_CUT = frozenset({"malformed", "unreachable"})
"""Reasons of failure of a request over a connection that is good itself."""
_NEW_ENOUGH = frozenset({"1.2", "1.3"})


class Connection(Check):
    """Judges whether each public name can be connected to, and answers to the end."""

    title = "Does every public name answer, and to the end?"
    why = "Nobody gets through to Exchange when connections are refused, time out, or end in the middle of an answer."
    scope = Scope.ORGANIZATION
    needs = ((PublishedHostProbe, ON), (PublishedPathProbe, ON))
    symptom = True
    needs_publishing = True
    sources = (sources.CONNECTIVITY_ANALYZER, sources.HYBRID_PREREQUISITES)
    causes = (
        Cause(
            slug="unreachable",
            says="A public name cannot be connected to.",
            breaks=broken(network="refused"),
            heals=steps(
                "Let <host> answer on port 443: it <how>.",
                "See that the device that publishes <host> is up and has a healthy server behind it.",
                "Let TCP port 443 in through every firewall, from Microsoft's addresses at the least.",
                verify="From outside, Test-NetConnection <host> -Port 443 shows TcpTestSucceeded True.",
            ),
            symptoms=_EVERY,
            healable=False,
        ),
        Cause(
            slug="cut-off",
            says="The connection ends before an answer is complete.",
            breaks=broken(network="reset"),
            heals=steps(
                "Find who cuts the answers of <host> off: asked for <paths>, it gave none that was complete.",
                "Ask the servers by their own names: where that works, the device in front cuts the connection.",
                "Look into its log for the time of this run, and for limits of size or time on answers.",
                "Where the servers fail too, look at the health of their application pools.",
                verify="hybridge doctor no longer finds network/connection.",
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-22",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host."""
        paths = evidence.all(PublishedPathProbe, ON)
        for one in hosts(evidence):
            if not isinstance(one, tuple):
                yield one
                continue
            probe, origin = one
            if probe.stopped in _HOW:
                how = _HOW[probe.stopped]
                yield self.finding(
                    "unreachable",
                    subject,
                    f"{probe.identity} {how} on port 443.",
                    facts={"host": probe.identity, "how": how, "stopped": probe.stopped},
                    origins=(origin,),
                )
            elif isinstance(paths, Seen) and _sound(probe):
                yield from self._cut(probe, paths, subject)
        if not isinstance(paths, Seen):
            yield paths

    def _cut(self, host: PublishedHostProbe, paths: Seen[PublishedPathProbe], subject: Subject) -> Iterator[Finding]:
        torn = [one for one in paths.records if one.host == host.identity and one.failure in _CUT]
        if torn:
            names = ", ".join(one.path for one in torn)
            yield self.finding(
                "cut-off",
                subject,
                f"Asked for {names}, {host.identity} gave no complete answer: {torn[0].says}",
                facts={"host": host.identity, "paths": names},
                origins=(paths.origin,),
                symptoms=_EVERY if any("autodiscover.xml" not in one.path.lower() for one in torn) else (),
            )


def _sound(probe: PublishedHostProbe) -> bool:
    """Whether everything up to TLS is in order, so that a failed request is the fault of something else."""
    return (
        not probe.stopped
        and probe.verification == "good"
        and bool(_NEW_ENOUGH & set(probe.accepted))
        and not probe.client_certificate
    )
