"""Service principals of the lab's Graph, and Graph's rules for their keys.

A PATCH replaces the whole list of keys and takes key, type and usage only; name, thumbprint and expiry come from the
certificate. A certificate the principal has, or once had, keeps its credential, id included: so a list that is put
back equals the list that was there. Real Graph would give a certificate that comes back a new key id.

``key`` is null unless $select names keyCredentials, as Graph documents it.
"""

from __future__ import annotations

import hashlib
from uuid import NAMESPACE_URL, uuid5

import msgspec
from cryptography import x509

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.keepings import kept
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.records import EntraApplication, KeyCredential, ServicePrincipal
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph import service_principals as wire
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused

ONLINE = Premises.ONLINE


def answer_principals(estate: Estate, request: Request) -> HttpAnswer:
    """What Graph answers below ``/servicePrincipals``."""
    named = wire.read_path(request.path)
    match request.method, named and named[0]:
        case "POST", "all":
            return _create(estate, request)
        case "GET" | "PATCH" | "DELETE", "app" | "object":
            principal = _find(estate.organization, *(named or ("", "")))
            if principal is None:
                says = "The service principal does not exist in the tenant."
                return write_error(404, "Request_ResourceNotFound", says, estate.now())
            return _ON_ONE[request.method](estate, request, principal)
        case _:
            return write_error(
                400, "Request_UnsupportedQuery", "The lab does not list service principals.", estate.now()
            )


def _find(organization: Organization, by: str, name: str) -> ServicePrincipal | None:
    if by == "app":
        return organization.one(ServicePrincipal, ONLINE, name)
    principals = organization.all(ServicePrincipal, ONLINE)
    return next((one for one in principals if one.object_id.lower() == name.lower()), None)


def _read(_: Estate, request: Request, principal: ServicePrincipal) -> HttpAnswer:
    selected = request.query.get("$select", "").lower().split(",")
    if "keycredentials" not in [name.strip() for name in selected]:
        blank = tuple(msgspec.structs.replace(key, key=None) for key in principal.key_credentials)
        principal = msgspec.structs.replace(principal, key_credentials=blank)
    return wire.write_one(principal)


def _create(estate: Estate, request: Request) -> HttpAnswer:
    """Make the principal of an application Entra knows: one of the healthy tenant's, or one registered here."""
    app_id = wire.read_create(request.body)
    if estate.organization.one(ServicePrincipal, ONLINE, app_id) is not None:
        says = "The service principal name is already in use."
        return write_error(409, "Request_MultipleObjectsWithSameKeyValue", says, estate.now())
    model = estate.healthy.one(ServicePrincipal, ONLINE, app_id) or _of_application(estate.organization, app_id)
    if model is None:
        says = f"There is no application '{app_id[:80]}' to make a service principal of."
        return write_error(400, "NoBackingApplicationObject", says, estate.now())
    principal = msgspec.structs.replace(model, key_credentials=())
    estate.organization = estate.organization.put(principal)
    return wire.write_one(principal, status=201)


def _of_application(organization: Organization, app_id: str) -> ServicePrincipal | None:
    """The principal of an application that is registered in the tenant itself."""
    for one in organization.all(EntraApplication, ONLINE):
        if app_id and one.application_id.lower() == app_id.lower():
            object_id = str(uuid5(NAMESPACE_URL, f"principal:{app_id}"))
            name = one.display_name or one.identity
            return ServicePrincipal(premises=ONLINE, identity=app_id, object_id=object_id, display_name=name)
    return None


def _delete(estate: Estate, _: Request, principal: ServicePrincipal) -> HttpAnswer:
    _remember(estate, principal)
    estate.organization = estate.organization.drop(principal.address)
    return HttpAnswer(status=204)


def _patch_keys(estate: Estate, request: Request, principal: ServicePrincipal) -> HttpAnswer:
    _remember(estate, principal)
    try:
        keys = tuple(_credential(estate, principal, der) for der in dict.fromkeys(wire.read_patch(request.body)))
    except JsonRefused as refused:
        code = "KeyNotUpdatable" if "existing credential" in str(refused) else "Request_BadRequest"
        return write_error(400, code, str(refused), estate.now())
    estate.organization = estate.organization.put(msgspec.structs.replace(principal, key_credentials=keys))
    return HttpAnswer(status=204)


_ON_ONE = {"GET": _read, "PATCH": _patch_keys, "DELETE": _delete}


def _remember(estate: Estate, principal: ServicePrincipal) -> None:
    """Keep every credential the principal has now or had while healthy, so that its certificate can bring it back."""
    healthy = estate.healthy.one(ServicePrincipal, ONLINE, principal.identity)
    known = kept(estate).key_credentials
    for key in (*(healthy.key_credentials if healthy else ()), *principal.key_credentials):
        if key.key is not None:
            known[principal.identity.lower(), key.key] = key


def _credential(estate: Estate, principal: ServicePrincipal, der: bytes) -> KeyCredential:
    """The credential of certificate ``der``; raises JsonRefused when it is none."""
    known = kept(estate).key_credentials.get((principal.identity.lower(), der))
    if known is not None:
        return known
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
    except ValueError:
        raise JsonRefused("The key is not a certificate in DER.") from None
    thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    return KeyCredential(
        key_id=str(uuid5(NAMESPACE_URL, f"{principal.object_id}/{thumbprint}")),
        custom_key_identifier=thumbprint,
        display_name=subject,
        key=der,
        end_at=certificate.not_valid_after_utc,
    )
