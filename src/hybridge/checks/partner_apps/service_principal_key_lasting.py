r"""A key that ends before its certificate, or a next certificate nobody uploaded, cuts the trust off on a later day.

## How it is decided

`partner_apps/service-principal-key` asks whether the service principals hold the certificate that is in use now. Here
the same keys are asked what will be:

* where `Get-AuthConfig` names a next certificate, the three principals must hold it before it comes into force;
* the key of the certificate in use must not end before the certificate does (a day is allowed for rounding). A key that
  was uploaded without dates by the MSOnline module of older instructions lasted one year; the certificate lasts five.

A principal that lacks the certificate in use is not judged here. A next certificate that has expired, or that no server
shows, is left to `oauth/auth-certificate` and to the administrator who prepared it.

## How to cure it by hand

The next certificate is added like the one in use, as the page of `partner_apps/service-principal-key` shows:

```powershell
$certificate = Get-ExchangeCertificate -Thumbprint (Get-AuthConfig).NextCertificateThumbprint
```

A key that ends early is taken away and uploaded again without dates, so that it ends with its certificate. Between the
two requests nobody gets a token, so do it when few people work. Every other key that has not expired is sent along both
times:

```powershell
$address = "https://graph.microsoft.com/v1.0/servicePrincipals(appId='$id')"
$principal = Invoke-MgGraphRequest -Method GET -Uri ($address + '?$select=id,keyCredentials')
$living = $principal.keyCredentials | Where-Object { [datetime]$_.endDateTime -gt (Get-Date) }
$kept = @($living | Where-Object { $_.keyId -ne $early } | ForEach-Object {
  @{ type = $_.type; usage = $_.usage; key = $_.key } })
Invoke-MgGraphRequest -Method PATCH -Uri $address -Body @{ keyCredentials = $kept }
$kept += @{ type = "AsymmetricX509Cert"; usage = "Verify"; key = [Convert]::ToBase64String($certificate.RawData) }
Invoke-MgGraphRequest -Method PATCH -Uri $address -Body @{ keyCredentials = $kept }
```

## How hybridge cures it

It adds the next certificate beside the one in use. It leaves a key that ends early to you, because it takes no key of a
certificate in use away, and prints the steps.

## How to undo

`hybridge repair undo` takes the added key away again and leaves every other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.oauth import certificates
from hybridge.checks.oauth.certificates import AuthCertificate, auth_certificate
from hybridge.checks.partner_apps import keys
from hybridge.checks.partner_apps.integration import NAMES
from hybridge.checks.partner_apps.service_principal_key import add_key
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import (
    AuthConfig,
    EntraApplication,
    ExchangeCertificate,
    KeyCredential,
    ServicePrincipal,
)
from hybridge.plan import Change, Manual
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
_EARLY = (
    "Do it when few people work: between the two requests nobody gets a token.",
    "Read the keys of <app_id> with $select=keyCredentials, and stop where one that has not expired has no key value.",
    "Send every unexpired key but <key_id> back with PATCH: type, usage and key only.",
    "Send the same list with PATCH again, with the certificate <thumbprint> added and no dates given.",
)


def _add_next(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    certificate = keys.next_certificate(organization)
    return add_key(finding, organization, finding.facts["app_id"], certificate) if certificate else ()


# Faults ---------------------------------------------------------------------------------------------------------------


def _prepared_only_on_servers(organization: Organization) -> Organization:
    """A next certificate is made and published to every server, and nobody uploaded it for the services of Teams."""
    current = keys.current_certificate(organization)
    if current is None:
        return organization
    start = certificates.present_of(organization)
    end = start + timedelta(days=1800)
    der = certificates.redated(current.raw_data, start, end)
    thumbprint = certificates.thumbprint_of(der)
    made = {"thumbprint": thumbprint, "raw_data": der, "not_before": start, "not_after": end}
    copies = (
        msgspec.structs.replace(one, identity=f"{one.server}/{thumbprint}", **made)
        for one in organization.all(ExchangeCertificate, ON)
        if one.thumbprint == current.thumbprint
    )
    new = KeyCredential(
        key_id="0c0ffee0-0000-4000-8000-000000000201",
        custom_key_identifier=thumbprint,
        display_name=current.subject,
        key=der,
        end_at=end,
    )
    others = (
        msgspec.structs.replace(one, key_credentials=(*one.key_credentials, new))
        for one in organization.all(EntraApplication)
        if one.key_credentials
    )
    return organization.put(*copies, *others).edit(
        AuthConfig, next_certificate_thumbprint=thumbprint, next_certificate_effective_date=start + timedelta(days=30)
    )


def _uploaded_for_a_year(organization: Organization) -> Organization:
    """As the MSOnline module left it: the key of the scheduler ends long before its certificate."""
    principal = organization.one(ServicePrincipal, ONLINE, apps.TEAMS_SCHEDULER)
    if principal is None:
        return organization
    end = certificates.present_of(organization) + timedelta(days=200)
    short = tuple(msgspec.structs.replace(key, end_at=end) for key in principal.key_credentials)
    return organization.put(msgspec.structs.replace(principal, key_credentials=short))


class ServicePrincipalKeyLasting(Check):
    """Judges what the keys of three service principals will be worth later."""

    title = "Will the keys of Teams' service principals last as long as Exchange signs with them?"
    why = "On the day a key ends or the certificate changes, delegates can no longer connect, and nothing was touched."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((ServicePrincipal, ONLINE), *certificates.NEEDS)
    sources = (sources.TEAMS_OAUTH, sources.KEY_CREDENTIAL, sources.AUTH_CERTIFICATE)
    covers = ("PA-07",)
    causes = (
        Cause(
            slug="next-missing",
            says="A service principal does not hold the next authentication certificate.",
            breaks=_prepared_only_on_servers,
            heals=_add_next,
        ),
        Cause(
            slug="ends-early",
            says="The key of the authentication certificate ends before the certificate does.",
            breaks=_uploaded_for_a_year,
            heals=steps(
                "Upload the authentication certificate <thumbprint> anew to <name>: its key ends on <end>.",
                *_EARLY,
                verify="hybridge doctor no longer finds partner_apps/service-principal-key-lasting.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most two findings per service principal."""
        principals = evidence.all(ServicePrincipal, ONLINE)
        held = auth_certificate(evidence)
        if isinstance(principals, Unseen):
            yield principals
        if not isinstance(held, AuthCertificate):
            yield from held
            return
        if isinstance(principals, Unseen):
            return
        organization = evidence.organization()
        current, coming = keys.current_certificate(organization), keys.next_certificate(organization)
        if current is None:
            yield NotApplicable("No server shows the authentication certificate: see oauth/auth-certificate.")
            return
        if coming is not None and coming.not_after is not None and coming.not_after <= evidence.now:
            coming = None
        for principal in principals.records:
            if principal.identity.lower() not in apps.KEY_HOLDERS or not keys.holds(principal, current, evidence.now):
                continue
            for finding in self._judge(principal, current, coming, evidence, subject):
                yield msgspec.structs.replace(finding, origins=(principals.origin, *held.origins))

    def _judge(
        self,
        principal: ServicePrincipal,
        current: ExchangeCertificate,
        coming: ExchangeCertificate | None,
        evidence: Evidence,
        subject: Subject,
    ) -> Iterator[Finding]:
        app_id = principal.identity.lower()
        name = f"{NAMES[app_id]} ({app_id})"
        facts = {"app_id": app_id, "name": NAMES[app_id], "judged_at": evidence.now.isoformat()}
        if coming is not None and not keys.holds(principal, coming, evidence.now):
            if lost := keys.unreturned(principal, evidence.now):
                facts["unreturned"] = " ".join(lost)
            says = f"The service principal of {name} does not hold the next authentication certificate "
            says += f"{coming.thumbprint}."
            facts = {**facts, "thumbprint": coming.thumbprint}
            yield self.finding("next-missing", subject, says, address=principal.address, facts=facts)
        short = keys.ends_early(principal, current, evidence.now)
        ends = [key.end_at for key in short if key.end_at]
        if ends and current.not_after:
            end = f"{max(ends):%Y-%m-%d}"
            says = (
                f"The key of the authentication certificate {current.thumbprint} on the service principal of {name} "
                f"ends on {end}, the certificate on {current.not_after:%Y-%m-%d}."
            )
            facts = {**facts, "thumbprint": current.thumbprint, "key_id": short[0].key_id, "end": end}
            yield self.finding("ends-early", subject, says, address=principal.address, facts=facts)
