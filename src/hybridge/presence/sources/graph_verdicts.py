"""What a failed answer of Graph means for what is asked next. Pure functions.

A mailbox that is over its limit or refuses us rests alone; where nobody answers, or who we are is refused, everything
rests. What Graph says in ``Retry-After`` is obeyed, and some time is added so that not all come back at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

import msgspec

from hybridge.presence.observations import NotRead, Subject
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer
from hybridge.wire.json_body import JsonRefused, mapping, read_object, text

PERMISSIONS = {Subject.CALENDAR: "Calendars.Read", Subject.REPLIES: "MailboxSettings.Read"}
"""The least application permission each read needs."""
GONE = frozenset(
    {
        "ErrorInvalidUser",
        "ErrorMailRecipientNotFound",
        "ErrorNonExistentMailbox",
        "MailboxNotEnabledForRESTAPI",
        "MailboxNotSupportedForRESTAPI",
        "Request_ResourceNotFound",
        "ResourceNotFound",
        "5009",
    }
)
"""Codes that say that there is no such mailbox in Exchange Online."""
OF_A_MAILBOX = frozenset({"ApplicationThrottled", "ErrorExceededConnectionCount", "MailboxConcurrency"})
"""Codes of a 429 that are about one mailbox."""
_FIRST = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(hours=1)
_OUTSIDE = frozenset(
    {
        FailureReason.UNREACHABLE,
        FailureReason.NAME_NOT_FOUND,
        FailureReason.CERTIFICATE,
        FailureReason.NOT_CONFIGURED,
        FailureReason.REFUSED,
    }
)


class Scope(StrEnum):
    """Who rests after a failure."""

    MAILBOX = "mailbox"
    ALL = "all"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Why a read failed, who rests, and how long Graph wants it (None: it did not say).

    ``credential`` tells that who we are was refused; ``apart`` that the people of one request should be asked apart,
    because one of them may have spoiled it; ``refused`` that we may not (403).
    """

    says: str
    next_step: str = ""
    code: str = ""
    scope: Scope = Scope.MAILBOX
    wait: timedelta | None = None
    gone: bool = False
    credential: bool = False
    apart: bool = False
    refused: bool = False

    def not_read(self, subject: Subject, at: datetime) -> NotRead:
        """What the people concerned are told."""
        says = f"{self.says} {self.next_step}".strip()
        return NotRead(subject=subject, says=says, at=at, code=self.code, gone=self.gone)


def judge(answer: HttpAnswer, failure: Failure, subject: Subject, now: datetime) -> Verdict:
    """What the failure of ``answer`` means."""
    if answer.failure is not None:
        credential = failure.reason in (FailureReason.SIGN_IN, FailureReason.FORBIDDEN)
        everybody = credential or failure.reason in _OUTSIDE
        scope = Scope.ALL if everybody else Scope.MAILBOX
        return Verdict(says=failure.says, next_step=failure.next_step, scope=scope, credential=credential)
    code = code_of(answer)
    if answer.status == 401:
        return Verdict(
            says=failure.says, next_step=failure.next_step, code=code or "401", scope=Scope.ALL, credential=True
        )
    if answer.status == 403:
        permission = PERMISSIONS[subject]
        next_step = (
            f"Grant the Entra application the application permission {permission} with admin consent, and let its "
            "access policy reach this mailbox."
        )
        return Verdict(says=failure.says, next_step=next_step, code=code or "403", refused=True)
    if answer.status in (429, 503, 504):
        alone = answer.status == 429 and (code in OF_A_MAILBOX or b"MailboxConcurrency" in answer.body)
        wait = retry_after(answer.header("retry-after"), now)
        scope = Scope.MAILBOX if alone else Scope.ALL
        return Verdict(says=failure.says, code=code or str(answer.status), scope=scope, wait=wait or _FIRST)
    gone = code in GONE  # a 404 without such a word may come from anything on the way
    apart = answer.status in (400, 413, 422) and bool(code) and not gone
    return Verdict(
        says=failure.says, next_step=failure.next_step, code=code or str(answer.status), gone=gone, apart=apart
    )


def code_of(answer: HttpAnswer) -> str:
    """Graph's own word for an error, "" without one."""
    try:
        return text(mapping(read_object(answer.body).get("error")).get("code"))[:100]
    except JsonRefused:
        return ""


def retry_after(value: str, now: datetime) -> timedelta | None:
    """How long ``Retry-After`` wants us to wait (seconds or a date), an hour at most; None when it does not say."""
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 7:
        return min(timedelta(seconds=int(value)), _LONGEST_WAIT)
    try:
        return min(max(parsedate_to_datetime(value) - now, timedelta()), _LONGEST_WAIT)
    except (ValueError, TypeError):
        return None
