"""OAuth at Exchange Server: the Bearer challenge it offers, and whom it lets in with a token.

Two kinds of token reach an Exchange server from the cloud. A *user's* token is made by Entra (issuer
``https://sts.windows.net/<tenant>/``) and is trusted through an enabled AuthServer of type AzureAD; the user must have
a mailbox. An *application's* token is made by the access control service (issuer ``00000001-...@<tenant>``) and is
trusted through an enabled AuthServer of type MicrosoftACS; then the application must be an enabled partner
application, and what it may do is what the roles of its linked account allow.

Simplifications: a real application's token is a signed token inside an unsigned one, here both are one signed token;
and a server without a valid authentication certificate refuses applications, which stands for a trust both sides keep
by that certificate. Sources: Microsoft's pages on server-to-server authentication and on hybrid modern authentication.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from hybridge.lab.behaviour.routing import ews_directory
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.terms.premises import Premises
from hybridge.wire.oauth import TOKEN_TYPES, Challenge, Diagnostics

ON = Premises.ON_PREMISES
AUTHORIZATION_URI = f"https://{WORLDWIDE.evosts_metadata}/common/oauth2/authorize"
"""Where clients of the worldwide cloud are sent to sign in."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How much a server's clock may be behind that of who made the token."""
NO_ROLE = "The caller has not assigned any of the RBAC roles requested in the management role header."


@dataclass(frozen=True)
class Token:
    """What a token claims. ``user`` is the SMTP address of the user it speaks for, "" for the application alone.

    ``signed`` tells whether Entra's key signed it; before ``not_before`` it is not valid yet.
    """

    signed: bool
    issuer: str
    audience: str
    app_id: str
    user: str
    expires_at: datetime
    not_before: datetime | None = None


@dataclass(frozen=True)
class Accepted:
    """Signed in by a token. ``operations`` are what the application may do; None where the user's own rights decide."""

    app_id: str
    user: str
    operations: frozenset[str] | None


@dataclass(frozen=True)
class Denied:
    """Not signed in, and what ``x-ms-diagnostics`` says about it."""

    diagnostics: Diagnostics


@dataclass(frozen=True)
class Place:
    """Where a token is shown: ``server`` under the name ``host`` at ``now``; its tenant is in ``cloud``."""

    server: r.ExchangeServer
    host: str
    now: datetime
    cloud: Cloud = WORLDWIDE


def ews_takes_tokens(organization: Organization, server: r.ExchangeServer) -> bool:
    """Whether OAuth is on for the EWS virtual directory of ``server``. Other paths have directories of their own."""
    directory = ews_directory(organization, server)
    return directory is not None and directory.oauth_authentication is not False


def challenge(organization: Organization) -> Challenge:
    """What a path with OAuth offers a caller without credentials."""
    trusted = [one for one in organization.all(r.AuthServer, ON) if one.enabled]
    realms = dict.fromkeys(one.realm for one in trusted if one.realm)
    return Challenge(
        bearer=True,
        client_id=apps.EXCHANGE_ONLINE,
        trusted_issuers=tuple(f"{apps.ACCESS_CONTROL_SERVICE}@{realm}" for realm in realms),
        token_types=TOKEN_TYPES,
        authorization_uri=next((_sign_in_at(one) for one in trusted if one.is_default_authorization_endpoint), ""),
    )


def _sign_in_at(server: r.AuthServer) -> str:
    """Where ``server`` sends clients to sign in: the host its metadata come from."""
    host = urlsplit(server.auth_metadata_url).hostname
    return f"https://{host}/common/oauth2/authorize" if host else AUTHORIZATION_URI


def judge(organization: Organization, token: Token, place: Place) -> Accepted | Denied:
    """Whether ``token`` signs its bearer in at ``place``, on a path with OAuth."""
    if not token.signed:
        return _denied(2000000, "The token has an invalid signature.", "invalid_signature")
    if token.expires_at <= place.now:
        return _denied(2000002, "The token has expired.", "token_expired")
    if token.not_before is not None and place.now < token.not_before - CLOCK_TOLERANCE:
        return _denied(2000002, "The token is not valid yet by the clock of this server.", "token_not_yet_valid")
    if not _meant_for(token.audience, place.host):
        return _denied(2000003, f"The audience claim value is invalid '{token.audience}'.", "invalid_resource")
    if token.audience.startswith("https://") and _offloaded(organization, place.host):
        says = f"The hostname component of the audience claim value is invalid. Expected 'https://{place.host}'. "
        return _denied(2000003, f"{says}Actual 'http://{place.host}'.", "invalid_resource")
    if token.issuer.startswith("https://"):
        return _judge_user(organization, token, place)
    return _judge_application(organization, token, place)


def _judge_user(organization: Organization, token: Token, place: Place) -> Accepted | Denied:
    tenant = token.issuer.rstrip("/").rpartition("/")[2]
    if not _trusts(organization, "AzureAD", tenant):
        return _unknown_tenant(tenant)
    if not _knows_keys(organization, "AzureAD", place.cloud):
        return _unknown_key()
    if organization.one(r.Mailbox, ON, token.user) is None:
        return _denied(2000005, "The user of the token does not exist here.", "invalid_user")
    return Accepted(token.app_id, token.user, None)


def _judge_application(organization: Organization, token: Token, place: Place) -> Accepted | Denied:
    tenant = token.issuer.rpartition("@")[2]
    if not _trusts(organization, "MicrosoftACS", tenant):
        return _unknown_tenant(tenant)
    if any(one.stale for one in organization.all(r.TrustedKeys, ON)):
        return _denied(2000000, "The token has an invalid signature.", "invalid_signature")
    if not _knows_keys(organization, "MicrosoftACS", place.cloud):
        return _unknown_key()
    if auth_certificate(organization, place.server, place.now) is None:
        return _denied(2000007, "The server has no valid authentication certificate.", "internal_error")
    partner = _partner(organization, token.app_id)
    if partner is None:
        return _denied(2000006, f"The application '{token.app_id}' is not a partner.", "invalid_client")
    if _account(organization, partner) is None:
        return _denied(2000006, f"The partner application '{partner.identity}' has no account.", "invalid_client")
    if token.user and organization.one(r.Mailbox, ON, token.user) is None:
        return _denied(2000005, "The user of the token does not exist here.", "invalid_user")
    return Accepted(token.app_id, token.user, operations_of(organization, partner.linked_account))


def auth_certificate(
    organization: Organization, server: r.ExchangeServer | None, now: datetime
) -> r.ExchangeCertificate | None:
    """The authentication certificate in force at ``now``: current, valid, present on ``server`` (None: anywhere)."""
    config = next(iter(organization.all(r.AuthConfig, ON)), None)
    thumbprint = config.current_certificate_thumbprint.upper() if config else ""
    for certificate in organization.all(r.ExchangeCertificate, ON):
        here = server is None or certificate.server.lower() in ("", server.identity.lower())
        if here and thumbprint and certificate.thumbprint.upper() == thumbprint and _valid(certificate, now):
            return certificate
    return None


def published_certificates(organization: Organization, server: r.ExchangeServer) -> tuple[bytes, ...]:
    """DER of the certificates ``server`` publishes: the current one and the next, as far as it has them."""
    config = next(iter(organization.all(r.AuthConfig, ON)), None)
    if config is None:
        return ()
    named = (config.current_certificate_thumbprint.upper(), config.next_certificate_thumbprint.upper())
    found = {
        one.thumbprint.upper(): one.raw_data
        for one in organization.all(r.ExchangeCertificate, ON)
        if one.raw_data and one.server.lower() in ("", server.identity.lower())
    }
    return tuple(found[thumbprint] for thumbprint in dict.fromkeys(named) if thumbprint in found)


def operations_of(organization: Organization, account: str) -> frozenset[str]:
    """Names of the EWS operations the enabled role assignments of ``account`` allow."""
    roles = {
        assignment.role.lower()
        for assignment in organization.all(r.ManagementRoleAssignment, ON)
        if assignment.enabled and _leaf(assignment.role_assignee) == _leaf(account)
    }
    granted = (role.role_entries for role in organization.all(r.ManagementRole, ON) if role.identity.lower() in roles)
    return frozenset(entry for entries in granted for entry in entries)


def _trusts(organization: Organization, kind: str, tenant: str) -> bool:
    return any(
        one.enabled and one.type == kind and one.realm.lower() == tenant.lower()
        for one in organization.all(r.AuthServer, ON)
    )


def _knows_keys(organization: Organization, kind: str, cloud: Cloud) -> bool:
    """Whether an AuthServer learns the keys its issuer signs with: its metadata come from ``cloud``, not another."""
    mine = {"AzureAD": cloud.evosts_metadata, "MicrosoftACS": cloud.acs_metadata}[kind]
    servers = (one for one in organization.all(r.AuthServer, ON) if one.enabled and one.type == kind)
    return any(not one.auth_metadata_url or urlsplit(one.auth_metadata_url).hostname == mine for one in servers)


def _unknown_key() -> Denied:
    return _denied(2000000, "The token has an invalid signature.", "invalid_signature")


def _offloaded(organization: Organization, host: str) -> bool:
    """Whether a device in front of ``host`` ends TLS and passes plain HTTP on."""
    paths = organization.all(r.PublishedPath, ON)
    return any(one.tls_offloaded for one in paths if one.host.lower() == host.lower())


def _denied(code: int, reason: str, category: str) -> Denied:
    return Denied(Diagnostics(code, reason, category))


def _unknown_tenant(tenant: str) -> Denied:
    return _denied(2000004, f"The tenant '{tenant}' is not trusted here.", "invalid_tenant")


def _partner(organization: Organization, app_id: str) -> r.PartnerApplication | None:
    return next(
        (
            one
            for one in organization.all(r.PartnerApplication, ON)
            if one.enabled and one.use_auth_server and one.application_identifier.lower() == app_id.lower()
        ),
        None,
    )


def _account(organization: Organization, partner: r.PartnerApplication) -> r.MailUser | None:
    wanted = _leaf(partner.linked_account)
    return next((one for one in organization.all(r.MailUser, ON) if wanted and _leaf(one.identity) == wanted), None)


def _leaf(name: str) -> str:
    """The name without its place in the directory: "contoso.com/Users/Account" is "account"."""
    return name.rpartition("/")[2].lower()


def _valid(certificate: r.ExchangeCertificate, now: datetime) -> bool:
    begun = certificate.not_before is None or certificate.not_before <= now
    return begun and (certificate.not_after is None or now < certificate.not_after)


def _meant_for(audience: str, host: str) -> bool:
    """Two forms: ``https://<host>/`` and ``<Exchange's application id>/<host>@<realm>``."""
    plain, service = f"https://{host}/", f"{apps.EXCHANGE_ONLINE}/{host}@"
    return audience.lower() == plain.lower() or audience.lower().startswith(service.lower())
