"""The endpoint service, both halves, and lists of a firewall."""

from __future__ import annotations

from uuid import UUID

import pytest

from hybridge.rules import built_in
from hybridge.wire import allow_list, endpoint_service, owa
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer

ID = UUID("00000000-0000-4000-8000-000000000001")


def test_asks_carry_an_id() -> None:
    ask = endpoint_service.ask_version("Worldwide", ID)
    assert ask.url == f"https://endpoints.office.com/version/Worldwide?ClientRequestId={ID}"
    assert endpoint_service.read_ask("/version/worldwide", {"clientrequestid": str(ID)}) == ("version", "Worldwide")
    assert "GUID" in endpoint_service.read_ask("/version/Worldwide", {})
    assert "instance" in endpoint_service.read_ask("/version/Mars", {"ClientRequestId": str(ID)})


def test_what_is_written_is_read() -> None:
    said = endpoint_service.write_version(endpoint_service.Version(instance="Worldwide", latest="2026112800"))
    version = endpoint_service.read_version(said)
    assert isinstance(version, endpoint_service.Version) and version.latest == "2026112800"
    instance = built_in().endpoints.instances["Worldwide"]
    read = endpoint_service.read_endpoints(endpoint_service.write_endpoints(instance), "2026112800")
    assert not isinstance(read, Failure)
    assert read.sets == instance.sets and read.version == "2026112800"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HttpAnswer(status=429, headers=(("retry-after", "120"),)), FailureReason.REFUSED),
        (HttpAnswer(status=500), FailureReason.MALFORMED),
        (HttpAnswer(status=200, body=b"<html>"), FailureReason.MALFORMED),
        (HttpAnswer(status=200, body=b"[]"), FailureReason.MALFORMED),
        (HttpAnswer(status=200, body=b'[{"id":12,"serviceArea":"Skype","ips":["1.2"]}]'), FailureReason.MALFORMED),
        (HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says="No.")), FailureReason.UNREACHABLE),
    ],
)
def test_a_bad_answer_is_a_failure(answer: HttpAnswer, reason: FailureReason) -> None:
    read = endpoint_service.read_endpoints(answer, "1")
    assert isinstance(read, Failure) and read.reason is reason
    if answer.status == 429:
        assert "120 seconds" in read.next_step


def test_a_list_is_read_line_by_line() -> None:
    body = b"\xef\xbb\xbf# Microsoft\n52.112.0.0/14\n\n  13.107.6.152/31 # Exchange\n192.0.2.7\n2603:1063::/38,\n"
    assert allow_list.read_list(body, "list") == ("52.112.0.0/14", "13.107.6.152/31", "192.0.2.7", "2603:1063::/38")
    assert allow_list.read_list(allow_list.write_list(("52.112.0.0/14",)).encode(), "list") == ("52.112.0.0/14",)
    assert allow_list.read_list(b"", "list") == ()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"52.112.0.0/14\nteams", "Line 2 of 'list' is not an address range: 'teams'."),
        (b"\xff\xfe5", "not a text file"),
        (b"\n" * 100_001, "more than 100,000 lines"),
    ],
)
def test_a_line_that_is_no_range_is_named(body: bytes, says: str) -> None:
    read = allow_list.read_list(body, "list")
    assert isinstance(read, Failure) and says in read.says


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (owa.write_root("mail.contoso.com", "15.2.2562.37"), "15.2.2562.37"),
        (owa.write_sign_in("15.1.2507.66"), "15.1.2507.66"),
        (HttpAnswer(status=200, body=b"<img src='/ecp/15.2.1544.4/x.png'>"), "15.2.1544.4"),
        (HttpAnswer(status=200, headers=(("x-owa-version", "hidden"),), body=b"<p>"), ""),
        (HttpAnswer(status=403), ""),
    ],
)
def test_the_build_outlook_on_the_web_shows(answer: HttpAnswer, version: str) -> None:
    assert owa.read_version(answer) == version
