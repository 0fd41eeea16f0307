"""The SOAP envelope of EWS, both halves.

The client half makes the HTTP ask around an operation's body and opens what comes back: the element of the operation,
a fault (HTTP 500 with a SOAP fault inside) or a failure. The server half opens a request, and dispatches on the child
of the Body, because clients in the field send no SOAPAction; it accepts the ``http://`` namespaces only and refuses a
RequestServerVersion it does not know. See ``faults.RequestRefused`` for how it refuses.

Source: messages.xsd and types.xsd as published, and recorded traffic (a response's Version is not of the request's
enumeration: it is never echoed).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk, Sign
from hybridge.wire.ews.faults import EwsFault, RequestRefused, schema_violation
from hybridge.wire.ews.namespaces import ERRORS, MESSAGES, SOAP, TYPES
from hybridge.wire.ews.reading import Foreign, attribute, child, local_name, text, whole_number
from hybridge.wire.xml import Element, XmlRefused, escape, malformed, parse_xml

__all__ = [
    "ERRORS",
    "MESSAGES",
    "REQUEST_VERSIONS",
    "SOAP",
    "TYPES",
    "Envelope",
    "EwsFault",
    "Incoming",
    "RequestRefused",
    "ServerVersion",
    "ask",
    "read_body",
    "read_request",
    "read_version",
    "write_fault",
    "write_response",
]

REQUEST_VERSIONS = (
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2009",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2012",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
    "V2015_10_05",
    "V2016_01_06",
    "V2016_04_13",
    "V2016_07_13",
    "V2016_10_10",
    "V2017_01_07",
    "V2017_04_14",
    "V2017_07_11",
)
"""What RequestServerVersion may say (ExchangeVersionType of the schema of Exchange 15.2.2562)."""


class ServerVersion(msgspec.Struct, frozen=True, order=True):
    """A build of Exchange as four numbers, for example 15.2.2562.37."""

    major: int
    minor: int
    build: int
    revision: int = 0

    @property
    def schema(self) -> str:
        """The Version a server of this build writes into its answers."""
        found = [name for since, name in _SCHEMAS if since <= (self.major, self.minor)]
        return found[-1] if found else "Exchange2007_SP1"

    @classmethod
    def read(cls, display: str) -> ServerVersion | None:
        """From ``Version 15.2 (Build 2562.37)`` or ``15.2.2562.37``; None when it is neither."""
        match = _DISPLAY.search(display)
        return cls(int(match[1]), int(match[2]), int(match[3]), int(match[4] or 0)) if match else None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.build}.{self.revision}"


_SCHEMAS = (
    ((8, 1), "Exchange2007_SP1"),
    ((14, 0), "Exchange2010"),
    ((14, 1), "Exchange2010_SP1"),
    ((14, 2), "Exchange2010_SP2"),
    ((15, 0), "V2_10"),
    ((15, 1), "V2017_07_11"),
    ((15, 20), "V2018_01_08"),
)
_DISPLAY = re.compile(r"(\d{1,4})\.(\d{1,4})(?: \(Build |\.)(\d{1,6})(?:\.(\d{1,6}))?", re.ASCII)


@dataclass(frozen=True)
class Envelope:
    """An opened envelope: the header when there is one, and the first child of the Body."""

    header: Element | None
    child: Element


class Incoming(NamedTuple):
    """A request as the server half sees it."""

    operation: str
    """Name of the operation: "GetUserAvailability", though its element is called GetUserAvailabilityRequest."""
    child: Element
    impersonated: str
    """Address, name or SID of the ExchangeImpersonation header, "" when there is none."""


def ask(
    url: str,
    body: str,
    *,
    user_agent: str,
    impersonate: str = "",
    anchor: str = "",
    version: str = "Exchange2013_SP1",
    sign: Sign = Sign.EXCHANGE,
    scope: str = "",
) -> HttpAsk:
    """The HTTP ask for an operation's ``body`` (what its ``write_request`` returned).

    ``anchor`` routes the request to a mailbox; impersonation needs one and takes the impersonated address.
    """
    headers = [("Content-Type", "text/xml; charset=utf-8"), ("Accept", "text/xml"), ("User-Agent", user_agent)]
    if anchor or impersonate:
        headers.append(("X-AnchorMailbox", anchor or impersonate))
    acting = (
        f"<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{escape(impersonate)}"
        "</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        if impersonate
        else ""
    )
    header = f'<t:RequestServerVersion Version="{escape(version)}"/>{acting}'
    return HttpAsk(
        method="POST",
        url=url,
        headers=tuple((name, _one_line(value)) for name, value in headers),
        body=_wrap(header, body),
        sign=sign,
        scope=scope,
    )


def read_body(answer: HttpAnswer) -> Element | EwsFault | Failure:
    """The operation's element of an answer, or its fault, or why there is neither."""
    if answer.failure:
        return answer.failure
    if answer.status not in (200, 500):
        return _refused_by_http(answer)
    try:
        opened = _open(answer.body)
    except Foreign as error:
        return malformed(
            f"The answer (HTTP {answer.status}) is not from EWS: {error}",
            "Look whether a proxy or a login page answers in front of Exchange.",
        )
    if opened.child.tag == f"{{{SOAP}}}Fault":
        return _read_fault(opened.child)
    if not opened.child.tag.startswith(f"{{{MESSAGES}}}"):
        return malformed(f"The answer holds {opened.child.tag[:200]}, which is not an EWS message.")
    return opened.child


def read_version(answer: HttpAnswer) -> ServerVersion | None:
    """The build the server names in its answer, None when it names none."""
    try:
        header = _open(answer.body).header
    except Foreign:
        return None
    found = None if header is None else child(header, "t:ServerVersionInfo")
    if found is None:
        return None
    names = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    numbers = [whole_number(attribute(found, name)) for name in names]
    known = [number for number in numbers if number is not None and number >= 0]
    return ServerVersion(*known) if len(known) == len(names) else None


def read_request(body: bytes) -> Incoming:
    """Open a request. Raises ``RequestRefused`` with the fault to send when it cannot be dispatched."""
    try:
        opened = _open(body)
    except Foreign as error:
        raise schema_violation(str(error)) from None
    if not opened.child.tag.startswith(f"{{{MESSAGES}}}"):
        raise schema_violation(
            f"The Body holds '{opened.child.tag[:200]}', which is not an EWS operation.", opened.child
        )
    name = local_name(opened.child)
    _check_version(opened.header)
    return Incoming(name.removesuffix("Request"), opened.child, _impersonated(opened.header))


def write_response(xml_body: str, version: ServerVersion) -> HttpAnswer:
    """The answer around an operation's response (what its ``write_response`` returned)."""
    return _answer(200, xml_body, version)


def write_fault(fault: EwsFault, version: ServerVersion) -> HttpAnswer:
    """The HTTP 500 that carries ``fault``."""
    values = "".join(_write_value(name, value) for name, value in fault.values)
    message_xml = f"<t:MessageXml>{values}</t:MessageXml>" if values else ""
    body = (
        f'<s:Fault><faultcode xmlns:a="{TYPES}">a:{escape(fault.code)}</faultcode>'
        f'<faultstring xml:lang="en-US">{escape(fault.message)}</faultstring>'
        f'<detail><e:ResponseCode xmlns:e="{ERRORS}">{escape(fault.code)}</e:ResponseCode>'
        f'<e:Message xmlns:e="{ERRORS}">{escape(fault.message)}</e:Message>{message_xml}</detail></s:Fault>'
    )
    return _answer(500, body, version)


_VIOLATION_PARTS = ("LineNumber", "LinePosition", "Violation")


def _write_value(name: str, value: str) -> str:
    if name in _VIOLATION_PARTS:
        return f"<t:{name}>{escape(value)}</t:{name}>"
    return f'<t:Value Name="{escape(name)}">{escape(value)}</t:Value>'


def _answer(status: int, body: str, version: ServerVersion) -> HttpAnswer:
    header = (
        f'<t:ServerVersionInfo MajorVersion="{version.major}" MinorVersion="{version.minor}" '
        f'MajorBuildNumber="{version.build}" MinorBuildNumber="{version.revision}" Version="{version.schema}"/>'
    )
    return HttpAnswer(status=status, headers=(("content-type", "text/xml; charset=utf-8"),), body=_wrap(header, body))


def _wrap(header: str, body: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def _one_line(value: str) -> str:
    """``value`` without control characters, so that no header can be smuggled in."""
    return "".join(character for character in value if character.isprintable())


def _open(body: bytes) -> Envelope:
    """Open an envelope, or raise ``Foreign``."""
    try:
        root = parse_xml(body)
    except XmlRefused as error:
        raise Foreign(str(error)) from None
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Foreign(_wrong_root(root))
    inside = child(root, "s:Body")
    if inside is None:
        raise Foreign("The SOAP envelope has no Body.")
    operation = next(iter(inside), None)
    if operation is None:
        raise Foreign("The SOAP Body is empty.")
    return Envelope(child(root, "s:Header"), operation)


def _wrong_root(root: Element) -> str:
    namespace, _, name = root.tag.lstrip("{").rpartition("}")
    if name == "Envelope":
        return f"The SOAP namespace is '{namespace[:200]}'; only '{SOAP}' is read."
    return f"The document is '{name[:80]}', not a SOAP envelope."


def _refused_by_http(answer: HttpAnswer) -> Failure:
    if answer.status == 401:
        return Failure(
            reason=FailureReason.SIGN_IN,
            says="Exchange refused the sign-in (HTTP 401).",
            next_step="Check the account and its password, and that the virtual directory offers the sign-in used.",
        )
    if answer.status == 403:
        policy = answer.header("x-ews-policy-reason")
        return Failure(
            reason=FailureReason.FORBIDDEN,
            says=f"EWS refused the call (HTTP 403{f': {policy[:200]}' if policy else ''}).",
            next_step="Check the EWS access policy of the organization and of the mailbox, and devices in front.",
        )
    if answer.status in (429, 503):
        return Failure(
            reason=FailureReason.UNREACHABLE,
            says=f"Exchange is too busy to answer (HTTP {answer.status}).",
            next_step="Try again later.",
        )
    return malformed(
        f"EWS did not answer: HTTP {answer.status}.", "Check the URL, and what stands in front of Exchange."
    )


def _read_fault(fault: Element) -> EwsFault:
    detail = fault.find("detail")
    faultcode = text(fault, "faultcode").rpartition(":")[2]
    code = text(detail, "e:ResponseCode")
    if not code:
        code = faultcode if faultcode.startswith("Error") else text(detail, "m:ErrorCode") or faultcode or "Fault"
    message = text(detail, "e:Message") or text(fault, "faultstring")
    values = None if detail is None else child(detail, "t:MessageXml")
    return EwsFault(code, message, tuple(_read_value(value) for value in (() if values is None else values)))


def _read_value(value: Element) -> tuple[str, str]:
    return attribute(value, "Name") or local_name(value), (value.text or "").strip()


def _check_version(header: Element | None) -> None:
    found = None if header is None else child(header, "t:RequestServerVersion")
    if found is not None and attribute(found, "Version") not in REQUEST_VERSIONS:
        raise RequestRefused(EwsFault("ErrorInvalidServerVersion", "The specified server version is invalid."))


def _impersonated(header: Element | None) -> str:
    acting = None if header is None else child(header, "t:ExchangeImpersonation")
    if acting is None:
        return ""
    who = child(acting, "t:ConnectingSID")
    names = ("t:PrimarySmtpAddress", "t:SmtpAddress", "t:PrincipalName", "t:SID")
    found = next((text(who, name) for name in names if text(who, name)), "")
    if not found:
        raise RequestRefused(
            EwsFault("ErrorInvalidExchangeImpersonationHeaderData", "The impersonation header names nobody.")
        )
    return found
