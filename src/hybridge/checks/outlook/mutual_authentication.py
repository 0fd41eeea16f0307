r"""Outlook Anywhere checks the server's certificate against a principal name that Autodiscover gives.

## How it is decided

The provider EXPR names it (`CertPrincipalName`, such as `msstd:mail.contoso.com`); where it is blank, Outlook makes it
of the external host name. The certificate that the external host name really shows must be for that name: as its common
name, or at least as one of its alternative names. A name the certificate does not hold ends every connection of Outlook
outside; one that is an alternative name only is refused by old clients, and reported by Microsoft's analyzer.

A certificate that is not accepted at all is judged by `tls/certificate`.

## How to cure it by hand

```powershell
Get-OutlookProvider -Identity EXPR | Format-List CertPrincipalName
Set-OutlookProvider -Identity EXPR -CertPrincipalName "msstd:mail.contoso.com"
```

## How hybridge cures it

Where the certificate holds the external host name, it sets the principal name to that.

## How to undo

`hybridge repair undo` sets the former principal name again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import PublishedHostProbe
from hybridge.org.records import OutlookAnywhere, OutlookProvider, PublishedHost
from hybridge.plan import Change, Manual
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_PREFIX = "msstd:"


def _old_name(organization: Organization) -> Organization:
    domain = next(one.external_hostname for one in organization.all(OutlookAnywhere, ON)).partition(".")[2]
    return organization.edit(
        OutlookProvider, lambda one: one.identity == "EXPR", cert_principal_name=f"{_PREFIX}owa.{domain}"
    )


def _other_subject(organization: Organization) -> Organization:
    host = next(one.external_hostname for one in organization.all(OutlookAnywhere, ON))
    return organization.edit(PublishedHost, lambda one: one.identity == host, certificate="other-subject")


def _set_name(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    provider = organization.at(finding.address) if finding.address else None
    wanted = finding.facts.get("wanted", "")
    if isinstance(provider, OutlookProvider) and wanted:
        after = msgspec.structs.replace(provider, cert_principal_name=wanted)
        return put(finding, organization, after, f"Set CertPrincipalName of {provider.identity} to {wanted}.")
    return by_hand(
        finding,
        "Give the external host name of Outlook Anywhere a certificate that holds it, then set the principal name.",
        "Get-OutlookProvider -Identity EXPR | Format-List CertPrincipalName",
        'Set-OutlookProvider -Identity EXPR -CertPrincipalName "msstd:<name in the certificate>"',
        verify="hybridge doctor no longer finds outlook/mutual-authentication.",
    )


class MutualAuthentication(Check):
    """Judges whether the certificate fits the principal name that Outlook expects."""

    title = "Is the certificate for the principal name that Outlook expects?"
    why = "Outlook outside the network refuses to connect, or asks for a password that never satisfies it."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((OutlookProvider, ON), (OutlookAnywhere, ON), (PublishedHostProbe, ON))
    symptom = True
    explained_by = ("outlook/providers", "outlook/outlook-anywhere", "tls/certificate")
    sources = (sources.OUTLOOK_PROVIDER, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="name-not-in-certificate",
            says="The certificate does not hold the principal name that Autodiscover tells Outlook to expect.",
            breaks=_old_name,
            heals=_set_name,
            covers=("MRCA-26",),
        ),
        Cause(
            slug="alternative-name-only",
            says="The certificate holds the principal name as an alternative name only.",
            breaks=_other_subject,
            heals=steps(
                "Let the certificate of <host> have <name> as its common name.",
                "Order the next certificate with the common name <name>.",
                'Or expect its present one: Set-OutlookProvider -Identity EXPR -CertPrincipalName "msstd:<subject>".',
                verify="hybridge doctor no longer finds outlook/mutual-authentication.",
            ),
            healable=False,
            covers=("MRCA-27",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per external host name."""
        providers = evidence.all(OutlookProvider, ON)
        anywhere = evidence.all(OutlookAnywhere, ON)
        looks = evidence.all(PublishedHostProbe, ON)
        yield from (one for one in (providers, anywhere, looks) if isinstance(one, Unseen))
        if isinstance(providers, Unseen) or isinstance(anywhere, Unseen) or isinstance(looks, Unseen):
            return
        hosts = tuple(dict.fromkeys(one.external_hostname.lower() for one in anywhere.records if one.external_hostname))
        if not hosts:
            yield NotApplicable("Outlook Anywhere has no external host name.")
            return
        expr = next((one for one in providers.records if one.identity.upper() == "EXPR"), None)
        for host in hosts:
            look = next((one for one in looks.records if one.identity.lower() == host), None)
            if look is None or not look.names:
                yield _unseen(host, look)
            elif look.verification == "good":
                origins = (providers.origin, looks.origin)
                yield from self._judge(host, expr, look, subject, origins)

    def _judge(
        self,
        host: str,
        provider: OutlookProvider | None,
        look: PublishedHostProbe,
        subject: Subject,
        origins: tuple[Origin, ...],
    ) -> Iterator[Finding]:
        said = provider.cert_principal_name if provider is not None else ""
        if said.lower() == "none":
            return
        name = said.lower().removeprefix(_PREFIX) or host
        if name == look.subject.lower() or _covers(look.subject.lower(), name):
            return
        held = any(one.lower() == name or _covers(one.lower(), name) for one in look.names)
        slug = "alternative-name-only" if held else "name-not-in-certificate"
        if held and not look.subject:
            return
        holds_host = any(one.lower() == host or _covers(one.lower(), host) for one in look.names)
        yield self.finding(
            slug,
            subject,
            f"Outlook expects {_PREFIX}{name} at {host}; the certificate there is for {look.subject or 'no name'}"
            f" ({', '.join(look.names[:4])}).",
            address=provider.address if provider is not None else None,
            facts={
                "host": host,
                "name": name,
                "subject": look.subject,
                "wanted": f"{_PREFIX}{host}" if holds_host and not held else "",
            },
            origins=origins,
        )


def _covers(pattern: str, name: str) -> bool:
    """Whether a wildcard of a certificate stands for ``name`` (RFC 6125: one label)."""
    return pattern.startswith("*.") and name.partition(".")[2] == pattern[2:] and not name.startswith("*")


def _unseen(host: str, look: PublishedHostProbe | None) -> Unseen:
    says = look.says if look is not None and look.says else f"The certificate of {host} was not seen."
    return Unseen(
        what=PublishedHostProbe.__name__,
        reason="unreachable" if look is not None else "not-asked",
        says=says,
        how=f"make {host}:443 answer, or ask from a place that reaches it",
    )
