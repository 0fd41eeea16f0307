"""Graph: subscriptions to changes of a mailbox's events, both halves.

A subscription ends by itself (events: at most 4,230 minutes after it was made or renewed). ``lifecycleNotificationUrl``
can be given only when it is made. Before it answers a create, Graph asks both addresses to show that they want it (see
``change_notifications.handshake``). Source: Microsoft's pages on subscriptions, their lifetimes and lifecycle events.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.json_body import JsonRefused, instant, json_answer, read_object, text, written_instant
from hybridge.wire.xml import malformed

PATH = "/v1.0/subscriptions"
LONGEST = timedelta(minutes=4230)
"""How long a subscription to events lives at most."""
LONGEST_STATE = 128
"""Characters of a clientState."""
CHANGES = ("created", "updated", "deleted")


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. Graph does not give ``client_state`` back to a reader; it is "" then."""

    id: str = ""
    resource: str
    change_types: tuple[str, ...] = CHANGES
    notification_url: str
    lifecycle_url: str = ""
    expires_at: datetime
    client_state: str = ""


def events_of(user: str) -> str:
    """The resource to subscribe to for the events of ``user``."""
    return f"users/{user}/events"


def ask_create(host: str, wanted: Subscription) -> HttpAsk:
    """Ask for a subscription; its ``id`` is Graph's to give."""
    body: dict[str, Any] = {
        "changeType": ",".join(wanted.change_types),
        "notificationUrl": wanted.notification_url,
        "resource": wanted.resource,
        "expirationDateTime": written_instant(wanted.expires_at),
        "clientState": wanted.client_state,
    }
    if wanted.lifecycle_url:
        body["lifecycleNotificationUrl"] = wanted.lifecycle_url
    return ask("POST", host, PATH, msgspec.json.encode(body))


def ask_renew(host: str, identity: str, expires_at: datetime) -> HttpAsk:
    """Ask for a later end; this also answers ``reauthorizationRequired``."""
    body = msgspec.json.encode({"expirationDateTime": written_instant(expires_at)})
    return ask("PATCH", host, f"{PATH}/{quote(identity, safe='')}", body)


def ask_reauthorize(host: str, identity: str) -> HttpAsk:
    """Answer ``reauthorizationRequired`` without a later end."""
    return ask("POST", host, f"{PATH}/{quote(identity, safe='')}/reauthorize")


def ask_delete(host: str, identity: str) -> HttpAsk:
    """End a subscription."""
    return ask("DELETE", host, f"{PATH}/{quote(identity, safe='')}")


def read_one(answer: HttpAnswer, what: str) -> Subscription | None | Failure:
    """The subscription made or renewed, None when it is not there (404), or why not."""
    if not answer.failure and answer.status == 404:
        return None
    if answer.failure or answer.status not in (200, 201):
        return read_error(answer, what)
    try:
        read = _read(read_object(answer.body))
    except JsonRefused as error:
        return malformed(f"Graph's answer about {what} cannot be read: {error}")
    return read if read.id else malformed(f"Graph's answer about {what} names no subscription.")


def _read(body: dict[str, Any]) -> Subscription:
    ends = instant(body.get("expirationDateTime"))
    if ends is None:
        raise JsonRefused("expirationDateTime is missing or is no time.")
    return Subscription(
        id=text(body.get("id")),
        resource=text(body.get("resource")).strip("/"),
        change_types=tuple(one.strip() for one in text(body.get("changeType")).split(",") if one.strip()),
        notification_url=text(body.get("notificationUrl")),
        lifecycle_url=text(body.get("lifecycleNotificationUrl")),
        expires_at=ends,
        client_state=text(body.get("clientState")),
    )


# The server's half ----------------------------------------------------------------------------------------------------


def read_path(path: str) -> tuple[str, bool] | None:
    """(id, whether it is to be reauthorized) of a request's path; the id is "" for all of them."""
    match = _PATH.fullmatch(path)
    return (unquote(match["id"] or ""), bool(match["again"])) if match else None


_PATH = re.compile(r"/(?:v1\.0|beta)/subscriptions(?:/(?P<id>[^/]+)(?P<again>/reauthorize)?)?/?", re.I)


def read_create(body: bytes, may_be_plain: Callable[[str], bool] = lambda _: False) -> Subscription:
    """What a client asks for. Raises ``JsonRefused`` with a sentence where Graph would answer 400.

    ``may_be_plain`` tells of an address whether it may do without TLS.
    """
    wanted = _read(read_object(body))
    if not wanted.resource or not wanted.change_types:
        raise JsonRefused("resource or changeType is missing.")
    strange = [one for one in wanted.change_types if one not in CHANGES]
    if strange:
        raise JsonRefused(f"'{strange[0][:40]}' is no change type.")
    for url in (wanted.notification_url, wanted.lifecycle_url or wanted.notification_url):
        if not url.startswith("https://") and not may_be_plain(url):
            raise JsonRefused("notificationUrl and lifecycleNotificationUrl must be https addresses.")
    if len(wanted.client_state) > LONGEST_STATE:
        raise JsonRefused(f"clientState has more than {LONGEST_STATE} characters.")
    return wanted


def read_renewal(body: bytes) -> datetime:
    """The new end a PATCH names. Raises ``JsonRefused``."""
    ends = instant(read_object(body).get("expirationDateTime"))
    if ends is None:
        raise JsonRefused("expirationDateTime is missing or is no time.")
    return ends


def user_of(resource: str) -> str:
    """Whose events ``resource`` names; "" for a resource of another kind."""
    match = re.fullmatch(r"/?users/([^/]+)(?:/calendar)?/events/?", resource, re.I)
    return unquote(match[1]) if match else ""


def write_one(one: Subscription, status: int = 200) -> HttpAnswer:
    """The answer with one subscription."""
    return json_answer(status, _written(one))


def write_all(them: tuple[Subscription, ...]) -> HttpAnswer:
    """The answer with all of the application's subscriptions."""
    return json_answer(200, {"value": [_written(one) for one in them]})


def _written(one: Subscription) -> dict[str, Any]:
    return {
        "id": one.id,
        "resource": one.resource,
        "changeType": ",".join(one.change_types),
        "notificationUrl": one.notification_url,
        "lifecycleNotificationUrl": one.lifecycle_url or None,
        "expirationDateTime": written_instant(one.expires_at),
        "clientState": None,
    }
