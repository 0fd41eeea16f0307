"""What a call to EWS came to, for the server rather than for the mailbox: pure.

Exchange says "too busy" in many ways: the fault ErrorServerBusy with BackOffMilliseconds (which may be 0, or stand in
the text as ``Name: BackOffMilliseconds178510``), HTTP 503 or 429 with or without Retry-After, HTTP 200 around an
ErrorInternalServerError that holds an ErrorServerBusy, too many connections, and 401 for a credential that has worked
before. What the last one means is for ``exchange_servers`` to say, which knows whether it has.
"""

from __future__ import annotations

import re
from enum import Enum

import msgspec

from hybridge.wire.ask import Failure, FailureReason, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault

BUSY_CODES = frozenset(
    {"ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened", "ErrorExceededFindCountLimit"}
)
DOWN_CODES = frozenset(
    {"ErrorMailboxStoreUnavailable", "ErrorConnectionFailed", "ErrorADUnavailable", "ErrorADOperation"}
)
DENIED_CODES = frozenset({"ErrorAccountDisabled", "ErrorPasswordExpired", "ErrorPasswordChangeRequired"})
REROUTE_CODES = frozenset(
    {
        "ErrorMailboxMoveInProgress",
        "ErrorMailboxFailover",
        "ErrorWrongServerVersion",
        "ErrorNonExistentMailbox",
        "ErrorInvalidServerVersion",
        "ErrorProxyRequestProcessingFailed",
    }
)
"""Codes of a mailbox that may live somewhere else by now."""
GONE_CODES = frozenset({"ErrorNonExistentMailbox", "ErrorMailRecipientNotFound", "ErrorInvalidSmtpAddress"})
_BACK_OFF = re.compile(rb"BackOffMilliseconds[\"'\s]{0,4}>?\s{0,4}(\d{1,9})")
_LONGEST = 3600.0


class Kind(Enum):
    """What is to be done about it."""

    BUSY = "busy"
    """Leave the server alone for a while."""
    REFUSED = "refused"
    """It refused the sign-in."""
    DOWN = "down"
    """It does not answer, or is out of order."""
    ELSEWHERE = "elsewhere"
    """What was asked for is not there: a redirect, or no such page."""
    FAULT = "fault"
    """It refuses the request: perhaps for one of the mailboxes in it."""


class Verdict(msgspec.Struct, frozen=True):
    """``says`` and ``next_step`` are for people; ``wait`` is the server's own word in seconds, None without one."""

    kind: Kind
    says: str
    next_step: str = ""
    code: str = ""
    wait: float | None = None

    @property
    def crowded(self) -> bool:
        """Whether fewer connections are the cure."""
        return self.code in ("ErrorExceededConnectionCount", "ErrorTooManyObjectsOpened")


def judge(answer: HttpAnswer, read: object) -> Verdict | None:
    """What ``answer`` came to, read as ``read``; None when the operation was answered.

    ``read`` is an ``EwsFault``, a ``Failure`` or the operation's response.
    """
    if answer.status == 401 or (answer.failure and answer.failure.reason is FailureReason.SIGN_IN):
        return _refused(answer)
    if answer.status in (429, 503):
        return Verdict(Kind.BUSY, f"Exchange is too busy (HTTP {answer.status}).", wait=_retry_after(answer))
    if answer.status in (301, 302, 303, 307, 308, 404):
        return Verdict(
            Kind.ELSEWHERE, f"EWS is not there (HTTP {answer.status}).", "Check the EWS virtual directory.", ""
        )
    if isinstance(read, EwsFault):
        return of_code(read.code, read.message, answer.body)
    if isinstance(read, Failure):
        return _failed(answer, read)
    return None


def of_code(code: str, message: str, body: bytes = b"") -> Verdict:
    """What the error ``code`` of a whole answer means for the server; ``body`` may hold a wait or an inner error."""
    inner = code == "ErrorInternalServerError" and b"ErrorServerBusy" in body
    if code in BUSY_CODES or inner:
        return Verdict(Kind.BUSY, "Exchange is too busy.", "", "ErrorServerBusy" if inner else code, back_off(body))
    says = f"Exchange refused the call: {sentence(code, message)}"
    if code in DENIED_CODES:
        return Verdict(Kind.REFUSED, says, "Check the service account.", code)
    return Verdict(Kind.DOWN if code in DOWN_CODES else Kind.FAULT, says, "", code)


def back_off(body: bytes) -> float | None:
    """Seconds of BackOffMilliseconds, however it is written; None without it."""
    found = _BACK_OFF.search(body)
    return min(int(found[1]) / 1000, _LONGEST) if found else None


def sentence(code: str, message: str) -> str:
    """A server's words as the end of one sentence."""
    words = " ".join(message.split())[:300].rstrip(".")
    return f"{code} ({words})." if words else f"{code}."


def _refused(answer: HttpAnswer) -> Verdict:
    if answer.failure:
        return Verdict(Kind.REFUSED, answer.failure.says, answer.failure.next_step)
    return Verdict(Kind.REFUSED, "Exchange refused the sign-in (HTTP 401).", "Check the account and its password.")


def _failed(answer: HttpAnswer, failure: Failure) -> Verdict:
    unread = failure.reason is FailureReason.MALFORMED and answer.status in (0, 200)
    return Verdict(Kind.FAULT if unread else Kind.DOWN, failure.says, failure.next_step)


def _retry_after(answer: HttpAnswer) -> float | None:
    value = answer.header("retry-after").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return min(float(value), _LONGEST)
    return back_off(answer.body)
