"""Tokens of the lab: RS256 JWTs signed by the estate's key, and how a resource reads them.

Who may get one: the applications of the Teams services that speak for themselves (``KEY_HOLDERS``) get an application
token in the form of the access control service; everybody else one in the form of Entra. For ``KEY_HOLDERS`` the lab
refuses (AADSTS700027) unless the application's service principal holds an unexpired key equal to the authentication
certificate Exchange has in force. That is a simplification: in the real world the key lets Exchange sign in to the
service; here it stands for the trust both sides keep, so that a missing key is felt.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from hybridge.lab import contoso_online
from hybridge.lab.apps.keepings import kept
from hybridge.lab.behaviour.server_oauth import Token, auth_certificate
from hybridge.lab.contoso import TENANT_ID
from hybridge.lab.estate import ENTRA_CLIENT, Estate
from hybridge.lab.rights import rights_of
from hybridge.org.organization import Organization
from hybridge.org.records import KeyCredential, ServicePrincipal
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

LIFE = timedelta(hours=1)
ENTRA_ISSUER = f"https://sts.windows.net/{TENANT_ID}/"
ACS_ISSUER = f"{apps.ACCESS_CONTROL_SERVICE}@{TENANT_ID}"
_GRAPH = "00000003-0000-0000-c000-000000000000"
TEAMS_MIDDLE_TIER = contoso_online.TEAMS_MIDDLE_TIER
"""The application whose tokens the calendar and presence services show for a user."""


class TokenRefused(Exception):
    """No token; ``str`` begins with the AADSTS code."""


def mint(estate: Estate, app_id: str, audience: str, user: str = "") -> str:
    """A token for ``app_id`` to show to ``audience``, valid for an hour; for ``user`` (SMTP address) when given.

    Raises TokenRefused when the application's key does not fit (see the head of this file).
    """
    now = estate.now()
    speaks_for_itself = app_id in apps.KEY_HOLDERS
    if speaks_for_itself and not _holds_key(estate.organization, app_id, now):
        raise TokenRefused(f"AADSTS700027: The service principal of '{app_id}' holds no key that Exchange uses now.")
    claims: dict[str, Any] = {
        "aud": audience,
        "iss": ACS_ISSUER if speaks_for_itself else ENTRA_ISSUER,
        "appid": app_id,
        "tid": TENANT_ID,
        "ver": "1.0",
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + LIFE).timestamp()),
    }
    if user:
        claims |= {"smtp": user, "upn": user}
    if roles := permissions(estate, app_id, audience):
        claims["roles"] = list(roles)
    return jwt.encode(claims, kept(estate).signing_key, algorithm="RS256", headers={"kid": key_id(estate)})


def names_a_resource(organization: Organization, audience: str) -> bool:
    """Whether ``audience`` is a name of Exchange's principal; where its names are not modelled, every name is."""
    principal = organization.one(ServicePrincipal, Premises.ONLINE, apps.EXCHANGE_ONLINE)
    if principal is None or principal.service_principal_names is None:
        return True
    return audience.lower().rstrip("/") in {name.lower().rstrip("/") for name in principal.service_principal_names}


def permissions(estate: Estate, app_id: str, audience: str) -> tuple[str, ...]:
    """The application permissions Entra writes into a token of the lab's application."""
    if app_id != ENTRA_CLIENT:
        return ()
    if audience.rstrip("/") in (f"https://{estate.cloud.graph}", _GRAPH):
        return rights_of(estate).graph_roles
    if audience.rstrip("/") in (f"https://{estate.cloud.exchange}", f"https://{estate.cloud.admin_api}"):
        return tuple(sorted(kept(estate).exchange_permissions))
    return ()


def read_bearer(estate: Estate, authorization: str) -> Token | None:
    """What the value of an Authorization header claims; None when it holds no bearer token.

    A token that is not a JWT, or was not signed by the estate's key, comes back unsigned.
    """
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        return None
    try:
        claims = jwt.decode(
            text.strip(),
            kept(estate).signing_key.public_key(),
            algorithms=["RS256"],
            # The estate has its own clock and resources judge the audience, so only the signature is checked here.
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
        )
        return _token(claims)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        return Token(False, "", "", "", "", datetime.min.replace(tzinfo=UTC))


def may_use(estate: Estate, authorization: str, audiences: Collection[str]) -> bool:
    """Whether an Authorization header holds a good token for one of ``audiences`` (without a trailing slash)."""
    token = read_bearer(estate, authorization)
    if token is None or not token.signed or token.expires_at <= estate.now():
        return False
    return token.audience.rstrip("/") in audiences


def key_id(estate: Estate) -> str:
    """The ``kid`` of the estate's signing key."""
    modulus = kept(estate).signing_key.public_key().public_numbers().n
    digest = hashlib.sha256(modulus.to_bytes(256, "big")).digest()
    return base64.urlsafe_b64encode(digest[:20]).rstrip(b"=").decode()


def fits(key: KeyCredential, der: bytes, now: datetime) -> bool:
    """Whether ``key`` is the unexpired key of ``der``: by its bytes, by thumbprint where those are unknown."""
    if key.end_at is not None and key.end_at <= now:
        return False
    if key.key is not None:
        return key.key == der
    return key.custom_key_identifier.upper() == hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def _holds_key(organization: Organization, app_id: str, now: datetime) -> bool:
    certificate = auth_certificate(organization, None, now)
    principal = organization.one(ServicePrincipal, Premises.ONLINE, app_id)
    if certificate is None or principal is None:
        return False
    return any(fits(key, certificate.raw_data, now) for key in principal.key_credentials)


def _token(claims: dict[str, Any]) -> Token:
    return Token(
        signed=True,
        issuer=str(claims.get("iss", "")),
        audience=str(claims.get("aud", "")),
        app_id=str(claims.get("appid", "")),
        user=str(claims.get("smtp", "")),
        expires_at=datetime.fromtimestamp(float(claims.get("exp", 0)), UTC),
        not_before=datetime.fromtimestamp(float(claims["nbf"]), UTC) if "nbf" in claims else None,
    )
