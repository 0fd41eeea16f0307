r"""The service principals of Teams must hold the public part of the Exchange authentication certificate.

## How it is decided

For the Teams scheduler, Cloud Voicemail and the legacy Skype for Business Online the service principal's keys are read
from Microsoft Graph, one principal at a time (`key` is only returned with `$select` on one object). One unexpired key
must be the certificate that `Get-AuthConfig` names, byte for byte. Where Graph returned no bytes, the key's identifier
must be the certificate's thumbprint. Dates of the key count by themselves: a key can end long before its certificate.
The usual reason for a finding: the certificate was renewed and nobody uploaded the new one.

An expired, absent or unset certificate is not judged here but by `oauth/auth-certificate`.

## How to cure it by hand

`Update-MgServicePrincipal` replaces the whole list, so every key that is to stay must be sent again. Of those only
`key`, `type` and `usage`, or Graph refuses them:

```powershell
Connect-MgGraph -Scopes "Application.ReadWrite.All"
$certificate = Get-ExchangeCertificate -Thumbprint (Get-AuthConfig).CurrentCertificateThumbprint
foreach ($id in "7557eb47-c689-4224-abcf-aef9bd7573df", "db7de2b5-2149-435e-8043-e080dd50afae",
    "00000004-0000-0ff1-ce00-000000000000") {
  $address = "https://graph.microsoft.com/v1.0/servicePrincipals(appId='$id')"
  $principal = Invoke-MgGraphRequest -Method GET -Uri ($address + '?$select=id,keyCredentials')
  $kept = $principal.keyCredentials | Where-Object { [datetime]$_.endDateTime -gt (Get-Date) }
  $keys = @($kept | ForEach-Object { @{ type = $_.type; usage = $_.usage; key = $_.key } })
  $keys += @{ type = "AsymmetricX509Cert"; usage = "Verify"; key = [Convert]::ToBase64String($certificate.RawData) }
  Invoke-MgGraphRequest -Method PATCH -Uri $address -Body @{ keyCredentials = $keys }
}
```

Stop where a key that has not expired comes back without `key`: sending the list would lose it. A principal that does
not exist is made first with `New-MgServicePrincipal -AppId $id`. The MSOnline module of older instructions no longer
works.

## How hybridge cures it

It adds the certificate to the keys that are there; only keys that have expired are left out. It creates a principal
that does not exist. Where an unexpired key came back without its bytes it prints the steps instead.

## How to undo

`hybridge repair undo` takes this one key away again and leaves every other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.checks.oauth import certificates
from hybridge.checks.oauth.certificates import AuthCertificate, auth_certificate
from hybridge.checks.partner_apps import keys
from hybridge.checks.partner_apps.integration import NAMES
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeCertificate, ServicePrincipal
from hybridge.plan import Change, Manual, Risk
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
_DELEGATION = (Symptom.DELEGATE_CANNOT_SCHEDULE,)


# Cures ----------------------------------------------------------------------------------------------------------------


def _add_key(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    certificate, app_id = keys.current_certificate(organization), finding.facts["app_id"]
    if certificate is None:
        return ()
    return add_key(finding, organization, app_id, certificate)


def add_key(
    finding: Finding, organization: Organization, app_id: str, certificate: ExchangeCertificate
) -> tuple[Change, ...] | Manual:
    """The change that adds ``certificate`` to the principal of ``app_id``; steps where writing would lose a key."""
    if "unreturned" in finding.facts:
        return _by_hand(finding, app_id, finding.facts["unreturned"])
    judged_at = datetime.fromisoformat(finding.facts["judged_at"])
    made = keys.with_certificates(organization, app_id, (certificate,), judged_at)
    return put(finding, organization, *made, Risk.MEDIUM) if made else ()


def _by_hand(finding: Finding, app_id: str, lost: str) -> Manual:
    return by_hand(
        finding,
        f"Graph returned no bytes for key {lost} of {NAMES[app_id]}, which has not expired: writing the list would "
        "lose it. Find out whose key it is.",
        "Ask who uses that key, and get its certificate; or wait until it has expired.",
        "Then send the whole list, that certificate and the authentication certificate included, as the check's page "
        "shows (hybridge checks show partner_apps/service-principal-key).",
        verify="hybridge doctor no longer finds partner_apps/service-principal-key.",
    )


# Faults ---------------------------------------------------------------------------------------------------------------


def _never_uploaded(organization: Organization) -> Organization:
    """The certificate was renewed; the principals still hold the one before."""
    current = keys.current_certificate(organization)
    if current is None:
        return organization
    end = certificates.present_of(organization) + timedelta(days=90)
    der = current.raw_data
    return certificates.rekeyed(organization, der, certificates.redated(der, end - timedelta(days=1800), end), end)


def _no_principal(organization: Organization) -> Organization:
    return organization.drop(ServicePrincipal(premises=ONLINE, identity=apps.TEAMS_SCHEDULER).address)


class ServicePrincipalKey(Check):
    """Compares the keys of three service principals with the certificate in use."""

    title = "Do the service principals of Teams hold the Exchange authentication certificate?"
    why = "Without it Microsoft Entra gives out no token that both sides accept: delegates cannot connect."
    scope = Scope.ORGANIZATION
    needs = ((ServicePrincipal, ONLINE), *certificates.NEEDS)
    sources = (sources.TEAMS_OAUTH, sources.KEY_CREDENTIAL, sources.DELEGATES_BLOG)
    covers = ("PA-07",)
    causes = (
        Cause(
            slug="key-missing",
            says="A service principal does not hold the authentication certificate in use.",
            breaks=_never_uploaded,
            heals=_add_key,
            symptoms=_DELEGATION,
        ),
        Cause(
            slug="principal-missing",
            says="A service principal does not exist in the tenant.",
            breaks=_no_principal,
            heals=_add_key,
            symptoms=_DELEGATION,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per service principal."""
        principals = evidence.all(ServicePrincipal, ONLINE)
        held = auth_certificate(evidence)
        if isinstance(principals, Unseen):
            yield principals
        if not isinstance(held, AuthCertificate):
            yield from held
            return
        certificate = self._usable(held, evidence.now)
        if not isinstance(certificate, ExchangeCertificate):
            yield certificate
            return
        if isinstance(principals, Unseen):
            return
        known = {one.identity.lower(): one for one in principals.records}
        origins = (principals.origin, *held.origins)
        for app_id in apps.KEY_HOLDERS:
            yield from self._judge(app_id, known.get(app_id), certificate, subject, evidence.now, origins)

    def _usable(self, held: AuthCertificate, now: datetime) -> ExchangeCertificate | NotApplicable | Unseen:
        if not held.thumbprint:
            return NotApplicable("No authentication certificate is set: see oauth/auth-certificate.")
        best = held.best
        if best is None or not best.raw_data:
            return Unseen(
                what="ExchangeCertificate",
                reason="not-exported",
                says=f"The bytes of the authentication certificate {held.thumbprint} are not known.",
                how=f"Get-ExchangeCertificate -Thumbprint {held.thumbprint}",
            )
        if best.not_after is not None and best.not_after <= now:
            return NotApplicable("The authentication certificate has expired: see oauth/auth-certificate.")
        return best

    def _judge(
        self,
        app_id: str,
        principal: ServicePrincipal | None,
        certificate: ExchangeCertificate,
        subject: Subject,
        now: datetime,
        origins: tuple[Origin, ...],
    ) -> Iterator[Finding]:
        name = f"{NAMES[app_id]} ({app_id})"
        symptoms = _DELEGATION if app_id == apps.TEAMS_SCHEDULER else ()
        facts = {"app_id": app_id, "thumbprint": certificate.thumbprint, "judged_at": now.isoformat()}
        if principal is None:
            says = f"The tenant has no service principal of {name}."
            yield self.finding("principal-missing", subject, says, facts=facts, symptoms=symptoms, origins=origins)
            return
        if keys.holds(principal, certificate, now):
            return
        expired = sum(keys.expired(key, now) for key in principal.key_credentials)
        if unreturned := keys.unreturned(principal, now):
            facts["unreturned"] = " ".join(unreturned)
        count = len(principal.key_credentials)
        yield self.finding(
            "key-missing",
            subject,
            f"The service principal of {name} does not hold the authentication certificate {certificate.thumbprint}; "
            f"it has {count} key{'' if count == 1 else 's'}, {expired} expired.",
            address=principal.address,
            facts=facts,
            symptoms=symptoms,
            origins=origins,
        )
