"""Which connectors and relationships lead from one side of the organization to the other."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from hybridge.evidence import Evidence, Seen
from hybridge.org.records import AuthServer, IntraOrganizationConnector, OrganizationRelationship, RemoteMailbox
from hybridge.terms.hybrid_application import ews_host_of, is_routing_domain, is_tenant_domain
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def host_of(url: str) -> str:
    """Host of ``url`` in lower case, "" without one."""
    return (urlsplit(url).hostname or "").lower()


def is_cloud(url: str) -> bool:
    """Whether ``url`` is Exchange Online's."""
    return bool(ews_host_of(host_of(url)))


def relationships_to_cloud(records: Iterable[OrganizationRelationship]) -> tuple[OrganizationRelationship, ...]:
    """Relationships of Exchange Server with the tenant, enabled or not."""
    return tuple(
        one
        for one in records
        if is_cloud(one.target_autodiscover_epr) or any(is_tenant_domain(name) for name in one.domain_names)
    )


def relationships_to_servers(
    records: Iterable[OrganizationRelationship], domain: str
) -> tuple[OrganizationRelationship, ...]:
    """Relationships of the tenant with the Exchange servers of ``domain``, enabled or not."""
    return tuple(one for one in records if domain.lower() in _lower(one.domain_names))


_WIZARDS_NAME = "hybridioc"


def connectors_to_cloud(records: Iterable[IntraOrganizationConnector]) -> tuple[IntraOrganizationConnector, ...]:
    """Connectors of Exchange Server to the tenant, enabled or not.

    One that leads nowhere counts as well, and one by the name the Hybrid Configuration Wizard gives, wherever it leads.
    """
    return tuple(
        one
        for one in records
        if is_cloud(one.discovery_endpoint)
        or one.identity.lower().startswith(_WIZARDS_NAME)
        or any(is_tenant_domain(name) for name in one.target_address_domains)
        or not one.target_address_domains
    )


def routing_domain(evidence: Evidence) -> str:
    """The tenant's mail routing domain, as whatever was read names it; "" where nothing does."""
    for name in _named(evidence):
        if is_routing_domain(name):
            return name.lower()
    return ""


def _named(evidence: Evidence) -> Iterable[str]:
    relationships = evidence.all(OrganizationRelationship, ON)
    for one in relationships.records if isinstance(relationships, Seen) else ():
        yield from one.domain_names
    connectors = evidence.all(IntraOrganizationConnector, ON)
    for connector in connectors.records if isinstance(connectors, Seen) else ():
        yield from connector.target_address_domains
    servers = evidence.all(AuthServer, ON)
    for server in servers.records if isinstance(servers, Seen) else ():
        yield from server.domain_name
    mailboxes = evidence.all(RemoteMailbox, ON)
    for mailbox in mailboxes.records if isinstance(mailboxes, Seen) else ():
        yield mailbox.remote_routing_address.rpartition("@")[2]


def covers(domains: Iterable[str], domain: str) -> bool:
    """Whether ``domain`` is one of ``domains``, which may hold "*.contoso.com" for everything below."""
    wanted = domain.lower()
    return any(wanted == name or (name.startswith("*.") and wanted.endswith(name[1:])) for name in _lower(domains))


def _lower(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)
