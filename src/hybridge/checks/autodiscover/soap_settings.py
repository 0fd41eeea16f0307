r"""Autodiscover (SOAP) gives programs the EWS address; it must be an https address that can be used from outside.

## How it is decided

`GetUserSettings` is asked for the mailbox, with the account of the configuration, at the first address of the discovery
order that answers. For a mailbox here `ExternalEwsUrl` must be there, start with https and name a host with a public
name (not a single label, not an internal suffix such as `.local`). For a mailbox online a redirect address is right.

## How to cure it by hand

```powershell
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-List Identity, ExternalUrl
$url = "https://mail.contoso.com/EWS/Exchange.asmx"
Set-WebServicesVirtualDirectory -Identity "EX1\EWS (Default Web Site)" -ExternalUrl $url
```

## How hybridge cures it

It does not: this is what programs meet. A blank external URL is found and cured by `autodiscover/v2-route`.

## How to undo

Nothing was changed, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.answers import said
from hybridge.checks.autodiscover.classic_answer import BEHIND
from hybridge.checks.autodiscover.discovery import lost
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps, symptom_of
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.probes import AutodiscoverSoapProbe, DiscoveryStepProbe
from hybridge.terms.premises import Premises
from hybridge.terms.urls import host_of, parts_of

ON = Premises.ON_PREMISES
INTERNAL_SUFFIXES = (".local", ".lan", ".internal", ".intern", ".corp", ".home.arpa")
_ELSEWHERE = frozenset({"redirectaddress", "redirecturl"})


class SoapSettings(Check):
    """Judges what SOAP Autodiscover gives for one mailbox."""

    title = "Does Autodiscover (SOAP) give a usable EWS address for this mailbox?"
    why = "Programs that use EWS find the server by this service alone."
    scope = Scope.MAILBOX
    severity = Severity.WARNING
    needs = ((AutodiscoverSoapProbe, ON),)
    symptom = True
    covers = ("ADC-03",)
    explained_by = (
        *BEHIND,
        "autodiscover/classic-answer",
    )
    sources = (sources.SOAP_AUTODISCOVER, sources.AUTODISCOVER_CLIENTS)
    causes = (
        Cause(
            slug="ews-address-missing",
            says="Autodiscover (SOAP) gives no external EWS address.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
        Cause(
            slug="ews-address-not-public",
            says="The external EWS address that Autodiscover gives cannot be used from outside.",
            breaks=None,
            heals=steps(
                "Give EWS an external URL that can be used from outside, in place of <url>.",
                "Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-List Identity, ExternalUrl",
                'Set-WebServicesVirtualDirectory -Identity "<server>\\EWS (Default Web Site)" '
                '-ExternalUrl "https://<your public host>/EWS/Exchange.asmx"',
                verify="hybridge doctor <mailbox> no longer finds autodiscover/soap-settings.",
            ),
            healable=False,
        ),
        Cause(
            slug="refused",
            says="Autodiscover (SOAP) answers with an error for this mailbox.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
        Cause(
            slug="not-soap",
            says="What answers at the address of Autodiscover (SOAP) is not that service.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding at most."""
        reading = evidence.all(AutodiscoverSoapProbe, ON, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        for probe in reading.records:
            if not probe.url:
                asked = evidence.all(DiscoveryStepProbe, ON)
                yield from lost(asked, "host", "srv") if isinstance(asked, Seen) else (asked,)
                continue
            slug, says = judge(probe)
            if slug:
                facts = {"mailbox": probe.mailbox, "url": probe.external_ews_url, "code": probe.code}
                yield self.finding(slug, subject, says, facts=facts, origins=(reading.origin,))


def judge(probe: AutodiscoverSoapProbe) -> tuple[str, str]:
    """Cause and sentence; ("", "") for a good answer."""
    if not probe.code:
        return "not-soap", f"{probe.url} answered HTTP {probe.status}, but not as Autodiscover (SOAP): {probe.message}"
    if probe.code.lower() in _ELSEWHERE:
        return "", ""
    if probe.code != "NoError":
        return (
            "refused",
            f"Autodiscover (SOAP) answered {probe.code} for {probe.mailbox}: {said(probe.message)}.",
        )
    if not probe.external_ews_url:
        return "ews-address-missing", f"Autodiscover (SOAP) gives no ExternalEwsUrl for {probe.mailbox}."
    if not is_public(probe.external_ews_url):
        says = f"Autodiscover (SOAP) gives {probe.external_ews_url} for {probe.mailbox}, which nobody outside can use."
        return "ews-address-not-public", says
    return "", ""


def is_public(url: str) -> bool:
    """Whether ``url`` is https at a host whose name can be public."""
    host = host_of(url)
    return parts_of(url).scheme.lower() == "https" and "." in host and not host.endswith(INTERNAL_SUFFIXES)
