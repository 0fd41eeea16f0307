"""Applications of the lab's Graph, and the permissions consented to.

A PATCH of an application takes whole key objects: one that is there must come back with the bytes it has, a new one
needs an id of its own. Deleting an application takes its service principal and its permissions with it. An application
that the healthy tenant has and that is gone counts as deleted lately: it can be restored with its ids, but its service
principal and its permissions stay away until somebody makes them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import NAMESPACE_URL, uuid5

import msgspec
from cryptography import x509

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.keepings import kept
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.records import AppRoleAssignment, EntraApplication, KeyCredential, ServicePrincipal
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph import app_role_assignments as permissions
from hybridge.wire.graph import applications as wire
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused

ONLINE = Premises.ONLINE


def answer_applications(estate: Estate, request: Request) -> HttpAnswer:
    """What Graph answers below ``/applications`` and ``/directory/deletedItems``."""
    kind, name = wire.read_path(request.path) or ("", "")
    match request.method, kind:
        case "GET", "all":
            return _list(estate, request, _applications(estate.organization))
        case "GET", "deleted":
            return _list(estate, request, _deleted(estate))
        case "POST", "all":
            return _create(estate, request)
        case "POST", "restore":
            return _restore(estate, name)
        case "GET" | "PATCH" | "DELETE", "app" | "object":
            found = _find(_applications(estate.organization), kind, name)
            return _ON_ONE[request.method](estate, request, found) if found else _absent(estate)
        case _:
            return _absent(estate)


def _absent(estate: Estate) -> HttpAnswer:
    return write_error(404, "Request_ResourceNotFound", "The application does not exist in the tenant.", estate.now())


def _applications(organization: Organization) -> tuple[EntraApplication, ...]:
    """Every application with the ids Entra gave it; a record that has none gets ids made of its name."""
    return tuple(_with_ids(one) for one in organization.all(EntraApplication, ONLINE))


def _with_ids(one: EntraApplication) -> EntraApplication:
    return msgspec.structs.replace(
        one,
        object_id=one.object_id or str(uuid5(NAMESPACE_URL, f"object:{one.identity}")),
        application_id=one.application_id or str(uuid5(NAMESPACE_URL, f"application:{one.identity}")),
        display_name=one.display_name or one.identity,
    )


def _deleted(estate: Estate) -> tuple[EntraApplication, ...]:
    there = {one.object_id.lower() for one in _applications(estate.organization)}
    names = {one.identity.lower() for one in _applications(estate.organization)}
    return tuple(
        one
        for one in _applications(estate.healthy)
        if one.object_id.lower() not in there and one.identity.lower() not in names
    )


def _find(applications: tuple[EntraApplication, ...], kind: str, name: str) -> EntraApplication | None:
    def is_it(one: EntraApplication) -> bool:
        return name.lower() == (one.application_id if kind == "app" else one.object_id).lower()

    return next((one for one in applications if is_it(one)), None)


def _list(estate: Estate, request: Request, applications: tuple[EntraApplication, ...]) -> HttpAnswer:
    wanted = wire.read_filter(request.query.get("$filter", ""))
    if wanted is None:
        return write_error(400, "Request_UnsupportedQuery", "The lab finds applications by name only.", estate.now())
    how, name = wanted
    names = ((one, one.display_name.lower()) for one in applications)
    return wire.write_all(
        one for one, shown in names if shown == name.lower() or (how == "begins" and shown.startswith(name.lower()))
    )


def _read(_: Estate, request: Request, application: EntraApplication) -> HttpAnswer:
    if "keycredentials" not in request.query.get("$select", "").lower():
        blank = tuple(msgspec.structs.replace(key, key=None) for key in application.key_credentials)
        application = msgspec.structs.replace(application, key_credentials=blank)
    return wire.write_one(application)


def _create(estate: Estate, request: Request) -> HttpAnswer:
    try:
        sent = wire.read_sent(request.body)
        keys = tuple(_credential(key) for key in sent.keys or ())
    except JsonRefused as refused:
        return write_error(400, "Request_BadRequest", str(refused), estate.now())
    if not sent.display_name:
        return write_error(400, "Request_BadRequest", "An application needs a displayName.", estate.now())
    made = EntraApplication(
        premises=ONLINE,
        identity=sent.display_name,
        application_id=kept(estate).next_request_id(),
        object_id=kept(estate).next_request_id(),
        display_name=sent.display_name,
        required_resource_access=sent.access or (),
        key_credentials=keys,
    )
    if estate.organization.one(EntraApplication, ONLINE, made.identity):
        # Real Graph makes a second application of the same name; the lab's records tell them apart by their names.
        made = msgspec.structs.replace(made, identity=f"{made.display_name} ({made.application_id})")
    estate.organization = estate.organization.put(made)
    return wire.write_one(made, status=201)


def _restore(estate: Estate, object_id: str) -> HttpAnswer:
    found = _find(_deleted(estate), "object", object_id)
    if found is None:
        return _absent(estate)
    estate.organization = estate.organization.put(found)
    return wire.write_one(found)


def _delete(estate: Estate, _: Request, application: EntraApplication) -> HttpAnswer:
    principal = ServicePrincipal(premises=ONLINE, identity=application.application_id)
    given = [one for one in estate.organization.all(AppRoleAssignment, ONLINE) if _is_of(one, application.display_name)]
    gone = (application.address, principal.address, *(one.address for one in given))
    estate.organization = estate.organization.drop(*gone)
    return HttpAnswer(status=204)


def _patch(estate: Estate, request: Request, application: EntraApplication) -> HttpAnswer:
    try:
        sent = wire.read_sent(request.body)
        present = {key.key_id: key for key in application.key_credentials}
        keys = None if sent.keys is None else tuple(_patched(key, present) for key in sent.keys)
    except JsonRefused as refused:
        code = "KeyNotUpdatable" if "not allowed" in str(refused) else "Request_BadRequest"
        return write_error(400, code, str(refused), estate.now())
    after = msgspec.structs.replace(
        application,
        required_resource_access=application.required_resource_access if sent.access is None else sent.access,
        key_credentials=application.key_credentials if keys is None else keys,
    )
    estate.organization = estate.organization.put(after)
    return HttpAnswer(status=204)


_ON_ONE: dict[str, Callable[[Estate, Request, EntraApplication], HttpAnswer]] = {
    "GET": _read,
    "PATCH": _patch,
    "DELETE": _delete,
}


def _patched(sent: wire.SentKey, present: dict[str, KeyCredential]) -> KeyCredential:
    known = present.get(sent.key_id)
    if known is None:
        return _credential(sent)
    if sent.key != known.key:
        raise JsonRefused(f"Update to existing credential with KeyId '{sent.key_id}' is not allowed.")
    return known


def _credential(sent: wire.SentKey) -> KeyCredential:
    """What Entra makes of a new key; raises JsonRefused when it is no certificate."""
    der = sent.key or b""
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
    except ValueError:
        raise JsonRefused("The key is not a certificate in DER.") from None
    return KeyCredential(
        key_id=sent.key_id,
        custom_key_identifier=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        display_name=subject,
        key=der,
        end_at=certificate.not_valid_after_utc,
    )


# Permissions ----------------------------------------------------------------------------------------------------------


def answer_permissions(estate: Estate, request: Request) -> HttpAnswer:
    """What Graph answers below ``/servicePrincipals/<one>/appRoleAssignments``."""
    by, name, assignment = permissions.read_path(request.path) or ("", "", "")
    principal = _principal(estate.organization, by, name)
    if principal is None:
        says = "The service principal does not exist in the tenant."
        return write_error(404, "Request_ResourceNotFound", says, estate.now())
    match request.method, bool(assignment):
        case "GET", False:
            given = (one for one in estate.organization.all(AppRoleAssignment, ONLINE) if _belongs(one, principal))
            return permissions.write_all(given, principal.object_id, _resource_ids(estate.organization))
        case "POST", False:
            return _grant(estate, request, principal)
        case "DELETE", True:
            return _revoke(estate, principal, assignment)
        case _:
            return write_error(404, "Request_ResourceNotFound", "There is no such assignment.", estate.now())


def _principal(organization: Organization, by: str, name: str) -> ServicePrincipal | None:
    if by == "app":
        return organization.one(ServicePrincipal, ONLINE, name)
    everything = organization.all(ServicePrincipal, ONLINE)
    return next((one for one in everything if one.object_id.lower() == name.lower()), None)


def _belongs(assignment: AppRoleAssignment, principal: ServicePrincipal) -> bool:
    return _is_of(assignment, principal.display_name)


def _is_of(assignment: AppRoleAssignment, name: str) -> bool:
    return assignment.principal.lower() == name.lower()


def _resource_ids(organization: Organization) -> dict[str, str]:
    return {one.display_name: one.object_id for one in organization.all(ServicePrincipal, ONLINE)}


def _grant(estate: Estate, request: Request, principal: ServicePrincipal) -> HttpAnswer:
    try:
        wanted = permissions.read_grant(request.body)
    except JsonRefused as refused:
        return write_error(400, "Request_BadRequest", str(refused), estate.now())
    resource = _principal(estate.organization, "object", wanted.resource_id)
    if resource is None or wanted.principal_id.lower() != principal.object_id.lower():
        says = "Not a valid reference update: the principal or the resource does not exist."
        return write_error(400, "Request_BadRequest", says, estate.now())
    made = AppRoleAssignment(
        premises=ONLINE,
        identity=f"{principal.display_name}/{wanted.app_role_id}",
        principal=principal.display_name,
        app_role_id=wanted.app_role_id,
        resource_display_name=resource.display_name,
        assignment_id=uuid5(NAMESPACE_URL, f"{principal.object_id}/{wanted.app_role_id}").hex,
    )
    if estate.organization.at(made.address) is not None:
        says = "Permission being assigned already exists on the object."
        return write_error(400, "Request_BadRequest", says, estate.now())
    estate.organization = estate.organization.put(made)
    return permissions.write_one(made, principal.object_id, _resource_ids(estate.organization))


def _revoke(estate: Estate, principal: ServicePrincipal, assignment: str) -> HttpAnswer:
    everything = estate.organization.all(AppRoleAssignment, ONLINE)
    found = next((one for one in everything if _belongs(one, principal) and one.assignment_id == assignment), None)
    if found is None:
        return write_error(404, "Request_ResourceNotFound", "There is no such assignment.", estate.now())
    estate.organization = estate.organization.drop(found.address)
    return HttpAnswer(status=204)
