r"""The servers behind one name should give the same external EWS address.

## How it is decided

The external URLs of the EWS virtual directories are compared, without regard to case. With two addresses in use, half
of the people depend on a name that the others never test, and firewall rules, certificates and OAuth audiences must
know both. Blank URLs are judged by `autodiscover/v2-route`. Where servers of different sites really need different
addresses, accept this finding in the configuration.

## How to cure it by hand

```powershell
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-List Identity, ExternalUrl
$url = "https://mail.contoso.com/EWS/Exchange.asmx"
Set-WebServicesVirtualDirectory -Identity "EX2\EWS (Default Web Site)" -ExternalUrl $url
```

## How hybridge cures it

It sets the external URL that differs to the one most servers have.

## How to undo

`hybridge repair undo` sets the former external URL again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import WebServicesVirtualDirectory
from hybridge.plan import Change, Manual
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _another_host(organization: Organization) -> Organization:
    """The last server's EWS gets another published name of the same servers."""
    last = organization.all(WebServicesVirtualDirectory, ON)[-1]
    if not last.external_url:
        return organization
    host = f"autodiscover.{last.external_url.partition('://')[2].partition('/')[0].partition('.')[2]}"
    return organization.put(msgspec.structs.replace(last, external_url=f"https://{host}/EWS/Exchange.asmx"))


def _set_common(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    directory = organization.at(finding.address) if finding.address else None
    url = finding.facts.get("common", "")
    if not isinstance(directory, WebServicesVirtualDirectory) or not url:
        return ()
    after = msgspec.structs.replace(directory, external_url=url)
    return put(finding, organization, after, f"Set the external URL of {directory.identity} to {url}.")


class ExternalUrls(Check):
    """Judges whether all servers give the same external EWS address."""

    title = "Do all servers give the same external EWS address?"
    why = "Half of the people depend on an address that nobody tests."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((WebServicesVirtualDirectory, ON),)
    covers = ("ADV2-06",)
    sources = (sources.RESOLVE, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="servers-differ",
            says="A server has another external EWS address than the other servers.",
            breaks=_another_host,
            heals=_set_common,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per server that differs from the most; the first counts where none is."""
        directories = evidence.all(WebServicesVirtualDirectory, ON)
        if isinstance(directories, Unseen):
            yield directories
            return
        named = [one for one in directories.records if one.external_url]
        counted = Counter(one.external_url.lower() for one in named)
        common = next(
            (one.external_url for one in named if counted[one.external_url.lower()] == max(counted.values())), ""
        )
        for one in named:
            if one.external_url.lower() != common.lower():
                yield self.finding(
                    "servers-differ",
                    subject,
                    f"{one.identity} has the external URL {one.external_url}; other servers have {common}.",
                    address=one.address,
                    facts={"common": common, "url": one.external_url},
                    origins=(directories.origin,),
                )
