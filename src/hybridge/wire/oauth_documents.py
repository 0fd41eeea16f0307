"""Published documents of OAuth: Exchange's authentication metadata, and what Entra publishes about a tenant.

The metadata document holds the public authentication certificates of an Exchange organization, so that they can be
compared with the keys of the service principals without touching a server. Its field list is that of MS-XOAUTH's
document as imitated in the field; readers take only what is well-formed in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, objects, read_object, text
from hybridge.wire.xml import malformed

METADATA_PATH = "/autodiscover/metadata/json/1"
LIMIT = 1024 * 1024
"""Largest document read, in bytes."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of an Exchange organization; ``certificates`` are the DER of every signing key, in order."""

    realm: str = ""
    service_name: str = ""
    issuer: str = ""
    certificates: tuple[bytes, ...] = ()


def ask_metadata(host: str, path: str = METADATA_PATH) -> HttpAsk:
    """Ask ``host`` anonymously for its metadata document."""
    return HttpAsk(method="GET", url=f"https://{host}{path}", headers=(("Accept", "application/json"),), limit=LIMIT)


def read_metadata(body: bytes) -> Metadata | Failure:
    """Read the document; keys that are not for signing or hold no readable certificate are left out."""
    try:
        document = read_object(body, LIMIT)
    except JsonRefused as error:
        return malformed(f"The authentication metadata cannot be read: {error}", "See what answers on this path.")
    if not text(document.get("serviceName")) and not text(document.get("issuer")):
        return malformed("The document is not authentication metadata: it names neither serviceName nor issuer.")
    return Metadata(
        realm=text(document.get("realm")),
        service_name=text(document.get("serviceName")),
        issuer=text(document.get("issuer")),
        certificates=tuple(der for key in objects(document.get("keys")) if (der := _certificate(key))),
    )


def _certificate(key: dict[str, Any]) -> bytes | None:
    usage = text(key.get("usage")).lower()
    held = mapping(key.get("keyValue") or key.get("keyvalue"))
    if usage not in ("", "signing"):
        return None
    try:
        der = base64.b64decode(text(held.get("value")), validate=True)
    except (binascii.Error, ValueError):
        return None
    return der if der.startswith(b"0") else None


def write_metadata(metadata: Metadata, audiences: tuple[str, ...] = ()) -> HttpAnswer:
    """The answer that publishes ``metadata``; ``audiences`` are ``<service name>/<host>@<realm>``."""
    keys = [
        {
            "usage": "signing",
            "keyinfo": {"x5t": base64.b64encode(hashlib.sha1(der, usedforsecurity=False).digest()).decode()},
            "keyvalue": {"type": "x509Certificate", "value": base64.b64encode(der).decode()},
        }
        for der in metadata.certificates
    ]
    return json_answer(
        200,
        {
            "id": f"_{hashlib.sha256(msgspec.json.encode(metadata)).hexdigest()[:32]}",
            "version": "1.0",
            "name": "Exchange",
            "realm": metadata.realm,
            "serviceName": metadata.service_name or EXCHANGE_ONLINE,
            "issuer": metadata.issuer,
            "allowedAudiences": list(audiences),
            "keys": keys,
            "endpoints": [],
        },
    )


class OpenIdConfiguration(msgspec.Struct, frozen=True):
    """What we need of a tenant's OpenID configuration; the issuer holds the tenant id.

    ``cloud_instance`` is such as "microsoftonline.us"; ``sub_scope`` is "GCC", "DODCON" (GCC High), "DOD" or "".
    """

    issuer: str
    token_endpoint: str = ""
    cloud_instance: str = ""
    sub_scope: str = ""

    @property
    def tenant_id(self) -> str:
        """The tenant id in lower case, "" when the issuer has none."""
        parts = [part for part in self.issuer.lower().split("/") if part.count("-") == 4 and len(part) == 36]
        return parts[0] if parts else ""


def ask_openid_configuration(login_host: str, tenant: str) -> HttpAsk:
    """Ask the login host about ``tenant``: an id or any verified domain."""
    url = f"https://{login_host}/{tenant}/.well-known/openid-configuration"
    return HttpAsk(method="GET", url=url, headers=(("Accept", "application/json"),), limit=LIMIT)


def read_openid_configuration(answer: HttpAnswer) -> OpenIdConfiguration | Failure:
    """Read the answer; a tenant Entra does not know is a failure that repeats what Entra said."""
    if answer.failure:
        return answer.failure
    try:
        document = read_object(answer.body, LIMIT)
    except JsonRefused as error:
        return malformed(f"The OpenID configuration (HTTP {answer.status}) cannot be read: {error}")
    issuer = text(document.get("issuer"))
    if answer.status != 200 or not issuer:
        said = text(document.get("error_description"))[:200]
        return malformed(f"The login host gave no OpenID configuration (HTTP {answer.status}). {said}".strip())
    return OpenIdConfiguration(
        issuer,
        text(document.get("token_endpoint")),
        text(document.get("cloud_instance_name")),
        text(document.get("tenant_region_sub_scope")),
    )


def write_openid_configuration(
    login_host: str, tenant_id: str, *, cloud_instance: str = "", sub_scope: str = ""
) -> HttpAnswer:
    """The configuration of ``tenant_id`` at ``login_host`` (v1 issuer, as the domain form answers)."""
    root = f"https://{login_host}/{tenant_id}"
    return json_answer(
        200,
        {
            "issuer": f"https://sts.windows.net/{tenant_id}/",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "jwks_uri": f"{root}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "USGov" if sub_scope in ("DODCON", "DOD") else "EU",
            "tenant_region_sub_scope": sub_scope or None,
            "cloud_instance_name": cloud_instance or login_host.partition(".")[2],
        },
    )


def write_jwks(keys: tuple[dict[str, Any], ...]) -> HttpAnswer:
    """The key set; each key is a JSON Web Key (RFC 7517) as a dict."""
    return json_answer(200, {"keys": list(keys)})


def write_instance_discovery(login_host: str, tenant_id: str) -> HttpAnswer:
    """The instance discovery answer some token clients ask for before anything else."""
    return json_answer(
        200,
        {
            "tenant_discovery_endpoint": f"https://{login_host}/{tenant_id}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [
                {"preferred_network": login_host, "preferred_cache": login_host, "aliases": [login_host]},
            ],
        },
    )
