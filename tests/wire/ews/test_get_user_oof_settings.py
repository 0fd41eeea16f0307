"""GetUserOofSettings, both halves."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire.ask import Failure
from hybridge.wire.ews import get_user_oof_settings as op
from hybridge.wire.ews.envelope import MESSAGES, TYPES, RequestRefused, ServerVersion, ask, read_request, write_response
from hybridge.wire.xml import parse_xml

BUILD = ServerVersion(15, 2, 2562, 37)
INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))
REPLIES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=60
) | st.just("<html>\r\n<body>Back on &nbsp; <b>Monday</b></body></html>")
AUDIENCES = st.sampled_from(["None", "Known", "All"])
PLAIN = st.builds(
    op.Response,
    oof_state=st.sampled_from(["Disabled", "Enabled"]),
    external_audience=AUDIENCES,
    internal_reply=REPLIES,
    external_reply=REPLIES,
    allow_external_oof=AUDIENCES,
)
SCHEDULED = st.builds(
    op.Response,
    oof_state=st.just("Scheduled"),
    external_audience=AUDIENCES,
    start_at=INSTANTS,
    end_at=INSTANTS,
    internal_reply=REPLIES,
)


def element(inside: str) -> bytes:
    return inside.replace(">", f' xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">', 1).encode()


def test_requests_travel() -> None:
    request = op.Request("ada&co@contoso.com")
    body = ask("https://x/EWS/Exchange.asmx", op.write_request(request), user_agent="t").body
    assert op.read_request(read_request(body).child) == request


@given(PLAIN | SCHEDULED)
@settings(deadline=None, max_examples=60)
def test_responses_travel(response: op.Response) -> None:
    assert op.read_answer(write_response(op.write_response(response), BUILD)) == response


def test_an_error_is_in_the_response() -> None:
    denied = op.Response("ErrorAccessDenied", "User is not mailbox owner.")
    assert op.read_answer(write_response(op.write_response(denied), BUILD)) == denied


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<m:Mailbox><t:Address>a@b.c</t:Address></m:Mailbox>",
        "<t:Mailbox/>",
        "<t:Mailbox><t:EmailAddress>a@b.c</t:EmailAddress></t:Mailbox>",
        "<t:Mailbox><t:RoutingType>SMTP</t:RoutingType><t:Address>a@b.c</t:Address></t:Mailbox>",
    ],
)
def test_requests_against_the_schema(inside: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        op.read_request(parse_xml(element(f"<m:GetUserOofSettingsRequest>{inside}</m:GetUserOofSettingsRequest>")))
    assert refused.value.fault.code == "ErrorSchemaValidation"


SUCCESS = '<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>'


def test_a_duration_without_a_zone_is_utc() -> None:
    body = (
        f"<m:GetUserOofSettingsResponse>{SUCCESS}<t:OofSettings><t:OofState>Snoozing</t:OofState><t:Duration>"
        "<t:StartTime>2026-11-20T12:00:00</t:StartTime><t:EndTime>2026-11-21T00:00:00+02:00</t:EndTime></t:Duration>"
        "</t:OofSettings></m:GetUserOofSettingsResponse>"
    )
    assert op.read_response(parse_xml(element(body))) == op.Response(
        oof_state="Snoozing",
        start_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        end_at=datetime(2026, 11, 20, 22, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        ("", "no ResponseMessage"),
        (SUCCESS, "no OofSettings"),
        (
            f"{SUCCESS}<t:OofSettings><t:Duration><t:StartTime>soon</t:StartTime></t:Duration></t:OofSettings>",
            "'soon' is not a date",
        ),
    ],
)
def test_useless_answers_are_failures(inside: str, says: str) -> None:
    read = op.read_response(
        parse_xml(element(f"<m:GetUserOofSettingsResponse>{inside}</m:GetUserOofSettingsResponse>"))
    )
    assert isinstance(read, Failure)
    assert says in read.says
