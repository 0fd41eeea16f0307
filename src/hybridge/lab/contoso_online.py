"""Contoso's Exchange Online: EWS is on, for the applications the organization names."""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION_ID
from hybridge.org import records as r
from hybridge.terms.applications import TEAMS_SCHEDULER
from hybridge.terms.premises import Premises

TEAMS_MIDDLE_TIER = "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"
"""The application whose tokens the calendar and presence services show for a user."""

OWN_APPLICATION_ID = "c11e47ab-5a1e-4b2c-9d3f-4879b71d6e00"
"""The application hybridge signs in as."""


UTCM = "03b07b79-c5bc-4b5e-9bfa-13acf4a99998"
"""Unified Tenant Configuration Management, which takes snapshots of a tenant's configuration."""


def online_organization(initial_domain: str) -> Iterator[r.Record]:
    """What Get-OrganizationConfig shows online, and the service that takes snapshots of it."""
    yield r.ServicePrincipal(
        premises=Premises.ONLINE,
        identity=UTCM,
        object_id="0b1ec7ed-0000-4000-8000-000000000201",
        display_name="Unified Tenant Configuration Management",
    )
    yield r.OrganizationConfig(
        premises=Premises.ONLINE,
        identity=initial_domain,
        guid="0e7c1b9a-53d4-4a0f-8a6b-2f6a4b7c9d10",
        ews_enabled=True,
        ews_allowed_app_ids=(HYBRID_APPLICATION_ID, TEAMS_MIDDLE_TIER, TEAMS_SCHEDULER, OWN_APPLICATION_ID),
    )
