"""Autodiscover V2, both halves, and what is made of answers that are not Autodiscover."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire import autodiscover_v2 as v2
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, Sign


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=20), st.integers(0, 99))
@settings(deadline=None, max_examples=100)
def test_question_travels(mailbox: str, protocol: str, hops: int) -> None:
    mailbox, protocol = mailbox.encode("utf-8", "ignore").decode(), protocol.encode("utf-8", "ignore").decode()
    ask = v2.ask("autodiscover.contoso.com", mailbox, protocol, hops)
    parts = urlsplit(ask.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    assert v2.read_ask(parts.path, query) == v2.Question(mailbox.strip(), protocol.strip(), hops)
    assert (ask.method, ask.sign, parts.scheme) == ("GET", Sign.NONE, "https")
    assert ("Accept", "application/json") in ask.headers


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (
            "/autodiscover/autodiscover.json/v1.0/ada%40contoso.com",
            {"Protocol": "EWS", "RedirectCount": "1"},
            v2.Question("ada@contoso.com", "EWS", 1),
        ),
        ("/Autodiscover/Autodiscover.json", {"email": "a@b.c", "PROTOCOL": "ews"}, v2.Question("a@b.c", "ews")),
        ("/autodiscover/autodiscover.json", {}, v2.Question("", "")),
        ("/autodiscover/autodiscover.json", {"RedirectCount": "-3\u0663" * 9}, v2.Question("", "")),
        ("/autodiscover/autodiscover.xml", {"Email": "a@b.c"}, None),
        ("/autodiscover/autodiscover.jsonx", {"Email": "a@b.c"}, None),
    ],
)
def test_both_forms_of_the_url(path: str, query: dict[str, str], expected: v2.Question | None) -> None:
    assert v2.read_ask(path, query) == expected


def test_answers_travel() -> None:
    url = "https://mail.contoso.com/EWS/Exchange.asmx"
    assert v2.read_answer(v2.found("ews", url)) == v2.Found("ews", url)
    assert v2.read_answer(v2.redirected("https://x/y?z")) == v2.Redirected("https://x/y?z")
    refused = v2.refused("InvalidProtocol", "The given protocol is invalid.")
    assert refused.status == 400
    assert v2.read_answer(refused) == v2.Refused("InvalidProtocol", "The given protocol is invalid.")


def test_an_error_with_status_200_is_refused() -> None:
    body = b'{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"no"}'
    assert v2.read_answer(HttpAnswer(status=200, body=body)) == v2.Refused("ProtocolNotSupported", "no")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (HttpAnswer(status=200, body=b"<html>Sign in</html>"), "not JSON"),
        (HttpAnswer(status=200, body=b""), "not JSON"),
        (HttpAnswer(status=200, body=b'{"Url":"https://x'), "not JSON"),
        (HttpAnswer(status=200, body=b"\xff\xfe"), "not JSON"),
        (HttpAnswer(status=200, body=b"[" * 100_000), "."),
        (HttpAnswer(status=200, body=b'["Url"]'), "not an object"),
        (HttpAnswer(status=200, body=b'{"Url":["https://x"],"Protocol":7}'), "neither"),
        (HttpAnswer(status=404, body=b"{}"), "neither"),
        (HttpAnswer(status=500, body=b'{"Url":"https://x"}'), "neither"),
        (HttpAnswer(status=302), "no location"),
        (HttpAnswer(status=200, body=b" " * (v2.LIMIT + 1)), "bytes long"),
    ],
)
def test_foreign_answers_are_not_json(answer: HttpAnswer, says: str) -> None:
    read = v2.read_answer(answer)
    assert isinstance(read, v2.NotJson)
    assert read.status == answer.status
    assert says in read.says


def test_no_answer_stays_a_failure() -> None:
    failure = Failure(reason=FailureReason.UNREACHABLE, says="Nothing answered.")
    assert v2.read_answer(HttpAnswer(failure=failure)) is failure


def test_the_server_location_travels() -> None:
    ask = v2.ask_server_location("outlook.office365.com", "Migration.8f3e7716@contoso.onmicrosoft.com")
    parts = urlsplit(ask.url)
    question = v2.read_ask(parts.path, dict(parse_qsl(parts.query)))
    assert question == v2.Question("Migration.8f3e7716@contoso.onmicrosoft.com", "EWS", 0, True)
    assert ask.sign is Sign.NONE and parts.path.startswith("/autodiscover/autodiscover.json/v1.0/")
    url = "https://outlook.office365.com/EWS/Exchange.asmx"
    assert v2.read_answer(v2.found("EWS", url, "Exchange Online")) == v2.Found("EWS", url, "Exchange Online")
    assert v2.read_answer(v2.found("EWS", url)) == v2.Found("EWS", url)
    plain = v2.read_ask("/autodiscover/autodiscover.json", {"Email": "a@b.c", "Protocol": "EWS"})
    assert plain is not None and plain.server_location is False
