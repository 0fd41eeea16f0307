"""The one place where XML from outside is parsed, and the one place where text is escaped for it.

Whatever arrives may be hostile: a document type with entities that grow without end, a reply cut in the middle, a
gigabyte of blanks. So nothing is parsed before it was measured, a document type is refused before the parser sees it,
and the parser itself resolves no entity and opens no file or socket.

Real servers also send character references that XML 1.0 forbids (``&#x0;`` in mail subjects). They are dropped before
parsing, because a strict parser would refuse the whole reply for one of them.

Source of the character range: XML 1.0, fifth edition, section 2.2.
"""

from __future__ import annotations

import codecs
import re

from lxml import etree

from hybridge.wire.ask import Failure, FailureReason

LIMIT = 8 * 1024 * 1024
"""Largest document parsed, in bytes."""

Element = etree._Element
"""An element as ``parse_xml`` returns it: no comments, no processing instructions, names are ``{namespace}name``."""


class XmlRefused(ValueError):
    """The bytes are not XML we read. The text is one sentence that says why."""


def parse_xml(body: bytes, limit: int = LIMIT) -> Element:
    """Parse ``body`` (UTF-8, or UTF-16 with a byte order mark) and return its root element.

    Raises ``XmlRefused`` when it is empty, longer than ``limit`` bytes, holds a document type, or is not well-formed.
    """
    if len(body) > limit:
        raise XmlRefused(f"The XML is {len(body)} bytes long; at most {limit} are read.")
    text = _decode(body)
    start = _skip_prolog(text)
    if start >= len(text):
        raise XmlRefused("The XML is empty.")
    if text.startswith("<!", start):
        raise XmlRefused("The XML declares a document type (DOCTYPE), which is never read.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.XML(without_illegal_references(text[start:]).encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError, ValueError) as error:
        raise XmlRefused(f"The XML is not well-formed: {short(str(error))}.") from None


def malformed(says: str, next_step: str = "") -> Failure:
    """The failure for an answer that is not in the protocol."""
    return Failure(reason=FailureReason.MALFORMED, says=says, next_step=next_step)


def escape(text: str) -> str:
    """``text`` for element content and for attributes in double quotes; characters XML cannot carry are dropped."""
    for character, reference in _REFERENCES:
        text = text.replace(character, reference)
    return _ILLEGAL.sub("", text)


_REFERENCES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"), ("\r", "&#13;"))
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]+)|([0-9]+));")
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "utf-16": "utf-8", "iso-8859-1": "latin-1"}
"""Declared name -> codec. Eight-bit text that calls itself UTF-16 was re-encoded on its way and is UTF-8."""


def _decode(body: bytes) -> str:
    encoding, mark = encoding_of(body)
    return _decoded(body[mark:], encoding)


def encoding_of(beginning: bytes) -> tuple[str, int]:
    """The encoding of a document that begins so, and how many bytes its mark takes. Raises ``XmlRefused``."""
    for mark, encoding in _MARKS:
        if beginning.startswith(mark):
            return encoding, len(mark)
    if beginning.startswith(b"<\x00"):
        return "utf-16-le", 0
    if beginning.startswith(b"\x00<"):
        return "utf-16-be", 0
    declared = _DECLARED.match(beginning)
    name = declared[1].decode().lower() if declared else "utf-8"
    if name not in _ENCODINGS:
        raise XmlRefused(f"The XML is encoded as {short(name)}, which is not read; send UTF-8.")
    return _ENCODINGS[name], 0


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise XmlRefused(f"The XML is not valid {encoding.upper()} at byte {error.start}.") from None


def _skip_prolog(text: str) -> int:
    """Where the root element (or a document type) begins: after blanks, the declaration, comments, instructions."""
    position = 0
    while True:
        while position < len(text) and text[position] in " \t\r\n\ufeff":
            position += 1
        closing = "?>" if text.startswith("<?", position) else "-->" if text.startswith("<!--", position) else ""
        if not closing:
            return position
        end = text.find(closing, position)
        if end < 0:
            return len(text)
        position = end + len(closing)


def without_illegal_references(text: str) -> str:
    """``text`` without character references XML 1.0 forbids."""
    return _REFERENCE.sub(_legal_or_nothing, text) if "&#" in text else text


def _legal_or_nothing(match: re.Match[str]) -> str:
    digits, base = (match[1], 16) if match[1] else (match[2], 10)
    digits = digits.lstrip("0")
    if not 0 < len(digits) <= 7:
        return ""
    code = int(digits, base)
    return match[0] if code <= 0x10FFFF and not _ILLEGAL.match(chr(code)) else ""


def short(text: str) -> str:
    """The first line's worth of ``text``, for a sentence."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= 200 else line[:200] + " ..."
