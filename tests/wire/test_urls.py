"""URLs of strangers come apart without an exception."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.terms.urls import host_of, parts_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Mail.Contoso.com/x", "mail.contoso.com"),
        ("https://[", ""),
        ("https://a:b/", ""),
        ("https://a:99999/", ""),
        ("", ""),
        ("/path", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


@given(st.text(max_size=60) | st.text("[]:/@.ahtps0", max_size=30))
@settings(deadline=None, max_examples=300)
def test_nothing_crashes(url: str) -> None:
    parts = parts_of(url)
    assert isinstance(parts.hostname or "", str)
    assert parts.port is None or parts.port >= 0
