"""SOAP Autodiscover, both halves, Microsoft's samples, and what is made of answers that are not Autodiscover."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire import autodiscover_soap as soap
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer
from hybridge.wire.ews.envelope import ServerVersion

WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=30)
URL = "https://autodiscover.contoso.com/autodiscover/autodiscover.svc"
CODES = st.sampled_from(soap.ERROR_CODES)
USERS = st.builds(
    soap.UserResponse,
    code=CODES,
    message=WORDS,
    target=st.just("") | WORDS,
    settings=st.lists(st.tuples(WORDS, WORDS), max_size=4).map(tuple),
    errors=st.lists(st.builds(soap.SettingError, name=WORDS, code=CODES, message=WORDS), max_size=3).map(tuple),
)
NUMBERS = st.integers(0, 99999)
VERSIONS = st.none() | st.builds(ServerVersion, NUMBERS, NUMBERS, NUMBERS, NUMBERS)


@given(st.lists(WORDS, min_size=1, max_size=3).map(tuple), st.lists(WORDS, min_size=1, max_size=5).map(tuple))
@settings(deadline=None, max_examples=100)
def test_a_request_travels(mailboxes: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    request = soap.Request(mailboxes, wanted)
    assert soap.read_request(soap.write_request(request, URL).encode()) == request


@given(
    st.builds(soap.Response, code=CODES, message=WORDS, users=st.lists(USERS, max_size=3).map(tuple), version=VERSIONS)
)
@settings(deadline=None, max_examples=150)
def test_answers_travel(response: soap.Response) -> None:
    assert soap.read_answer(soap.write_response(response)) == response


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a/>",
        soap.write_request(soap.Request(()), URL).encode(),
        soap.write_request(soap.Request(("a@b.c",)), URL).replace("http://schemas.m", "https://schemas.m").encode(),
    ],
)
def test_other_requests_are_not_read(body: bytes) -> None:
    assert soap.read_request(body) is None


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (soap.write_fault("Wrong operation."), "Wrong operation"),
        (HttpAnswer(status=404), "HTTP 404"),
        (HttpAnswer(status=200, body=b"<html/>"), "a document 'html'"),
        (HttpAnswer(status=200, body=b"<cut"), "not well-formed"),
    ],
)
def test_what_is_not_the_service_is_said(answer: HttpAnswer, says: str) -> None:
    read = soap.read_answer(answer)
    assert isinstance(read, soap.NotSoap)
    assert says in read.says


def test_no_answer_stays_a_failure() -> None:
    down = Failure(reason=FailureReason.UNREACHABLE, says="Nobody is there.")
    assert soap.read_answer(HttpAnswer(failure=down)) == down


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_nothing_crashes_the_readers(body: bytes) -> None:
    soap.read_request(body)
    soap.read_answer(HttpAnswer(status=200, body=body))


CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")
needs_corpus = pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the folder of foreign messages")


def sample(name: str) -> bytes:
    return (Path(CORPUS) / "ews" / "docs" / name).read_bytes()


def answered(name: str) -> soap.Response:
    read = soap.read_answer(HttpAnswer(status=200, body=sample(name)))
    assert isinstance(read, soap.Response)
    return read


@needs_corpus
def test_microsoft_s_samples_are_read() -> None:
    found = answered("getusersettings-operation-soap--response.xml").users[0]
    assert (found.code, found.setting("EwsSupportedSchemas")) == ("NoError", "Exchange2007, Exchange2010")
    moved = answered("handling-autodiscover-error-messages--response.xml")
    assert (moved.users[0].code, moved.users[0].target) == ("RedirectAddress", "elvin@mail.contoso.com")
    assert str(moved.version) == "14.3.136.1"
    urls = answered("how-to-use-autodiscover-to-find-connection-points--response-2.xml").users[0]
    assert urls.setting(soap.EXTERNAL_EWS_URL) == "https://server.Contoso.com/ews/exchange.asmx"


@needs_corpus
def test_microsoft_s_requests_are_read_once_their_namespace_is_right() -> None:
    body = sample("getusersettings-operation-soap--request.xml")
    assert soap.read_request(body) is None
    read = soap.read_request(body.replace(b"https://schemas", b"http://schemas"))
    assert read is not None
    assert read.mailboxes == ("UserName@domain.contoso.com",)
    assert "CasVersion" in read.settings
