r"""Entra gives tokens for the names it knows: the public names of Exchange Server must be names of its principal.

## How it is decided

The service principal "Office 365 Exchange Online" (`00000002-0000-0ff1-ce00-000000000000`) is read by Microsoft Graph.
Its `servicePrincipalNames` must hold `https://<host>/` for the external host of every EWS virtual directory and for
`autodiscover.<domain>`. For a name it does not hold Entra gives no token, or Exchange refuses it: "The audience claim
value is invalid" (2000003). The form is `https://mail.contoso.com/`; an entry `00000002-.../mail.contoso.com` is an old
one and does not help.

## How to cure it by hand

```powershell
Connect-MgGraph -Scopes Application.ReadWrite.All
$exchange = Get-MgServicePrincipal -Filter "AppId eq '00000002-0000-0ff1-ce00-000000000000'"
$exchange.ServicePrincipalNames += "https://mail.contoso.com/"
Update-MgServicePrincipal -ServicePrincipalId $exchange.Id -ServicePrincipalNames $exchange.ServicePrincipalNames
```

## How hybridge cures it

It does not: the whole list is written at once, and it belongs to Microsoft's own application. It prints the steps.

## How to undo

Remove the name with the same cmdlet.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.sharing.ways import host_of
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ServicePrincipal, WebServicesVirtualDirectory
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
_FELT = (Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK)
"""What comes with tokens of users, which are asked for by the host's name."""


def _unnamed(organization: Organization) -> Organization:
    hosts = {host_of(one.external_url) for one in organization.all(WebServicesVirtualDirectory, ON)}
    principal = organization.one(ServicePrincipal, ONLINE, EXCHANGE_ONLINE)
    if principal is None:
        return organization
    left = tuple(name for name in principal.service_principal_names or () if host_of(name) not in hosts)
    return organization.put(msgspec.structs.replace(principal, service_principal_names=left))


class ServicePrincipalNames(Check):
    """Judges whether Entra knows the public names of Exchange Server."""

    title = "Does Entra know the public names of Exchange Server?"
    why = "For a name Entra does not know nobody gets a token: the Teams calendar stays empty, free/busy hatched."
    scope = Scope.ORGANIZATION
    needs = ((ServicePrincipal, ONLINE), (WebServicesVirtualDirectory, ON))
    sources = (sources.INTEROPERATION, sources.EXCHANGE_OAUTH)
    covers = ("OAUTH-09", "X-08")
    causes = (
        Cause(
            slug="host-missing",
            says="Entra does not know a public name of Exchange Server.",
            breaks=_unnamed,
            heals=steps(
                "Add https://<host>/ to the names of the service principal Office 365 Exchange Online.",
                "Connect-MgGraph -Scopes Application.ReadWrite.All",
                "$exchange = Get-MgServicePrincipal -Filter \"AppId eq '00000002-0000-0ff1-ce00-000000000000'\"",
                '$names = @($exchange.ServicePrincipalNames) + "https://<host>/"',
                "Update-MgServicePrincipal -ServicePrincipalId $exchange.Id -ServicePrincipalNames $names",
                verify="The principal shows https://<host>/ among its ServicePrincipalNames.",
            ),
            symptoms=_FELT,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Every public name once."""
        principals = evidence.one(ServicePrincipal, ONLINE, EXCHANGE_ONLINE)
        directories = evidence.all(WebServicesVirtualDirectory, ON)
        if isinstance(principals, Unseen) or isinstance(directories, Unseen):
            yield from (one for one in (principals, directories) if isinstance(one, Unseen))
            return
        if principals.first is None:
            yield NotApplicable("The tenant has no service principal of Exchange Online.")
            return
        names = principals.first.service_principal_names
        if names is None:
            yield Unseen(
                what=ServicePrincipal.__name__,
                reason="not-exported",
                says="The names of the service principal of Exchange Online were not read.",
                how="run hybridge snapshot commands of this version again",
            )
            return
        known = {name.lower().rstrip("/") for name in names}
        felt = {host: _FELT for one in directories.records if (host := host_of(one.external_url))}
        wanted = {**felt, **({f"autodiscover.{evidence.domain}": ()} if evidence.domain else {})}
        for host, symptoms in wanted.items():
            if f"https://{host}" not in known:
                says = f"Entra does not know https://{host}/ as a name of Exchange."
                yield self.finding(
                    "host-missing",
                    subject,
                    says,
                    address=principals.first.address,
                    facts={"host": host},
                    symptoms=symptoms,
                    origins=(principals.origin,),
                )
