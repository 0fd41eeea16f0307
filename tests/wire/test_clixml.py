"""CLIXML: values, shapes, and what is written reads back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire import clixml
from hybridge.wire.xml import parse_xml

HEAD = f'<Objs Version="1.1.0.1" xmlns="{clixml.NAMESPACE}">'
UTF16 = b"\xff\xfe"


def read(inner: str) -> tuple[dict[str, Any], ...]:
    """Objects of a document with ``inner`` as its content."""
    return clixml.read(f"{HEAD}{inner}</Objs>".encode())


def value(element: str) -> Any:
    """The value of one property, written as ``element`` with the name P."""
    (one,) = read(f'<Obj RefId="0"><Props>{element}</Props></Obj>')
    return one["P"]


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ('<Nil N="P" />', None),
        ('<S N="P">a_x000D__x000A_b</S>', "a\r\nb"),
        ('<S N="P"></S>', ""),
        ('<S N="P">_x005F_x000D_</S>', "_x000D_"),
        ('<S N="P">_xD83D__xDE00_!</S>', "\U0001f600!"),
        ('<S N="P">_xD83D_</S>', "\ufffd"),
        ('<S N="P">_xZZZZ_</S>', "_xZZZZ_"),
        ('<C N="P">97</C>', "a"),
        ('<B N="P">true</B>', True),
        ('<B N="P">false</B>', False),
        ('<By N="P">20</By>', 20),
        ('<I32 N="P">-7</I32>', -7),
        ('<U64 N="P">18446744073709551615</U64>', 2**64 - 1),
        ('<Db N="P">0.5</Db>', 0.5),
        ('<G N="P">e8c08fab-be44-4163-bd8e-407eb4407be6</G>', "e8c08fab-be44-4163-bd8e-407eb4407be6"),
        ('<BA N="P">AAEC</BA>', b"\x00\x01\x02"),
        ('<TS N="P">PT9.0269026S</TS>', "PT9.0269026S"),
        ('<Version N="P">15.2.1544.4</Version>', "15.2.1544.4"),
        ('<URI N="P">https://mail.contoso.com/EWS/Exchange.asmx</URI>', "https://mail.contoso.com/EWS/Exchange.asmx"),
        ('<SS N="P">0011aabb</SS>', "[secure string]"),
        ('<XD N="P">&lt;a/&gt;</XD>', "<a/>"),
    ],
)
def test_a_primitive_becomes_a_plain_value(element: str, expected: Any) -> None:
    assert value(element) == expected
    assert type(value(element)) is type(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("2018-11-24T00:47:02Z", datetime(2018, 11, 24, 0, 47, 2, tzinfo=UTC)),
        ("2018-11-23T18:47:02-06:00", datetime(2018, 11, 24, 0, 47, 2, tzinfo=UTC)),
        ("2018-11-24T02:17:02+01:30", datetime(2018, 11, 24, 0, 47, 2, tzinfo=UTC)),
        ("2023-01-05T12:08:37.6177687Z", datetime(2023, 1, 5, 12, 8, 37, 617768, tzinfo=UTC)),
        ("2023-01-05T12:08:37.5", datetime(2023, 1, 5, 12, 8, 37, 500000, tzinfo=UTC)),
        ("0001-01-01T00:00:00+02:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.9999999-08:00", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_every_date_becomes_an_aware_utc_datetime(content: str, expected: datetime) -> None:
    assert value(f'<DT N="P">{content}</DT>') == expected


def test_an_empty_list_and_null_stay_different() -> None:
    assert value('<Obj N="P" RefId="1"><LST /></Obj>') == []
    assert value('<Nil N="P" />') is None


@pytest.mark.parametrize("kind", ["LST", "IE", "STK", "QUE"])
def test_every_kind_of_list_is_a_list(kind: str) -> None:
    assert value(f'<Obj N="P" RefId="1"><{kind}><S>a</S><I32>2</I32><Nil /></{kind}></Obj>') == ["a", 2, None]


def test_an_enum_is_its_name() -> None:
    enum = '<Obj N="P" RefId="1"><TN RefId="1"><T>E</T></TN><ToString>OAuth</ToString><I32>10</I32></Obj>'
    assert value(enum) == "OAuth"


def test_a_wrapped_date_or_text_keeps_its_type() -> None:
    noted = '<MS><S N="DisplayHint">x</S></MS>'
    date = f'<Obj N="P" RefId="1"><ToString>printed</ToString><DT>2023-01-05T00:00:00Z</DT>{noted}</Obj>'
    assert value(date) == datetime(2023, 1, 5, tzinfo=UTC)
    assert value(f'<Obj N="P" RefId="1"><S>text</S>{noted}</Obj>') == "text"


def test_a_complex_value_is_a_dict_with_its_text() -> None:
    name = (
        '<Obj N="P" RefId="1"><TN RefId="1"><T>Microsoft.Exchange.Data.Directory.ADObjectId</T></TN>'
        "<ToString>contoso.lab/Users/Grace</ToString>"
        '<Props><S N="Name">Grace</S><BA N="SerializationData">AAAA</BA></Props></Obj>'
    )
    assert value(name) == {"ToString": "contoso.lab/Users/Grace", "Name": "Grace"}
    assert clixml.text(value(name)) == "contoso.lab/Users/Grace"


def test_a_dictionary_has_text_keys() -> None:
    entries = '<DCT><En><S N="Key">a</S><I32 N="Value">1</I32></En><En><I32 N="Key">2</I32><Nil N="Value"/></En></DCT>'
    assert value(f'<Obj N="P" RefId="1">{entries}</Obj>') == {"a": 1, "2": None}


def test_adapted_properties_come_before_extended_ones() -> None:
    (one,) = read('<Obj RefId="0"><Props><S N="A">1</S></Props><MS><S N="PSComputerName">ex1</S></MS></Obj>')
    assert list(one) == ["A", "PSComputerName"]


def test_a_back_reference_is_the_value_it_names() -> None:
    first = '<Obj N="Identity" RefId="1"><ToString>x</ToString><Props><S N="Name">x</S></Props></Obj>'
    one, two = read(
        f'<Obj RefId="0"><Props>{first}<Ref N="Id" RefId="1" /></Props></Obj>'
        '<Obj RefId="2"><Props><Ref N="Id" RefId="1" /></Props></Obj>'
    )
    assert one["Id"] == one["Identity"] == two["Id"] == {"Name": "x", "ToString": "x"}


def test_a_list_at_the_top_counts_as_its_items_and_null_as_nothing() -> None:
    items = '<Obj RefId="1"><Props><S N="A">1</S></Props></Obj><S>GetDelegate</S>'
    expected = ({"A": "1"}, {"ToString": "GetDelegate", "Value": "GetDelegate"})
    assert read(f'<Obj RefId="0"><LST>{items}</LST></Obj>') == expected
    assert read("<Nil />") == ()
    assert read("") == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("prolog", ["", '<?xml version="1.0" encoding="utf-16"?>\r\n'])
def test_the_encoding_is_recognized(encoding: str, prolog: str) -> None:
    document = f'{prolog}{HEAD}<Obj RefId="0"><Props><S N="Näme">Zürich \u2022</S></Props></Obj></Objs>'
    assert clixml.read(document.encode(encoding)) == ({"Näme": "Zürich \u2022"},)


def test_one_element_of_a_session_is_read_with_and_without_namespace() -> None:
    inner = '<Obj RefId="0"><Props><S N="A">1</S><Obj N="B" RefId="1"><LST/></Obj><Ref N="C" RefId="1"/></Props></Obj>'
    bare = parse_xml(inner.encode())
    named = parse_xml(inner.replace("<Obj RefId", f'<Obj xmlns="{clixml.NAMESPACE}" RefId', 1).encode())
    assert clixml.read_element(bare) == clixml.read_element(named) == {"A": "1", "B": [], "C": []}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("a", "a"),
        (True, "True"),
        (3, "3"),
        (b"\x0a\xff", "0AFF"),
        (["a", {"ToString": "b"}], "a, b"),
        ({"Name": "n"}, ""),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
    ],
)
def test_text_is_what_powershell_prints(value: Any, expected: str) -> None:
    assert clixml.text(value) == expected


SAMPLE: dict[str, Any] = {
    "ToString": "sample",
    "Empty": [],
    "Null": None,
    "Nested": {"ToString": "contoso.lab/Users/Grace", "Name": "Grace"},
    "Many": [1, 2**40, -1, 0.5, True, b"\x00", "a<&>\"'", datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)],
}


@pytest.mark.parametrize("encoding", get_args(clixml.Encoding))
def test_a_local_export_reads_back(encoding: clixml.Encoding) -> None:
    written = clixml.write([SAMPLE, SAMPLE], "Contoso.Sample", encoding=encoding)
    assert written.startswith(UTF16) is (encoding == "utf-16")
    assert clixml.read(written) == (SAMPLE, SAMPLE)


def test_a_deserialized_export_names_its_computer_and_prefixes_every_type() -> None:
    written = clixml.write([SAMPLE], "Contoso.Sample", shape="deserialized", computer_name="ex1.contoso.com")
    (one,) = clixml.read(written)
    assert (one.pop("PSComputerName"), one.pop("PSShowComputerName")) == ("ex1.contoso.com", False)
    assert len(one.pop("RunspaceId")) == 36
    assert one == SAMPLE
    types = [element.text or "" for element in parse_xml(written).iter(f"{{{clixml.NAMESPACE}}}T")]
    assert types and all(name.startswith("Deserialized.") for name in types)


def test_a_doubly_deserialized_export_keeps_only_the_text_of_nested_objects() -> None:
    written = clixml.write([SAMPLE], "Contoso.Sample", shape="double")
    (one,) = clixml.read(written)
    assert one["Nested"] == "contoso.lab/Users/Grace"
    assert (one["Empty"], one["Null"], one["Many"]) == ([], None, SAMPLE["Many"])
    assert b"<T>Deserialized.Deserialized.Contoso.Sample</T>" in written


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in ("ToString", "SerializationData")
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.binary(max_size=20)
    | st.datetimes(timezones=st.just(UTC))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.builds(
            lambda printed, parts: {**parts, "ToString": printed}, TEXTS, st.dictionaries(NAMES, inner, max_size=4)
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=3), st.sampled_from(get_args(clixml.Encoding)))
def test_whatever_is_written_reads_back(objects: list[dict[str, Any]], encoding: clixml.Encoding) -> None:
    assert clixml.read(clixml.write(objects, "Contoso.Sample", encoding=encoding)) == tuple(objects)
