r"""Autodiscover may send a client on, but by https only, never in a circle, and never to strangers with a password.

## How it is decided

The answer for the mailbox is followed: an address redirect to the domain of the new address, a URL redirect to its URL.
At most ten hops, each over https, none to an address or URL that was there before. A redirect to a host that the
configuration does not name is not followed with an account; it is reported.

A circle is nearly always a target address that leads back: the remote mailbox of somebody online whose routing address
is the address itself, instead of one at the tenant's routing domain.

## How to cure it by hand

```powershell
Get-RemoteMailbox -Identity "linus@contoso.com" | Format-List PrimarySmtpAddress, RemoteRoutingAddress
$address = "linus@contoso.mail.onmicrosoft.com"
Set-RemoteMailbox -Identity "linus@contoso.com" -RemoteRoutingAddress $address
```

## How hybridge cures it

It does not: which address is right, a person must say. It prints the steps.

## How to undo

Set the former address with the same cmdlet.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.autodiscover.classic_answer import BEHIND
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps, symptom_of
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import PoxProbe
from hybridge.org.records import RemoteMailbox
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_SAYS = {
    "redirect-loop": "leads in a circle",
    "not-https": "leads to an address that is not https",
    "foreign-redirect": "leads to a host that the configuration does not name",
}


def _leads_back(organization: Organization) -> Organization:
    last = organization.all(RemoteMailbox, ON)[-1]
    return organization.put(msgspec.structs.replace(last, remote_routing_address=last.identity))


class ClassicRedirects(Check):
    """Judges where Autodiscover sends a client on to."""

    title = "Do the redirects of Autodiscover (POX) lead somewhere?"
    why = (
        "A client that is sent in a circle, or to plain http, gives up; one that goes on shows its password to others."
    )
    scope = Scope.MAILBOX
    needs = ((PoxProbe, ON),)
    symptom = True
    covers = ("ADC-04",)
    explained_by = BEHIND
    sources = (sources.POX_AUTODISCOVER, sources.AUTODISCOVER_CLIENTS)
    causes = (
        Cause(
            slug="redirect-loop",
            says="Autodiscover sends the client in a circle.",
            breaks=_leads_back,
            heals=steps(
                "Let the target address of <mailbox> lead to the tenant, not back.",
                'Get-RemoteMailbox -Identity "<mailbox>" | Format-List PrimarySmtpAddress, RemoteRoutingAddress',
                'Set-RemoteMailbox -Identity "<mailbox>" -RemoteRoutingAddress "<alias>@<tenant>.mail.onmicrosoft.com"',
                verify="hybridge doctor <mailbox> no longer finds autodiscover/classic-redirects.",
            ),
            healable=False,
        ),
        Cause(
            slug="not-https",
            says="Autodiscover sends the client to an address that is not https.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
        Cause(
            slug="foreign-redirect",
            says="Autodiscover sends the client to a host that the configuration does not name.",
            breaks=None,
            heals=steps(
                "Find out who sends <mailbox> to <to>, and whether that host is yours.",
                "If it is yours, add it to exchange.hosts in hybridge.toml and run hybridge doctor again.",
                "If it is not, look at what publishes Autodiscover: somebody else answers for your people.",
                verify="hybridge doctor <mailbox> no longer finds autodiscover/classic-redirects.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding at most."""
        reading = evidence.all(PoxProbe, ON, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        for probe in reading.records:
            if probe.outcome not in _SAYS:
                continue
            to = probe.redirect_address or (probe.hops[-1] if probe.hops else "")
            yield self.finding(
                probe.outcome,
                subject,
                f"The redirect for {probe.mailbox} to {to} {_SAYS[probe.outcome]}.",
                facts={"mailbox": probe.mailbox, "alias": probe.mailbox.partition("@")[0], "to": to},
                origins=(reading.origin,),
            )
