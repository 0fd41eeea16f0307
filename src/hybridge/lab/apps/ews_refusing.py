"""EWS that refuses because it is asked too much, in each of the shapes seen in the field.

The fault ErrorServerBusy names how long to stay away, which may be 0 ms; the same may hide inside an answer of 200
whose message is ErrorInternalServerError; a front end says 503 with Retry-After; and Exchange answers 401 under load
to somebody whose password is right.
"""

from __future__ import annotations

from hybridge.lab.apps import base
from hybridge.lab.apps.base import Request
from hybridge.lab.estate import Estate
from hybridge.lab.mail.budgets import BACK_OFF_MILLISECONDS, RETRY_SECONDS
from hybridge.lab.mail.subscriptions import subscriptions_of
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import envelope
from hybridge.wire.ews.envelope import ServerVersion
from hybridge.wire.ews.faults import EwsFault

SAYS = "The server cannot service this request right now. Try again later."
BUSY = EwsFault("ErrorServerBusy", SAYS, (("BackOffMilliseconds", str(BACK_OFF_MILLISECONDS)),))
BUSY_WITHOUT_WAIT = EwsFault(
    "ErrorServerBusy",
    f"{SAYS} Suggested backoff time 0 ms",
    (("Policy", "EWSMaxConcurrency"), ("MaxConcurrencyLimit", "27"), ("BackOffMilliseconds", "0")),
)
_IN_MESSAGES = frozenset({"GetUserAvailability"})
_BARE = frozenset({"GetUserOofSettings", "SetUserOofSettings"})


def refused(estate: Estate, operation: str, version: ServerVersion) -> HttpAnswer | None:
    """How the next request (for ``operation``) is refused, None when it is not; counts it."""
    name = subscriptions_of(estate).budgets.refusal()
    if not name:
        return None
    if name == "unavailable":
        return base.text("Service Unavailable", 503, (("retry-after", str(RETRY_SECONDS)),))
    if name == "challenged":
        return HttpAnswer(status=401)
    if name == "busy-inside":
        return envelope.write_response(_inside(operation), version)
    return envelope.write_fault(BUSY if name == "busy" else BUSY_WITHOUT_WAIT, version)


def _inside(operation: str) -> str:
    """The body of an answer that fails with ErrorServerBusy inside ErrorInternalServerError."""
    values = "".join(
        f'<t:Value Name="InnerError{name}">{value}</t:Value>'
        for name, value in (
            ("MessageText", SAYS),
            ("ResponseCode", "ErrorServerBusy"),
            ("DescriptiveLinkKey", "0"),
        )
    )
    said = (
        "<m:MessageText>An internal server error occurred. The operation failed.</m:MessageText>"
        "<m:ResponseCode>ErrorInternalServerError</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"
        f"<m:MessageXml>{values}</m:MessageXml>"
    )
    if operation in _BARE:
        inside = f'<m:ResponseMessage ResponseClass="Error">{said}</m:ResponseMessage>'
    elif operation in _IN_MESSAGES:
        inside = (
            '<m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error">'
            f"{said}</m:ResponseMessage></m:FreeBusyResponse></m:FreeBusyResponseArray>"
        )
    else:
        message = f"m:{operation}ResponseMessage"
        inside = f'<m:ResponseMessages><{message} ResponseClass="Error">{said}</{message}></m:ResponseMessages>'
    return f"<m:{operation}Response>{inside}</m:{operation}Response>"


def answers_signed_in(request: Request) -> bool:
    """Whether somebody has signed in for ``request``: only then does a refusal count."""
    return bool(request.principal) or request.headers.get("authorization", "").lower().startswith("bearer")
