"""The EWS operations on delegates: who they are, and adding, changing and removing them.

Whoever may not do everything with the mailbox is refused as a whole. Within a request each delegate is judged alone:
one that is refused has its own error, and the others are done all the same. Who gets meeting requests is a rule of the
mailbox; it is set by a request that names it, and stays otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hybridge.lab.apps.keepings import kept
from hybridge.lab.behaviour import delegates
from hybridge.lab.behaviour.mailbox_rights import Caller, mailbox_refusal
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews import add_delegate, get_delegate, remove_delegate, update_delegate
from hybridge.wire.ews.delegate_changes import Request, Response

T = TypeVar("T")


def answer_get(estate: Estate, caller: Caller, request: get_delegate.Request) -> str:
    """The response to GetDelegate."""
    refusal = mailbox_refusal(estate.organization, caller, request.mailbox)
    if refusal:
        return get_delegate.write_response(get_delegate.Response(*refusal))
    deliver = kept(estate).meeting_requests.get(request.mailbox.lower(), "")
    return get_delegate.write_response(delegates.get_delegates(estate.organization, request, deliver))


def answer_add(estate: Estate, caller: Caller, request: Request) -> str:
    """The response to AddDelegate."""
    done = _each(estate, caller, request.mailbox, delegates.add_delegate, request.users)
    return add_delegate.write_response(_delivering(estate, request, done))


def answer_update(estate: Estate, caller: Caller, request: Request) -> str:
    """The response to UpdateDelegate."""
    done = _each(estate, caller, request.mailbox, delegates.update_delegate, request.users)
    return update_delegate.write_response(_delivering(estate, request, done))


def answer_remove(estate: Estate, caller: Caller, request: remove_delegate.Request) -> str:
    """The response to RemoveDelegate."""
    done = _each(estate, caller, request.mailbox, delegates.remove_delegate, request.users)
    return remove_delegate.write_response(done)


def _each(
    estate: Estate,
    caller: Caller,
    mailbox: str,
    does: Callable[[Organization, Mailbox, T], delegates.Changed],
    users: tuple[T, ...],
) -> Response:
    """Do it for every delegate of a request, and store what came of it."""
    refusal = mailbox_refusal(estate.organization, caller, mailbox)
    if refusal:
        return Response(*refusal)
    outcomes = []
    for user in users:
        owner = estate.organization.one(Mailbox, Premises.ON_PREMISES, mailbox)
        assert owner is not None
        estate.organization, outcome = does(estate.organization, owner, user)
        outcomes.append(outcome)
    return Response(outcomes=tuple(outcomes))


def _delivering(estate: Estate, request: Request, done: Response) -> Response:
    """Keep who gets meeting requests, where the request names it and was not refused as a whole."""
    if request.deliver_meeting_requests and done.code == "NoError":
        kept(estate).meeting_requests[request.mailbox.lower()] = request.deliver_meeting_requests
    return done
