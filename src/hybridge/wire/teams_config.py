"""The Teams configuration service: policies by type, as the Teams admin center and module read and write them.

It is not documented by Microsoft. A GET of a type lists every policy; a PUT of ``/configuration/<identity>`` merges
only the properties it sends. Identities are ``Global`` and ``Tag:<name>``; records carry the bare name.

Source: the behaviour published tools rely on (CIPP).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import msgspec

from hybridge.org.records import (
    Record,
    TeamsAppPermissionPolicy,
    TeamsAppSetupPolicy,
    TeamsMeetingPolicy,
    TeamsUpgradePolicy,
)
from hybridge.terms.clouds import TEAMS_CONFIG_RESOURCE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk, Sign
from hybridge.wire.cmdlets import teams_meetings
from hybridge.wire.graph.errors import read_done, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, objects, read_json, read_object, text
from hybridge.wire.xml import malformed

APP_SETUP = "TeamsAppSetupPolicy"
UPGRADE = "TeamsUpgradePolicy"
APP_PERMISSION = "TeamsAppPermissionPolicy"
MEETING = "TeamsMeetingPolicy"
_SERVICE = "The Teams configuration service"
_ROOT = "/Skype.Policy/configurations"
_HEADERS = (("Accept", "application/json"), ("x-authz-scope", "tenant"), ("X-Requested-With", "XMLHttpRequest"))

Policy = TeamsAppSetupPolicy | TeamsUpgradePolicy | TeamsAppPermissionPolicy | TeamsMeetingPolicy
R = TypeVar("R", bound=Record)


class Put(msgspec.Struct, frozen=True):
    """A write: the properties to merge into a policy. ``identity`` is "Global" or the policy's bare name."""

    type: str
    identity: str
    properties: dict[str, Any]


def ask_all(host: str, type: str) -> HttpAsk:
    """Ask for every policy of ``type``."""
    return _ask("GET", host, f"{_ROOT}/{type}")


def ask_put(host: str, type: str, identity: str, properties: Mapping[str, Any]) -> HttpAsk:
    """Ask for ``properties`` to be merged into the policy ``identity``; ``properties_of`` makes them of a record."""
    body = msgspec.json.encode(dict(properties))
    return _ask("PUT", host, f"{_ROOT}/{type}/configuration/{quote(_tagged(identity), safe=':')}", body)


def _ask(method: str, host: str, path: str, body: bytes = b"") -> HttpAsk:
    kind = (("Content-Type", "application/json"),) if body else ()
    return HttpAsk(
        method=method,
        url=f"https://{host}{path}",
        headers=(*_HEADERS, *kind),
        body=body,
        sign=Sign.ENTRA,
        scope=f"{TEAMS_CONFIG_RESOURCE}/.default",
    )


def read_app_setup_policies(answer: HttpAnswer) -> tuple[TeamsAppSetupPolicy, ...] | Failure:
    """The app setup policies, or why they could not be read."""
    return _read(answer, "the app setup policies", read_app_setup_policy)


def read_upgrade_policies(answer: HttpAnswer) -> tuple[TeamsUpgradePolicy, ...] | Failure:
    """The upgrade policies, or why they could not be read."""
    return _read(answer, "the upgrade policies", read_upgrade_policy)


def read_app_permission_policies(answer: HttpAnswer) -> tuple[TeamsAppPermissionPolicy, ...] | Failure:
    """The app permission policies, or why they could not be read."""
    return _read(answer, "the app permission policies", teams_meetings.read_permission)


def read_meeting_policies(answer: HttpAnswer) -> tuple[TeamsMeetingPolicy, ...] | Failure:
    """The meeting policies, or why they could not be read."""
    return _read(answer, "the meeting policies", teams_meetings.read_meeting)


def _read(answer: HttpAnswer, what: str, read_one: Callable[[dict[str, Any]], R]) -> tuple[R, ...] | Failure:
    if answer.failure or answer.status != 200:
        return read_error(answer, what, _SERVICE)
    try:
        body = read_json(answer.body)
    except JsonRefused as error:
        return malformed(f"The answer about {what} cannot be read: {error}")
    if not isinstance(body, list):
        return malformed(f"The answer about {what} is not a list.")
    return tuple(read_one(one) for one in objects(body) if text(one.get("Identity")))


def read_app_setup_policy(policy: dict[str, Any]) -> TeamsAppSetupPolicy:
    """One policy of a list; apps are put into their order."""
    pinned = sorted(objects(policy.get("PinnedAppBarApps")), key=_order)
    return TeamsAppSetupPolicy(
        premises=Premises.ONLINE,
        identity=_bare(text(policy.get("Identity"))),
        pinned_app_bar_apps=tuple(text(app.get("Id")) for app in pinned if text(app.get("Id"))),
        allow_user_pinning=policy.get("AllowUserPinning") is not False,
    )


def read_upgrade_policy(policy: dict[str, Any]) -> TeamsUpgradePolicy:
    """One policy of a list."""
    return TeamsUpgradePolicy(
        premises=Premises.ONLINE, identity=_bare(text(policy.get("Identity"))), mode=text(policy.get("Mode"))
    )


def _order(app: dict[str, Any]) -> int:
    order = app.get("Order")
    return order if isinstance(order, int) else 1 << 30


def read_put(answer: HttpAnswer) -> Failure | None:
    """None when a policy was written, else why not."""
    return read_done(answer, "the change of the policy", _SERVICE)


def properties_of(policy: Policy) -> dict[str, Any]:
    """The properties of a record as the service spells them, without its identity."""
    if isinstance(policy, TeamsMeetingPolicy):
        return _without_identity(teams_meetings.write_meeting(policy))
    if isinstance(policy, TeamsAppPermissionPolicy):
        apps = [{"Id": app} for app in policy.default_catalog_apps]
        return {**_without_identity(teams_meetings.write_permission(policy)), "DefaultCatalogApps": apps}
    if isinstance(policy, TeamsUpgradePolicy):
        return {"Mode": policy.mode}
    return {
        "PinnedAppBarApps": [{"Id": app, "Order": order} for order, app in enumerate(policy.pinned_app_bar_apps, 1)],
        "AllowUserPinning": policy.allow_user_pinning,
    }


def _without_identity(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in ("Identity", "ToString")}


def write_policies(policies: Sequence[Policy]) -> HttpAnswer:
    """The answer that lists ``policies``."""
    return json_answer(200, [{"Identity": _tagged(policy.identity), **properties_of(policy)} for policy in policies])


def read_ask(path: str) -> tuple[str, str] | None:
    """Type and bare identity ("" for all) of a request's path, None for another path."""
    match = _PATH.fullmatch(path)
    return (match["type"], _bare(unquote(match["identity"] or ""))) if match else None


_PATH = re.compile(rf"{re.escape(_ROOT)}/(?P<type>[A-Za-z]+)(?:/configuration/(?P<identity>[^/]+))?/?", re.I)


def read_put_ask(path: str, body: bytes) -> Put | None:
    """The write of a request, None when it is none or its body is not an object."""
    asked = read_ask(path)
    if not asked or not asked[1]:
        return None
    try:
        return Put(asked[0], asked[1], read_object(body))
    except JsonRefused:
        return None


def _tagged(identity: str) -> str:
    return "Global" if identity.lower() == "global" else f"Tag:{identity}"


def _bare(identity: str) -> str:
    return identity[4:] if identity.lower().startswith("tag:") else identity
