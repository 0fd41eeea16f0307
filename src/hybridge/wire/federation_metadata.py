"""The metadata of a federation service (AD FS): who it is and which certificates it signs with, both halves.

The document is WS-Federation metadata: an EntityDescriptor with a RoleDescriptor of type SecurityTokenServiceType,
whose KeyDescriptors for signing hold the certificates; the one in use comes first. The same keys stand in the SAML
roles too.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.xml import XmlRefused, escape, malformed, parse_xml

PATH = "/FederationMetadata/2007-06/FederationMetadata.xml"
LIMIT = 1024 * 1024
_METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
_SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
_FED = "http://docs.oasis-open.org/wsfed/federation/200706"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SERVICE = "SecurityTokenServiceType"


class Metadata(msgspec.Struct, frozen=True):
    """``signing_certificates`` are DER, the one in use first, each once."""

    entity_id: str = ""
    signing_certificates: tuple[bytes, ...] = ()


def ask(host: str) -> HttpAsk:
    """Ask ``host`` for its metadata, as a stranger."""
    return HttpAsk(method="GET", url=f"https://{host}{PATH}", headers=(("Accept", "application/xml"),), limit=LIMIT)


def read_answer(answer: HttpAnswer) -> Metadata | Failure:
    """The metadata, or why they are not known."""
    if answer.failure:
        return answer.failure
    if answer.status != 200:
        return malformed(f"The federation service gave no metadata (HTTP {answer.status}).")
    try:
        root = parse_xml(answer.body, LIMIT)
    except XmlRefused as refused:
        return malformed(f"The metadata of the federation service cannot be read. {refused}")
    if root.tag != f"{{{_METADATA}}}EntityDescriptor":
        return malformed("The federation service answered with another document than its metadata.")
    services = [
        role for role in root.findall(f"{{{_METADATA}}}RoleDescriptor") if _SERVICE in role.get(f"{{{_XSI}}}type", "")
    ]
    found: dict[bytes, None] = {}
    for service in services or [root]:
        for key in service.iter(f"{{{_METADATA}}}KeyDescriptor"):
            if key.get("use", "signing") == "signing":
                found |= dict.fromkeys(filter(None, map(_der, key.iter(f"{{{_SIGNATURE}}}X509Certificate"))))
    return Metadata(root.get("entityID", ""), tuple(found))


def _der(element: object) -> bytes:
    text = "".join((getattr(element, "text", "") or "").split())
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def write_answer(metadata: Metadata) -> HttpAnswer:
    """The answer that publishes ``metadata``."""
    keys = "".join(
        f'<KeyDescriptor use="signing"><KeyInfo xmlns="{_SIGNATURE}"><X509Data><X509Certificate>'
        f"{b64encode(der).decode()}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        for der in metadata.signing_certificates
    )
    body = (
        f'<?xml version="1.0" encoding="utf-8"?><EntityDescriptor xmlns="{_METADATA}" '
        f'entityID="{escape(metadata.entity_id)}"><RoleDescriptor xmlns:xsi="{_XSI}" xmlns:fed="{_FED}" '
        f'xsi:type="fed:{_SERVICE}" protocolSupportEnumeration="{_FED}">{keys}</RoleDescriptor></EntityDescriptor>'
    )
    headers = (("content-type", "application/samlmetadata+xml"),)
    return HttpAnswer(status=200, headers=headers, body=body.encode())
