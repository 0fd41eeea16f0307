"""An estate, and a client that sends bare EWS bodies to it and holds every answer against the schema."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree
from tests.lab.mail.bodies import Client

from hybridge.lab.apps import router
from hybridge.lab.apps.base import Request
from hybridge.lab.contoso import EWS_URL, AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews import envelope
from hybridge.wire.ews.faults import EwsFault
from hybridge.wire.xml import Element, parse_xml

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def estate() -> Estate:
    certificate = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
    return Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)


@cache
def schema() -> etree.XMLSchema | None:
    corpus = os.environ.get("HYBRIDGE_CORPUS", "")
    return etree.XMLSchema(etree.parse(Path(corpus) / "ews" / "xsd-15.2.2562" / "messages.xsd")) if corpus else None


@pytest.fixture
def answer(estate: Estate) -> Callable[[str, str, str], bytes]:
    """The body of whatever comes back for a body sent as the user; "" is the administrator as such."""

    def send(body: str, user: str, header: str) -> bytes:
        ask = envelope.ask(EWS_URL, body, user_agent="hybridge/test", impersonate=user)
        url = urlsplit(ask.url)
        request = Request(
            method="POST",
            host=url.hostname or "",
            path=url.path,
            query={},
            headers={name.lower(): value for name, value in ask.headers},
            body=ask.body.replace(b"<s:Header>", f"<s:Header>{header}".encode()) if header else ask.body,
            principal=ADMINISTRATOR,
        )
        return router.answer(estate, request).body

    return send


@pytest.fixture
def ews(answer: Callable[[str, str, str], bytes]) -> Client:
    """The operation's element of the answer, valid by the schema; a fault fails the test."""

    def send(body: str, *, user: str = "ada@contoso.com", header: str = "") -> Element:
        opened = envelope.read_body(_http(answer(body, user, header)))
        assert not isinstance(opened, EwsFault | Failure), opened
        valid = schema()
        if valid is not None:
            copy = parse_xml(etree.tostring(opened))
            assert valid.validate(copy), f"{valid.error_log}\n{etree.tostring(copy).decode()}"
        return opened

    return send


@pytest.fixture
def fault(answer: Callable[[str, str, str], bytes]) -> Callable[[str], str]:
    """The code of the fault a body sent as Ada is answered with."""

    def send(body: str) -> str:
        opened = envelope.read_body(_http(answer(body, "ada@contoso.com", "")))
        assert isinstance(opened, EwsFault), opened
        return opened.code

    return send


def _http(body: bytes) -> HttpAnswer:
    return HttpAnswer(status=200, body=body)
