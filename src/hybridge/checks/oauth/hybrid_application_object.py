r"""Exchange may no longer ask the cloud for anything as the shared application: it needs one of its own in the tenant.

## How it is decided

Where OAuth with Exchange Online is configured (an AuthServer and the partner application `00000002-...` are enabled),
the tenant must have an application for this Exchange organization. It is the one whose id the AuthServer of type
AzureAD names, else the one called `ExchangeServerApp-<id of the organization>` (`Get-OrganizationConfig`, Guid). It is
read from Microsoft Graph and judged:

* it asks for the application permission `full_access_as_app` of Office 365 Exchange Online;
* an administrator consented to that (an app role assignment);
* the authentication certificate, and the next one where one is set, are among its unexpired keys.

The shared application was blocked for good after 31 October 2025. What is lost without the own one is what people see
across the border, from on-premises to the cloud: free/busy, MailTips and photos. Mail flow and migrations do not
depend on it, nor does Teams, which calls from the cloud.

Certificates that are absent or expired are not judged here but by `oauth/auth-certificate`. A living key of an
application is never dropped.

## How to cure it by hand

Microsoft's script makes the application, its permission and its keys, and asks for the consent:

```powershell
.\ConfigureExchangeHybridApplication.ps1 -FullyConfigureExchangeHybridApplication
```

Or in the Entra admin center: App registrations, New registration, the name as above, this tenant only. API
permissions: Office 365 Exchange Online, Application permissions, full_access_as_app, then Grant admin consent.
Certificates & secrets: upload the public certificate, exported on-premises:

```powershell
$certificate = Get-ExchangeCertificate -Thumbprint (Get-AuthConfig).CurrentCertificateThumbprint
[IO.File]::WriteAllBytes("C:\ExchangeAuth.cer", $certificate.RawData)
```

## How hybridge cures it

It makes the application, or restores it where it was deleted in the last thirty days, asks for the permission, adds
the certificates to its keys, and consents. The consent is a step of high risk of its own: with it the application may
read every mailbox of the tenant. It is not given where the application has a client secret, or a key that no Exchange
server holds: then somebody else could use it, and the steps are printed. The id of a new application exists only once
it was made; then make the plan again, which names it on-premises (`oauth/hybrid-application-auth-server`).

Rights needed in Graph: Application.ReadWrite.All, and for the consent AppRoleAssignment.ReadWrite.All.

## How to undo

`hybridge repair undo` takes the consent back, takes our keys and the permission off again, and deletes an application
that hybridge made (Entra keeps it restorable for thirty days).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.checks.oauth import certificates, hybrid
from hybridge.checks.oauth.certificates import AuthCertificate, auth_certificate
from hybridge.checks.partner_apps import keys
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import DeletedApplication
from hybridge.org.records import (
    AppRoleAssignment,
    EntraApplication,
    ExchangeCertificate,
    KeyCredential,
    ServicePrincipal,
)
from hybridge.plan import Change, Manual, Risk
from hybridge.terms import hybrid_application as terms
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
_SILENT = "hybridge doctor no longer finds oauth/hybrid-application-object."


def wanted_certificates(organization: Organization, now: datetime) -> tuple[ExchangeCertificate, ...]:
    """The authentication certificates that must be keys of the application: in use and next, while they are valid."""
    found = (keys.current_certificate(organization), keys.next_certificate(organization))
    valid = (one for one in found if one is not None and (one.not_after is None or one.not_after > now))
    return tuple({one.thumbprint.upper(): one for one in valid}.values())


def _lacking(
    application: EntraApplication, wanted: tuple[ExchangeCertificate, ...], now: datetime
) -> tuple[ExchangeCertificate, ...]:
    living = [key for key in application.key_credentials if not keys.expired(key, now)]
    return tuple(one for one in wanted if not any(keys.is_of(key, one) for key in living))


# Cures ----------------------------------------------------------------------------------------------------------------


def _key_of(certificate: ExchangeCertificate) -> KeyCredential:
    return KeyCredential(
        custom_key_identifier=certificate.thumbprint,
        display_name=certificate.subject,
        key=certificate.raw_data,
        end_at=certificate.not_after,
    )


def _make(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    name = finding.facts["application"]
    if organization.one(EntraApplication, ONLINE, name) is not None:
        return ()
    judged_at = datetime.fromisoformat(finding.facts["judged_at"])
    wanted = wanted_certificates(organization, judged_at)
    after = EntraApplication(
        premises=ONLINE,
        identity=name,
        display_name=name,
        required_resource_access=(hybrid.PERMISSION,),
        key_credentials=tuple(map(_key_of, wanted)),
    )
    certified = " and ".join(one.thumbprint for one in wanted)
    asks = "which asks for full_access_as_app" + (f" and holds the certificate {certified}" if certified else "")
    deleted = hybrid.restorable(organization.all(DeletedApplication, ONLINE), after, judged_at)
    if deleted is not None:
        after = msgspec.structs.replace(after, application_id=deleted.application_id, object_id=deleted.object_id)
        says = f"Restore the deleted application {name} with the id {deleted.application_id}, {asks}."
    else:
        says = f"Make the application {name}, {asks}. Its id is known then: make the plan again afterwards."
    return put(finding, organization, after, says, Risk.MEDIUM)


def _application(finding: Finding, organization: Organization) -> EntraApplication | None:
    found = organization.at(finding.address) if finding.address else None
    return found if isinstance(found, EntraApplication) else None


def _ask_for_permission(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    application = _application(finding, organization)
    if application is None or _asks(application):
        return ()
    access = (*application.required_resource_access, hybrid.PERMISSION)
    after = msgspec.structs.replace(application, required_resource_access=access)
    says = f"Let {application.display_name} ask for full_access_as_app of Office 365 Exchange Online."
    return put(finding, organization, after, says, Risk.MEDIUM)


def _asks(application: EntraApplication) -> bool:
    """Whether ``application`` asks for full_access_as_app."""
    return any(entry.lower() == hybrid.PERMISSION.lower() for entry in application.required_resource_access)


def _consent(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    application = _application(finding, organization)
    if application is None or hybrid.consented(organization.all(AppRoleAssignment, ONLINE), application):
        return ()
    if strange := _strange_credentials(application, organization, finding.facts["judged_at"]):
        return _consent_by_hand(finding, application, strange)
    shared = organization.one(ServicePrincipal, ONLINE, EXCHANGE_ONLINE)
    after = AppRoleAssignment(
        premises=ONLINE,
        identity=f"{application.identity}/{terms.FULL_ACCESS_AS_APP}",
        principal=application.identity,
        app_role_id=terms.FULL_ACCESS_AS_APP,
        resource_display_name=(shared and shared.display_name) or terms.RESOURCE_NAME,
    )
    says = f"Consent for the whole tenant: {application.display_name} may read every mailbox (full_access_as_app)."
    return put(finding, organization, after, says, Risk.HIGH)


def _strange_credentials(application: EntraApplication, organization: Organization, judged_at: str) -> str:
    """What of the application's credentials no Exchange server holds, as words; "" when nothing is."""
    if application.password_credentials:
        return f"{len(application.password_credentials)} client secret(s)"
    held = organization.all(ExchangeCertificate, ON)
    for key in application.key_credentials:
        known = any(keys.is_of(key, one) for one in held)
        if not known and not keys.expired(key, datetime.fromisoformat(judged_at)):
            return f"the key {key.custom_key_identifier or key.key_id}, which no Exchange server holds"
    return ""


def _consent_by_hand(finding: Finding, application: EntraApplication, strange: str) -> Manual:
    name = application.display_name
    return by_hand(
        finding,
        f"The application {name} has {strange}: whoever has it could read every mailbox once you consent. Find out "
        "whose it is first.",
        f"In the Entra admin center: App registrations, {name}, Certificates & secrets. Remove what is not Exchange's.",
        "API permissions: check that full_access_as_app is the only one, then Grant admin consent.",
        verify=_SILENT,
    )


def _add_keys(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    application, judged_at = _application(finding, organization), datetime.fromisoformat(finding.facts["judged_at"])
    if application is None:
        return ()
    lacking = _lacking(application, wanted_certificates(organization, judged_at), judged_at)
    if not lacking:
        return ()
    living = tuple(key for key in application.key_credentials if not keys.expired(key, judged_at))
    if lost := [key.key_id for key in living if key.key is None]:
        return by_hand(
            finding,
            f"Graph returned no bytes for key {' '.join(lost)} of {application.display_name}, which has not expired: "
            "writing the list would lose it. Find out whose key it is.",
            f"In the Entra admin center: App registrations, {application.display_name}, Certificates & secrets.",
            f"Upload the public certificate {lacking[0].thumbprint} there; that adds a key and keeps the others.",
            verify=_SILENT,
        )
    after = msgspec.structs.replace(application, key_credentials=(*living, *map(_key_of, lacking)))
    added = " and ".join(one.thumbprint for one in lacking)
    says = f"Add the authentication certificate {added} to the keys of {application.display_name}."
    if len(living) < len(application.key_credentials):
        says = f"{says.rstrip('.')}; leave out {len(application.key_credentials) - len(living)} that have expired."
    return put(finding, organization, after, says, Risk.MEDIUM)


# Faults ---------------------------------------------------------------------------------------------------------------


def _deleted(organization: Organization) -> Organization:
    """Somebody deleted the application; Entra deletes its service principal and what was consented to with it."""
    gone = organization.all(EntraApplication, ONLINE)
    principals = (ServicePrincipal(premises=ONLINE, identity=one.application_id) for one in gone)
    given = organization.all(AppRoleAssignment, ONLINE)
    return organization.drop(*(one.address for one in (*gone, *principals, *given)))


def _asks_for_nothing(organization: Organization) -> Organization:
    return organization.edit(EntraApplication, required_resource_access=())


def _never_consented(organization: Organization) -> Organization:
    return organization.drop(*(one.address for one in organization.all(AppRoleAssignment, ONLINE)))


def _never_uploaded(organization: Organization) -> Organization:
    """The certificate was renewed; the application still holds the one before, and so do the servers."""
    current = keys.current_certificate(organization)
    if current is None:
        return organization
    end = certificates.present_of(organization) + timedelta(days=80)
    start = end - timedelta(days=1800)
    der = certificates.redated(current.raw_data, start, end)
    former = certificates.thumbprint_of(der)
    kept = (
        msgspec.structs.replace(
            one,
            identity=f"{one.server}/{former}",
            thumbprint=former,
            not_before=start,
            not_after=end,
            raw_data=der,
        )
        for one in organization.all(ExchangeCertificate, ON)
        if one.thumbprint == current.thumbprint
    )
    return certificates.rekeyed(organization, current.raw_data, der, end, EntraApplication).put(*kept)


class HybridApplicationObject(Check):
    """Judges the dedicated hybrid application in Entra."""

    title = "Has Exchange an application of its own in the tenant, with consent and certificate?"
    why = (
        "Without it people on-premises see no free/busy, MailTips or photos of people in the cloud: the shared "
        "application is blocked since 31 October 2025."
    )
    scope = Scope.ORGANIZATION
    needs = (*hybrid.NEEDS, (EntraApplication, ONLINE), (AppRoleAssignment, ONLINE), *certificates.NEEDS)
    covers = ("OAUTH-11",)
    sources = (
        sources.DEDICATED_APPLICATION,
        sources.CONFIGURE_APPLICATION,
        sources.HEALTH_CHECKER,
        sources.APP_ROLE_ASSIGNMENT,
    )
    causes = (
        Cause(
            slug="application-missing",
            says="The tenant has no dedicated hybrid application for this Exchange organization.",
            breaks=_deleted,
            heals=_make,
        ),
        Cause(
            slug="permission-missing",
            says="The dedicated hybrid application does not ask for full_access_as_app.",
            breaks=_asks_for_nothing,
            heals=_ask_for_permission,
        ),
        Cause(
            slug="consent-missing",
            says="No administrator consented to full_access_as_app for the dedicated hybrid application.",
            breaks=_never_consented,
            heals=_consent,
        ),
        Cause(
            slug="key-missing",
            says="The dedicated hybrid application does not hold an authentication certificate of Exchange.",
            breaks=_never_uploaded,
            heals=_add_keys,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding where there is no application, else one for each thing it lacks."""
        trust = hybrid.trust_of(evidence)
        if isinstance(trust, tuple):
            yield from trust
            return
        if isinstance(trust, NotApplicable):
            yield trust
            return
        applications = evidence.all(EntraApplication, ONLINE)
        if isinstance(applications, Unseen):
            yield applications
            return
        found = hybrid.dedicated(evidence, trust, applications.records)
        origins = (applications.origin, *trust.origins)
        facts = {"judged_at": evidence.now.isoformat()}
        if isinstance(found, Unseen):
            yield found
        elif isinstance(found, str):
            says = f"The tenant has no application {found}."
            facts |= {"application": found}
            yield self.finding("application-missing", subject, says, facts=facts, origins=origins)
        else:
            facts |= {"application": found.identity}
            for saying in self._judge(found, evidence, subject, origins):
                yield _with_facts(saying, facts) if isinstance(saying, Finding) else saying

    def _judge(
        self, application: EntraApplication, evidence: Evidence, subject: Subject, origins: tuple[Origin, ...]
    ) -> Iterator[Saying]:
        name, address = application.display_name, application.address
        if not _asks(application):
            says = f"The application {name} does not ask for full_access_as_app of Office 365 Exchange Online."
            yield self.finding("permission-missing", subject, says, address=address, origins=origins)
        assignments = evidence.all(AppRoleAssignment, ONLINE)
        if isinstance(assignments, Unseen):
            yield assignments
        elif not hybrid.consented(assignments.records, application):
            says = f"No administrator consented to full_access_as_app for the application {name}."
            told = (assignments.origin, *origins)
            yield self.finding("consent-missing", subject, says, address=address, origins=told)
        yield from self._judge_keys(application, evidence, subject, origins)

    def _judge_keys(
        self, application: EntraApplication, evidence: Evidence, subject: Subject, origins: tuple[Origin, ...]
    ) -> Iterator[Saying]:
        held = auth_certificate(evidence)
        if not isinstance(held, AuthCertificate):
            yield from held
            return
        wanted = wanted_certificates(Organization((held.config, *held.every)), evidence.now)
        if held.copies and held.best is not None and not held.best.raw_data:
            yield Unseen(
                what="ExchangeCertificate",
                reason="not-exported",
                says=f"The bytes of the authentication certificate {held.thumbprint} are not known.",
                how=f"Get-ExchangeCertificate -Thumbprint {held.thumbprint}",
            )
        lacking = _lacking(application, wanted, evidence.now)
        if lacking:
            count = len(application.key_credentials)
            says = (
                f"The application {application.display_name} does not hold the authentication certificate "
                f"{' and '.join(one.thumbprint for one in lacking)}; it has {count} key{'' if count == 1 else 's'}."
            )
            told = (*origins, *held.origins)
            yield self.finding("key-missing", subject, says, address=application.address, origins=told)


def _with_facts(finding: Finding, facts: dict[str, str]) -> Finding:
    return msgspec.structs.replace(finding, facts={**facts, **finding.facts})
