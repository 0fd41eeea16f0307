"""What must be right before the procedure may begin, each with its own sentence and next step. Pure.

The procedure makes Exchange trust two services and hands them a certificate. It does not make the trust it builds on:
where the certificate, the authorization server or the hybrid configuration is not in order, its result would not work,
and would look as if it should. Whether the running accounts may do it is asked by ``repair.rights``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks.partner_apps import integration, keys
from hybridge.checks.partner_apps.integration import NAMES, leaf
from hybridge.checks.registry import check_named
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import ORGANIZATION, Finding
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeCertificate, Record
from hybridge.plan import Manual
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE

NEEDS: tuple[tuple[type[Record], Premises], ...] = (
    *integration.NEEDS,
    (r.AuthConfig, ON),
    (r.ExchangeCertificate, ON),
    (r.ExchangeServer, ON),
    (r.AuthServer, ON),
    (r.ServicePrincipal, ONLINE),
)
"""Everything the procedure must have read."""
_AGAIN = "Then plan again."


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why the procedure is not planned. ``says`` is one sentence, ``next_step`` what ends it."""

    says: str
    next_step: str


def gaps(evidence: Evidence) -> tuple[Unseen, ...]:
    """What could not be read of what the procedure needs."""
    return tuple(reading for kind, side in NEEDS if isinstance(reading := evidence.all(kind, side), Unseen))


def reasons(evidence: Evidence, app_ids: tuple[str, ...]) -> tuple[Reason, ...]:
    """Why the procedure for the partner applications ``app_ids`` must not begin; empty when it may."""
    judges: tuple[Callable[[Evidence, tuple[str, ...]], Iterator[Reason]], ...] = (
        _domain,
        _certificate,
        _next_certificate,
        _realm,
        _hybrid,
        _applications,
        _role,
        _keys,
    )
    return tuple(reason for judge in judges for reason in judge(evidence, app_ids))


def certificates_to_upload(evidence: Evidence) -> tuple[ExchangeCertificate, ...]:
    """The certificate in use and the next one, as far as servers show them and they have not expired."""
    organization = evidence.organization()
    named = (keys.current_certificate(organization), keys.next_certificate(organization))
    return tuple(one for one in named if one and (one.not_after is None or one.not_after > evidence.now))


def _domain(evidence: Evidence, app_ids: tuple[str, ...]) -> Iterator[Reason]:
    made = integration.missing_records(evidence.organization(), evidence.domain, app_ids, exact=True)
    if not evidence.domain and any(isinstance(one, r.MailUser) for one in made):
        yield Reason(
            says="The domain of the organization is not known, and the accounts need an address in it.",
            next_step="Set organization.domain in hybridge.toml.",
        )


def _certificate(evidence: Evidence, _: tuple[str, ...]) -> Iterator[Reason]:
    """What ``oauth/auth-certificate`` finds, but for a certificate that only ends soon."""
    check = check_named("oauth/auth-certificate")
    for finding in check.find(evidence, ORGANIZATION):
        if isinstance(finding, Unseen):
            yield Reason(says=finding.says, next_step=f"Get it: {finding.how}")
        if isinstance(finding, Finding) and finding.cause != "expires-soon":
            cure = check.cause(finding.cause).heals(finding, evidence.organization())
            says = cure.says if isinstance(cure, Manual) else ""
            yield Reason(
                says=finding.says,
                next_step=f"{says} hybridge checks show {check.name} tells how. {_AGAIN}",
            )


def _next_certificate(evidence: Evidence, _: tuple[str, ...]) -> Iterator[Reason]:
    organization = evidence.organization()
    for config in organization.all(r.AuthConfig, ON):
        if config.next_certificate_thumbprint and keys.next_certificate(organization) is None:
            yield Reason(
                says=f"AuthConfig names {config.next_certificate_thumbprint} as the next authentication certificate, "
                "but no server shows it.",
                next_step=f"Publish it with Set-AuthConfig -PublishCertificate, or name another one. {_AGAIN}",
            )


def _realm(evidence: Evidence, _: tuple[str, ...]) -> Iterator[Reason]:
    for config in evidence.organization().all(r.AuthConfig, ON):
        if config.realm:
            yield Reason(
                says=f"AuthConfig has the realm '{config.realm}', and Teams' tokens are accepted only where it is "
                "empty.",
                next_step=f"Find out why it was set; then empty it with Set-AuthConfig -Realm $null. {_AGAIN}",
            )


def _hybrid(evidence: Evidence, _: tuple[str, ...]) -> Iterator[Reason]:
    organization, tenant = evidence.organization(), evidence.tenant_id.lower()
    wizard = f"Run the Hybrid Configuration Wizard. {_AGAIN}"
    trusted = [one for one in organization.all(r.AuthServer, ON) if one.enabled and one.realm]
    if not any(not tenant or one.realm.lower() == tenant for one in trusted):
        of = f"of the tenant {evidence.tenant_id}" if tenant else "of a tenant"
        yield Reason(
            says=f"The organization is not hybrid: Get-AuthServer shows no enabled authorization server {of}.",
            next_step=wizard,
        )
    online = integration.with_id(organization.all(r.PartnerApplication, ON), apps.EXCHANGE_ONLINE)
    if not any(one.enabled for one in online):
        state = "is disabled" if online else "does not exist"
        yield Reason(
            says=f"The organization is not hybrid: the partner application of Exchange Online ({apps.EXCHANGE_ONLINE}) "
            f"{state}.",
            next_step=wizard,
        )


def _applications(evidence: Evidence, app_ids: tuple[str, ...]) -> Iterator[Reason]:
    for app_id in app_ids:
        found = integration.with_id(evidence.organization().all(r.PartnerApplication, ON), app_id)
        if found and not any(integration.by_auth_server(one) for one in found):
            yield Reason(
                says=f"The partner application {found[0].identity} ({app_id}) does not use the authorization server, "
                "and no cmdlet can change that.",
                next_step=f'Remove it: Remove-PartnerApplication -Identity "{found[0].identity}". {_AGAIN}',
            )


def _role(evidence: Evidence, _: tuple[str, ...]) -> Iterator[Reason]:
    """A role keeps entries of its parent only, so one of another parent cannot be made right."""
    organization = evidence.organization()
    role = organization.one(r.ManagementRole, ON, apps.INTEGRATION_ROLE)
    wrong_parent = role is not None and leaf(role.parent) != leaf(apps.INTEGRATION_ROLE_PARENT)
    if role is not None and wrong_parent and not _has_all(role, organization):
        yield Reason(
            says=f"The management role {role.identity} is derived from {role.parent or 'no role'}, not from "
            f"{apps.INTEGRATION_ROLE_PARENT}, and lacks entries it cannot be given.",
            next_step=f"Remove its assignments and the role, if it is nobody else's. {_AGAIN}",
        )


def _has_all(role: r.ManagementRole, organization: Organization) -> bool:
    parent = organization.one(r.ManagementRole, ON, role.parent)
    reachable = {*role.role_entries, *(parent.role_entries if parent else ())}
    return set(apps.INTEGRATION_ROLE_ENTRIES) <= reachable


def _keys(evidence: Evidence, _: tuple[str, ...]) -> Iterator[Reason]:
    organization, wanted = evidence.organization(), certificates_to_upload(evidence)
    for app_id in apps.KEY_HOLDERS:
        principal = organization.one(r.ServicePrincipal, ONLINE, app_id)
        if principal is None or keys.with_certificates(organization, app_id, wanted, evidence.now) is None:
            continue
        for key_id in keys.unreturned(principal, evidence.now):
            yield Reason(
                says=f"Graph returned no bytes for key {key_id} of {NAMES[app_id]} ({app_id}), which has not expired: "
                "writing the list of keys would lose it.",
                next_step="Ask whose key it is, and get its certificate, or wait until it has expired; hybridge checks "
                "show partner_apps/service-principal-key tells how to send the whole list.",
            )
