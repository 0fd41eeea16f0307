"""What Exchange says when somebody asks too much of it, and how long it wants to be left alone.

Three ways. Remote PowerShell refuses a request over the quota of the account and names the milliseconds until the next
one is taken. A cmdlet that was slowed down ends as usual, with the warning "Micro delay applied" and the delay it was
given. EWS answers with the fault ErrorServerBusy and the value BackOffMilliseconds, which may be 0, or with HTTP 429
and Retry-After. Sources: Microsoft's support article 2881759 (micro delays), the text of WS-Management's quota fault,
"EWS throttling in Exchange" (BackOffMilliseconds), RFC 9110 10.2.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hybridge.wire.ask import CmdletAnswer, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body

UNKNOWN_END = "it is not known whether it was carried out"
"""Stands in the sentence about a cmdlet that was under way when its answer was lost."""

_QUOTA = re.compile(r"will not be approved for at least (\d{1,9}) milliseconds", re.IGNORECASE)
_MICRO_DELAY = re.compile(r"Micro delay applied\.?\s*Actual delayed:\s*(\d{1,9}) msecs", re.IGNORECASE)
_BUSY = "ErrorServerBusy"


def quota_wait(text: str) -> float | None:
    """Seconds until the next request is taken, when ``text`` says that one was refused for the account's quota."""
    found = _QUOTA.search(text)
    return int(found[1]) / 1000 if found else None


def refused_cmdlet(answer: CmdletAnswer) -> float | None:
    """Seconds to wait when the cmdlet was not run because its account asks too much; None when that is not so."""
    texts = (answer.failure.says,) if answer.failure is not None else answer.errors
    return next((wait for text in texts if (wait := quota_wait(text)) is not None), None)


def micro_delay(warnings: Iterable[str]) -> float:
    """Seconds by which Exchange slowed a cmdlet down, as its warnings tell; 0 when it did not."""
    return max((int(found[1]) / 1000 for text in warnings if (found := _MICRO_DELAY.search(text))), default=0.0)


def busy_ews(answer: HttpAnswer) -> float | None:
    """Seconds EWS wants to be left alone for, 0 when it names none; None when it is not too busy."""
    if answer.failure is not None:
        return None
    if answer.status == 429:
        wait = answer.header("retry-after")
        return float(wait) if wait.isascii() and wait.isdigit() else 0.0
    if answer.status not in (200, 500) or _BUSY.encode() not in answer.body:
        return None
    body = read_body(answer)
    if not isinstance(body, EwsFault) or body.code != _BUSY:
        return None
    wait = body.value("BackOffMilliseconds").strip()
    return int(wait) / 1000 if wait.isascii() and wait.isdigit() else 0.0
