"""What people wrote never leaves: mail bodies, subjects, places, automatic replies, status messages.

A recording holds what servers answered; the words in it are nobody's business in a support case. Known elements and
fields lose their value; a body that is neither XML nor JSON is left out but for its title; bytes that are no text are
left out whole. Secrets are cut out by ``net.redact``, here again, over every file.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from lxml import etree

from hybridge.net.redact import GONE
from hybridge.wire.xml import XmlRefused, parse_xml

_ELEMENTS = frozenset(
    ("subject", "body", "textbody", "uniquebody", "normalizedbody", "firstbody", "preview", "mimecontent")
    + ("location", "enhancedlocation", "content", "conversationtopic", "normalizedsubject")
)
_REPLIES = frozenset(("internalreply", "externalreply"))
_FIELDS = frozenset(
    ("subject", "body", "bodypreview", "uniquebody", "location", "locations", "statusmessage", "topic", "content")
    + ("internalreplymessage", "externalreplymessage", "notes", "comment")
)
_PROPERTIES = frozenset(("internalmessage", "externalmessage", "mailtip", "mailtiptranslations", "notes"))
"""Properties of cmdlet objects; a certificate's Subject stays."""
_TITLE = re.compile(r"<title[^>]*>([^<]{1,120})", re.IGNORECASE)
_LOG_HEADER = re.compile(
    r"(?im)(\b(?:set-cookie2?|cookie|authorization|proxy-authorization|x-ms-refreshtokencredential)\b[\"']?\s*[:=]\s*).+$"
)
_LOG_WORDS = re.compile(
    r"(?i)([\"']?\b(?:subject|bodypreview|body|location|statusmessage|internalreplymessage|externalreplymessage)\b"
    r"[\"']?\s*[:=]\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^,;}\r\n]+)"
)


def clean_body(text: str) -> str:
    """The body of a request or an answer without what people wrote."""
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        return text
    if start[0] in "{[":
        return _clean_json(start)
    if start[0] == "<" and not re.match(r"(?i)<(!doctype\s+)?html", start):
        return _clean_xml(start)
    title = _TITLE.search(text)
    named = f", titled '{title[1].strip()}'" if title else ""
    return f"(left out: {len(text):,} characters that are neither XML nor JSON{named})"


def _clean_json(text: str) -> str:
    try:
        value = msgspec.json.decode(text)
        return msgspec.json.encode(without(value, _FIELDS)).decode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return f"(left out: {len(text):,} characters of JSON that could not be read)"


def without(value: Any, names: frozenset[str]) -> Any:
    """``value`` with every field called one of ``names`` (lower case) emptied."""
    if isinstance(value, dict):
        return {
            key: GONE if str(key).lower() in names and item else without(item, names) for key, item in value.items()
        }
    return [without(item, names) for item in value] if isinstance(value, list) else value


def _clean_xml(text: str) -> str:
    try:
        root = parse_xml(text.encode("utf-8", "replace"))
    except XmlRefused as refused:
        return f"(left out: {len(text):,} characters of XML that could not be read. {refused})"
    for element in [*root.iter()]:
        if not isinstance(element.tag, str):
            element.text = ""
        elif _is_written(element):
            for child in [*element]:
                element.remove(child)
            element.text = GONE
    return etree.tostring(root, encoding="unicode")


def _is_written(element: etree._Element) -> bool:
    name = etree.QName(element).localname.lower()
    parent = element.getparent()
    if name == "body" and (parent is None or etree.QName(parent).localname == "Envelope"):
        return False
    if name == "message":
        return parent is not None and etree.QName(parent).localname.lower() in _REPLIES
    return name in _ELEMENTS and bool(element.text or len(element))


def clean_recording(content: bytes) -> bytes:
    """A file of recorded exchanges without what people wrote."""
    document = msgspec.json.decode(content)
    for exchange in document["exchanges"]:
        for part in exchange.values():
            if isinstance(part, dict):
                _clean_part(part)
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _clean_part(part: dict[str, Any]) -> None:
    body = part.get("body")
    if isinstance(body, dict) and "$text" in body:
        part["body"] = {"$text": clean_body(body["$text"])}
    elif isinstance(body, dict) and "$base64" in body:
        part["body"] = {"$text": f"(left out: {len(body['$base64']) * 3 // 4:,} bytes that are no text)"}
    if "objects" in part:
        part["objects"] = without(part["objects"], _PROPERTIES)


def clean_log(text: str) -> str:
    """A log file of a person's machine: no cookies, no signatures of requests, no subjects and bodies."""
    return _LOG_WORDS.sub(rf"\g<1>{GONE}", _LOG_HEADER.sub(rf"\g<1>{GONE}", text))


def clean_report(value: Any) -> Any:
    """A JSON report whose excerpts hold no more than a recording may."""
    if isinstance(value, dict):
        return {
            key: clean_excerpt(item) if key == "excerpt" and isinstance(item, str) else clean_report(item)
            for key, item in value.items()
        }
    return [clean_report(item) for item in value] if isinstance(value, list) else value


def clean_excerpt(text: str) -> str:
    """An excerpt of an answer: XML and JSON as a body, words as they are."""
    return clean_body(text) if text.lstrip()[:1] in ("{", "[", "<") else clean_log(text)
