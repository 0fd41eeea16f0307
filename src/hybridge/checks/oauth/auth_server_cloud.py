"""Exchange checks the signature of a caller's token with keys it fetches; they must come from the tenant's own cloud.

## How it is decided

`AuthMetadataUrl` of every enabled AuthServer of this tenant is compared with what its cloud has. An address of another
Microsoft cloud is wrong: the keys found there never signed a token of this tenant, and every caller is refused with
`2000000;reason="The token has an invalid signature."`. Hosts of no known cloud are not judged.

| cloud | MicrosoftACS | AzureAD |
| --- | --- | --- |
| worldwide, GCC | `accounts.accesscontrol.windows.net` | `login.windows.net` |
| GCC High, DoD | `login.microsoftonline.us` | `login.microsoftonline.us` |
| 21Vianet | `accounts.accesscontrol.chinacloudapi.cn` | not published |

## How to cure it by hand

```powershell
Get-AuthServer | Format-List Name, Type, Enabled, Realm, AuthMetadataUrl
$tenant = "<tenant id>"
Set-AuthServer "ACS - $tenant" -AuthMetadataUrl "https://login.microsoftonline.us/$tenant/metadata/json/1"
$metadata = "federationmetadata/2007-06/federationmetadata.xml"
Set-AuthServer "EvoSts - $tenant" -AuthMetadataUrl "https://login.microsoftonline.us/$tenant/$metadata"
```

These are the addresses of GCC High; the table has those of the other clouds.

## How hybridge cures it

It sets the address the configured cloud has. Where that is not known, it prints the steps.

## How to undo

`hybridge repair undo` sets the former address again.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AuthServer
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.clouds import CLOUDS, GCC_HIGH, Cloud
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
ACS, ENTRA = "microsoftacs", "azuread"
SYMPTOMS = {
    ACS: (Symptom.DELEGATE_CANNOT_SCHEDULE,),
    ENTRA: (Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK),
}
"""The scheduler shows a token of the access control service, calendar and presence show one of Entra."""


def metadata_url(cloud: Cloud, server: AuthServer, tenant_id: str) -> str:
    """The AuthMetadataUrl ``server`` should have in ``cloud``, "" where it is not known."""
    tenant = server.realm or tenant_id
    if not tenant:
        return ""
    return cloud.acs_metadata_url(tenant) if server.type.lower() == ACS else cloud.evosts_metadata_url(tenant)


def clouds_of(host: str) -> tuple[Cloud, ...]:
    """The clouds ``host`` gives signing keys of."""
    wanted = host.lower()
    return tuple(
        cloud for cloud in CLOUDS.values() if wanted in (cloud.login, cloud.acs_metadata, cloud.evosts_metadata)
    )


def _move(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    server = organization.at(finding.address) if finding.address else None
    if not isinstance(server, AuthServer):
        return ()
    url = finding.facts["right"]
    if not url:
        return by_hand(
            finding,
            f"Let {server.identity} fetch its keys from {finding.facts['cloud']}; the address is not published.",
            "Run the Hybrid Configuration Wizard, which knows the addresses of your cloud.",
            verify="Get-AuthServer | Format-List Name, AuthMetadataUrl shows addresses of your cloud.",
        )
    after = msgspec.structs.replace(server, auth_metadata_url=url)
    return put(finding, organization, after, f"Let {server.identity} fetch its keys from {url}.", Risk.MEDIUM)


def _in_another_cloud(organization: Organization) -> Organization:
    servers = (
        msgspec.structs.replace(one, auth_metadata_url=metadata_url(GCC_HIGH, one, one.realm))
        for one in organization.all(AuthServer, ON)
    )
    return organization.put(*servers)


class AuthServerCloud(Check):
    """Judges where the AuthServers of this tenant fetch their keys."""

    title = "Does Exchange learn the signing keys of the right Microsoft cloud?"
    why = "With the keys of another cloud Exchange takes every token of Teams for a forgery and refuses it."
    scope = Scope.ORGANIZATION
    needs = ((AuthServer, ON),)
    sources = (sources.EXCHANGE_OAUTH, sources.SET_AUTH_SERVER)
    causes = (
        Cause(
            slug="other-cloud",
            says="An AuthServer fetches its keys from a Microsoft cloud the tenant is not in.",
            breaks=_in_another_cloud,
            heals=_move,
            symptoms=tuple(symptom for symptoms in SYMPTOMS.values() for symptom in symptoms),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per AuthServer with an address of another cloud."""
        reading = evidence.all(AuthServer, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        mine = [one for one in reading.records if _judged(one, evidence.tenant_id)]
        if not mine:
            yield NotApplicable("No AuthServer of this tenant is enabled: see oauth/bearer-challenge.")
        for server in mine:
            host = urlsplit(server.auth_metadata_url).hostname or ""
            others = clouds_of(host)
            if not others or evidence.cloud.name in {cloud.name for cloud in others}:
                continue
            yield self.finding(
                "other-cloud",
                subject,
                f"The AuthServer {server.identity} fetches its keys from {host}, which belongs to {others[0].title}; "
                f"the tenant is in {evidence.cloud.title}.",
                address=server.address,
                facts={
                    "host": host,
                    "cloud": evidence.cloud.title,
                    "right": metadata_url(evidence.cloud, server, evidence.tenant_id),
                },
                symptoms=SYMPTOMS[server.type.lower()],
                origins=(reading.origin,),
            )


def _judged(server: AuthServer, tenant_id: str) -> bool:
    known = server.type.lower() in SYMPTOMS
    return server.enabled and known and (not tenant_id or server.realm.lower() in ("", tenant_id.lower()))
