"""CLIXML from somebody who means harm, or from a copy that broke: one sentence, no crash, no growth."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybridge.wire import clixml

HEAD = f'<Objs Version="1.1.0.1" xmlns="{clixml.NAMESPACE}">'


def document(inner: str) -> bytes:
    return f"{HEAD}{inner}</Objs>".encode()


def nested(depth: int) -> str:
    return '<Obj RefId="{0}"><Props>'.replace("{0}", "0") * depth + "</Props></Obj>" * depth


def doubling(rounds: int) -> str:
    """Objects that each hold the one before twice: ``2 ** rounds`` values in a few kilobytes."""
    lines = ['<Obj RefId="0"><Props><S N="A">x</S></Props></Obj>']
    lines += [
        f'<Obj RefId="{n}"><Props><Ref N="A" RefId="{n - 1}"/><Ref N="B" RefId="{n - 1}"/></Props></Obj>'
        for n in range(1, rounds + 1)
    ]
    return "".join(lines)


def chain(length: int) -> str:
    """Objects that each hold the one before: flat on paper, deep once references are followed."""
    first = '<Obj RefId="0"><Props><S N="A">x</S></Props></Obj>'
    return first + "".join(
        f'<Obj RefId="{n}"><Props><Ref N="A" RefId="{n - 1}"/></Props></Obj>' for n in range(1, length + 1)
    )


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        ('<Obj RefId="0"><Props><Ref N="Self" RefId="0"/></Props></Obj>', "contains itself"),
        (
            '<Obj RefId="0"><Props><Obj N="A" RefId="1"><LST><Ref RefId="0"/></LST></Obj></Props></Obj>',
            "contains itself",
        ),
        ('<Obj RefId="0"><Props><Ref N="A" RefId="9"/></Props></Obj>', "does not hold"),
        (nested(clixml.DEPTH_LIMIT + 5), "deeper than"),
        (chain(clixml.DEPTH_LIMIT + 5), "deeper than"),
        (doubling(40), "values once references are followed"),
        ('<Obj RefId="0"><Props><I32 N="A">ten</I32></Props></Obj>', "'ten'"),
        ('<Obj RefId="0"><Props><DT N="A">yesterday</DT></Props></Obj>', "'yesterday'"),
        ('<Obj RefId="0"><Props><DT N="A">2023-02-30T00:00:00Z</DT></Props></Obj>', "of its type 'DT'"),
        ('<Obj RefId="0"><Props><BA N="A">***</BA></Props></Obj>', "of its type 'BA'"),
        ('<Obj RefId="0"><Props><B N="A">perhaps</B></Props></Obj>', "of its type 'B'"),
        ('<Obj RefId="0"><Props><C N="A">99999999999</C></Props></Obj>', "of its type 'C'"),
        ('<Obj RefId="0"><Props><Script N="A">x</Script></Props></Obj>', "'Script'"),
        ('<Obj RefId="0"><DCT><En><S N="Key">a</S></En></DCT></Obj>', "without a key or a value"),
    ],
)
def test_a_hostile_document_is_refused_with_one_sentence(inner: str, says: str) -> None:
    started = time.perf_counter()
    with pytest.raises(clixml.ClixmlRefused, match=re.escape(says)) as refused:
        clixml.read(document(inner))
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "empty"),
        (b"<Objs><Obj>", "not well-formed"),
        (b"<html><body>Sign in</body></html>", "its root is 'html'"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><Objs>&x;</Objs>", "DOCTYPE"),
        (b"\x80\x81\x82", "UTF-8"),
        (b"\xff\xfeO\x00b", "not valid UTF-16"),
        (b"PK\x03\x04", "not well-formed"),
    ],
)
def test_what_is_no_clixml_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(clixml.ClixmlRefused, match=re.escape(says)):
        clixml.read(data)


def test_a_document_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(clixml.ClixmlRefused, match="at most 1000"):
        clixml.read(document("<S>" + "x" * 1000 + "</S>"), limit=1000)


def test_sharing_within_the_limit_is_not_copied() -> None:
    *_, last = clixml.read(document(doubling(15)))
    assert last["A"] is last["B"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: document(text)))
@example(document("<Obj/>"))
@example(document("<Obj><Ref/></Obj>"))
@example(document("<Ref RefId=''/>"))
@example(document("<LST><LST/></LST>"))
@example(document("<Obj><DCT/><LST/></Obj>"))
@example(document("<!-- c --><Obj><Props><!-- c --><?p i?></Props></Obj>"))
def test_nothing_but_a_refusal_comes_out_of_noise(data: bytes) -> None:
    try:
        found = clixml.read(data)
    except clixml.ClixmlRefused:
        return
    assert all(isinstance(one, dict) for one in found)
