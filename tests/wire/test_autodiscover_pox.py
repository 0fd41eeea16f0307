"""POX Autodiscover, both halves, Microsoft's samples, and what is made of answers that are not Autodiscover."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire import autodiscover_pox as pox
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, Sign

WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=30)
URL = "https://autodiscover.contoso.com/autodiscover/autodiscover.xml"
PROTOCOLS = st.one_of(
    st.builds(
        pox.Protocol,
        type=st.sampled_from(["EXCH", "EXPR", "EXHTTP", "WEB"]),
        server=WORDS,
        server_version=WORDS,
        auth_package=WORDS,
        cert_principal_name=WORDS,
        ssl=st.sampled_from(["", "On", "Off"]),
        ews_url=WORDS,
        as_url=WORDS,
        oof_url=WORDS,
        oab_url=WORDS,
        ews_partner_url=WORDS,
    ),
    st.builds(
        pox.Protocol,
        type=st.just("mapiHttp"),
        mail_store_internal=WORDS,
        mail_store_external=WORDS,
        address_book_internal=WORDS,
        address_book_external=WORDS,
    ),
)
SETTINGS = st.builds(
    pox.Settings,
    display_name=WORDS,
    legacy_dn=WORDS,
    deployment_id=WORDS,
    protocols=st.lists(PROTOCOLS, max_size=6).map(tuple),
)


@given(WORDS, WORDS)
@settings(deadline=None, max_examples=100)
def test_a_request_travels(local: str, domain: str) -> None:
    mailbox = f"{local}@{domain}"
    ask = pox.ask(URL, mailbox, sign=Sign.EXCHANGE, user_agent="hybridge/test")
    assert pox.read_request(ask.body) == pox.Request(mailbox)
    assert (ask.method, ask.url, ask.sign) == ("POST", URL, Sign.EXCHANGE)
    assert ("X-MapiHttpCapability", "1") in ask.headers


@given(SETTINGS)
@settings(deadline=None, max_examples=150)
def test_settings_travel(said: pox.Settings) -> None:
    assert pox.read_answer(pox.write_settings(said)) == said


@given(st.integers(0, 999), WORDS)
@settings(deadline=None, max_examples=50)
def test_errors_travel(code: int, message: str) -> None:
    answer = pox.write_refusal(pox.Refused(code, message))
    assert answer.status == 200
    assert pox.read_answer(answer) == pox.Refused(code, message)


def test_redirects_travel() -> None:
    assert pox.read_answer(pox.write_address_redirect("a&b@x.y")) == pox.AddressRedirect("a&b@x.y")
    assert pox.read_answer(pox.write_url_redirect("https://x/?a=1&b=2")) == pox.UrlRedirect("https://x/?a=1&b=2")
    moved = HttpAnswer(status=302, headers=(("location", "https://x/y"),))
    assert pox.read_answer(moved) == pox.UrlRedirect("https://x/y", 302)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 600),
        (b"<html>", 600),
        (b"<Autodiscover/>", 600),
        (pox.write_request(pox.Request("a@b.c")).replace("http://", "https://").encode(), 600),
        (pox.write_request(pox.Request("nobody")).encode(), 600),
        (pox.write_request(pox.Request("a@b.c", "urn:mobilesync")).encode(), 601),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + pox.write_request(pox.Request("a@b.c")).encode(), 600),
    ],
)
def test_bad_requests_are_refused(body: bytes, code: int) -> None:
    refused = pox.read_request(body)
    assert isinstance(refused, pox.Refused)
    assert refused.code == code


def _document(inner: str) -> bytes:
    return f'<Autodiscover xmlns="{pox.RESPONSE_SCHEMA}">{inner}</Autodiscover>'.encode()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (HttpAnswer(status=200, body=b"<html><body>Sign in</body></html>"), "a document 'html'"),
        (HttpAnswer(status=200, body=b""), "The XML is empty"),
        (HttpAnswer(status=200, body=b"<Autodiscover>"), "not well-formed"),
        (HttpAnswer(status=200, body=b"<!DOCTYPE a><Autodiscover/>"), "DOCTYPE"),
        (HttpAnswer(status=401), "HTTP 401"),
        (HttpAnswer(status=302), "names no location"),
        (HttpAnswer(status=200, body=_document("<Response/>")), "neither an account nor an error"),
        (
            HttpAnswer(
                status=200, body=_document("<Response><Account><Action>redirectAddr</Action></Account></Response>")
            ),
            "names no address",
        ),
        (HttpAnswer(status=200, body=b" " * (pox.LIMIT + 1)), "at most"),
    ],
)
def test_what_is_no_autodiscover_is_said(answer: HttpAnswer, says: str) -> None:
    read = pox.read_answer(answer)
    assert isinstance(read, pox.NotPox)
    assert says in read.says


def test_no_answer_stays_a_failure() -> None:
    down = Failure(reason=FailureReason.UNREACHABLE, says="Nobody is there.")
    assert pox.read_answer(HttpAnswer(failure=down)) == down


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_nothing_crashes_the_readers(body: bytes) -> None:
    pox.read_request(body)
    pox.read_answer(HttpAnswer(status=200, body=body))


CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")
EWS = "https://mail.contoso.com/ews/exchange.asmx"


def sample(name: str) -> pox.Answer | Failure:
    body = (Path(CORPUS) / "ews" / "docs" / name).read_bytes()
    return pox.read_answer(HttpAnswer(status=200, body=body))


@pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the folder of foreign messages")
def test_microsoft_s_samples_are_read() -> None:
    read = sample("pox-autodiscover-response-for-exchange--response.xml")
    assert isinstance(read, pox.Settings)
    assert [one.type for one in read.protocols] == ["EXCH", "EXPR", "WEB"]
    assert (read.protocols[0].as_url, read.protocols[0].server_version) == (EWS, "72008287")
    assert read.display_name == "First Last"
    assert sample("pox-autodiscover-response-for-exchange--response-2.xml") == pox.Refused(600, "Invalid Request")
    assert sample("handling-autodiscover-error-messages--response-2.xml") == pox.AddressRedirect(
        "elvin@mail.contoso.com"
    )


@pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the folder of foreign messages")
def test_microsoft_s_requests_are_read_once_their_namespace_is_right() -> None:
    body = (Path(CORPUS) / "ews" / "docs" / "pox-autodiscover-request-for-exchange--request.xml").read_bytes()
    assert pox.read_request(body) == pox.Refused(600, "Invalid Request")
    assert pox.read_request(body.replace(b"https://schemas", b"http://schemas")) == pox.Request("user@contoso.com")
