"""The Bearer challenge, x-ms-diagnostics, and the documents and answers around tokens."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.wire import oauth
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, Sign

TENANT = "5f1c8a3e-6f0d-4c7e-9b52-0c0ffee0c0de"
ACS = f"00000001-0000-0000-c000-000000000000@{TENANT}"
LOCAL = "00000004-0000-0ff1-ce00-000000000000@contoso.com"
LOGIN = "https://login.windows.net/common/oauth2/authorize"
REAL = (
    f'Bearer client_id="{EXCHANGE_ONLINE}", trusted_issuers="{ACS},{LOCAL}", '
    f'token_types="app_asserted_user_v1 service_asserted_app_v1", authorization_uri="{LOGIN}"'
)
WHOLE = oauth.Challenge(
    bearer=True,
    client_id=EXCHANGE_ONLINE,
    trusted_issuers=(ACS, LOCAL),
    token_types=oauth.TOKEN_TYPES,
    authorization_uri=LOGIN,
    schemes=("Bearer",),
)


def test_the_challenge_is_written_as_exchange_writes_it() -> None:
    assert oauth.write_challenge((ACS, LOCAL), authorization_uri=LOGIN) == REAL
    assert oauth.read_challenge([REAL]) == WHOLE
    assert WHOLE.tenant_ids == (TENANT,)


@pytest.mark.parametrize(
    ("values", "schemes"),
    [
        ([REAL, "Negotiate", "NTLM", 'Basic realm="mail.contoso.com"'], ("Bearer", "Negotiate", "NTLM", "Basic")),
        ([f'Negotiate, NTLM, {REAL}, Basic realm="a, b"'], ("Negotiate", "NTLM", "Bearer", "Basic")),
        ([f"NTLM TlRMTVNTUAACAAAAAA==, {REAL}"], ("NTLM", "Bearer")),
        ([f"Negotiate TlRMTVNTUAACAAAA,{REAL}"], ("Negotiate", "Bearer")),
        ([f'Basic realm="say \\"Bearer, x=1\\"", {REAL}'], ("Basic", "Bearer")),
        (["Bearer", REAL], ("Bearer", "Bearer")),
        ([REAL + ', issuer_kind="AzureAD"'], ("Bearer",)),
        ([REAL.replace(", ", ",").replace("client_id=", "CLIENT_ID = ")], ("Bearer",)),
    ],
)
def test_several_schemes_and_several_headers(values: list[str], schemes: tuple[str, ...]) -> None:
    read = oauth.read_challenge(values)
    assert read.schemes == schemes
    assert (read.bearer, read.client_id, read.trusted_issuers) == (True, EXCHANGE_ONLINE, (ACS, LOCAL))
    assert (read.token_types, read.authorization_uri) == (oauth.TOKEN_TYPES, LOGIN)


@pytest.mark.parametrize(
    ("values", "bearer", "schemes"),
    [
        ([], False, ()),
        ([""], False, ()),
        (['Basic realm="x"', "NTLM"], False, ("Basic", "NTLM")),
        (["bearer"], True, ("bearer",)),
        (['Bearer error="invalid_token"'], True, ("Bearer",)),
    ],
)
def test_challenges_that_say_little(values: list[str], bearer: bool, schemes: tuple[str, ...]) -> None:
    read = oauth.read_challenge(values)
    assert (read.bearer, read.schemes, read.client_id, read.tenant_ids) == (bearer, schemes, "", ())


def test_exchange_online_trusts_every_tenant() -> None:
    read = oauth.read_challenge(['Bearer trusted_issuers="00000001-0000-0000-C000-000000000000@*"'])
    assert read.tenant_ids == ("*",)


@given(st.lists(st.text(max_size=80), max_size=4))
@settings(deadline=None, max_examples=200)
def test_any_header_is_read(values: list[str]) -> None:
    oauth.read_challenge(values)
    oauth.read_challenge([f"{REAL}, {values}"])
    oauth.read_diagnostics(";".join(values))


def test_hostile_headers_are_read_quickly() -> None:
    for piece in ('a="', '\\"', 'a="\\', ",", "a=", "a b ", '"a=b,'):
        oauth.read_challenge([piece * 200_000])
        oauth.read_diagnostics(piece * 200_000)


@given(st.lists(st.text("abc0-@*.", min_size=1, max_size=20), max_size=4).map(tuple), st.text('ab\\",= ', max_size=20))
@settings(deadline=None, max_examples=100)
def test_challenges_travel(issuers: tuple[str, ...], uri: str) -> None:
    written = oauth.write_challenge(issuers, client_id="x", token_types=("t",), authorization_uri=uri)
    read = oauth.read_challenge(["Negotiate", written, 'Basic realm=""'])
    assert (read.trusted_issuers, read.authorization_uri) == (issuers, uri)
    assert read.schemes == ("Negotiate", "Bearer", "Basic")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            '4000000;reason="Flighting is not enabled for domain \'a;b\'.";error_category="oauth_not_available"',
            oauth.Diagnostics(4000000, "Flighting is not enabled for domain 'a;b'.", "oauth_not_available"),
        ),
        ("2000003", oauth.Diagnostics(2000003)),
        ("", oauth.Diagnostics()),
        ("many;reason=plain", oauth.Diagnostics(0, "plain")),
        ("9" * 5000, oauth.Diagnostics()),
    ],
)
def test_diagnostics(header: str, expected: oauth.Diagnostics) -> None:
    assert oauth.read_diagnostics(header) == expected


def test_diagnostics_travel() -> None:
    made = oauth.Diagnostics(2000008, 'The "user" is unknown; sorry.', "invalid_grant")
    assert oauth.read_diagnostics(oauth.write_diagnostics(made)) == made


DER = bytes.fromhex("3082") + bytes(range(200))


def test_metadata_travels() -> None:
    made = oauth.Metadata(
        realm="contoso.com",
        service_name=EXCHANGE_ONLINE,
        issuer=f"{EXCHANGE_ONLINE}@contoso.com",
        certificates=(DER, DER + b"2"),
    )
    answer = oauth.write_metadata(made, (f"{EXCHANGE_ONLINE}/mail.contoso.com@contoso.com",))
    assert oauth.read_metadata(answer.body) == made
    document = json.loads(answer.body)
    assert document["allowedAudiences"]
    assert base64.b64decode(document["keys"][0]["keyinfo"]["x5t"], validate=True)
    ask = oauth.ask_metadata("mail.contoso.com")
    assert (ask.url, ask.sign) == ("https://mail.contoso.com/autodiscover/metadata/json/1", Sign.NONE)


def test_metadata_keeps_what_is_well_formed() -> None:
    encoded = base64.b64encode(DER).decode()
    keys = [
        {"usage": "Signing", "keyValue": {"type": "x509Certificate", "value": encoded}},
        {"usage": "encryption", "keyvalue": {"value": encoded}},
        {"usage": "signing", "keyvalue": {"value": "%%%"}},
        {"usage": "signing", "keyvalue": {"value": base64.b64encode(b"text").decode()}},
        {"usage": "signing", "keyvalue": [encoded]},
        7,
    ]
    body = json.dumps({"serviceName": EXCHANGE_ONLINE, "realm": None, "keys": keys}).encode()
    assert oauth.read_metadata(body) == oauth.Metadata(service_name=EXCHANGE_ONLINE, certificates=(DER,))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"keys":[]}', b'{"issuer":3}', b"[" * 99999])
def test_foreign_metadata_is_a_failure(body: bytes) -> None:
    read = oauth.read_metadata(body)
    assert isinstance(read, Failure)
    assert read.reason is FailureReason.MALFORMED


def test_openid_configuration_travels() -> None:
    ask = oauth.ask_openid_configuration("login.microsoftonline.com", "contoso.com")
    assert ask.url == "https://login.microsoftonline.com/contoso.com/.well-known/openid-configuration"
    read = oauth.read_openid_configuration(oauth.write_openid_configuration("login.microsoftonline.com", TENANT))
    assert isinstance(read, oauth.OpenIdConfiguration)
    assert (read.tenant_id, read.token_endpoint) == (
        TENANT,
        f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
    )


def test_an_unknown_tenant_is_a_failure_that_repeats_entra() -> None:
    now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    read = oauth.read_openid_configuration(oauth.token_error("invalid_tenant", 90002, "Tenant not found.", now))
    assert isinstance(read, Failure)
    assert "AADSTS90002: Tenant not found." in read.says
    assert isinstance(oauth.read_openid_configuration(HttpAnswer(status=200, body=b"<html>")), Failure)


def test_token_requests_are_read() -> None:
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "p&=ss", "scope": "s", "extra": "e"}
    read = oauth.read_token_request(urlencode(form).encode())
    assert (read.grant_type, read.client_id, read.client_secret, read.scope) == (
        "client_credentials",
        "x",
        "p&=ss",
        "s",
    )
    assert "p&=ss" not in repr(read)
    assert "p&=ss" not in f"{[read]}"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"a=b&" * 100, b"x" * 100_000, b"client_id"])
def test_bodies_that_are_no_form(body: bytes) -> None:
    assert oauth.read_token_request(body) == oauth.TokenRequest()


def test_token_answers() -> None:
    given_ = json.loads(oauth.token_answer("abc", 60).body)
    assert given_ == {"token_type": "Bearer", "expires_in": 60, "ext_expires_in": 60, "access_token": "abc"}
    refused = oauth.token_error("invalid_client", 7000215, "Invalid.", datetime(2026, 11, 20, 8, tzinfo=UTC), 401)
    body = json.loads(refused.body)
    assert (refused.status, body["error"], body["error_codes"]) == (401, "invalid_client", [7000215])
    assert body["error_description"].startswith("AADSTS7000215: Invalid.")
    assert body["timestamp"] == "2026-11-20 08:00:00Z"


def test_the_other_documents_are_json() -> None:
    assert json.loads(oauth.write_jwks(({"kty": "RSA"},)).body) == {"keys": [{"kty": "RSA"}]}
    discovered = json.loads(oauth.write_instance_discovery("login.microsoftonline.com", TENANT).body)
    assert TENANT in discovered["tenant_discovery_endpoint"]
