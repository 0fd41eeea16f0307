"""Whether one Exchange organization of the lab gets in at the other with OAuth, and with which words it is refused.

Two ways, each by configuration alone. To the cloud: Exchange Server signs in as its own application with the
authentication certificate. To the servers: Exchange Online gets a token for the server's public name, and comes as the
partner application "Exchange Online" with the roles of its account. The words of a refusal are those Microsoft's pages
print; what decides first in reality is not published, so the order here is that of the conversation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from hybridge.lab.behaviour.publishing import PASSED_ON, Edge, edge
from hybridge.lab.behaviour.server_oauth import NO_ROLE, auth_certificate
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms import applications as apps
from hybridge.terms import hybrid_application as hybrid
from hybridge.terms.hybrid_kinds import is_hybrid_agent
from hybridge.terms.premises import Premises
from hybridge.terms.sharing import CALENDAR_ROLE

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
EDGE_STATUS = {Edge.NOTHING_THERE: 404, Edge.DENIED: 403, Edge.LOGIN_PAGE: 401, Edge.MOVED: 301, Edge.BRIDGE_ERROR: 500}


@dataclass(frozen=True)
class Refused:
    """Why the other side does not let the caller in: the HTTP status (0 for no answer at all) and its words."""

    status: int
    says: str


def to_cloud(organization: Organization, now: datetime, tenant_id: str, mailbox: str = "") -> Refused | None:
    """What stops Exchange Server at the cloud, asking for ``mailbox`` (on-premises); None when nothing does."""
    return next(_stops_to_cloud(organization, now, tenant_id, mailbox), None)


def _stops_to_cloud(organization: Organization, now: datetime, tenant_id: str, mailbox: str) -> Iterator[Refused]:
    certificate = auth_certificate(organization, None, now)
    if certificate is None:
        yield Refused(0, "Exchange has no valid authentication certificate to sign a request for a token with.")
        return
    servers = [one for one in organization.all(r.AuthServer, ON) if one.enabled]
    if not servers:
        yield Refused(0, "No auth server is enabled that is among the trusted issuers of the challenge.")
        return
    for one in servers:
        if one.realm.lower() != tenant_id.lower():
            yield Refused(401, _diagnosed(4, f"The tenant for tenant guid '{one.realm}' does not exist.", "tenant"))
    application = next((one for one in servers if one.application_identifier and one.type == "AzureAD"), None)
    if application is None or not _override_on(organization):
        yield Refused(403, "The shared service principal may not ask for rich coexistence any more.")
        return
    yield from _stops_application(organization, application.application_identifier, certificate, now)
    if mailbox and organization.one(r.MailUser, ONLINE, mailbox) is None:
        yield Refused(401, _diagnosed(5, _NO_USER, "user"))


_NO_USER = "The user specified by the user-context in the token does not exist."


def _stops_application(
    organization: Organization, application_id: str, certificate: r.ExchangeCertificate, now: datetime
) -> Iterator[Refused]:
    applications = organization.all(r.EntraApplication, ONLINE)
    found = next((one for one in applications if one.application_id.lower() == application_id.lower()), None)
    if found is None:
        yield Refused(
            0,
            "Unable to get token from Auth Server. Error code: 'unauthorized_client'. "
            f"AADSTS700016: Application with identifier '{application_id}' was not found in the directory.",
        )
        return
    if not any(_fits(key, certificate, now) for key in found.key_credentials):
        yield Refused(
            0,
            "Unable to get token from Auth Server. Error code: 'invalid_client'. Description: AADSTS70002: Error "
            "validating credentials. AADSTS50012: Client assertion contains an invalid signature. [Reason - The key "
            f"was not found., Thumbprint of key used by client: '{certificate.thumbprint}']",
        )
    consents = organization.all(r.AppRoleAssignment, ONLINE)
    if not any(
        one.principal.lower() == found.identity.lower() and one.app_role_id == hybrid.FULL_ACCESS_AS_APP
        for one in consents
    ):
        yield Refused(403, "The application holds no permission of Exchange Online.")


def _override_on(organization: Organization) -> bool:
    mine = [one for one in organization.all(r.SettingOverride, ON) if one.section_name == hybrid.OVERRIDE_SECTION]
    return any(hybrid.OVERRIDE_ON.lower() in {entry.lower() for entry in one.parameters} for one in mine)


def _fits(key: r.KeyCredential, certificate: r.ExchangeCertificate, now: datetime) -> bool:
    if key.end_at is not None and key.end_at <= now:
        return False
    thumbprint = hashlib.sha1(key.key, usedforsecurity=False).hexdigest() if key.key else key.custom_key_identifier
    return thumbprint.upper() == certificate.thumbprint.upper()


# To the servers -------------------------------------------------------------------------------------------------------


def ews_host(organization: Organization) -> str:
    """The public name of EWS, "" where no virtual directory has one."""
    urls = (one.external_url for one in organization.all(r.WebServicesVirtualDirectory, ON))
    return next((urlsplit(url).hostname or "" for url in urls if url), "")


def to_servers(
    organization: Organization, now: datetime, tenant_id: str, endpoint: str, mailbox: str = ""
) -> Refused | None:
    """What stops Exchange Online at the servers it looks for at ``endpoint``, asking for ``mailbox`` (online)."""
    return next(_stops_to_servers(organization, now, tenant_id, endpoint, mailbox), None)


def _stops_to_servers(
    organization: Organization, now: datetime, tenant_id: str, endpoint: str, mailbox: str
) -> Iterator[Refused]:
    host = ews_host(organization)
    if not host:
        yield Refused(0, "Autodiscover names no external address of EWS.")
        return
    if not is_hybrid_agent(urlsplit(endpoint).hostname or ""):
        yield from _stops_at_edge(organization, host, urlsplit(endpoint).hostname or "")
    yield from _stops_token(organization, now, tenant_id, host)
    yield from _stops_application_online(organization)
    if mailbox:
        yield from _stops_user(organization, mailbox)


def stops_at_edge(organization: Organization, endpoint: str) -> Refused | None:
    """What stops whoever comes from outside at the edge of the network, before Exchange is reached."""
    host = urlsplit(endpoint).hostname or ""
    return None if is_hybrid_agent(host) else next(_stops_at_edge(organization, ews_host(organization), host), None)


def _stops_at_edge(organization: Organization, host: str, autodiscover_host: str) -> Iterator[Refused]:
    for name, path in ((autodiscover_host, "/autodiscover/autodiscover.svc"), (host, "/ews/exchange.asmx")):
        verdict = edge(organization, name, path, "ASProxy/CrossForest/EmailDomain")
        if verdict not in PASSED_ON:
            status = EDGE_STATUS.get(verdict, 403)
            yield Refused(status, f"The request to {name} failed with HTTP status {status}.")


def _stops_token(organization: Organization, now: datetime, tenant_id: str, host: str) -> Iterator[Refused]:
    principal = organization.one(r.ServicePrincipal, ONLINE, apps.EXCHANGE_ONLINE)
    names = principal.service_principal_names if principal else ()
    if names is not None and f"https://{host}" not in {name.lower().rstrip("/") for name in names}:
        yield Refused(401, _diagnosed(3, "The audience claim value is invalid 'aud'.", "resource"))
    for one in organization.all(r.WebServicesVirtualDirectory, ON):
        if one.oauth_authentication is False:
            yield Refused(401, f"The request to {host} failed with HTTP status 401: no Bearer is offered.")
    for directory in organization.all(r.AutodiscoverVirtualDirectory, ON):
        methods = (*directory.external_authentication_methods, *directory.internal_authentication_methods)
        if methods and "OAuth" not in methods:
            yield Refused(401, "The request to Autodiscover failed with HTTP status 401: no Bearer is offered.")
    if any(one.tls_offloaded for one in organization.all(r.PublishedPath, ON) if one.host == host):
        says = (
            f"The hostname component of the audience claim value is invalid. Expected 'https://{host}'. "
            f"Actual 'http://{host}'."
        )
        yield Refused(401, _diagnosed(3, says, "resource"))
    trusted = [one for one in organization.all(r.AuthServer, ON) if one.enabled and one.type == "MicrosoftACS"]
    if not any(one.realm.lower() == tenant_id.lower() for one in trusted):
        yield Refused(401, _diagnosed(4, f"The tenant for tenant guid '{tenant_id}' does not exist.", "tenant"))
    if any(one.stale for one in organization.all(r.TrustedKeys, ON)):
        yield Refused(401, _diagnosed(0, "The token has an invalid signature.", "signature"))
    if auth_certificate(organization, None, now) is None:
        yield Refused(500, "Exchange has no valid authentication certificate.")


def _stops_application_online(organization: Organization) -> Iterator[Refused]:
    mine = [
        one
        for one in organization.all(r.PartnerApplication, ON)
        if one.application_identifier.lower() == apps.EXCHANGE_ONLINE
    ]
    good = next((one for one in mine if one.enabled and one.use_auth_server and not one.realm), None)
    if good is None:
        yield Refused(401, _diagnosed(6, "The application is not a partner.", "client"))
        return
    held = {
        one.role
        for one in organization.all(r.ManagementRoleAssignment, ON)
        if one.enabled and one.role_assignee.lower() == good.linked_account.lower()
    }
    if CALENDAR_ROLE not in held:
        yield Refused(500, f"ErrorAccessDenied: {NO_ROLE}")


def _stops_user(organization: Organization, mailbox: str) -> Iterator[Refused]:
    known = [
        one
        for one in organization.all(r.RemoteMailbox, ON)
        if mailbox.lower() in (one.identity.lower(), one.user_principal_name.lower())
    ]
    if not known:
        yield Refused(401, _diagnosed(5, _NO_USER, "user"))
    if len(known) > 1:
        says = "The user specified by the user-context in the token is ambiguous."
        yield Refused(401, _diagnosed(5, says, "user"))


def _diagnosed(number: int, reason: str, what: str) -> str:
    """The header by which Exchange says why a token was refused."""
    return f'{2000000 + number};reason="{reason}";error_category="invalid_{what}"'
