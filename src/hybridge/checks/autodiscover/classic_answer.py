r"""Classic Autodiscover (POX) must know the mailbox: it gives settings, or sends the client to where the mailbox is.

## How it is decided

Every address of the discovery order that answers a stranger with a challenge is asked, in that order and with the
account of the configuration, until one gives an answer of Autodiscover. A mailbox here gives settings; a mailbox
online gives another mail address, for which Exchange Online must answer. Otherwise it tells:

| seen | means |
| --- | --- |
| error 500, or the name matches nobody | the address is not known to Exchange |
| error 600, 601, 603 or another | a provider of Autodiscover failed |
| a page, or another document | something in front of Exchange answers |
| no address to ask | nothing of the discovery order answers; see `autodiscover/published` |

## How to cure it by hand

```powershell
Get-Recipient -Identity "ada@contoso.com" | Format-List RecipientTypeDetails, EmailAddresses
Get-OutlookProvider | Format-List Name, CertPrincipalName, Server
Test-OutlookWebServices -Identity "ada@contoso.com" -MailboxCredential (Get-Credential)
```

## How hybridge cures it

It does not: this is what a person meets; the causes found beside it have the cure.

## How to undo

Nothing was changed, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.answers import said
from hybridge.checks.autodiscover.discovery import lost
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps, symptom_of
from hybridge.checks.edge import EDGE
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.probes import DiscoveryStepProbe, PoxProbe
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ADDRESS_UNKNOWN = 500
BEHIND = (
    *EDGE,
    "autodiscover/published",
    "autodiscover/redirect-only",
    "autodiscover/v2-route",
    "autodiscover/pre-authentication",
    "outlook/providers",
    "platform/exchange-version",
    "teams/recipient-state",
    "sharing/remote-routing-address",
)
"""Checks whose findings may be behind an answer of Autodiscover."""


class ClassicAnswer(Check):
    """Judges what POX Autodiscover says of one mailbox."""

    title = "Does Autodiscover (POX) answer for this mailbox?"
    why = "Without an answer Outlook cannot set up the mailbox, and asks for a password again and again."
    scope = Scope.MAILBOX
    needs = ((PoxProbe, ON),)
    symptom = True
    covers = ("ADC-02",)
    explained_by = BEHIND
    sources = (sources.POX_AUTODISCOVER, sources.AUTODISCOVER_ERRORS, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="address-unknown",
            says="Autodiscover knows nobody with this address.",
            breaks=None,
            heals=steps(
                "Let Exchange know <mailbox>, or correct the address.",
                'Get-Recipient -Identity "<mailbox>" | Format-List RecipientTypeDetails, EmailAddresses',
                "Nothing found: the address is misspelt, or the mailbox has another primary address.",
                "A mailbox online: Enable-RemoteMailbox makes what must stand for it on-premises.",
                verify="hybridge doctor <mailbox> no longer finds autodiscover/classic-answer.",
            ),
            healable=False,
            covers=("MRCA-38",),
        ),
        Cause(
            slug="provider-error",
            says="A provider of Autodiscover returned an error.",
            breaks=None,
            heals=steps(
                "Find out why Autodiscover answers error <code> for <mailbox>.",
                "Get-OutlookProvider | Format-List Name, CertPrincipalName, Server",
                "On the server, look into the event log (source MSExchange Autodiscover) at the time of the question.",
                verify="hybridge doctor <mailbox> no longer finds autodiscover/classic-answer.",
            ),
            healable=False,
            covers=("MRCA-36",),
        ),
        Cause(
            slug="not-autodiscover",
            says="Something answers at Autodiscover's address which is not Autodiscover.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
        Cause(
            slug="nothing-to-ask",
            says="No address of the discovery order answers.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding at most; redirects that lead nowhere are judged by ``autodiscover/classic-redirects``."""
        reading = evidence.all(PoxProbe, ON, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        for probe in reading.records:
            if probe.outcome == "nothing-to-ask" and (gaps := _gaps(evidence)):
                yield from gaps
                continue
            slug, says = _judge(probe)
            if slug:
                facts = {"mailbox": subject.mailbox, "code": str(probe.error_code), "answer": probe.message}
                yield self.finding(slug, subject, says, facts=facts, origins=(reading.origin,))


def _gaps(evidence: Evidence) -> tuple[Unseen, ...]:
    """Addresses that gave no answer at all, so that it is not known whether there is an Autodiscover."""
    asked = evidence.all(DiscoveryStepProbe, ON)
    return () if isinstance(asked, Unseen) else tuple(lost(asked, "host", "srv"))


def _judge(probe: PoxProbe) -> tuple[str, str]:
    """Cause and sentence; ("", "") for a good answer, and for a redirect."""
    where = probe.hops[-1] if probe.hops else "nobody"
    match probe.outcome:
        case "error" if probe.error_code == ADDRESS_UNKNOWN:
            return (
                "address-unknown",
                f"Autodiscover does not know {probe.mailbox}: error 500, {said(probe.message)}.",
            )
        case "error":
            says = f"Autodiscover answered error {probe.error_code} for {probe.mailbox}: {said(probe.message)}."
            return "provider-error", says
        case "not-autodiscover":
            says = f"{where} answered for {probe.mailbox}, but not as Autodiscover (HTTP {probe.status})."
            return "not-autodiscover", says
        case "nothing-to-ask":
            return "nothing-to-ask", f"No address of the discovery order answers, so {probe.mailbox} was not asked for."
        case _:
            return "", ""
