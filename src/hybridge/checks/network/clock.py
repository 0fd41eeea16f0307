r"""Tokens carry the time: servers whose clock is wrong refuse good ones, and make ones that others refuse.

## How it is decided

The `Date` of every answer of Autodiscover, EWS and REST is compared with the clock of the machine hybridge runs on,
at the moment the answer came. More than 300 seconds apart is too much: that is the tolerance of tokens and of
Kerberos. The clock that is wrong may also be the one of this machine; hybridge cannot tell which of two is right.

Servers that are behind refuse fresh tokens as not yet valid. Servers that are ahead refuse them as soon as they are
ahead by the life of a token, an hour or so; until then only what they sign themselves is refused by others.

## How to cure it by hand

On the servers and on domain controllers:

```powershell
w32tm /query /status
w32tm /stripchart /computer:time.windows.com /samples:3 /dataonly
w32tm /resync /rediscover
```

The domain controller with the role of PDC emulator must take its time from outside; virtual machines must not take it
from a host whose clock is wrong.

## How hybridge cures it

It does not: clocks are set on the servers. It prints the steps.

## How to undo

There is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.tls.hosts import ON, broken
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.probes import PublishedPathProbe
from hybridge.terms.symptoms import Symptom

TOLERANCE = 300
"""Seconds two clocks may be apart."""
_TOKEN_LIFE = 3600


class Clock(Check):
    """Judges the clocks of the servers by the dates of their answers."""

    title = "Do the clocks of the servers agree with ours?"
    why = "A server whose clock is off by more than five minutes refuses the tokens of Teams, though all else is right."
    scope = Scope.ORGANIZATION
    needs = ((PublishedPathProbe, ON),)
    symptom = True
    needs_publishing = True
    sources = (sources.CONNECTIVITY_ANALYZER,)
    covers = ("TLS-05",)
    causes = (
        Cause(
            slug="skewed",
            says="The clock of a server is off by more than five minutes.",
            breaks=broken(clock_skew_seconds=-900),
            heals=steps(
                "Set the clock behind <host> right: it is <apart>.",
                "Look at the clock of this machine first: the difference is measured against it.",
                "On every server behind <host>: w32tm /query /status, then w32tm /resync /rediscover.",
                "On the domain controller with the role of PDC emulator, see that it takes its time from outside.",
                verify="hybridge doctor no longer finds network/clock.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
            covers=("MRCA-29",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host, by the answer that is farthest off."""
        reading = evidence.all(PublishedPathProbe, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        farthest: dict[str, int] = {}
        for probe in reading.records:
            ahead = probe.clock_ahead_seconds
            if ahead is not None and abs(ahead) >= abs(farthest.get(probe.host, 0)):
                farthest[probe.host] = ahead
        for host in dict.fromkeys(probe.host for probe in reading.records if probe.host not in farthest):
            yield Unseen(
                what=PublishedPathProbe.__name__,
                reason="unreachable",
                says=f"No answer of {host} told the time.",
                how=PublishedPathProbe.cmdlet,
            )
        for host, ahead in farthest.items():
            if abs(ahead) > TOLERANCE:
                apart = f"{abs(ahead)} seconds {'ahead of' if ahead > 0 else 'behind'} ours"
                yield self.finding(
                    "skewed",
                    subject,
                    f"The clock of {host} is {apart}.",
                    facts={"host": host, "apart": apart, "seconds": str(ahead)},
                    symptoms=() if 0 < ahead <= _TOKEN_LIFE else tuple(Symptom),
                    origins=(reading.origin,),
                )
