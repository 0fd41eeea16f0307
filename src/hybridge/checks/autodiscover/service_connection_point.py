r"""Computers of the domain read the address of Autodiscover from Active Directory, where each server leaves one.

## How it is decided

`Get-ClientAccessService` shows what each server has left there (`AutoDiscoverServiceInternalUri`). It should be an
https address at a name that still leads to Exchange: a server that exists, `autodiscover.<domain>`, or a host that a
virtual directory names. An address at another name points to a server that is gone, or was never changed after a
migration: clients inside ask it first, wait, and warn of a certificate that does not fit. A blank one leaves them to
the ways of clients outside.

## How to cure it by hand

```powershell
Get-ClientAccessService | Format-List Name, AutoDiscoverServiceInternalUri
$uri = "https://autodiscover.contoso.com/Autodiscover/Autodiscover.xml"
Set-ClientAccessService -Identity EX2 -AutoDiscoverServiceInternalUri $uri
```

## How hybridge cures it

It sets the address of the other servers, or the one at `autodiscover.<domain>` where no server has a good one.

## How to undo

`hybridge repair undo` sets the former address again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ClientAccessService, ExchangeServer, WebServicesVirtualDirectory
from hybridge.plan import Change, Manual
from hybridge.terms.premises import Premises
from hybridge.terms.urls import host_of, parts_of

ON = Premises.ON_PREMISES


def _last_says(change: Callable[[str], str]) -> Callable[[Organization], Organization]:
    def breaks(organization: Organization) -> Organization:
        last = organization.all(ClientAccessService, ON)[-1]
        uri = change(last.auto_discover_service_internal_uri)
        return organization.put(msgspec.structs.replace(last, auto_discover_service_internal_uri=uri))

    return breaks


def _gone(uri: str) -> str:
    domain = host_of(uri).partition(".")[2]
    return f"https://ex0.{domain}/Autodiscover/Autodiscover.xml"


def _set(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    service = organization.at(finding.address) if finding.address else None
    if not isinstance(service, ClientAccessService):
        return ()
    after = msgspec.structs.replace(service, auto_discover_service_internal_uri=finding.facts["wanted"])
    says = f"Set AutoDiscoverServiceInternalUri of {service.identity} to {finding.facts['wanted']}."
    return put(finding, organization, after, says)


class ServiceConnectionPoint(Check):
    """Judges where the service connection points of the servers lead."""

    title = "Do the service connection points lead to a server that exists?"
    why = "Outlook on a computer of the domain asks there first, waits for a dead name, and warns of its certificate."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((ClientAccessService, ON), (ExchangeServer, ON), (WebServicesVirtualDirectory, ON))
    covers = ("ADC-05",)
    sources = (sources.AUTODISCOVER_CLIENTS, sources.CLIENT_ACCESS_SERVICE)
    causes = (
        Cause(
            slug="foreign-host",
            says="A service connection point names a host that is none of the servers' names.",
            breaks=_last_says(_gone),
            heals=_set,
        ),
        Cause(
            slug="not-https",
            says="A service connection point is not an https address.",
            breaks=_last_says(lambda uri: uri.replace("https://", "http://", 1)),
            heals=_set,
        ),
        Cause(
            slug="blank",
            says="A server has no service connection point for Autodiscover.",
            breaks=_last_says(lambda _: ""),
            heals=_set,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per server."""
        services = evidence.all(ClientAccessService, ON)
        servers = evidence.all(ExchangeServer, ON)
        directories = evidence.all(WebServicesVirtualDirectory, ON)
        yield from (one for one in (services, servers, directories) if isinstance(one, Unseen))
        if isinstance(services, Unseen) or isinstance(servers, Unseen) or isinstance(directories, Unseen):
            return
        known = _known(evidence.domain, servers, directories)
        good = [one.auto_discover_service_internal_uri for one in services.records if not _wrong(one, known)]
        wanted = next(iter(good), f"https://autodiscover.{evidence.domain}/Autodiscover/Autodiscover.xml")
        for one in services.records:
            slug = _wrong(one, known)
            if slug:
                yield self.finding(
                    slug,
                    subject,
                    _SAYS[slug].format(server=one.identity, uri=one.auto_discover_service_internal_uri),
                    address=one.address,
                    facts={"wanted": wanted},
                    origins=(services.origin,),
                )


_SAYS = {
    "blank": "{server} has no AutoDiscoverServiceInternalUri.",
    "not-https": "The service connection point of {server} is {uri}, which is not https.",
    "foreign-host": "The service connection point of {server} is {uri}, a name that none of the servers has.",
}


def _known(domain: str, servers: Seen[ExchangeServer], directories: Seen[WebServicesVirtualDirectory]) -> set[str]:
    """Hosts that lead to Exchange as far as the configuration shows, lower case."""
    urls = [url for one in directories.records for url in (one.external_url, one.internal_url)]
    hosts = {host_of(url) for url in urls}
    return hosts | {one.fqdn.lower() for one in servers.records} | {f"autodiscover.{domain}".lower()}


def _wrong(one: ClientAccessService, known: set[str]) -> str:
    """The cause ``one`` shows, "" for none."""
    if not one.auto_discover_service_internal_uri:
        return "blank"
    if parts_of(one.auto_discover_service_internal_uri).scheme.lower() != "https":
        return "not-https"
    return "" if host_of(one.auto_discover_service_internal_uri) in known else "foreign-host"
