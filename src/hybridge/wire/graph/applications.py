"""Graph: applications registered in the tenant, with the permissions they ask for and their keys.

An application is found by its display name, which Entra does not keep unique. Lists show ``key`` as null, so each
application is asked for once more by itself. ``requiredResourceAccess`` and ``keyCredentials`` are replaced as a whole
by a PATCH; keys that stay are sent back as the whole objects Graph gave, a new one with an id of its own (a service
principal takes key, type and usage only: see ``service_principals``). Deleted applications can be restored for thirty
days, and keep their ids.

Sources: Microsoft Graph, application resource type, Update application, Restore deleted item; the way CSS-Exchange's
ConfigureExchangeHybridApplication writes keys.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import msgspec

from hybridge.org.records import EntraApplication
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, quoted, read_error
from hybridge.wire.graph.keys import read_key, read_key_credential, write_key_credential
from hybridge.wire.json_body import JsonRefused, json_answer, objects, read_object, text
from hybridge.wire.xml import malformed

PATH = "/v1.0/applications"
DELETED_PATH = "/v1.0/directory/deletedItems/microsoft.graph.application"
SELECT = "id,appId,displayName,requiredResourceAccess,keyCredentials,passwordCredentials"
KeyObject = dict[str, Any]
"""One key credential exactly as Graph gave it."""


# Our half: asks and what is read of the answers -----------------------------------------------------------------------


def ask_beginning_with(graph_host: str, prefix: str) -> HttpAsk:
    """Ask for every application whose display name begins with ``prefix``; keys come without their bytes."""
    return _listed(graph_host, PATH, f"startswith(displayName,'{quoted(prefix)}')")


def ask_named(graph_host: str, name: str) -> HttpAsk:
    """Ask for every application whose display name is ``name``; keys come without their bytes."""
    return _listed(graph_host, PATH, f"displayName eq '{quoted(name)}'")


def ask_deleted(graph_host: str, name: str) -> HttpAsk:
    """Ask for deleted applications called ``name`` that can still be restored."""
    return _listed(graph_host, DELETED_PATH, f"displayName eq '{quoted(name)}'")


def ask_one(graph_host: str, object_id: str) -> HttpAsk:
    """Ask for the application with ``object_id`` and its keys."""
    return ask("GET", graph_host, f"{PATH}/{quote(object_id, safe='')}?$select={SELECT}")


def ask_with_app_id(graph_host: str, app_id: str) -> HttpAsk:
    """Ask for the application with the application id ``app_id`` and its keys."""
    return ask("GET", graph_host, f"{PATH}(appId='{quote(quoted(app_id), safe='')}')?$select={SELECT}")


def ask_create(graph_host: str, name: str, access: tuple[str, ...], keys: tuple[bytes, ...]) -> HttpAsk:
    """Ask for an application of this tenant alone, with permissions to ask for and keys (DER)."""
    body = {
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        "requiredResourceAccess": _write_access(access),
        "keyCredentials": [_new_key(key, name) for key in keys],
    }
    return ask("POST", graph_host, PATH, msgspec.json.encode(body))


def ask_restore(graph_host: str, object_id: str) -> HttpAsk:
    """Ask for a deleted application to be brought back with the ids it had."""
    return ask("POST", graph_host, f"/v1.0/directory/deletedItems/{quote(object_id, safe='')}/restore")


def ask_delete(graph_host: str, object_id: str) -> HttpAsk:
    """Ask for an application to be deleted; it can be restored for thirty days."""
    return ask("DELETE", graph_host, f"{PATH}/{quote(object_id, safe='')}")


def ask_patch_access(graph_host: str, object_id: str, access: tuple[str, ...]) -> HttpAsk:
    """Ask for the permissions an application asks for to become exactly ``access``."""
    body = msgspec.json.encode({"requiredResourceAccess": _write_access(access)})
    return ask("PATCH", graph_host, f"{PATH}/{quote(object_id, safe='')}", body)


def ask_patch_keys(
    graph_host: str, object_id: str, kept: tuple[KeyObject, ...], added: tuple[bytes, ...] = ()
) -> HttpAsk:
    """Ask for the keys to become exactly ``kept`` (whole objects, as read) and ``added`` (DER)."""
    keys = [*kept, *(_new_key(key, object_id) for key in added)]
    body = msgspec.json.encode({"keyCredentials": keys})
    return ask("PATCH", graph_host, f"{PATH}/{quote(object_id, safe='')}", body)


def _listed(graph_host: str, path: str, condition: str) -> HttpAsk:
    wanted = quote(condition, safe="'(),")
    return ask("GET", graph_host, f"{path}?$filter={wanted}&$select={SELECT}")


def _new_key(der: bytes, owner: str) -> KeyObject:
    """A new key; its id is made of owner and key, so that a repeated request is the same request."""
    return {
        "displayName": "hybridge: Exchange authentication certificate",
        "key": base64.b64encode(der).decode(),
        "keyId": str(uuid5(NAMESPACE_URL, f"{owner}/{base64.b64encode(der).decode()}")),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def read_all(answer: HttpAnswer) -> tuple[EntraApplication, ...] | Failure:
    """The applications of a list, or why it could not be read."""
    if answer.failure or answer.status != 200:
        return read_error(answer, "the applications")
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The applications cannot be read: {error}")
    if body.get("@odata.nextLink"):
        return malformed("Graph has more applications of that name than it shows at once.")
    return distinct(_read_application(one) for one in objects(body.get("value")))


def read_one(answer: HttpAnswer) -> EntraApplication | None | Failure:
    """The application, None when there is none (404), or why it could not be read. Reads creations (201) too."""
    body = _body(answer)
    return _read_application(body) if isinstance(body, dict) else body


def read_key_objects(answer: HttpAnswer) -> tuple[KeyObject, ...] | Failure:
    """The keys of one application as the whole objects a PATCH has to send back."""
    body = _body(answer)
    if isinstance(body, Failure):
        return body
    return objects(body.get("keyCredentials")) if body else ()


def _body(answer: HttpAnswer) -> dict[str, Any] | None | Failure:
    if not answer.failure and answer.status == 404:
        return None
    if answer.failure or answer.status not in (200, 201):
        return read_error(answer, "the application")
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The application cannot be read: {error}")
    return body if text(body.get("displayName")) else malformed("The application has no displayName.")


def distinct(applications: Iterable[EntraApplication]) -> tuple[EntraApplication, ...]:
    """``applications`` with an identity each: those that share a name are told apart by their application ids."""
    found = tuple(applications)
    names = Counter(one.display_name.lower() for one in found)
    return tuple(
        msgspec.structs.replace(one, identity=f"{one.display_name} ({one.application_id})")
        if names[one.display_name.lower()] > 1
        else one
        for one in found
    )


def _read_application(body: dict[str, Any]) -> EntraApplication:
    name = text(body.get("displayName"))
    return EntraApplication(
        premises=Premises.ONLINE,
        identity=name,
        application_id=text(body.get("appId")),
        object_id=text(body.get("id")),
        display_name=name,
        required_resource_access=tuple(_read_access(body.get("requiredResourceAccess"))),
        key_credentials=tuple(read_key_credential(key) for key in objects(body.get("keyCredentials"))),
        password_credentials=tuple(text(one.get("keyId")) for one in objects(body.get("passwordCredentials"))),
    )


def _read_access(value: Any) -> Iterator[str]:
    for resource in objects(value):
        for access in objects(resource.get("resourceAccess")):
            parts = (text(resource.get("resourceAppId")), text(access.get("id")), text(access.get("type")))
            yield "/".join(part for part in parts if part)


def _write_access(access: tuple[str, ...]) -> list[dict[str, Any]]:
    """One entry a resource, as Graph wants it."""
    resources: dict[str, list[dict[str, str]]] = {}
    for entry in access:
        resource, _, rest = entry.partition("/")
        permission, _, kind = rest.partition("/")
        resources.setdefault(resource, []).append({"id": permission, "type": kind})
    return [{"resourceAppId": resource, "resourceAccess": listed} for resource, listed in resources.items()]


# The server's half ----------------------------------------------------------------------------------------------------


class SentKey(msgspec.Struct, frozen=True):
    """One key of a request: an object sent back or a new one. ``key`` is None where its bytes were not sent."""

    key_id: str
    key: bytes | None


class Sent(msgspec.Struct, frozen=True):
    """What a creation or a PATCH holds; None for what it leaves alone."""

    display_name: str = ""
    access: tuple[str, ...] | None = None
    keys: tuple[SentKey, ...] | None = None


def read_path(path: str) -> tuple[str, str] | None:
    """What a request's path names: ("object", id), ("app", application id), ("restore", id), ("all", ""),
    ("deleted", ""), or None for another path."""
    match = _PATHS.fullmatch(path)
    if match is None:
        return None
    named = next(((kind, value) for kind, value in match.groupdict().items() if value), None)
    if named is None:
        return "all", ""
    return ("deleted", "") if named[0] == "deleted" else (named[0], named[1].replace("''", "'"))


_PATHS = re.compile(
    r"/(?:v1\.0|beta)/(?:applications(?:\(appId='(?P<app>[^/]+)'\)|/(?P<object>[^/]+))?"
    r"|directory/deletedItems/(?:(?P<deleted>microsoft\.graph\.application)|(?P<restore>[^/]+)/restore))/?",
    re.I,
)


def read_filter(filter_: str) -> tuple[str, str] | None:
    """What a ``$filter`` wants of the display name: ("is", name) or ("begins", prefix); None for another one."""
    equal = re.fullmatch(r"\s*displayName\s+eq\s+'(.*)'\s*", filter_, re.I)
    begins = re.fullmatch(r"\s*startswith\(\s*displayName\s*,\s*'(.*)'\s*\)\s*", filter_, re.I)
    found = equal or begins
    return ("is" if equal else "begins", found[1].replace("''", "'")) if found else None


def read_sent(body: bytes) -> Sent:
    """What a creation or a PATCH holds. Raises ``JsonRefused`` when Graph would answer 400."""
    given = read_object(body)
    access = given.get("requiredResourceAccess")
    keys = given.get("keyCredentials")
    return Sent(
        text(given.get("displayName")),
        None if access is None else tuple(_read_access(access)),
        None if keys is None else tuple(_read_sent_key(key) for key in objects(keys)),
    )


def _read_sent_key(key: dict[str, Any]) -> SentKey:
    if not text(key.get("keyId")):
        raise JsonRefused("A key credential of an application needs a keyId.")
    return SentKey(text(key.get("keyId")), read_key(text(key.get("key"))))


def write_one(application: EntraApplication, status: int = 200) -> HttpAnswer:
    """The answer with one application; 201 answers a creation."""
    return json_answer(status, _write(application))


def write_all(applications: Iterable[EntraApplication]) -> HttpAnswer:
    """The answer to a filter: keys without their bytes."""
    listed = [_write(one) for one in applications]
    for one in listed:
        one["keyCredentials"] = [{**key, "key": None} for key in one["keyCredentials"]]
    return json_answer(200, {"value": listed})


def _write(application: EntraApplication) -> dict[str, Any]:
    return {
        "id": application.object_id,
        "appId": application.application_id,
        "displayName": application.display_name or application.identity,
        "signInAudience": "AzureADMyOrg",
        "requiredResourceAccess": _write_access(application.required_resource_access),
        "keyCredentials": [write_key_credential(key) for key in application.key_credentials],
        "passwordCredentials": [{"keyId": key_id} for key_id in application.password_credentials],
    }
