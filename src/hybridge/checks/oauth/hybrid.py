"""The dedicated hybrid application as several checks see it: whether it matters here, and which application it is.

It matters where Exchange is set up to talk to Exchange Online by OAuth: an AuthServer of either kind and the partner
application of Exchange Online are enabled. Which application it is says the AuthServer, by an application id; else its
usual name, made of the organization's own id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hybridge.checks.oauth.certificates import thumbprint_of
from hybridge.checks.partner_apps.keys import expired
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import NotApplicable
from hybridge.org.probes import DeletedApplication
from hybridge.org.records import (
    AppRoleAssignment,
    AuthServer,
    EntraApplication,
    IntraOrganizationConnector,
    OrganizationConfig,
    OrganizationRelationship,
    PartnerApplication,
    Record,
    SettingOverride,
)
from hybridge.terms import hybrid_application as terms
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
PERMISSION = f"{EXCHANGE_ONLINE}/{terms.FULL_ACCESS_AS_APP}/Role"
"""full_access_as_app as a record names it."""
NEEDS: tuple[tuple[type[Record], Premises], ...] = ((AuthServer, ON), (PartnerApplication, ON))
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


@dataclass(frozen=True)
class Trust:
    """``servers`` are the enabled AuthServers of type AzureAD for this tenant."""

    servers: tuple[AuthServer, ...]
    origins: tuple[Origin, ...]

    @property
    def identifiers(self) -> frozenset[str]:
        """Application ids, in lower case, that the servers use in place of the shared one."""
        return frozenset(one.application_identifier.lower() for one in self.servers if names_an_application(one))


def trust_of(evidence: Evidence) -> Trust | NotApplicable | tuple[Unseen, ...]:
    """How Exchange is set up to ask for tokens; why none of it matters here; or what could not be read."""
    servers = evidence.all(AuthServer, ON)
    partners = evidence.all(PartnerApplication, ON)
    if isinstance(servers, Unseen) or isinstance(partners, Unseen):
        return tuple(one for one in (servers, partners) if isinstance(one, Unseen))
    enabled = [one for one in servers.records if one.enabled and one.type.lower() in ("azuread", "microsoftacs")]
    shared = [
        one
        for one in partners.records
        if one.enabled and not one.realm and one.application_identifier.lower() == EXCHANGE_ONLINE
    ]
    if not enabled or not shared:
        return NotApplicable("OAuth between Exchange and Exchange Online is not configured.")
    mine = tuple(one for one in enabled if one.type.lower() == "azuread" and _ours(one, evidence.tenant_id))
    return Trust(mine, (servers.origin, partners.origin))


def _ours(server: AuthServer, tenant_id: str) -> bool:
    return not tenant_id or server.realm.lower() in ("", tenant_id.lower())


def names_an_application(server: AuthServer) -> bool:
    """Whether ``server`` uses an application other than the shared one."""
    identifier = server.application_identifier.strip()
    return bool(_GUID.fullmatch(identifier)) and identifier.lower() != EXCHANGE_ONLINE


def usual_name(evidence: Evidence) -> str | Unseen:
    """The name Microsoft's tools give the application of this organization."""
    configs = evidence.all(OrganizationConfig, ON)
    if isinstance(configs, Unseen):
        return configs
    guid = configs.first.guid if configs.first else ""
    if not guid:
        return Unseen(
            what="OrganizationConfig",
            reason="not-exported",
            says="The id of the Exchange organization is not known, so neither is the name of its hybrid application.",
            how="Get-OrganizationConfig | Format-List Guid",
        )
    return f"{terms.NAME_PREFIX}{guid}"


def dedicated(
    evidence: Evidence, trust: Trust, applications: Iterable[EntraApplication]
) -> EntraApplication | str | Unseen:
    """The application; the name under which there is none; or why it cannot be told which it is."""
    found = tuple(applications)
    used = [one for one in found if one.application_id.lower() in trust.identifiers]
    if used:
        return used[0]
    name = usual_name(evidence)
    if isinstance(name, Unseen):
        return name
    named = [one for one in found if one.display_name.lower() == name.lower()]
    if len(named) > 1:
        return Unseen(
            what="EntraApplication",
            reason="ambiguous",
            says=f"{len(named)} applications of the tenant are called {name}, and no AuthServer names one of them.",
            how="find out in Entra who made them, delete the wrong ones, and ask again",
        )
    return named[0] if named else name


def restorable(
    deleted: Iterable[DeletedApplication], wanted: EntraApplication, now: datetime
) -> DeletedApplication | None:
    """The deleted application that can be restored to become ``wanted``: the only one that has nothing beyond it."""
    fits = [one for one in deleted if has_no_more(one, wanted, now)]
    return fits[0] if len(fits) == 1 else None


def has_no_more(deleted: EntraApplication, wanted: EntraApplication, now: datetime) -> bool:
    """Whether a deleted application has no key, secret or permission beyond those of ``wanted``.

    A restored application comes back with all it had, and whoever had a key to it would have one again. Graph lists it
    without the bytes of its keys, so these are compared by their thumbprints.
    """
    ours = {thumbprint_of(key.key) for key in wanted.key_credentials if key.key}
    keys = {key.custom_key_identifier.upper() for key in deleted.key_credentials if not expired(key, now)}
    access = {entry.lower() for entry in deleted.required_resource_access}
    asked = {entry.lower() for entry in wanted.required_resource_access}
    same_name = deleted.display_name.lower() == wanted.display_name.lower()
    return same_name and keys <= ours and access <= asked and not deleted.password_credentials


def consented(assignments: Iterable[AppRoleAssignment], application: EntraApplication) -> bool:
    """Whether ``application`` was given full_access_as_app."""
    return any(
        one.principal.lower() == application.identity.lower() and one.app_role_id.lower() == terms.FULL_ACCESS_AS_APP
        for one in assignments
    )


def overrides(records: Iterable[SettingOverride]) -> tuple[SettingOverride, ...]:
    """The overrides that decide whether Exchange uses the application."""
    wanted = (terms.OVERRIDE_COMPONENT.lower(), terms.OVERRIDE_SECTION.lower())
    return tuple(one for one in records if (one.component_name.lower(), one.section_name.lower()) == wanted)


def switches_on(override: SettingOverride) -> bool:
    """Whether ``override`` says Enabled=true, however it is spaced."""
    said = {entry.replace(" ", "").lower() for entry in override.parameters}
    return terms.OVERRIDE_ON.lower() in said


def cloud_domains(evidence: Evidence) -> tuple[str, ...]:
    """Domains Exchange shares with the tenant, as far as known: the configured one and those of the ways to the cloud.

    The tenant's initial domain is left out, as Microsoft's tools leave it out.
    """
    connectors = evidence.all(IntraOrganizationConnector, ON)
    relationships = evidence.all(OrganizationRelationship, ON)
    names = [evidence.domain.lower()]
    if not isinstance(connectors, Unseen):
        names += [name.lower() for one in connectors.records if one.enabled for name in one.target_address_domains]
    if not isinstance(relationships, Unseen):
        ways = (one for one in relationships.records if leads_to_the_cloud(one))
        names += [name.lower() for one in ways for name in one.domain_names]
    kept = (name for name in names if name and (terms.is_routing_domain(name) or not terms.is_tenant_domain(name)))
    return tuple(dict.fromkeys(kept))


def leads_to_the_cloud(relationship: OrganizationRelationship) -> bool:
    """Whether an enabled relationship asks Microsoft's Autodiscover where the other side is."""
    return relationship.enabled and bool(ews_host(relationship.target_autodiscover_epr))


def ews_host(url: str) -> str:
    """Host of Exchange Online's EWS in the cloud that ``url`` belongs to; "" when it is not Microsoft's."""
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]
    return terms.ews_host_of(host)
