"""WS-Management envelopes as remote PowerShell uses them (MS-WSMV), without any knowledge of what is inside.

Five things must be right for a client to go on: an answer relates to the id of its request; a fault travels as HTTP
500 with its code in ``WSManFault``; the shell's id is taken from ``ResourceCreated`` only; the long poll ends with the
fault "operation timed out" rather than with an empty answer; a chunk of the inner protocol is never split.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from hybridge.wire.xml import Element, XmlRefused, escape, parse_xml

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ANONYMOUS = f"{ADDRESSING}/role/anonymous"
EXCHANGE = "http://schemas.microsoft.com/powershell/Microsoft.Exchange"
"""Resource URI of Exchange's session configuration."""

ACCESS_DENIED = 5
NOT_SUPPORTED = 50
BAD_PARAMETER = 87
TIMED_OUT = 2150858793
NO_SUCH_RESOURCE = 2150858811
NO_SUCH_SHELL = 2150858843
TOO_MANY_SHELLS = 2150859174

ENVELOPE_ROOM = 2600
"""Bytes an envelope needs around its payload, generously."""


class WsmanFault(Exception):
    """A request that is answered by a SOAP fault. ``says`` is the sentence, ``code`` the WS-Management error."""

    def __init__(self, code: int, says: str) -> None:
        super().__init__(says)
        self.code = code
        self.says = says


@dataclass(frozen=True)
class SoapAsk:
    """One request. ``verb`` is the last word of its action, such as Receive; ``timeout`` is in seconds.

    ``envelope_limit`` is the largest answer the client takes, in bytes. ``body`` is the first element of the body.
    """

    verb: str
    action: str
    message_id: str
    resource_uri: str
    shell_id: str
    timeout: float
    envelope_limit: int
    body: Element | None

    @property
    def payload_limit(self) -> int:
        """Raw bytes that fit into an answer once they are base64."""
        return max(4096, (self.envelope_limit - ENVELOPE_ROOM) * 3 // 4)


def read(body: bytes) -> SoapAsk:
    """Read a request. Raises ``WsmanFault`` for what is not one."""
    try:
        root = parse_xml(body)
    except XmlRefused as refused:
        raise WsmanFault(BAD_PARAMETER, f"The request is not SOAP: {refused}") from None
    header = root.find(f"{{{SOAP}}}Header")
    content = root.find(f"{{{SOAP}}}Body")
    if header is None or content is None:
        raise WsmanFault(BAD_PARAMETER, "The request is not a SOAP envelope with a header and a body.")
    action = _text(header, ADDRESSING, "Action")
    return SoapAsk(
        verb=action.rpartition("/")[2],
        action=action,
        message_id=_text(header, ADDRESSING, "MessageID"),
        resource_uri=_text(header, WSMAN, "ResourceURI"),
        shell_id=_shell_id(header),
        timeout=seconds(_text(header, WSMAN, "OperationTimeout"), default=20.0),
        envelope_limit=_number(_text(header, WSMAN, "MaxEnvelopeSize"), default=153_600),
        body=content[0] if len(content) else None,
    )


def answer(ask: SoapAsk, body: str) -> bytes:
    """The answer to ``ask`` with ``body``, XML using the prefixes of ``_NAMESPACES``."""
    return _envelope(f"{ask.action}Response", ask.message_id, body)


def fault(wrong: WsmanFault, relates_to: str) -> bytes:
    """The SOAP fault of ``wrong``; it is sent with HTTP status 500."""
    says = escape(wrong.says)
    code, subcode = ("s:Sender", "w:AccessDenied") if wrong.code == ACCESS_DENIED else ("s:Receiver", "w:InternalError")
    if wrong.code == TIMED_OUT:
        subcode = "w:TimedOut"
    body = (
        f"<s:Fault><s:Code><s:Value>{code}</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{says}</s:Text></s:Reason>'
        f'<s:Detail><f:WSManFault xmlns:f="{FAULT}" Code="{wrong.code}" Machine="exchange">'
        f"<f:Message>{says}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    return _envelope(f"{WSMAN.rpartition('/')[0]}/fault", relates_to, body)


def created(shell_id: str, owner: str, idle_seconds: int) -> str:
    """Body of the answer to Create."""
    selectors = f'<w:SelectorSet><w:Selector Name="ShellId">{escape(shell_id)}</w:Selector></w:SelectorSet>'
    return (
        f"<x:ResourceCreated><a:Address>{ANONYMOUS}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{EXCHANGE}</w:ResourceURI>{selectors}</a:ReferenceParameters></x:ResourceCreated>"
        f"{described(shell_id, owner, idle_seconds)}"
    )


def described(shell_id: str, owner: str, idle_seconds: int, state: str = "Connected") -> str:
    """One shell, as Create and Get show it."""
    return (
        f"<rsp:Shell><rsp:ShellId>{escape(shell_id)}</rsp:ShellId><rsp:ResourceUri>{EXCHANGE}</rsp:ResourceUri>"
        f"<rsp:Owner>{escape(owner)}</rsp:Owner><rsp:IdleTimeOut>PT{idle_seconds}.000S</rsp:IdleTimeOut>"
        f"<rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams>"
        f"<rsp:State>{state}</rsp:State></rsp:Shell>"
    )


def command_accepted(command_id: str) -> str:
    """Body of the answer to Command."""
    return f"<rsp:CommandResponse><rsp:CommandId>{escape(command_id)}</rsp:CommandId></rsp:CommandResponse>"


def received(chunks: Iterable[bytes], command_id: str, *, done: bool) -> str:
    """Body of the answer to Receive: every chunk a stream of its own. ``command_id`` is "" for the pool."""
    target = f' CommandId="{escape(command_id)}"' if command_id else ""
    streams = "".join(f'<rsp:Stream Name="stdout"{target}>{b64encode(chunk).decode()}</rsp:Stream>' for chunk in chunks)
    state = (
        f'<rsp:CommandState{target} State="{SHELL}/CommandState/{"Done" if done else "Running"}"/>' if target else ""
    )
    return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"


def empty(name: str) -> str:
    """Body of an answer that only says: done."""
    return f"<rsp:{name}/>"


_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


def seconds(duration: str, default: float) -> float:
    """An XML duration such as ``PT20S`` or ``PT1M30.5S`` in seconds; ``default`` for anything else."""
    matched = _DURATION.fullmatch(duration.strip())
    if matched is None or not any(matched.groups()):
        return default
    hours, minutes, rest = (float(part or 0) for part in matched.groups())
    return hours * 3600 + minutes * 60 + rest


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    # The id of an answer follows from the request's: the same exchange is the same bytes, which recordings like.
    message_id = uuid5(_IDS, f"{action} {relates_to}")
    return (
        f"<s:Envelope {_PREFIXES}><s:Header><a:Action>{action}</a:Action>"
        f"<a:MessageID>uuid:{str(message_id).upper()}</a:MessageID><a:To>{ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


_NAMESPACES = {"s": SOAP, "a": ADDRESSING, "w": WSMAN, "rsp": SHELL, "x": TRANSFER}
_PREFIXES = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
_IDS = UUID("6f0d4c7e-9b52-4c0f-8ee0-c0de00000001")


def _text(parent: Element, namespace: str, name: str) -> str:
    return (parent.findtext(f"{{{namespace}}}{name}") or "").strip()


def _shell_id(header: Element) -> str:
    for selector in header.iterfind(f"{{{WSMAN}}}SelectorSet/{{{WSMAN}}}Selector"):
        if (selector.get("Name") or "").lower() == "shellid":
            return (selector.text or "").strip()
    return ""


def _number(written: str, default: int) -> int:
    return int(written) if written.isdigit() else default
