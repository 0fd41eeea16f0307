"""Envelopes of WS-Management: read, written, and what is no envelope."""

from __future__ import annotations

import pytest

from hybridge.lab.cmdlets.outcome import Caller, Outcome
from hybridge.lab.psrp import wsman
from hybridge.lab.psrp.endpoint import PsrpEndpoint
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.xml import parse_xml

HEADER = (
    "<a:Action>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Receive</a:Action>"
    "<a:MessageID>uuid:1</a:MessageID><w:ResourceURI>r</w:ResourceURI>"
    "<w:OperationTimeout>PT1M2.5S</w:OperationTimeout><w:MaxEnvelopeSize>153600</w:MaxEnvelopeSize>"
    '<w:SelectorSet><w:Selector Name="ShellId">S</w:Selector></w:SelectorSet>'
)


def envelope(header: str = HEADER, body: str = "<rsp:Receive/>") -> bytes:
    names = f'xmlns:s="{wsman.SOAP}" xmlns:a="{wsman.ADDRESSING}" xmlns:w="{wsman.WSMAN}" xmlns:rsp="{wsman.SHELL}"'
    return f"<s:Envelope {names}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()


async def nothing(ask: CmdletAsk, caller: Caller) -> Outcome:
    return Outcome()


def test_a_request_is_read() -> None:
    ask = wsman.read(envelope())
    assert (ask.verb, ask.message_id, ask.shell_id, ask.timeout) == ("Receive", "uuid:1", "S", 62.5)
    assert ask.payload_limit == (153600 - wsman.ENVELOPE_ROOM) * 3 // 4
    assert ask.body is not None


@pytest.mark.parametrize(("written", "seconds"), [("PT20S", 20), ("PT1H", 3600), ("PT", 7), ("P1D", 7), ("", 7)])
def test_durations(written: str, seconds: float) -> None:
    assert wsman.seconds(written, default=7) == seconds


@pytest.mark.parametrize(
    "body",
    [b"<a/>", b"<a", b"\xff\xfe", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', envelope().replace(b"Body", b"X")],
)
def test_what_is_no_envelope_is_a_fault(body: bytes) -> None:
    with pytest.raises(wsman.WsmanFault):
        wsman.read(body)


def test_answers_relate_to_their_request_and_escape_what_they_quote() -> None:
    ask = wsman.read(envelope(HEADER.replace("uuid:1", "uuid:&lt;1")))
    answer = parse_xml(wsman.answer(ask, wsman.created("<id>", "a&b", 60)))
    assert answer.findtext(f".//{{{wsman.ADDRESSING}}}RelatesTo") == "uuid:<1"
    assert answer.findtext(f".//{{{wsman.SHELL}}}ShellId") == "<id>"
    fault = parse_xml(wsman.fault(wsman.WsmanFault(5, "No <access>."), "uuid:1"))
    found = fault.find(f".//{{{wsman.FAULT}}}WSManFault")
    assert found is not None
    assert found.get("Code") == "5"
    assert fault.findtext(f".//{{{wsman.FAULT}}}Message") == "No <access>."


def test_every_chunk_is_a_stream_of_its_own() -> None:
    answer = parse_xml(wsman.answer(wsman.read(envelope()), wsman.received([b"one", b"two"], "C", done=True)))
    streams = answer.findall(f".//{{{wsman.SHELL}}}Stream")
    assert [stream.text for stream in streams] == ["b25l", "dHdv"]
    state = answer.find(f".//{{{wsman.SHELL}}}CommandState")
    assert state is not None
    assert (state.get("State") or "").endswith("/Done")


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("Create", "", 2150858811),
        ("Enumerate", "<x/>", 50),
        ("Receive", "<rsp:Receive/>", 2150858843),
    ],
)
async def test_requests_that_cannot_be_met(verb: str, body: str, code: int) -> None:
    status, _, reply = await PsrpEndpoint(nothing).post(
        "1",
        "u",
        {"content-type": "application/soap+xml"},
        envelope(HEADER.replace("shell/Receive", f"shell/{verb}"), body),
    )
    assert status == 500
    assert f'Code="{code}"'.encode() in reply


async def test_broken_openings_are_faults() -> None:
    endpoint = PsrpEndpoint(nothing)
    for inner in (
        "",
        "<rsp:Shell/>",
        "<rsp:Shell><p:creationXml xmlns:p='p'>no base64!</p:creationXml></rsp:Shell>",
        "<rsp:Shell><p:creationXml xmlns:p='p'>AAAA</p:creationXml></rsp:Shell>",
    ):
        header = HEADER.replace("shell/Receive", "shell/Create").replace(">r<", f">{wsman.EXCHANGE}<")
        status, _, reply = await endpoint.post(
            "1", "u", {"content-type": "application/soap+xml"}, envelope(header, inner)
        )
        assert (status, b"WSManFault" in reply) == (200 if inner == "<rsp:Shell/>" else 500, inner != "<rsp:Shell/>")
    await endpoint.close()
    assert endpoint.open_shells == 0


async def test_other_content_is_not_taken() -> None:
    endpoint = PsrpEndpoint(nothing)
    assert await endpoint.post("1", "u", {}, b"") == (200, {}, b"")
    status, _, body = await endpoint.post("1", "u", {"content-type": "multipart/encrypted"}, b"x")
    assert status == 415
    assert b"sealed" in body
