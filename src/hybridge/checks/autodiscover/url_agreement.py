r"""Autodiscover V2, classic Autodiscover and the virtual directory must name the same EWS address.

## How it is decided

For a mailbox on-premises four addresses are compared, without regard to case: the one Autodiscover V2 ends at, the one
POX gives for outside (EXPR), the one SOAP gives, and the external URL of the EWS virtual directory of the mailbox's
server. A difference means that a change has not taken effect yet, or that something on the way rewrites addresses.

Blank URLs are judged by `autodiscover/v2-route`, servers that differ from each other by `autodiscover/external-urls`.

## How to cure it by hand

```powershell
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-List Identity, ExternalUrl
$url = "https://mail.contoso.com/EWS/Exchange.asmx"
Set-WebServicesVirtualDirectory -Identity "EX2\EWS (Default Web Site)" -ExternalUrl $url
```

## How hybridge cures it

It does not: the configuration is not at fault. It prints the steps.

## How to undo

Nothing was changed, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.answers import in_cloud
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.probes import AutodiscoverSoapProbe, AutodiscoverV2Probe, PoxProbe
from hybridge.org.records import Mailbox, WebServicesVirtualDirectory
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE


class UrlAgreement(Check):
    """Judges whether everybody names the same EWS address for one mailbox."""

    title = "Do Autodiscover and the virtual directories name the same EWS address?"
    why = "What one way of asking is tested with, another way of asking never uses."
    scope = Scope.MAILBOX
    severity = Severity.WARNING
    needs = (
        (WebServicesVirtualDirectory, ON),
        (AutodiscoverV2Probe, ONLINE),
        (PoxProbe, ON),
        (AutodiscoverSoapProbe, ON),
        *MAILBOX_NEEDS,
    )
    symptom = True
    covers = ("ADV2-06",)
    needs_publishing = True
    explained_by = (
        "autodiscover/v2-route",
        "autodiscover/external-urls",
        "outlook/outlook-anywhere",
        "outlook/providers",
    )
    sources = (sources.RESOLVE, sources.POX_AUTODISCOVER, sources.SOAP_AUTODISCOVER)
    causes = (
        Cause(
            slug="answers-differ",
            says="Autodiscover gives another EWS address than the virtual directory of the server has.",
            breaks=None,
            heals=steps(
                "Find out why <source> gives <url> where the virtual directory has <wanted>.",
                "A change of a virtual directory takes a quarter of an hour, or iisreset /noforce on the server.",
                "If it stays, a device in front of Exchange rewrites addresses: take that rule away.",
                verify="hybridge doctor <mailbox> no longer finds autodiscover/url-agreement.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding for each answer that differs."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        box = subject.mailbox
        directories = evidence.all(WebServicesVirtualDirectory, ON)
        answers = (
            evidence.all(AutodiscoverV2Probe, ONLINE, box),
            evidence.all(PoxProbe, ON, box),
            evidence.all(AutodiscoverSoapProbe, ON, box),
        )
        yield from (one for one in (directories, *answers) if isinstance(one, Unseen))
        if isinstance(directories, Unseen):
            return
        mine = next((one for one in directories.records if one.server.lower() == place.server_name.lower()), None)
        if mine is None or not mine.external_url:
            return
        for source, url, origin in _told(*answers):
            if url and not in_cloud(url) and url.lower() != mine.external_url.lower():
                yield self.finding(
                    "answers-differ",
                    subject,
                    f"{source} gives {url} for {box}, but {mine.identity} has {mine.external_url}.",
                    facts={"source": source, "url": url, "wanted": mine.external_url, "mailbox": box},
                    origins=(origin, directories.origin),
                )


def _told(
    v2: Seen[AutodiscoverV2Probe] | Unseen, pox: Seen[PoxProbe] | Unseen, soap: Seen[AutodiscoverSoapProbe] | Unseen
) -> Iterator[tuple[str, str, Origin]]:
    """Who gives which EWS address."""
    for one in v2.records if isinstance(v2, Seen) else ():
        if one.protocol.upper() == "EWS":
            yield "Autodiscover V2", one.url, v2.origin if isinstance(v2, Seen) else Origin(source="")
    for said in pox.records if isinstance(pox, Seen) else ():
        expr = said.protocol("EXPR")
        if expr is not None and isinstance(pox, Seen):
            yield "Autodiscover (POX)", expr.ews_url, pox.origin
    for answer in soap.records if isinstance(soap, Seen) else ():
        if isinstance(soap, Seen):
            yield "Autodiscover (SOAP)", answer.external_ews_url, soap.origin
