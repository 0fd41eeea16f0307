"""What people wrote is taken out of bodies, recordings, reports and logs; what tells why stays."""

from __future__ import annotations

import json

import pytest

from hybridge.net.redact import GONE
from hybridge.support.content import clean_body, clean_excerpt, clean_log, clean_recording, clean_report

CANARY = "CANARY-of-nobody"
EWS = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:t" xmlns:e="urn:e"><s:Body>
<t:CalendarItem><t:Subject>{CANARY}</t:Subject><t:Body BodyType="HTML">{CANARY}<b>{CANARY}</b></t:Body>
<t:Location>{CANARY}</t:Location><!-- {CANARY} --><t:Start>2026-11-20T09:00:00Z</t:Start></t:CalendarItem>
<t:InternalReply><t:Message>{CANARY}</t:Message></t:InternalReply>
<t:ResponseCode>ErrorNotDelegate</t:ResponseCode><e:Message>The delegate was not found.</e:Message>
</s:Body></s:Envelope>"""


def test_xml_keeps_its_shape_and_loses_its_words() -> None:
    cleaned = clean_body(EWS)
    assert CANARY not in cleaned
    for kept in ("ErrorNotDelegate", "The delegate was not found.", "2026-11-20T09:00:00Z", "<t:Subject", GONE):
        assert kept in cleaned


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"subject": CANARY, "body": {"content": CANARY}, "bodyPreview": CANARY, "id": "7"}),
        json.dumps([{"automaticRepliesSetting": {"internalReplyMessage": CANARY}, "id": "7"}]),
        json.dumps({"value": [{"statusMessage": {"message": {"content": CANARY}}, "id": "7"}]}),
    ],
)
def test_json_loses_its_words(body: str) -> None:
    cleaned = clean_body(body)
    assert CANARY not in cleaned
    assert '"7"' in cleaned
    assert json.loads(cleaned)


def test_an_error_of_a_service_stays() -> None:
    body = '{"error": {"code": "Forbidden", "message": "Not permitted."}}'
    assert json.loads(clean_body(body)) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        f"<html><title>Sign in</title>{CANARY}</html>",
        f"plain {CANARY}",
        f"<t:a>{CANARY}",
        f'{{"a": "{CANARY}',
        f"[{CANARY}",
    ],
)
def test_what_cannot_be_read_is_left_out(body: str) -> None:
    assert CANARY not in clean_body(body)
    assert clean_body(body).startswith("(left out:")
    assert ("Sign in" in clean_body(body)) == ("Sign in" in body)


def test_a_recording_is_cleaned_on_both_sides() -> None:
    pair = {
        "ask": {"url": "https://mail.contoso.com/", "body": {"$text": EWS}},
        "answer": {"body": {"$base64": "Q0FOQVJZ"}, "objects": [{"InternalMessage": CANARY, "Subject": "CN=x"}]},
    }
    cleaned = clean_recording(json.dumps({"format": 1, "exchanges": [pair]}).encode()).decode()
    assert CANARY not in cleaned and "Q0FOQVJZ" not in cleaned
    assert "CN=x" in cleaned, "a certificate's subject is no mail's"


def test_excerpts_of_a_report_are_cleaned() -> None:
    report = {"results": [{"origins": [{"excerpt": EWS}, {"excerpt": f"Subject: {CANARY}"}]}], "says": "kept"}
    cleaned = clean_report(report)
    assert CANARY not in json.dumps(cleaned)
    assert cleaned["says"] == "kept"
    assert clean_excerpt("EwsEnabled: False") == "EwsEnabled: False"


def test_a_log_loses_cookies_signatures_and_words() -> None:
    log = (
        f"09:00 GET /ews 401 request-id=4711\nCookie: a={CANARY}\n  Set-Cookie: b={CANARY}; path=/\n"
        f'Authorization: Bearer {CANARY}\n{{"subject": "{CANARY} of \\"Ada\\"", "code": 7}}\n'
        f"Subject={CANARY} and more\n"
    )
    cleaned = clean_log(log)
    assert CANARY not in cleaned
    assert "09:00 GET /ews 401 request-id=4711" in cleaned and '"code": 7' in cleaned
