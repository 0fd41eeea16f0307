r"""Autodiscover makes its answer for Outlook of three providers; without them it can only answer with an error.

## How it is decided

`Get-OutlookProvider` must show EXCH (clients inside), EXPR (clients outside) and WEB. Somebody who removed one, often
in order to be rid of a certificate name, has left Autodiscover without that part of the answer: without EXCH there is
an error in place of settings, without EXPR clients outside are told nothing.

## How to cure it by hand

```powershell
Get-OutlookProvider | Format-List Name, CertPrincipalName, Server, TTL
New-OutlookProvider -Name EXPR
iisreset /noforce
```

## How hybridge cures it

It does not create providers: it prints the command.

## How to undo

`Remove-OutlookProvider` takes it away again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import Address, OutlookProvider
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
WANTED = {"EXCH": "provider-missing", "EXPR": "external-provider-missing"}


def _removed(name: str) -> Callable[[Organization], Organization]:
    return lambda organization: organization.drop(Address("OutlookProvider", ON, name.lower()))


class Providers(Check):
    """Judges whether the providers of Autodiscover's answer are there."""

    title = "Are the Outlook providers of Autodiscover there?"
    why = "Without them Autodiscover answers with an error, or with half of what Outlook needs."
    scope = Scope.ORGANIZATION
    needs = ((OutlookProvider, ON),)
    sources = (sources.OUTLOOK_PROVIDER, sources.AUTODISCOVER_ERRORS, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="provider-missing",
            says="The Outlook provider EXCH is missing: Autodiscover answers with an error.",
            breaks=_removed("EXCH"),
            heals=steps(
                "Make the Outlook provider <name> again.",
                "New-OutlookProvider -Name <name>",
                "iisreset /noforce, on every server, or wait a quarter of an hour.",
                verify="Get-OutlookProvider shows <name>; Autodiscover answers with settings.",
            ),
            healable=False,
            covers=("MRCA-36",),
        ),
        Cause(
            slug="external-provider-missing",
            says="The Outlook provider EXPR is missing: Autodiscover tells clients outside nothing.",
            breaks=_removed("EXPR"),
            heals=steps(
                "Make the Outlook provider <name> again.",
                "New-OutlookProvider -Name <name>",
                "iisreset /noforce, on every server, or wait a quarter of an hour.",
                verify="Get-OutlookProvider shows <name>; Autodiscover's answer has EXPR.",
            ),
            healable=False,
            covers=("MRCA-35",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per missing provider."""
        reading = evidence.all(OutlookProvider, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        there = {one.identity.upper() for one in reading.records}
        for name, slug in WANTED.items():
            if name not in there:
                says = f"Get-OutlookProvider shows no {name}: {', '.join(sorted(there)) or 'none'}."
                yield self.finding(slug, subject, says, facts={"name": name}, origins=(reading.origin,))
