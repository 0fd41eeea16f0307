"""The EWS endpoint of the lab: sign-in, access policy, role, then the operation.

The order is Exchange's: a caller without credentials is challenged before anything of the request is judged; a caller
the access policy refuses gets a bare 403; only then a request that breaks the schema gets its fault. The mailbox whose
policy decides is the acting user's (a delegate's own, not the owner's), and the one asked about where the account has
no mailbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.ews_notification_operations import NOTIFYING, NotifyingOperation, Visit, answer_notifying
from hybridge.lab.apps.ews_on_the_way import behind, spoilt, too_new
from hybridge.lab.apps.ews_operations import OPERATIONS, Operation
from hybridge.lab.apps.ews_refusing import answers_signed_in, refused
from hybridge.lab.apps.sign_in import ews_caller
from hybridge.lab.behaviour.ews_access import ews_access
from hybridge.lab.behaviour.item_rights import NOT_IMPERSONATED, may_impersonate
from hybridge.lab.behaviour.mailbox_rights import NO_MAILBOX, Caller
from hybridge.lab.behaviour.server_oauth import NO_ROLE
from hybridge.lab.behaviour.servers import back_end, version_of
from hybridge.lab.estate import Estate
from hybridge.lab.mail.affinity import routed
from hybridge.org.records import ExchangeServer, Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import envelope
from hybridge.wire.ews.faults import EwsFault, RequestRefused

ON = Premises.ON_PREMISES


@dataclass(frozen=True)
class Opened:
    """A request whose envelope and operation were read."""

    name: str
    operation: Operation | NotifyingOperation
    asked: Any
    impersonated: str


def answer_ews(estate: Estate, request: Request, server: ExchangeServer) -> HttpAnswer:
    """What ``server`` answers to a request for EWS."""
    caller = ews_caller(estate, request, server)
    if isinstance(caller, HttpAnswer):
        return caller
    opened = _open(request.body) if request.method == "POST" else None
    acting = _acting_mailbox(caller, opened)
    agent = request.headers.get("user-agent", "")
    if not ews_access(estate.organization, ON, acting, agent).allowed:
        return HttpAnswer(status=403)
    if opened is None:
        return HttpAnswer(status=405, headers=(("allow", "POST"),))
    version = behind(estate, request) or version_of(back_end(estate.organization, acting) or server)
    if isinstance(opened, EwsFault):
        return envelope.write_fault(opened, version)
    if answers_signed_in(request) and (busy := refused(estate, opened.name, version)) is not None:
        return busy
    acting_as = too_new(request, version) or _as_whom(estate, caller, opened)
    if isinstance(acting_as, EwsFault):
        return envelope.write_fault(acting_as, version)
    operation = opened.operation
    if isinstance(operation, NotifyingOperation):
        place = routed(estate.organization, request, acting_as.user, server)
        visit = Visit(request, request.principal or caller.user or "application", acting_as, place, version)
        return answer_notifying(estate, visit, operation, opened.asked)
    said = operation.run(estate, acting_as, opened.asked)
    answered = envelope.write_response(said, version)
    answered = msgspec.structs.replace(answered, headers=(*answered.headers, ("x-ewshandler", opened.name)))
    return spoilt(estate, request, opened.name, answered)


def _open(body: bytes) -> Opened | EwsFault:
    try:
        incoming = envelope.read_request(body)
        operation = OPERATIONS.get(incoming.operation) or NOTIFYING.get(incoming.operation)
        if operation is None:
            return EwsFault("ErrorInvalidOperation", f"The lab does not know the operation {incoming.operation[:80]}.")
        return Opened(incoming.operation, operation, operation.read(incoming.child), incoming.impersonated)
    except RequestRefused as refused:
        return refused.fault


def _acting_mailbox(caller: Caller, opened: Opened | EwsFault | None) -> str:
    if not isinstance(opened, Opened):
        return caller.user
    return opened.impersonated or caller.user or opened.operation.about(opened.asked)


def _as_whom(estate: Estate, caller: Caller, opened: Opened) -> Caller | EwsFault:
    """Whom the caller may act as, or the fault that refuses the caller."""
    if not caller.may_run(opened.name):
        return EwsFault("ErrorAccessDenied", NO_ROLE)
    if not opened.impersonated:
        return caller
    if not caller.full_access or not may_impersonate(estate.organization):
        return EwsFault("ErrorImpersonateUserDenied", NOT_IMPERSONATED)
    if estate.organization.one(Mailbox, ON, opened.impersonated) is None:
        return EwsFault("ErrorNonExistentMailbox", NO_MAILBOX)
    return Caller(user=opened.impersonated)
