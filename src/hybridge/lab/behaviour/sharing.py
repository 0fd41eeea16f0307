"""Free/busy across the premises: how each side of the lab asks the other, and what it answers when it cannot.

An enabled connector that holds the domain decides: then OAuth is used and nothing else is tried. Without one the
organization relationship and the federation serve. The other side answers with what its own relationship allows where
federation was used; a connector asks as the organization itself. Codes are those of the availability service: 5009 an
unknown recipient, 5016 Autodiscover failed, 5037 no relationship, 5039 the request to the other side failed.
"""

from __future__ import annotations

from datetime import datetime

from hybridge.lab.behaviour.oauth_between import Refused, stops_at_edge, to_cloud, to_servers
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms.hybrid_application import ews_host_of
from hybridge.terms.premises import Premises
from hybridge.wire.ews.get_user_availability import MailboxError

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def asked_on_premises(organization: Organization, mailbox: str, now: datetime, tenant_id: str) -> MailboxError | None:
    """Why Exchange Server shows nothing of ``mailbox``, which lies online; None when it does."""
    remote = organization.one(r.RemoteMailbox, ON, mailbox)
    if remote is None:
        return _unknown(mailbox)
    domain = remote.remote_routing_address.rpartition("@")[2].lower()
    if not domain:
        return _autodiscover(mailbox, "the recipient has no target address")
    connector = _connector(organization, ON, domain)
    if connector is not None:
        if not ews_host_of(_host(connector.discovery_endpoint)):
            return _autodiscover(mailbox, f"{connector.discovery_endpoint} does not know the domain {domain}")
        refused = to_cloud(organization, now, tenant_id)
        return None if refused is None else _proxy(refused)
    relationship = _relationship(organization, ON, domain)
    if relationship is None:
        return _no_relationship(domain)
    return _federated(organization, relationship, mailbox, now) or _shown(organization, ONLINE)


def asked_online(organization: Organization, mailbox: str, now: datetime, tenant_id: str) -> MailboxError | None:
    """Why Exchange Online shows nothing of ``mailbox``, which lies on-premises; None when it does."""
    user = organization.one(r.MailUser, ONLINE, mailbox)
    if user is None:
        return _unknown(mailbox)
    domain = user.external_email_address.rpartition("@")[2].lower()
    connector = _connector(organization, ONLINE, domain)
    if connector is not None:
        endpoint = connector.discovery_endpoint
        if not endpoint or ews_host_of(_host(endpoint)):
            return _autodiscover(mailbox, f"'{endpoint}' does not know the domain {domain}")
        refused = to_servers(organization, now, tenant_id, endpoint)
        return None if refused is None else _proxy(refused)
    relationship = _relationship(organization, ONLINE, domain)
    if relationship is None:
        return _no_relationship(domain)
    return (
        _edge(organization, relationship)
        or _federated(organization, relationship, mailbox, now)
        or _directories(organization)
        or _shown(organization, ON)
    )


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _connector(organization: Organization, premises: Premises, domain: str) -> r.IntraOrganizationConnector | None:
    enabled = (one for one in organization.all(r.IntraOrganizationConnector, premises) if one.enabled)
    return next((one for one in enabled if _holds(one.target_address_domains, domain)), None)


def _relationship(organization: Organization, premises: Premises, domain: str) -> r.OrganizationRelationship | None:
    enabled = (one for one in organization.all(r.OrganizationRelationship, premises) if one.enabled)
    return next((one for one in enabled if _holds(one.domain_names, domain)), None)


def _holds(domains: tuple[str, ...], domain: str) -> bool:
    return domain in {name.lower() for name in domains}


def _edge(organization: Organization, relationship: r.OrganizationRelationship) -> MailboxError | None:
    refused = stops_at_edge(organization, relationship.target_autodiscover_epr)
    return None if refused is None else _proxy(refused)


def _federated(
    organization: Organization, relationship: r.OrganizationRelationship, mailbox: str, now: datetime
) -> MailboxError | None:
    """What stops a request that goes by the federation."""
    if not relationship.target_autodiscover_epr and not relationship.target_sharing_epr:
        return _autodiscover(mailbox, "the relationship names no address")
    trust = next(iter(organization.all(r.FederationTrust, ON)), None)
    ends = (trust.org_certificate_not_after, trust.token_issuer_certificate_not_after) if trust else ()
    if trust is None or not relationship.target_application_uri or any(end and end <= now for end in ends):
        return _proxy(Refused(0, "An error occurred when verifying security for the message."))
    return None


def _directories(organization: Organization) -> MailboxError | None:
    """Whether the servers take tokens of the federation."""
    ews = any(one.ws_security_authentication is False for one in organization.all(r.WebServicesVirtualDirectory, ON))
    methods = [
        (*one.external_authentication_methods, *one.internal_authentication_methods)
        for one in organization.all(r.AutodiscoverVirtualDirectory, ON)
    ]
    if ews or any(one and "WSSecurity" not in one for one in methods):
        return _proxy(Refused(401, "An error occurred when verifying security for the message."))
    return None


def _shown(organization: Organization, premises: Premises) -> MailboxError | None:
    """What the side that is asked, ``premises``, lets the other see."""
    mine = [one for one in organization.all(r.OrganizationRelationship, premises) if one.enabled]
    if any(one.free_busy_access_enabled and one.free_busy_access_level.lower() != "none" for one in mine):
        return None
    return MailboxError("ErrorNoFreeBusyAccess", "The caller does not have access to free/busy data.")


def _unknown(mailbox: str) -> MailboxError:
    return MailboxError(
        "ErrorMailRecipientNotFound",
        f"Unable to resolve e-mail address {mailbox} to an Active Directory object.",
        5009,
        "Microsoft.Exchange.InfoWorker.Common.Availability.MailRecipientNotFoundException",
    )


def _autodiscover(mailbox: str, because: str) -> MailboxError:
    return MailboxError(
        "ErrorAutoDiscoverFailed",
        f"Autodiscover failed for email address {mailbox}: {because}.",
        5016,
        "Microsoft.Exchange.InfoWorker.Common.Availability.AutoDiscoverFailedException",
    )


def _no_relationship(domain: str) -> MailboxError:
    return MailboxError(
        "ErrorInvalidOrganizationRelationshipForFreeBusy",
        f"Configuration information for forest/domain {domain} could not be found in Active Directory.",
        5037,
        "Microsoft.Exchange.InfoWorker.Common.Availability.AddressSpaceNotFoundException",
    )


def _proxy(refused: Refused) -> MailboxError:
    status = f" ({refused.status})" if refused.status else ""
    return MailboxError(
        "ErrorProxyRequestProcessingFailed",
        f"Proxy web request failed{status}. {refused.says}",
        5039,
        "Microsoft.Exchange.InfoWorker.Common.Availability.ProxyWebRequestProcessingException",
    )
