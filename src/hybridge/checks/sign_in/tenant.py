"""The configuration names a tenant and a cloud; the mail domain must belong to both.

## How it is decided

The OpenID configuration of the domain is asked at the sign-in host of the configured cloud, without credentials. Its
issuer holds the id of the tenant that has the domain, `cloud_instance_name` the cloud, and `tenant_region_sub_scope`
tells GCC High (`DODCON`) from DoD (`DOD`), which share a sign-in host. Compared are `organization.tenant_id` and
`organization.cloud`.

## How to cure it by hand

Look, then correct `hybridge.toml`, or add the domain to the right tenant:

```powershell
Invoke-RestMethod "https://login.microsoftonline.com/contoso.com/.well-known/openid-configuration" |
  Format-List issuer, cloud_instance_name, tenant_region_sub_scope
Get-MgOrganization | Format-List Id, VerifiedDomains
```

## How hybridge cures it

Not at all: it prints these steps.

## How to undo

Nothing is done, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import TenantProbe
from hybridge.org.records import PublishedRealm
from hybridge.terms.clouds import CLOUDS, GCC_HIGH, Cloud
from hybridge.terms.premises import Premises

ONLINE = Premises.ONLINE
SUB_SCOPES = {"gcc-high": "DODCON", "dod": "DOD"}
"""Clouds that share a sign-in host, by what the OpenID configuration calls them."""
STRANGER = "7d1f2c3b-0000-4a5b-8c6d-9e0f1a2b3c4d"
"""A tenant of somebody else, for the lab."""


def _elsewhere(organization: Organization) -> Organization:
    return organization.edit(PublishedRealm, tenant_id=STRANGER)


def _in_gcc_high(organization: Organization) -> Organization:
    instance = instance_of(GCC_HIGH)
    return organization.edit(PublishedRealm, cloud_instance=instance, sub_scope=SUB_SCOPES[GCC_HIGH.name])


def instance_of(cloud: Cloud) -> str:
    """What sign-in calls ``cloud``: its host without the first label."""
    return cloud.login.partition(".")[2]


class Tenant(Check):
    """Judges which tenant and which cloud have the mail domain."""

    title = "Does the mail domain belong to the configured tenant and cloud?"
    why = "What is read and repaired belongs to somebody else, and Exchange may trust the wrong tenant."
    scope = Scope.ORGANIZATION
    symptom = True
    needs = ((TenantProbe, ONLINE),)
    sources = (sources.OPENID_CONFIGURATION, sources.NATIONAL_CLOUDS)
    covers = ("PROBE-06",)
    causes = (
        Cause(
            slug="other-tenant",
            says="The mail domain belongs to another tenant than the configured one.",
            breaks=_elsewhere,
            heals=steps(
                "<domain> belongs to the tenant <found>; the configuration names <configured>.",
                "If <found> is yours: set organization.tenant_id (and entra.tenant_id) in hybridge.toml to it.",
                "If not: find out in Entra who has the domain; it can be verified in one tenant only.",
                verify="hybridge doctor no longer finds sign_in/tenant.",
            ),
            healable=False,
        ),
        Cause(
            slug="other-cloud",
            says="The tenant of the mail domain is in another Microsoft cloud than the configured one.",
            breaks=_in_gcc_high,
            heals=steps(
                "The tenant of <domain> is in <found>; the configuration says <configured>.",
                'Set organization.cloud in hybridge.toml, for GCC High: cloud = "gcc-high".',
                verify="hybridge doctor no longer finds sign_in/tenant.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding for another tenant, one for another cloud."""
        reading = evidence.all(TenantProbe, ONLINE)
        if isinstance(reading, Unseen):
            yield reading
            return
        for probe in reading.records:
            wanted = evidence.tenant_id.lower()
            if wanted and probe.tenant_id and probe.tenant_id != wanted:
                yield self.finding(
                    "other-tenant",
                    subject,
                    f"{probe.identity} belongs to the tenant {probe.tenant_id}, and {wanted} is configured.",
                    facts={"domain": probe.identity, "found": probe.tenant_id, "configured": wanted},
                    origins=(reading.origin,),
                )
            if found := _other_cloud(probe, evidence.cloud):
                yield self.finding(
                    "other-cloud",
                    subject,
                    f"The tenant of {probe.identity} is in {found}, and {evidence.cloud.title} is configured.",
                    facts={"domain": probe.identity, "found": found, "configured": evidence.cloud.title},
                    origins=(reading.origin,),
                )


def _other_cloud(probe: TenantProbe, configured: Cloud) -> str:
    """The cloud the tenant is in, "" where it is the configured one or is not told."""
    instance, scope = probe.cloud_instance.lower(), probe.sub_scope.upper()
    if not instance:
        return ""
    wanted = SUB_SCOPES.get(configured.name, "")
    if instance == instance_of(configured) and (not wanted or scope in ("", wanted)):
        return ""
    same_host = [cloud for cloud in CLOUDS.values() if instance_of(cloud) == instance]
    named = [cloud for cloud in same_host if SUB_SCOPES.get(cloud.name, scope) == scope]
    return next((cloud.title for cloud in (*named, *same_host)), f"the cloud {instance}")
