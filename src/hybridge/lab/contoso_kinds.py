"""Contoso as another kind of organization: without a tenant, without servers, or behind a Hybrid Agent."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import msgspec

from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms.applications import TEAMS_PAIR
from hybridge.terms.hybrid_kinds import AGENT_SUFFIX, HybridKind
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
AGENT_HOST = f"8d1f2c3b-5a47-4e09-9b1d-6c0ffee0a9e7{AGENT_SUFFIX}"
_JOINING = (
    r.AuthServer,
    r.FederationTrust,
    r.HybridConfiguration,
    r.IntraOrganizationConnector,
    r.OrganizationRelationship,
    r.RemoteMailbox,
    r.SettingOverride,
)
"""What only an organization with a tenant has on-premises."""


def as_kind(organization: Organization, kind: HybridKind) -> Organization:
    """Healthy ``organization`` as it would be if it were of ``kind``; the classic kind is what it is."""
    if kind is HybridKind.ONLINE:
        return Organization(one for one in organization if one.premises is ONLINE and not isinstance(one, _JOINING))
    if kind is HybridKind.ON_PREMISES:
        alone = (one for one in organization if one.premises is ON and not isinstance(one, _JOINING))
        return Organization(one for one in alone if not _of_teams(one))
    return _behind_an_agent(organization) if kind is HybridKind.MODERN else organization


def _of_teams(one: r.Record) -> bool:
    return isinstance(one, r.PartnerApplication) and one.application_identifier in TEAMS_PAIR


def _behind_an_agent(organization: Organization) -> Organization:
    connectors = (
        msgspec.structs.replace(one, discovery_endpoint=_through(one.discovery_endpoint))
        for one in organization.all(r.IntraOrganizationConnector, ONLINE)
    )
    relationships = (
        msgspec.structs.replace(one, target_autodiscover_epr=_through(one.target_autodiscover_epr))
        for one in organization.all(r.OrganizationRelationship, ONLINE)
    )
    return organization.put(*connectors, *relationships)


def _through(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(netloc=AGENT_HOST))
