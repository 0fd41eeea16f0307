"""What Exchange says to those who ask too much, and how long it wants to be left alone."""

from __future__ import annotations

import pytest

from hybridge.wire.ask import CmdletAnswer, Failure, FailureReason, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, ServerVersion, write_fault
from hybridge.wire.throttling import busy_ews, micro_delay, quota_wait, refused_cmdlet

QUOTA = (
    "The WS-Management service cannot process the request. The user load quota of 1000 requests per 2 seconds has been "
    "exceeded. Send future requests at a slower rate or raise the quota for this user. The next request from this user "
    "will not be approved for at least 1500 milliseconds."
)
VERSION = ServerVersion(15, 2, 2562, 37)


def test_the_quota_names_the_time() -> None:
    failure = Failure(reason=FailureReason.UNREACHABLE, says=f"The session was refused (code 1): {QUOTA}")
    assert quota_wait(QUOTA) == 1.5
    assert refused_cmdlet(CmdletAnswer(failure=failure)) == 1.5
    assert refused_cmdlet(CmdletAnswer(errors=(QUOTA,))) == 1.5
    assert refused_cmdlet(CmdletAnswer(errors=("The object could not be found.",))) is None
    assert refused_cmdlet(CmdletAnswer()) is None


@pytest.mark.parametrize(
    ("warnings", "seconds"),
    [
        (("Micro delay applied. Actual delayed: 21956 msecs, Enforced: True, Capped delay: 21956 msecs",), 21.956),
        (("micro delay applied. actual delayed: 3 msecs", "Micro delay applied. Actual delayed: 40 msecs"), 0.04),
        (("The command completed, but nothing was changed.",), 0.0),
        ((), 0.0),
    ],
)
def test_a_micro_delay_is_read_from_the_warning(warnings: tuple[str, ...], seconds: float) -> None:
    assert micro_delay(warnings) == seconds


@pytest.mark.parametrize(("value", "seconds"), [("297749", 297.749), ("0", 0.0), ("soon", 0.0), ("-5", 0.0)])
def test_ews_names_its_back_off(value: str, seconds: float) -> None:
    fault = EwsFault(
        "ErrorServerBusy", "The server cannot service this request right now.", (("BackOffMilliseconds", value),)
    )
    assert busy_ews(write_fault(fault, VERSION)) == seconds


def test_other_answers_are_not_throttling() -> None:
    assert busy_ews(write_fault(EwsFault("ErrorAccessDenied", "ErrorServerBusy is not it."), VERSION)) is None
    assert busy_ews(HttpAnswer(status=200, body=b"<x>ErrorServerBusy</x>")) is None
    assert busy_ews(HttpAnswer(status=503)) is None
    gone = Failure(reason=FailureReason.UNREACHABLE, says="Nobody there.")
    assert busy_ews(HttpAnswer(status=429, failure=gone)) is None
    assert busy_ews(HttpAnswer(status=429, headers=(("retry-after", "7"),))) == 7.0
    assert busy_ews(HttpAnswer(status=429, headers=(("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),))) == 0.0
