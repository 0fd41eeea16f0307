"""Contoso's dedicated hybrid application: on both sides, and everything that uses it."""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.org import records as r
from hybridge.terms import applications as apps
from hybridge.terms import hybrid_application as hybrid
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises

ORGANIZATION_GUID = "6f9b1c52-8a3d-4e0f-9c27-15ab3d7e8f40"
HYBRID_APPLICATION = f"{hybrid.NAME_PREFIX}{ORGANIZATION_GUID}"
HYBRID_APPLICATION_ID = "d3d1ca7e-0a11-4b0b-8a11-ca11ab1eca57"

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE


def hybrid_records(cloud: Cloud, routing_domain: str, key: r.KeyCredential) -> Iterator[r.Record]:
    """The application with ``key``, the setting that uses it, and the ways to ``routing_domain`` it is used on."""
    yield r.EntraApplication(
        premises=ONLINE,
        identity=HYBRID_APPLICATION,
        application_id=HYBRID_APPLICATION_ID,
        object_id="0b1ec7ed-0000-4000-9000-000000000001",
        display_name=HYBRID_APPLICATION,
        required_resource_access=(f"{apps.EXCHANGE_ONLINE}/{hybrid.FULL_ACCESS_AS_APP}/Role",),
        key_credentials=(key,),
    )
    yield r.ServicePrincipal(
        premises=ONLINE,
        identity=HYBRID_APPLICATION_ID,
        object_id="0b1ec7ed-0000-4000-8000-000000000101",
        display_name=HYBRID_APPLICATION,
    )
    yield r.AppRoleAssignment(
        premises=ONLINE,
        identity=f"{HYBRID_APPLICATION}/{hybrid.FULL_ACCESS_AS_APP}",
        principal=HYBRID_APPLICATION,
        app_role_id=hybrid.FULL_ACCESS_AS_APP,
        resource_display_name=hybrid.RESOURCE_NAME,
        assignment_id="Y29uc2VudCBvZiBhbiBhZG1pbmlzdHJhdG9y",
    )
    yield r.SettingOverride(
        premises=ON,
        identity=hybrid.OVERRIDE_NAME,
        component_name=hybrid.OVERRIDE_COMPONENT,
        section_name=hybrid.OVERRIDE_SECTION,
        parameters=(hybrid.OVERRIDE_ON,),
        reason="Use the dedicated hybrid application",
    )
    yield r.OrganizationRelationship(
        premises=ON,
        identity="On-premises to O365",
        domain_names=(routing_domain,),
        target_autodiscover_epr=f"https://{cloud.autodiscover}/autodiscover/autodiscover.svc/WSSecurity",
        target_sharing_epr=f"https://{cloud.exchange}/EWS/Exchange.asmx",
        free_busy_access_enabled=True,
        free_busy_access_level="LimitedDetails",
        target_application_uri="outlook.com",
    )
    yield r.IntraOrganizationConnector(
        premises=ON,
        identity="HybridIOC",
        target_address_domains=(routing_domain,),
        discovery_endpoint=f"https://{cloud.exchange}/autodiscover/autodiscover.svc",
    )
