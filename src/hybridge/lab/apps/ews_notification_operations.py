"""EWS notifications of the lab: Subscribe, Unsubscribe, GetEvents and GetStreamingEvents.

Unlike other operations these know at which server they run, for which account, and on whose behalf: a subscription
belongs to the account that made it, lives at one server, and is charged to the mailbox acted for. Only a mailbox of
one's own, or an impersonated one, can be subscribed to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from hybridge.lab.apps.base import Request, StreamedAnswer
from hybridge.lab.behaviour.mailbox_rights import NO_MAILBOX, Caller
from hybridge.lab.estate import Estate
from hybridge.lab.mail.affinity import affinity_cookie
from hybridge.lab.mail.streams import EventStream, bad_ids
from hybridge.lab.mail.subscriptions import DENIED, EXPIRED, INVALID, NOT_FOUND, SAYS, Subscription, subscriptions_of
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer, Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import envelope, get_events, get_streaming_events, subscribe, unsubscribe
from hybridge.wire.ews.distinguished_folders import KINDS, folder_id, read_folder_id
from hybridge.wire.ews.envelope import ServerVersion
from hybridge.wire.ews.faults import EwsFault
from hybridge.wire.ews.get_folder import FolderRef
from hybridge.wire.ews.notifications import Notification
from hybridge.wire.xml import Element

TOO_MANY_CONNECTIONS = EwsFault(
    "ErrorExceededConnectionCount",
    "You have exceeded the available concurrent connections for your account. Try again once your other requests have "
    "completed.",
)
TOO_MANY_SUBSCRIPTIONS = EwsFault(
    "ErrorExceededSubscriptionCount",
    "You have exceeded the available subscriptions for your account. Remove unnecessary subscriptions and try your "
    "request again.",
)


@dataclass(frozen=True)
class Visit:
    """A request that may be run: at ``server``, signed in as ``account``, for ``caller`` (who may be impersonated)."""

    request: Request
    account: str
    caller: Caller
    server: ExchangeServer
    version: ServerVersion

    @property
    def charged(self) -> str:
        """The mailbox that pays, in lower case; the account where it acts for nobody."""
        return (self.caller.user or self.account).lower()


@dataclass(frozen=True)
class NotifyingOperation:
    """``read`` opens the request (raises RequestRefused); ``about`` names its mailbox ("" for none or the caller's);
    ``run`` gives the body of the response, a fault, or the answer itself."""

    read: Callable[[Element], Any]
    about: Callable[[Any], str]
    run: Callable[[Estate, Visit, Any], str | EwsFault | HttpAnswer]


def answer_notifying(estate: Estate, visit: Visit, operation: NotifyingOperation, asked: Any) -> HttpAnswer:
    """The answer to a notification operation, with the cookie for who wants to stay at this server."""
    said = operation.run(estate, visit, asked)
    if isinstance(said, EwsFault):
        return envelope.write_fault(said, visit.version)
    answer = said if isinstance(said, HttpAnswer) else envelope.write_response(said, visit.version)
    cookie = affinity_cookie(visit.request, visit.server)
    return msgspec.structs.replace(answer, headers=(*answer.headers, *cookie))


def _subscribe(estate: Estate, visit: Visit, asked: subscribe.Request) -> str | EwsFault:
    known = subscriptions_of(estate)
    mailbox, folders, refusal = _wanted(estate.organization, visit.caller, asked)
    if not refusal and asked.watermark and not known.knows(asked.watermark):
        refusal = ("ErrorInvalidWatermark", "The watermark is not one of this mailbox.")
    if refusal:
        return subscribe.write_response(subscribe.Response(*refusal))
    if known.count(mailbox) >= known.budgets.subscriptions:
        return TOO_MANY_SUBSCRIPTIONS
    made = known.make(
        visit.server,
        kind=asked.kind,
        owner=visit.account,
        mailbox=mailbox,
        folders=folders,
        events=asked.events,
        minutes=asked.minutes,
    )
    watermark = "" if asked.kind == subscribe.STREAMING else asked.watermark or known.watermark
    return subscribe.write_response(subscribe.Response(subscription_id=made.identity, watermark=watermark))


def _wanted(
    organization: Organization, caller: Caller, asked: subscribe.Request
) -> tuple[str, frozenset[str] | None, tuple[str, str] | None]:
    """The mailbox and its folders (None: all), or why they cannot be subscribed to."""
    named = [_owner_and_name(caller, ref) for ref in asked.folders]
    mailboxes = {mailbox.lower() for mailbox, _ in named} or {caller.user.lower()}
    mailbox = min(mailboxes)
    if asked.kind == subscribe.PUSH:
        refusal: tuple[str, str] | None = ("ErrorInvalidPushSubscriptionUrl", "The lab does not push notifications.")
    elif len(mailboxes) > 1:
        refusal = ("ErrorInvalidSubscriptionRequest", "A subscription is to folders of one mailbox.")
    elif any(not name for _, name in named):
        refusal = ("ErrorInvalidIdMalformed", "A folder id is not one of this server.")
    else:
        refusal = _mailbox_refusal(organization, caller, mailbox)
    if refusal is None and any(name not in KINDS for _, name in named):
        refusal = ("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    folders = frozenset(folder_id(owner, name) for owner, name in named) if named else None
    return mailbox, folders, refusal


def _mailbox_refusal(organization: Organization, caller: Caller, mailbox: str) -> tuple[str, str] | None:
    if not mailbox:
        return "ErrorMissingEmailAddress", "An account without a mailbox must act for one."
    if organization.one(Mailbox, Premises.ON_PREMISES, mailbox) is None:
        return "ErrorNonExistentMailbox", NO_MAILBOX
    if caller.user.lower() != mailbox and caller.operations is None:
        return (
            "ErrorSubscriptionDelegateAccessNotSupported",
            "Subscriptions are not supported for delegate user access.",
        )
    return None


def _owner_and_name(caller: Caller, ref: FolderRef) -> tuple[str, str]:
    if ref.distinguished:
        return ref.mailbox or caller.user, ref.distinguished.lower()
    return read_folder_id(ref.folder_id) or (caller.user, "")


def _unsubscribe(estate: Estate, visit: Visit, asked: unsubscribe.Request) -> str:
    known = subscriptions_of(estate)
    found = known.find(asked.subscription_id, visit.server, visit.account)
    if isinstance(found, str):
        return unsubscribe.write_response(unsubscribe.Response(found, SAYS[found]))
    known.end(found)
    return unsubscribe.write_response(unsubscribe.Response())


def _get_events(estate: Estate, visit: Visit, asked: get_events.Request) -> str:
    known = subscriptions_of(estate)
    found = known.find(asked.subscription_id, visit.server, visit.account)
    if isinstance(found, Subscription) and found.kind != subscribe.PULL:
        found = INVALID
    if isinstance(found, str):
        return get_events.write_response(get_events.Response(found, SAYS[found]))
    if not known.knows(asked.watermark):
        return get_events.write_response(
            get_events.Response("ErrorInvalidWatermark", "The watermark is not one of this mailbox.")
        )
    found.asked_at = estate.now()
    events, more = known.since(found, asked.watermark)
    told = Notification(found.identity, events, asked.watermark, more)
    return get_events.write_response(get_events.Response(notification=told))


def _get_streaming_events(
    estate: Estate, visit: Visit, asked: get_streaming_events.Request
) -> str | EwsFault | HttpAnswer:
    known = subscriptions_of(estate)
    if len(asked.subscription_ids) > get_streaming_events.MOST_IDS:
        return EwsFault("ErrorInvalidRequest", f"A connection takes {get_streaming_events.MOST_IDS} subscriptions.")
    if known.hanging(visit.charged) >= known.budgets.connections:
        return TOO_MANY_CONNECTIONS
    found = {one: known.find(one, visit.server, visit.account) for one in dict.fromkeys(asked.subscription_ids)}
    bad = {one: code for one, code in found.items() if isinstance(code, str)}
    good = tuple(one for one in found.values() if isinstance(one, Subscription))
    bad |= {one.identity: INVALID for one in good if one.kind != subscribe.STREAMING}
    if bad:
        code = next((one for one in (DENIED, NOT_FOUND, EXPIRED) if set(bad.values()) == {one}), INVALID)
        return get_streaming_events.write_response(bad_ids(code, tuple(bad)))
    stream = EventStream(
        known,
        good,
        server=visit.server.identity,
        minutes=asked.minutes,
        charged=visit.charged,
        version=visit.version,
    )
    return StreamedAnswer(status=200, headers=(("content-type", "text/xml; charset=utf-8"),), stream=stream)


def _nobody(_: object) -> str:
    return ""


NOTIFYING = {
    "Subscribe": NotifyingOperation(subscribe.read_request, lambda asked: str(asked.mailbox), _subscribe),
    "Unsubscribe": NotifyingOperation(unsubscribe.read_request, _nobody, _unsubscribe),
    "GetEvents": NotifyingOperation(get_events.read_request, _nobody, _get_events),
    "GetStreamingEvents": NotifyingOperation(get_streaming_events.read_request, _nobody, _get_streaming_events),
}
"""By the name ``envelope.read_request`` gives."""
