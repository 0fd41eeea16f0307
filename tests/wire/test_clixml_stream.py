"""Large CLIXML read an object at a time says what ``clixml.read`` says, and refuses what it refuses."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from hybridge.wire import clixml
from hybridge.wire.clixml_stream import read_stream

CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")
HEAD = f'<Objs Version="1.1.0.1" xmlns="{clixml.NAMESPACE}">'
ROWS: list[dict[str, Any]] = [
    {"Name": f"p{number}", "Identity": {"ToString": f"c/p{number}", "Name": f"p{number}"}, "List": ["a", "b"]}
    for number in range(2_500)
]


def streamed(document: bytes) -> tuple[dict[str, Any], ...]:
    return tuple(read_stream(lambda: io.BytesIO(document)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("shape", ["local", "deserialized", "double"])
def test_says_what_the_whole_reader_says(encoding: clixml.Encoding, shape: clixml.Shape) -> None:
    document = clixml.write(ROWS, "Contoso.Sample", encoding=encoding, shape=shape)

    assert streamed(document) == clixml.read(document)


def test_a_list_at_the_top_counts_as_its_items() -> None:
    items = "".join(f'<Obj RefId="{n}"><MS><S N="Name">p{n}</S></MS></Obj>' for n in range(1, 4))
    document = f'{HEAD}<Obj RefId="0"><LST>{items}</LST></Obj></Objs>'.encode()

    assert [one["Name"] for one in streamed(document)] == ["p1", "p2", "p3"]
    assert streamed(document) == clixml.read(document)


def test_a_value_of_an_earlier_object_is_found_again() -> None:
    first = '<Obj RefId="0"><MS><Obj N="Who" RefId="1"><MS><S N="Name">Ada</S></MS></Obj></MS></Obj>'
    second = '<Obj RefId="2"><MS><Ref N="Who" RefId="1" /></MS></Obj>'
    document = f"{HEAD}{first}{second}</Objs>".encode()

    assert streamed(document)[1] == {"Who": {"Name": "Ada"}}


def test_characters_xml_does_not_have_are_dropped_wherever_a_chunk_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    document = clixml.write([{"Name": "x" * 40}], "Any").replace(b"xxxx", b"xx&#x0;xx&amp;")
    for size in (1, 2, 3, 5, 7, 11):
        monkeypatch.setattr("hybridge.wire.clixml_stream._CHUNK", max(size, 4) * 16)

        assert streamed(document) == clixml.read(document)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b'<!DOCTYPE Objs [<!ENTITY a "b">]>' + HEAD.encode() + b"</Objs>", "DOCTYPE"),
        (b"<!-- " + b"x" * 700_000 + b" --><!DOCTYPE Objs>" + HEAD.encode() + b"</Objs>", "DOCTYPE"),
        (b"<Html></Html>", "not CLIXML"),
        (HEAD.encode() + b"<Obj>", "not well-formed"),
        (HEAD.encode() + b'<Obj RefId="0"><MS><Ref N="a" RefId="9" /></MS></Obj></Objs>', "does not hold"),
        (HEAD.encode() + b'<Obj RefId="0"><MS><Ref N="a" RefId="0" /></MS></Obj></Objs>', "contains itself"),
        (HEAD.encode() + b"<Obj><MS><S N='a'>\xff\xfe\xfd</S></MS></Obj></Objs>", "not valid UTF-8"),
        (HEAD.encode() + b"<Obj><MS>" + b"<S>x</S>" * 2_200_000 + b"</MS></Obj></Objs>", "longer than"),
        (HEAD.encode() + b"<Obj><MS>" * 70 + b"</MS></Obj>" * 70 + b"</Objs>", "deeper than"),
    ],
)
def test_refuses(document: bytes, says: str) -> None:
    with pytest.raises(clixml.ClixmlRefused, match=says):
        streamed(document)


def test_a_document_longer_than_allowed_is_refused_half_way() -> None:
    document = clixml.write(ROWS, "Any")
    with pytest.raises(clixml.ClixmlRefused, match="longer than"):
        tuple(read_stream(lambda: io.BytesIO(document), limit=len(document) // 2))


@pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS names no corpus of exports")
def test_exports_of_real_servers_read_the_same() -> None:
    for path in sorted(Path(CORPUS, "clixml").rglob("*.xml")):
        document = path.read_bytes()
        try:
            whole = clixml.read(document)
        except clixml.ClixmlRefused:
            continue

        assert streamed(document) == whole, path.name
