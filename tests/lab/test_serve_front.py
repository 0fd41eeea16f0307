"""The first message of a client: whether it is there, and which host it names."""

from __future__ import annotations

import ssl

import pytest

from hybridge.lab.serve.front import is_whole, server_name


def hello(name: str | None) -> bytes:
    """A real ClientHello for ``name``."""
    context = ssl.create_default_context()
    context.check_hostname = False
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def test_the_name_is_found() -> None:
    assert server_name(hello("Mail.Contoso.com")) == "mail.contoso.com"
    assert server_name(hello(None)) is None


def test_a_message_is_whole_at_its_last_byte() -> None:
    message = hello("mail.contoso.com")
    assert is_whole(message)
    assert not any(is_whole(message[:length]) for length in range(1, len(message)))


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_what_is_cut_names_nobody_or_the_same(cut: int) -> None:
    assert "mail.contoso.com".startswith(server_name(hello("mail.contoso.com")[:cut]) or "")


@pytest.mark.parametrize(
    "noise", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16", b"\x16\x03\x01\x00\x05\x02aaaa", bytes(600)]
)
def test_what_is_no_hello_names_nobody(noise: bytes) -> None:
    assert server_name(noise) is None
