"""MAPI over HTTP as a stranger sees it, both halves."""

from __future__ import annotations

import pytest

from hybridge.wire import mapi_http
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, Sign
from hybridge.wire.ews.envelope import ServerVersion

VERSION = ServerVersion(15, 1, 2176, 9)


def test_the_question_carries_no_credential() -> None:
    ask = mapi_http.ask("https://mail.contoso.com/mapi/emsmdb/")
    assert (ask.method, ask.sign) == ("POST", Sign.NONE)
    assert ("X-RequestType", "PING") in ask.headers


def test_answers_travel() -> None:
    challenge = mapi_http.read_answer(mapi_http.write_challenge(VERSION))
    assert challenge == mapi_http.Answered(status=401, server_application="Exchange/15.01.2176.009")
    pong = mapi_http.read_answer(mapi_http.write_pong(VERSION))
    assert isinstance(pong, mapi_http.Answered)
    assert (pong.status, pong.response_code) == (200, "0")


@pytest.mark.parametrize(
    ("values", "schemes"),
    [
        ((), ()),
        (("Negotiate", "NTLM", 'Basic realm="mail"'), ("negotiate", "ntlm", "basic")),
        (("Bearer client_id=x", "", "bearer"), ("bearer",)),
        (('Bearer client_id="a, b", trusted_issuers="c"', "Negotiate, NTLM"), ("bearer", "negotiate", "ntlm")),
    ],
)
def test_schemes_are_the_first_words(values: tuple[str, ...], schemes: tuple[str, ...]) -> None:
    answer = HttpAnswer(status=401, headers=tuple(("www-authenticate", value) for value in values))
    assert mapi_http.schemes(answer) == schemes


def test_no_answer_stays_a_failure() -> None:
    down = Failure(reason=FailureReason.UNREACHABLE, says="Nobody is there.")
    assert mapi_http.read_answer(HttpAnswer(failure=down)) == down
