"""Graph: service principals and their keys.

``key`` is null unless one object is asked for with $select, so the single-object form is used. A PATCH replaces the
whole list and sends key, type and usage only: sending the other properties back makes it fail.
"""

from __future__ import annotations

import base64
import re

import msgspec

from hybridge.org.records import ServicePrincipal
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, quoted, read_done, read_error
from hybridge.wire.graph.keys import read_key, read_key_credential, write_key_credential
from hybridge.wire.json_body import JsonRefused, json_answer, objects, read_object, text, texts
from hybridge.wire.xml import malformed

SELECT = "id,appId,displayName,accountEnabled,keyCredentials,servicePrincipalNames"


def ask_one(graph_host: str, app_id: str) -> HttpAsk:
    """Ask for the principal of ``app_id`` with its keys."""
    return ask("GET", graph_host, f"/v1.0/servicePrincipals(appId='{quoted(app_id)}')?$select={SELECT}")


def ask_create(graph_host: str, app_id: str) -> HttpAsk:
    """Ask for the principal of ``app_id`` to be made in the tenant."""
    return ask("POST", graph_host, "/v1.0/servicePrincipals", msgspec.json.encode({"appId": app_id}))


def ask_patch_keys(graph_host: str, object_id: str, keys: tuple[bytes, ...]) -> HttpAsk:
    """Ask for the keys to become exactly ``keys`` (DER): those to keep must be among them."""
    credentials = [
        {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(key).decode()} for key in keys
    ]
    body = msgspec.json.encode({"keyCredentials": credentials})
    return ask("PATCH", graph_host, f"/v1.0/servicePrincipals/{object_id}", body)


def read_one(answer: HttpAnswer) -> ServicePrincipal | None | Failure:
    """The principal, None when the tenant has none (404), or why it could not be read. Reads creations (201) too."""
    if not answer.failure and answer.status == 404:
        return None
    if answer.failure or answer.status not in (200, 201):
        return read_error(answer, "the service principal")
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The service principal cannot be read: {error}")
    if not text(body.get("appId")):
        return malformed("The service principal has no appId.")
    return ServicePrincipal(
        premises=Premises.ONLINE,
        identity=text(body.get("appId")),
        object_id=text(body.get("id")),
        display_name=text(body.get("displayName")),
        key_credentials=tuple(read_key_credential(key) for key in objects(body.get("keyCredentials"))),
        service_principal_names=(
            texts(body["servicePrincipalNames"]) if isinstance(body.get("servicePrincipalNames"), list) else None
        ),
    )


def read_patched(answer: HttpAnswer) -> Failure | None:
    """None when the keys were written, else why not."""
    return read_done(answer, "the change of the service principal's keys")


def write_one(principal: ServicePrincipal, status: int = 200) -> HttpAnswer:
    """The answer with ``principal``; 201 answers a creation."""
    return json_answer(
        status,
        {
            "id": principal.object_id,
            "appId": principal.identity,
            "displayName": principal.display_name,
            "accountEnabled": True,
            "keyCredentials": [write_key_credential(key) for key in principal.key_credentials],
            **(
                {}
                if principal.service_principal_names is None
                else {"servicePrincipalNames": list(principal.service_principal_names)}
            ),
        },
    )


def read_path(path: str) -> tuple[str, str] | None:
    """What a request's path names: ("app", app id), ("object", object id), ("all", ""), or None for another path."""
    match = _PATH.fullmatch(path)
    if not match:
        return None
    if match["app"]:
        return "app", match["app"].replace("''", "'")
    return ("object", match["object"]) if match["object"] else ("all", "")


_PATH = re.compile(r"/(?:v1\.0|beta)/servicePrincipals(?:\(appId='(?P<app>[^/]+)'\)|/(?P<object>[^/]+))?/?", re.I)


def read_create(body: bytes) -> str:
    """The application id of a creation, "" when the body names none."""
    try:
        return text(read_object(body).get("appId"))
    except JsonRefused:
        return ""


def read_patch(body: bytes) -> tuple[bytes, ...]:
    """The keys of a PATCH in order (DER). Raises ``JsonRefused`` when Graph would answer 400."""
    given = read_object(body).get("keyCredentials")
    if not isinstance(given, list):
        raise JsonRefused("The PATCH holds no keyCredentials.")
    keys = [read_key(text(key.get("key"))) for key in objects(given)]
    if len(keys) != len(given) or any(key is None for key in keys):
        raise JsonRefused("Every key credential needs a key in base64.")
    if any(set(key) - {"type", "usage", "key"} for key in objects(given)):
        raise JsonRefused("Update to existing credential is not allowed: send key, type and usage only.")
    return tuple(key for key in keys if key is not None)
