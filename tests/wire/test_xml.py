"""The XML gate: what is read, what is refused and why, and that escaping and parsing undo each other."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire.xml import XmlRefused, escape, parse_xml

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;">'
    b'<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;">]><lolz>&lol3;</lolz>'
)
XXE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"<?xml version='1.0'?>", "empty"),
        (b"<!-- only a comment", "empty"),
        (LAUGHS, "DOCTYPE"),
        (XXE, "DOCTYPE"),
        (b"\xef\xbb\xbf \n<!-- c --><?pi?><!doctype html><html></html>", "DOCTYPE"),
        (XXE.decode().encode("utf-16"), "DOCTYPE"),
        (XXE.decode().encode("utf-16-le"), "DOCTYPE"),
        (b"<a><b></a>", "not well-formed"),
        (b"<a>", "not well-formed"),
        (b"<a/><!DOCTYPE a []>", "not well-formed"),
        (b"<a>&nope;</a>", "not well-formed"),
        (b"<a>\x00</a>", "not well-formed"),
        (b"\xff\xfe\x00\x00<\x00\x00\x00", "not well-formed"),
        (b"<html><body><br></body></html>", "not well-formed"),
        (b"not xml at all", "not well-formed"),
        (b"<a>\xff</a>", "not valid UTF-8"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "encoded as utf-7"),
        (b'<?xml version="1.0" encoding="EBCDIC-CP-US"?><a/>', "encoded as ebcdic"),
        (b"<a>" + b"<b>" * 5000, "not well-formed"),
    ],
)
def test_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(XmlRefused, match=reason) as refused:
        parse_xml(body)
    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)


def test_too_large_is_refused_before_parsing() -> None:
    with pytest.raises(XmlRefused, match="11 bytes long; at most 10"):
        parse_xml(b"<a>" + b" " * 4 + b"</a>", limit=10)


@pytest.mark.parametrize(
    "body",
    [
        "<a>\u00e9</a>".encode(),
        "\ufeff<a>\u00e9</a>".encode(),
        '\r\n<?xml version="1.0" encoding="utf-8"?>\n<!-- c --><a>\u00e9</a>'.encode(),
        "<a>\u00e9</a>".encode("utf-16"),
        '<?xml version="1.0" encoding="utf-16"?><a>\u00e9</a>'.encode("utf-16"),
        '<?xml version="1.0" encoding="utf-16"?><a>\u00e9</a>'.encode(),
        "<a>\u00e9</a>".encode("utf-16-be"),
        '<?xml version="1.0" encoding="iso-8859-1"?><a>\u00e9</a>'.encode("latin-1"),
    ],
)
def test_encodings(body: bytes) -> None:
    assert parse_xml(body).text == "\u00e9"


def test_illegal_references_are_dropped_and_legal_ones_kept() -> None:
    root = parse_xml(b"<a>x&#x0;y&#31;z&#x1F600;&#10;&#xD800;&#xFFFFFFFFFFFFFFFFFFFFF;&#0000065;&#x110000;</a>")
    assert root.text == "xyz\U0001f600\nA"
    assert parse_xml(b"<a>" + b"&#" + b"9" * 5000 + b";b</a>").text == "b"


def test_comments_and_instructions_do_not_split_text() -> None:
    root = parse_xml(b"<a>one<!-- two --><?three?>four<b/></a>")
    assert (root.text, [child.tag for child in root]) == ("onefour", ["b"])


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_escape_is_undone_by_parsing(text: str) -> None:
    legal = "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
    assert escape(text) == escape(legal)
    assert parse_xml(f"<a>{escape(legal)}</a>".encode()).text == (legal or None)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=300)
def test_bytes_are_parsed_or_refused(body: bytes) -> None:
    for candidate in (body, b"<a>" + body + b"</a>", b"<?xml " + body):
        try:
            parse_xml(candidate)
        except XmlRefused as refused:
            assert str(refused).endswith(".")


def test_hostile_sizes_are_answered_quickly() -> None:
    started = time.perf_counter()
    for body in (
        b"<?a?>" * 400_000 + b"<a/>",
        b"<a>" + b"&#x0;" * 400_000 + b"</a>",
        b"<!--" * 500_000,
        b" " * 4_000_000,
        b"<a " + b"b" * 4_000_000,
    ):
        try:
            parse_xml(body)
        except XmlRefused:
            continue
    assert time.perf_counter() - started < 10
