"""The envelope, both halves: asks, versions, faults, and everything that is not an EWS answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, Sign
from hybridge.wire.ews import get_delegate
from hybridge.wire.ews.envelope import (
    MESSAGES,
    SOAP,
    TYPES,
    EwsFault,
    RequestRefused,
    ServerVersion,
    ask,
    read_body,
    read_request,
    read_version,
    write_fault,
    write_response,
)

URL = "https://mail.contoso.com/EWS/Exchange.asmx"
BUILD = ServerVersion(15, 2, 2562, 37)
BODY = get_delegate.write_request(get_delegate.Request("ada@contoso.com"))


def envelope(body: str, header: str = "", soap: str = SOAP) -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    start = f'<s:Envelope xmlns:s="{soap}" xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
    return f"{start}{head}<s:Body>{body}</s:Body></s:Envelope>".encode()


def test_the_ask() -> None:
    made = ask(URL, BODY, user_agent="hybridge/0.1", impersonate="ada@contoso.com", version="Exchange2010_SP2")
    headers = dict(made.headers)
    assert (made.method, made.url, made.sign) == ("POST", URL, Sign.EXCHANGE)
    assert headers["User-Agent"] == "hybridge/0.1"
    assert headers["X-AnchorMailbox"] == "ada@contoso.com"
    assert headers["Content-Type"] == "text/xml; charset=utf-8"
    assert "SOAPAction" not in headers
    incoming = read_request(made.body)
    assert (incoming.operation, incoming.impersonated) == ("GetDelegate", "ada@contoso.com")
    assert b'RequestServerVersion Version="Exchange2010_SP2"' in made.body


def test_no_header_can_be_smuggled_in() -> None:
    made = ask(URL, BODY, user_agent="a\r\nX-Evil: 1", anchor="a@b.c\nX-Evil: 1", sign=Sign.ENTRA, scope="s/.default")
    assert all("\n" not in value and "\r" not in value for _, value in made.headers)
    assert (made.sign, made.scope) == (Sign.ENTRA, "s/.default")


def test_element_names_are_not_operation_names() -> None:
    for element, operation in (
        ("GetUserAvailabilityRequest", "GetUserAvailability"),
        ("GetUserOofSettingsRequest", "GetUserOofSettings"),
        ("GetFolder", "GetFolder"),
    ):
        assert read_request(envelope(f"<m:{element}/>")).operation == operation


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", "ErrorSchemaValidation", "empty"),
        (b"<a", "ErrorSchemaValidation", "not well-formed"),
        (b"<!DOCTYPE a []><a/>", "ErrorSchemaValidation", "DOCTYPE"),
        (b"<a/>", "ErrorSchemaValidation", "not a SOAP envelope"),
        (
            envelope(BODY, soap="https://schemas.xmlsoap.org/soap/envelope/"),
            "ErrorSchemaValidation",
            "namespace is 'https://schemas.xmlsoap.org",
        ),
        (envelope(BODY, soap="http://www.w3.org/2003/05/soap-envelope"), "ErrorSchemaValidation", "namespace"),
        (envelope(""), "ErrorSchemaValidation", "empty"),
        (f'<s:Envelope xmlns:s="{SOAP}"/>'.encode(), "ErrorSchemaValidation", "no Body"),
        (envelope("<GetDelegate/>"), "ErrorSchemaValidation", "not an EWS operation"),
        (
            envelope('<GetDelegate xmlns="https://schemas.microsoft.com/exchange/services/2006/messages"/>'),
            "ErrorSchemaValidation",
            "not an EWS operation",
        ),
        (
            envelope(BODY, '<t:RequestServerVersion Version="Exchange2099"/>'),
            "ErrorInvalidServerVersion",
            "version is invalid",
        ),
        (envelope(BODY, "<t:RequestServerVersion/>"), "ErrorInvalidServerVersion", "version is invalid"),
        (
            envelope(BODY, "<t:ExchangeImpersonation/>"),
            "ErrorInvalidExchangeImpersonationHeaderData",
            "names nobody",
        ),
    ],
)
def test_malformed_requests_are_refused_with_a_fault(body: bytes, code: str, says: str) -> None:
    with pytest.raises(RequestRefused, match=says) as refused:
        read_request(body)
    fault = refused.value.fault
    assert fault.code == code
    sent = write_fault(fault, BUILD)
    assert sent.status == 500
    assert read_body(sent) == fault


@pytest.mark.parametrize("kind", ["PrimarySmtpAddress", "SmtpAddress", "PrincipalName", "SID"])
def test_every_way_to_impersonate(kind: str) -> None:
    header = (
        f"<t:ExchangeImpersonation><t:ConnectingSID><t:{kind}>x</t:{kind}></t:ConnectingSID></t:ExchangeImpersonation>"
    )
    assert read_request(envelope(BODY, header)).impersonated == "x"


@given(
    st.text(max_size=50),
    st.lists(st.tuples(st.sampled_from(["BackOffMilliseconds", "Policy", "Violation"]), st.text(max_size=30))),
)
@settings(deadline=None, max_examples=60)
def test_faults_travel(message: str, values: list[tuple[str, str]]) -> None:
    def plain(text: str) -> str:
        return " ".join("".join(c for c in text if c.isprintable()).split())

    fault = EwsFault("ErrorServerBusy", plain(message), tuple((name, plain(value)) for name, value in values))
    assert read_body(write_fault(fault, BUILD)) == fault


def test_value_of_a_fault() -> None:
    fault = EwsFault("ErrorServerBusy", values=(("BackOffMilliseconds", "297749"),))
    assert (fault.value("BackOffMilliseconds"), fault.value("Policy")) == ("297749", "")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            "<s:Fault><faultcode>soap:Client</faultcode><faultstring>not the owner</faultstring>"
            "<detail><m:ErrorCode>-2146233088</m:ErrorCode></detail></s:Fault>",
            EwsFault("-2146233088", "not the owner"),
        ),
        (
            '<s:Fault><faultcode xmlns:a="x">a:ErrorMailboxDataArrayTooBig</faultcode>'
            "<faultstring>too many</faultstring><detail><m:ErrorCode>5002</m:ErrorCode></detail></s:Fault>",
            EwsFault("ErrorMailboxDataArrayTooBig", "too many"),
        ),
        ("<s:Fault><faultcode>s:Server</faultcode></s:Fault>", EwsFault("Server")),
        ("<s:Fault/>", EwsFault("Fault")),
    ],
)
def test_faults_of_other_servers(fault: str, expected: EwsFault) -> None:
    assert read_body(HttpAnswer(status=500, body=envelope(fault))) == expected


@pytest.mark.parametrize(
    ("answer", "reason", "says"),
    [
        (HttpAnswer(status=401), FailureReason.SIGN_IN, "401"),
        (
            HttpAnswer(status=403, headers=(("X-EWS-Policy-Reason", "EWS is disabled for this user or tenant"),)),
            FailureReason.FORBIDDEN,
            "disabled for this user",
        ),
        (HttpAnswer(status=403), FailureReason.FORBIDDEN, "HTTP 403)"),
        (HttpAnswer(status=503), FailureReason.UNREACHABLE, "busy"),
        (HttpAnswer(status=302), FailureReason.MALFORMED, "302"),
        (HttpAnswer(status=404), FailureReason.MALFORMED, "404"),
        (HttpAnswer(status=200, body=b"<html><br></html>"), FailureReason.MALFORMED, "not well-formed"),
        (HttpAnswer(status=500, body=b"Server Error in '/EWS' Application"), FailureReason.MALFORMED, "HTTP 500"),
        (HttpAnswer(status=200, body=envelope("")), FailureReason.MALFORMED, "empty"),
        (HttpAnswer(status=200, body=envelope("<x/>")), FailureReason.MALFORMED, "not an EWS message"),
        (HttpAnswer(status=200, body=b"<a>" + b" " * (9 << 20)), FailureReason.MALFORMED, "bytes long"),
        (
            HttpAnswer(status=200, body=envelope("<x/>", soap="https://schemas.xmlsoap.org/soap/envelope/")),
            FailureReason.MALFORMED,
            "'https://schemas.xmlsoap.org",
        ),
    ],
)
def test_what_is_not_an_answer_is_a_failure(answer: HttpAnswer, reason: FailureReason, says: str) -> None:
    read = read_body(answer)
    assert isinstance(read, Failure)
    assert read.reason is reason
    assert says in read.says
    assert read.says.endswith(".")


def test_no_answer_stays_a_failure() -> None:
    failure = Failure(reason=FailureReason.CERTIFICATE, says="Expired.")
    assert read_body(HttpAnswer(failure=failure)) is failure


def test_versions_travel() -> None:
    for build, schema in (
        (ServerVersion(8, 0, 685, 8), "Exchange2007_SP1"),
        (ServerVersion(14, 3, 1, 0), "Exchange2010_SP2"),
        (ServerVersion(15, 0, 847, 32), "V2_10"),
        (BUILD, "V2017_07_11"),
        (ServerVersion(15, 20, 9073, 1), "V2018_01_08"),
    ):
        answer = write_response("<m:GetFolderResponse/>", build)
        assert read_version(answer) == build
        assert f'Version="{schema}"'.encode() in answer.body
    assert read_version(HttpAnswer(status=200, body=envelope("<m:GetFolderResponse/>"))) is None
    assert read_version(HttpAnswer(status=401)) is None
    hostile = envelope("<m:X/>", '<t:ServerVersionInfo MajorVersion="x" MinorVersion="99999999999999999999"/>')
    assert read_version(HttpAnswer(status=200, body=hostile)) is None


@pytest.mark.parametrize(
    ("display", "expected"),
    [
        ("Version 15.2 (Build 2562.37)", BUILD),
        ("Version 15.0 (Build 847.32)", ServerVersion(15, 0, 847, 32)),
        ("15.2.1544.4", ServerVersion(15, 2, 1544, 4)),
        ("Version 15.2", None),
        ("", None),
    ],
)
def test_versions_as_cmdlets_print_them(display: str, expected: ServerVersion | None) -> None:
    assert ServerVersion.read(display) == expected
