"""CLIXML: what Export-Clixml writes and what a remote PowerShell session sends, read as plain trees and written again.

An *object* is a dict of its properties (the adapted ones of ``Props``, then the extended ones of ``MS``) plus
``"ToString"``, the text PowerShell prints for it, when the document gives one. Values are None, bool, int, float, str,
bytes, aware UTC datetimes, lists and dicts:

- an enum, or a primitive that is wrapped in an object, becomes its text ("OAuth", not 10);
- a complex value (ADObjectId, ServerVersion ...) is a dict with its own ``"ToString"``; ``text`` gives that text;
- lists of every kind (``LST``, ``IE``, ``STK``, ``QUE``) are lists; an empty list and ``Nil`` (None) stay different,
  because Exchange means different things by them; dictionaries (``DCT``) are dicts with text keys;
- GUIDs, URIs, versions, durations (``TS``, as "PT30S") and XML documents are text; a date without a zone is taken for
  UTC; a secure string is the text ``[secure string]``, never its content;
- ``SerializationData``, an opaque .NET blob beside most Exchange objects, is dropped: nothing reads it, and nobody can
  say what is in it.

The same cmdlet gives three shapes: local objects, objects of a remote session (type names begin with "Deserialized."
and PSComputerName is added), and such objects exported from yet another session ("Deserialized.Deserialized.", nested
objects reduced to their text). Type names are therefore not part of what is read; readers go by properties.

Documents come from outside, so they may be hostile. A back reference (``Ref``) shares the value it names instead of
copying it; one that names an object still being read is refused, and so are documents that nest deeper than
``DEPTH_LIMIT`` or stand for more than ``SIZE_LIMIT`` values once every reference is followed (a chain of doubling
references is otherwise a few bytes that mean billions). Everything refused is a ``ClixmlRefused`` with one sentence.

Source: [MS-PSRP] 2.2.5 (the serialization of objects), and exports of Exchange 2016 and 2019.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Literal
from uuid import NAMESPACE_DNS, uuid5

from lxml import etree

from hybridge.wire.xml import XmlRefused, parse_xml

NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"
DEPTH_LIMIT = 60
SIZE_LIMIT = 2_000_000
BYTES_LIMIT = 64 * 1024 * 1024

Shape = Literal["local", "deserialized", "double"]
Encoding = Literal["utf-8", "utf-16"]


class ClixmlRefused(ValueError):
    """The document is not CLIXML, or is hostile; the message is one sentence."""


def read(data: bytes, limit: int = BYTES_LIMIT) -> tuple[dict[str, Any], ...]:
    """The objects of one CLIXML document (``Objs``), at most ``limit`` bytes of UTF-8 or UTF-16, with or without BOM.

    A list at the top (``Export-Clixml -InputObject $list``) counts as its items, and null as nothing. A top-level value
    without properties (a plain string, say) becomes ``{"ToString": its text, "Value": the value}``. Raises
    ``ClixmlRefused``.
    """
    try:
        root = parse_xml(data, limit)
    except XmlRefused as refused:
        raise ClixmlRefused(str(refused)) from None
    if _tag(root) != "Objs":
        raise ClixmlRefused(f"The document is XML but not CLIXML: its root is '{_tag(root)}', not 'Objs'.")
    reader = Reader()
    found: list[Any] = []
    for element in _children(root):
        value = reader.value(element, 0).value
        found += value if isinstance(value, list) else [value]
    return tuple(
        item if isinstance(item, dict) else {"ToString": text(item), "Value": item}
        for item in found
        if item is not None
    )


def read_element(element: etree._Element) -> Any:
    """The value of one serialized element, such as an ``Obj`` of a remote session; references count within it."""
    return Reader().value(element, 0).value


def text(value: Any) -> str:
    """What PowerShell prints for a value: the "ToString" of a dict, "" for None, items of a list joined by ", "."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return str(value.get("ToString", ""))
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value)
    return str(value)


def write(
    objects: Iterable[Mapping[str, Any]],
    type_name: str,
    *,
    shape: Shape = "local",
    encoding: Encoding = "utf-8",
    computer_name: str = "ex1.contoso.com",
) -> bytes:
    """An Export-Clixml document holding ``objects`` of .NET type ``type_name``.

    ``shape`` is one of the three shapes of the head of this file; ``computer_name`` is the PSComputerName of the two
    remote ones. "utf-16" writes little-endian with a BOM, as Windows PowerShell does; "utf-8" has no BOM.
    """
    writer = _Writer(shape, computer_name)
    lines = [f'<Objs Version="1.1.0.1" xmlns="{NAMESPACE}">']
    lines += [writer.record(one, type_name) for one in objects]
    document = "\n".join((*lines, "</Objs>"))
    return b"\xff\xfe" + document.encode("utf-16-le") if encoding == "utf-16" else document.encode()


class Measured:
    """A value with how deep and how large it is once references are followed."""

    __slots__ = ("depth", "size", "value")

    def __init__(self, value: Any, depth: int = 0, size: int = 1) -> None:
        self.value, self.depth, self.size = value, depth, size


class Reader:
    """Reads the elements of one document; remembers objects for back references.

    ``before`` are objects by number that were met elsewhere in the document; ``met`` are those met here, None for one
    that is not finished.
    """

    def __init__(self, before: Mapping[str, Measured | None] | None = None) -> None:
        self.met: dict[str, Measured | None] = {}
        self._before = before or {}

    def value(self, element: etree._Element, level: int) -> Measured:
        """The value of any serialized element; ``level`` counts the objects around it."""
        if level > DEPTH_LIMIT:
            raise ClixmlRefused(f"The document nests objects deeper than {DEPTH_LIMIT} levels.")
        tag = _tag(element)
        if tag == "Obj":
            return self._object(element, level)
        if tag == "Ref":
            return self._referred(element.get("RefId", ""), level)
        if tag in _SEQUENCES:
            return self._list(element, level)
        if tag == "DCT":
            return self._dictionary(element, level)
        if tag == "PR":
            return Measured(None)
        return Measured(_primitive(tag, element.text or ""))

    def _referred(self, number: str, level: int) -> Measured:
        if number not in self.met and number not in self._before:
            raise ClixmlRefused(f"A back reference names object '{number}', which the document does not hold.")
        found = self.met[number] if number in self.met else self._before[number]
        if found is None:
            raise ClixmlRefused(f"Object '{number}' contains itself: cyclic back references are refused.")
        if level + found.depth > DEPTH_LIMIT:
            raise ClixmlRefused(f"The document nests objects deeper than {DEPTH_LIMIT} levels.")
        return found

    def _object(self, element: etree._Element, level: int) -> Measured:
        number = element.get("RefId")
        if number is not None:
            self.met[number] = None
        found = self._content(element, level)
        if number is not None:
            self.met[number] = found
        return found

    def _content(self, element: etree._Element, level: int) -> Measured:
        """What an ``Obj`` stands for: its list or dictionary, the text of its primitive, or its properties."""
        printed: str | None = None
        properties: list[etree._Element] = []
        content: Measured | None = None
        for child in _children(element):
            tag = _tag(child)
            if tag == "ToString":
                printed = _unescaped(child.text or "")
            elif tag in ("Props", "MS"):
                properties += _children(child)
            elif tag not in ("TN", "TNRef"):
                content = self.value(child, level + 1)
        if content is not None and isinstance(content.value, int | float) and printed is not None:
            return Measured(printed)
        return content if content is not None else self._properties(properties, printed, level)

    def _properties(self, elements: list[etree._Element], printed: str | None, level: int) -> Measured:
        found: dict[str, Any] = {}
        depth, size = 0, 1
        for element in elements:
            name = _unescaped(element.get("N", ""))
            if name == "SerializationData":
                continue
            part = self.value(element, level + 1)
            found[name] = part.value
            depth, size = max(depth, part.depth), size + part.size
        if printed is not None:
            found["ToString"] = printed
        return _bounded(found, depth + 1, size)

    def _list(self, element: etree._Element, level: int) -> Measured:
        parts = [self.value(child, level + 1) for child in _children(element)]
        return _bounded([part.value for part in parts], _depth(parts) + 1, 1 + sum(part.size for part in parts))

    def _dictionary(self, element: etree._Element, level: int) -> Measured:
        found: dict[str, Any] = {}
        parts: list[Measured] = []
        for entry in _children(element):
            pair = {child.get("N"): self.value(child, level + 1) for child in _children(entry)}
            if "Key" not in pair or "Value" not in pair:
                raise ClixmlRefused("A dictionary of the document has an entry without a key or a value.")
            found[text(pair["Key"].value)] = pair["Value"].value
            parts.append(pair["Value"])
        return _bounded(found, _depth(parts) + 1, 1 + sum(part.size for part in parts))


_SEQUENCES = frozenset({"LST", "IE", "STK", "QUE"})


def _depth(parts: list[Measured]) -> int:
    return max((part.depth for part in parts), default=0)


def _bounded(value: Any, depth: int, size: int) -> Measured:
    if size > SIZE_LIMIT:
        raise ClixmlRefused(f"The document stands for more than {SIZE_LIMIT:,} values once references are followed.")
    return Measured(value, depth, size)


def _tag(element: etree._Element) -> str:
    """Local name: remote sessions strip the namespace, files carry it."""
    return str(element.tag).rpartition("}")[2]


def _children(element: etree._Element) -> list[etree._Element]:
    """Child elements, without comments and processing instructions (their tag is no text)."""
    return [child for child in element if isinstance(child.tag, str)]


def _primitive(tag: str, content: str) -> Any:
    reader = _PRIMITIVES.get(tag)
    if reader is None:
        raise ClixmlRefused(f"The document holds the element '{tag[:40]}', which CLIXML does not have.")
    try:
        return reader(content)
    except (ValueError, OverflowError):
        raise ClixmlRefused(f"The value '{content[:40]}' of the document is not of its type '{tag}'.") from None


def _boolean(content: str) -> bool:
    word = content.strip().lower()
    if word not in ("true", "false"):
        raise ValueError(word)
    return word == "true"


_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")


def read_date(content: str) -> datetime:
    """An XML date as an aware UTC datetime: 100-nanosecond digits are cut, no zone means UTC, and the ends of time
    (year 1 and 9999 with an offset) stay at the ends. Raises ``ValueError``."""
    matched = _DATE.fullmatch(content.strip())
    if matched is None:
        raise ValueError(content)
    seconds, fraction, zone = matched.groups()
    local = datetime.fromisoformat(f"{seconds}.{(fraction or '0')[:6]:0<6}").replace(tzinfo=UTC)
    if zone in (None, "Z"):
        return local
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    try:
        return local + offset if zone[0] == "-" else local - offset
    except OverflowError:
        return local


_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATES = re.compile("[\ud800-\udfff]+")


def _unescaped(content: str) -> str:
    """Text with its ``_xHHHH_`` escapes resolved; surrogates that pair become one character, lone ones U+FFFD."""
    if "_x" not in content:
        return content
    found = _ESCAPE.sub(lambda matched: chr(int(matched[1], 16)), content)
    return _SURROGATES.sub(
        lambda run: run[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), found
    )


def _secure(_: str) -> str:
    return "[secure string]"


def _nothing(_: str) -> None:
    return None


_PRIMITIVES: dict[str, Callable[[str], Any]] = {
    "Nil": _nothing,
    "S": _unescaped,
    "C": lambda content: chr(int(content)),
    "B": _boolean,
    "DT": read_date,
    "TS": str.strip,
    "BA": lambda content: b64decode("".join(content.split()), validate=True),
    "G": str.strip,
    "URI": _unescaped,
    "Version": str.strip,
    "XD": _unescaped,
    "SBK": _unescaped,
    "SS": _secure,
    "D": float,
    "Sg": float,
    "Db": float,
    **dict.fromkeys(("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64"), int),
}

_LIST_TYPE = "Microsoft.Exchange.Data.MultiValuedProperty`1[[System.String, mscorlib]]"
_NESTED_TYPE = "Microsoft.Exchange.Data.Directory.ADObjectId"
_PREFIX = {"local": "", "deserialized": "Deserialized.", "double": "Deserialized.Deserialized."}


class _Writer:
    """Writes one document; numbers its objects."""

    def __init__(self, shape: Shape, computer_name: str) -> None:
        self._shape = shape
        self._computer_name = computer_name
        self._count = 0

    def record(self, properties: Mapping[str, Any], type_name: str) -> str:
        """A top-level object."""
        extended = ""
        if self._shape != "local":
            runspace = uuid5(NAMESPACE_DNS, self._computer_name)
            added = {"PSComputerName": self._computer_name, "PSShowComputerName": False}
            added = {name: value for name, value in added.items() if name not in properties}
            extended = f'<G N="RunspaceId">{runspace}</G>' if "RunspaceId" not in properties else ""
            extended = "<MS>" + "".join(self.value(value, name) for name, value in added.items()) + extended + "</MS>"
        return self._object(properties, type_name, "", extended)

    def value(self, value: Any, name: str = "") -> str:
        """One value as an element, named ``name`` when it is a property."""
        named = f' N="{_escaped(name)}"' if name else ""
        if value is None:
            return f"<Nil{named} />"
        if isinstance(value, Mapping):
            if self._shape == "double":
                return f"<S{named}>{_escaped(text(value))}</S>"
            return self._object(value, _NESTED_TYPE, named)
        if isinstance(value, list | tuple):
            items = "".join(self.value(item) for item in value)
            return f"<Obj{named}{self._number()}>{self._types(_LIST_TYPE)}<LST>{items}</LST></Obj>"
        tag, content = _scalar(value)
        return f"<{tag}{named}>{content}</{tag}>"

    def _object(self, properties: Mapping[str, Any], type_name: str, named: str, extended: str = "") -> str:
        number = self._number()
        printed = f"<ToString>{_escaped(text(properties))}</ToString>" if "ToString" in properties else ""
        inner = "".join(self.value(value, name) for name, value in properties.items() if name != "ToString")
        return f"<Obj{named}{number}>{self._types(type_name)}{printed}<Props>{inner}</Props>{extended}</Obj>"

    def _number(self) -> str:
        self._count += 1
        return f' RefId="{self._count - 1}"'

    def _types(self, type_name: str) -> str:
        prefix = _PREFIX[self._shape]
        names = "".join(f"<T>{_escaped(prefix + name)}</T>" for name in (type_name, "System.Object"))
        return f'<TN RefId="{self._count - 1}">{names}</TN>'


def _scalar(value: Any) -> tuple[str, str]:
    """Element name and content of a primitive."""
    if isinstance(value, bool):
        return "B", "true" if value else "false"
    if isinstance(value, int):
        return "I32" if -(2**31) <= value < 2**31 else "I64", str(value)
    if isinstance(value, float):
        return "Db", repr(value)
    if isinstance(value, bytes):
        return "BA", b64encode(value).decode()
    if isinstance(value, datetime):
        return "DT", value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return "S", _escaped(str(value))


_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]|_(?=[xX])")


def _escaped(content: str) -> str:
    """Text as CLIXML writes it: control characters, surrogates and underscores before an x as ``_xHHHH_``."""
    return escape(_UNWRITABLE.sub(_escape_one, content))


def _escape_one(matched: re.Match[str]) -> str:
    units = matched[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"_x{units[i : i + 2].hex().upper()}_" for i in range(0, len(units), 2))
