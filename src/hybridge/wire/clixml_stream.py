"""CLIXML too large to hold: the objects of an Export-Clixml document one after the other.

``clixml.read`` parses a document as a whole, which costs many times its size. An export of a hundred thousand mailboxes
is read here instead: a chunk at a time, each object given out and forgotten before the next is parsed. What is refused
there is refused here, for the same reasons: a document type, text that is no XML, nesting that never ends, references
to what is not there or to what is not finished. A document may be long, but no single object of it may be.

An object may refer back to a value an earlier one held. Nobody can keep every value for that, so the document is looked
through twice: the first time only for the numbers that are referred to, the second time these alone are kept.

A list at the top counts as its items, as ``clixml.read`` has it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from lxml import etree

from hybridge.wire.clixml import NAMESPACE, SIZE_LIMIT, ClixmlRefused, Measured, Reader, text
from hybridge.wire.xml import XmlRefused, encoding_of, short, without_illegal_references

LONGEST = 4 * 1024 * 1024 * 1024
"""Bytes of a document that are read at most."""
OBJECT_LIMIT = 16 * 1024 * 1024
"""Characters one object may take."""
KEPT_LIMIT = 100_000
"""Values that may be referred to from afar."""

_CHUNK = 256 * 1024
_TAIL = 16
"""Characters kept back, so that no character reference is cut in two."""
_OBJ = f"{{{NAMESPACE}}}Obj"
_ROOT = f"{{{NAMESPACE}}}Objs"
_LISTS = frozenset(f"{{{NAMESPACE}}}{name}" for name in ("LST", "IE", "STK", "QUE"))
_REFERRED = re.compile(r'<Ref\s[^<>]{0,400}?RefId\s*=\s*["\']([^"\'<]{1,20})["\']')
_REFERRED_TAIL = 512

Opens = Callable[[], IO[bytes]]
"""Opens the document anew, at its beginning."""


def read_stream(opens: Opens, limit: int = LONGEST) -> Iterator[dict[str, Any]]:
    """The objects of the document, as ``clixml.read`` gives them. Raises ``ClixmlRefused``, also half-way through."""
    with opens() as source:
        wanted = _referred(_text(source, limit))
    with opens() as source:
        yield from _objects(_text(source, limit), wanted)


def _text(source: IO[bytes], limit: int) -> Iterator[str]:
    """The document in chunks of text, without references to characters XML does not have."""
    chunk = source.read(_CHUNK)
    try:
        encoding, mark = encoding_of(chunk)
    except XmlRefused as refused:
        raise ClixmlRefused(str(refused)) from None
    decoder, taken, rest = codecs.getincrementaldecoder(encoding)(), 0, ""
    chunk = chunk[mark:]
    while chunk:
        taken += len(chunk)
        if taken > limit:
            raise ClixmlRefused(f"The document is longer than {limit // 1024 // 1024} MiB.")
        try:
            found = rest + decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise ClixmlRefused(f"The document is not valid {encoding.upper()}: {error.reason}.") from None
        cut = found.rfind("&", max(0, len(found) - _TAIL))
        found, rest = (found, "") if cut < 0 else (found[:cut], found[cut:])
        yield without_illegal_references(found)
        chunk = source.read(_CHUNK)
    yield without_illegal_references(rest)


def _referred(chunks: Iterator[str]) -> frozenset[str]:
    """The numbers of objects some reference names."""
    found: set[str] = set()
    before = ""
    for chunk in chunks:
        if "<Ref" in chunk or "<" in before[-_REFERRED_TAIL:]:
            found.update(_REFERRED.findall(before[-_REFERRED_TAIL:] + chunk))
            if len(found) > KEPT_LIMIT:
                raise ClixmlRefused(f"The document refers back to more than {KEPT_LIMIT:,} objects.")
        before = chunk
    return frozenset(found)


def _objects(chunks: Iterator[str], wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=(_ROOT, _OBJ),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    walk = _Walk(wanted)
    since = 0
    try:
        for number, chunk in enumerate(chunks):
            if number == 0:
                chunk = _begun(chunk)
            parser.feed(chunk.encode("utf-8", "surrogatepass"))
            since += len(chunk)
            for event, element in parser.read_events():
                for found in walk.step(event, element):
                    since = 0
                    yield found
            if since > OBJECT_LIMIT:
                raise ClixmlRefused(f"An object of the document is longer than {OBJECT_LIMIT // 1024 // 1024} MiB.")
        parser.close()
        if not walk.begun:
            raise ClixmlRefused("The document is XML but not CLIXML: its root is not 'Objs'.")
    except etree.XMLSyntaxError as error:
        raise ClixmlRefused(f"The XML is not well-formed: {short(str(error))}.") from None


def _begun(chunk: str) -> str:
    """The first chunk without blanks and declaration before the root: we say what encoding it is in, nobody else."""
    chunk = chunk.lstrip("\ufeff \t\r\n")
    if chunk.startswith("<?xml"):
        chunk = chunk.partition("?>")[2].lstrip()
    if chunk.startswith("<!DOCTYPE"):
        raise ClixmlRefused("The XML declares a document type (DOCTYPE), which is never read.")
    if not chunk:
        raise ClixmlRefused("The XML is empty.")
    return chunk


class _Walk:
    """Where in the document we are: gives an object when it ends, and takes it out of the tree."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._kept: dict[str, Measured | None] = {}
        self._root: Any = None
        self._size = 0

    @property
    def begun(self) -> bool:
        """Whether the root was seen."""
        return self._root is not None

    def step(self, event: str, element: Any) -> Iterator[dict[str, Any]]:
        """What ``event`` at ``element`` completes."""
        if self._root is None:
            self._begin(element)
        if event != "end" or element is self._root:
            return
        parent = element.getparent()
        if parent is self._root or parent.tag in _LISTS and self._is_top_list(parent):
            yield from self._shown(element)

    def _begin(self, element: Any) -> None:
        if element.getroottree().docinfo.doctype:
            raise ClixmlRefused("The XML declares a document type (DOCTYPE), which is never read.")
        if element.tag != _ROOT or element.getparent() is not None:
            raise ClixmlRefused("The document is XML but not CLIXML: its root is not 'Objs'.")
        self._root = element

    def _is_top_list(self, one: Any) -> bool:
        holder = one.getparent()
        return holder is not None and holder.tag == _OBJ and holder.getparent() is self._root

    def _shown(self, element: Any) -> Iterator[dict[str, Any]]:
        reader = Reader(self._kept)
        measured = reader.value(element, 0)
        for number in self._wanted & reader.met.keys():
            self._kept[number] = reader.met[number]
            kept = reader.met[number]
            self._size += kept.size if kept is not None else 0
        if self._size > SIZE_LIMIT:
            raise ClixmlRefused(f"The values referred to are more than {SIZE_LIMIT:,}.")
        self._forget(element)
        value = measured.value
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                yield item if isinstance(item, dict) else {"ToString": text(item), "Value": item}

    def _forget(self, element: Any) -> None:
        parent = element.getparent()
        for before in list(element.itersiblings(preceding=True)):
            parent.remove(before)
        parent.remove(element)
