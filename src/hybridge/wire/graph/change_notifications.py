"""Graph's change notifications and lifecycle notifications, both halves: what Graph posts to a subscriber.

A subscriber must answer within three seconds, so it queues what it is told and answers 202; a slower or refusing one is
told again for four hours, and an address that is often slow is throttled. Every notification carries the clientState
the subscription was made with: one with another is not Graph's and is not believed. A change comes about three times.
Source: Microsoft's pages on receiving notifications by webhooks and on lifecycle events.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from hybridge.wire.ask import HttpAnswer
from hybridge.wire.json_body import JsonRefused, mapping, objects, read_object, text, written_instant

BODY_LIMIT = 1024 * 1024
"""Largest body of notifications read, in bytes."""
TOKEN_LIMIT = 4096
"""Longest validation token given back."""

REAUTHORIZE = "reauthorizationRequired"
REMOVED = "subscriptionRemoved"
MISSED = "missed"
LIFECYCLE = (REAUTHORIZE, REMOVED, MISSED)


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One notification: of a change (``change_type`` and ``resource``), or of the subscription (``lifecycle``)."""

    subscription_id: str
    client_state: str = ""
    change_type: str = ""
    resource: str = ""
    resource_id: str = ""
    lifecycle: str = ""
    expires_at: datetime | None = None

    def is_of(self, client_state: str) -> bool:
        """Whether it carries the ``client_state`` we gave, compared in constant time."""
        return bool(client_state) and hmac.compare_digest(self.client_state.encode(), client_state.encode())


def handshake(query: Mapping[str, str]) -> HttpAnswer | None:
    """The answer to Graph's question whether this address wants notifications; None when it is no such question."""
    token = query.get("validationToken", "")
    if not token:
        return None
    if len(token) > TOKEN_LIMIT:
        return _plain(400, "The validation token is too long.")
    return _plain(200, token)


def accepted() -> HttpAnswer:
    """The notifications are queued."""
    return HttpAnswer(status=202)


def refused(says: str) -> HttpAnswer:
    """What was sent is not understood."""
    return _plain(400, says)


def _plain(status: int, says: str) -> HttpAnswer:
    headers = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))
    return HttpAnswer(status=status, headers=headers, body=says.encode())


def read_notifications(body: bytes) -> tuple[Notification, ...]:
    """What a body tells. Raises ``JsonRefused`` with a sentence when it is not such a body."""
    value = read_object(body, BODY_LIMIT).get("value")
    if not isinstance(value, list):
        raise JsonRefused("The body names no notifications.")
    return tuple(_read(one) for one in objects(value))


def _read(one: dict[str, Any]) -> Notification:
    return Notification(
        subscription_id=text(one.get("subscriptionId")),
        client_state=text(one.get("clientState")),
        change_type=text(one.get("changeType")),
        resource=text(one.get("resource")),
        resource_id=text(mapping(one.get("resourceData")).get("id")),
        lifecycle=text(one.get("lifecycleEvent")),
    )


def write_notifications(them: Sequence[Notification], tenant: str) -> bytes:
    """The body that tells them."""
    return msgspec.json.encode({"value": [_written(one, tenant) for one in them]})


def _written(one: Notification, tenant: str) -> dict[str, Any]:
    common: dict[str, Any] = {
        "subscriptionId": one.subscription_id,
        "subscriptionExpirationDateTime": written_instant(one.expires_at),
        "clientState": one.client_state,
        "tenantId": tenant,
    }
    if one.lifecycle:
        return common | {"lifecycleEvent": one.lifecycle}
    return common | {
        "changeType": one.change_type,
        "resource": one.resource,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": one.resource,
            "id": one.resource_id,
        },
    }
