"""Entra: what it publishes about the tenant, and its token endpoint for client credentials.

Secrets are those of ``estate.entra_clients``. A client assertion (certificate) is always refused, because the lab
keeps no client's certificate. The tenant goes by its id, its domains, or a word such as ``common``.
"""

from __future__ import annotations

import base64
import hmac

from hybridge.lab.apps import base
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.keepings import kept
from hybridge.lab.apps.tokens import LIFE, TokenRefused, key_id, mint
from hybridge.lab.contoso import TENANT_ID, domains_in
from hybridge.lab.estate import Estate
from hybridge.org.records import FederationService, PublishedRealm
from hybridge.terms.premises import Premises
from hybridge.wire import oauth, user_realm
from hybridge.wire.ask import HttpAnswer

__all__ = ["TokenRefused", "answer", "mint"]

_ANY_TENANT = ("common", "organizations")


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What the login host answers."""
    if request.path.lower() == user_realm.PATH:
        return _realm(estate, request)
    tenant, _, rest = request.path.lower().strip("/").partition("/")
    if rest == "discovery/instance":
        return oauth.write_instance_discovery(estate.cloud.login, TENANT_ID)
    if tenant not in (TENANT_ID, *domains_in(estate.cloud), *_ANY_TENANT):
        return oauth.token_error("invalid_tenant", 90002, f"Tenant '{tenant[:80]}' not found.", estate.now())
    match rest:
        case ".well-known/openid-configuration" | "v2.0/.well-known/openid-configuration":
            return _openid_configuration(estate, tenant)
        case "discovery/keys" | "discovery/v2.0/keys":
            return oauth.write_jwks((_signing_key(estate),))
        case "oauth2/token" | "oauth2/v2.0/token":
            return _token(estate, request)
        case _:
            return base.not_found()


def _openid_configuration(estate: Estate, tenant: str) -> HttpAnswer:
    """What is published of the tenant; asked by its domain, what is published of the domain."""
    told = estate.organization.one(PublishedRealm, Premises.ONLINE, tenant)
    if told is not None and told.name_space_type == "Unknown":
        return oauth.token_error("invalid_tenant", 90002, f"Tenant '{tenant}' not found.", estate.now())
    return oauth.write_openid_configuration(
        estate.cloud.login,
        told.tenant_id if told and told.tenant_id else TENANT_ID,
        cloud_instance=told.cloud_instance if told else "",
        sub_scope=told.sub_scope if told else "",
    )


def _realm(estate: Estate, request: Request) -> HttpAnswer:
    """Realm discovery."""
    login = request.query.get("login", "")
    domain = user_realm.read_domain(login)
    told = estate.organization.one(PublishedRealm, Premises.ONLINE, domain)
    if told is None:
        kind = "Managed" if domain in domains_in(estate.cloud) else "Unknown"
        return user_realm.write_answer(user_realm.Realm(kind, domain, "", estate.cloud.login.partition(".")[2]), login)
    host = next((one.identity for one in estate.organization.all(FederationService, Premises.ON_PREMISES)), "")
    url = f"https://{host}/adfs/ls/?username={login}&wa=wsignin1.0&wtrealm=urn%3afederation%3aMicrosoftOnline&wctx="
    federated = told.name_space_type == "Federated" and host
    realm = user_realm.Realm(told.name_space_type, domain, url if federated else "", told.cloud_instance, "Contoso")
    return user_realm.write_answer(realm, login)


def _signing_key(estate: Estate) -> dict[str, str]:
    """The signing key as a JSON Web Key (RFC 7517)."""
    numbers = kept(estate).signing_key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": key_id(estate),
        "n": _base64url(numbers.n),
        "e": _base64url(numbers.e),
    }


def _base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _token(estate: Estate, request: Request) -> HttpAnswer:
    if request.method != "POST":
        return oauth.token_error("invalid_request", 900561, "The endpoint only accepts POST requests.", estate.now())
    asked = oauth.read_token_request(request.body)
    return _refusal(estate, asked) or _granted(estate, asked)


def _refusal(estate: Estate, asked: oauth.TokenRequest) -> HttpAnswer | None:
    """Why there is no token, None when there is one."""
    now = estate.now()
    if asked.grant_type != "client_credentials":
        return oauth.token_error("unsupported_grant_type", 70003, "The lab grants client_credentials only.", now)
    secret = estate.entra_clients.get(asked.client_id)
    if secret is None:
        says = f"Application with identifier '{asked.client_id[:80]}' was not found in the directory."
        return oauth.token_error("unauthorized_client", 700016, says, now)
    if asked.client_assertion:
        return oauth.token_error("invalid_client", 700027, "The key of the client assertion was not found.", now, 401)
    if not hmac.compare_digest(secret.encode(), asked.client_secret.encode()):
        return oauth.token_error("invalid_client", 7000215, "Invalid client secret provided.", now, 401)
    if not asked.resource and not asked.scope.endswith("/.default"):
        return oauth.token_error("invalid_scope", 1002012, "The scope must end with /.default.", now)
    return None


def _granted(estate: Estate, asked: oauth.TokenRequest) -> HttpAnswer:
    audience = asked.resource or asked.scope.removesuffix("/.default")
    try:
        token = mint(estate, asked.client_id, audience)
    except TokenRefused as refused:
        return oauth.token_error("invalid_client", 700027, str(refused).partition(": ")[2], estate.now(), 401)
    return oauth.token_answer(token, int(LIFE.total_seconds()) - 1)
