"""Microsoft Graph, both halves: service principals and their keys, Teams policies of a user, presence, errors."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.org.probes import TeamsPresence
from hybridge.org.records import CsOnlineUser, KeyCredential, ServicePrincipal
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, Sign
from hybridge.wire.graph import errors, presence, service_principals, user_configurations
from hybridge.wire.json_body import JsonRefused

GRAPH = "graph.microsoft.com"
APP = "7557eb47-c689-4224-abcf-aef9bd7573df"
DER = b"0\x82" + bytes(range(200))
THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
PRINCIPAL = ServicePrincipal(
    premises=Premises.ONLINE,
    identity=APP,
    object_id="0b1ec7ed-0000-4000-8000-000000000001",
    display_name="Scheduler",
    key_credentials=(
        KeyCredential(key_id="k1", custom_key_identifier=THUMBPRINT, display_name="CN=x", key=DER, end_at=NOW),
        KeyCredential(key_id="k2", key=None),
    ),
)


def answered(value: object, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status=status, body=json.dumps(value).encode())


def test_the_principal_is_asked_for_as_a_single_object() -> None:
    ask = service_principals.ask_one(GRAPH, APP)
    assert ask.url == (
        f"https://{GRAPH}/v1.0/servicePrincipals(appId='{APP}')"
        "?$select=id,appId,displayName,accountEnabled,keyCredentials,servicePrincipalNames"
    )
    assert (ask.method, ask.sign, ask.scope) == ("GET", Sign.ENTRA, f"https://{GRAPH}/.default")
    assert service_principals.read_path(urlsplit(ask.url).path) == ("app", APP)


def test_principals_travel() -> None:
    assert service_principals.read_one(service_principals.write_one(PRINCIPAL)) == PRINCIPAL
    assert service_principals.read_one(service_principals.write_one(PRINCIPAL, 201)) == PRINCIPAL


def test_a_principal_that_is_not_there_is_none() -> None:
    missing = errors.write_error(404, "Request_ResourceNotFound", "Resource does not exist.", NOW)
    assert service_principals.read_one(missing) is None


def key(value: object, identifier: object = "") -> KeyCredential:
    body = {"appId": APP, "keyCredentials": [{"key": value, "customKeyIdentifier": identifier}]}
    read = service_principals.read_one(answered(body))
    assert isinstance(read, ServicePrincipal)
    return read.key_credentials[0]


ONCE = base64.b64encode(DER).decode()
TWICE = base64.b64encode(ONCE.encode()).decode()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (ONCE, DER),
        (TWICE, DER),
        (None, None),
        ("", None),
        ("%%%", None),
        (7, None),
        (base64.b64encode(b"text").decode(), b"text"),
        ("A" * 100_000, None),
    ],
)
def test_keys_in_base64_once_and_twice(written: object, expected: bytes | None) -> None:
    assert key(written).key == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (THUMBPRINT.lower(), THUMBPRINT),
        (base64.b64encode(bytes.fromhex(THUMBPRINT)).decode(), THUMBPRINT),
        (base64.b64encode(THUMBPRINT.lower().encode()).decode(), THUMBPRINT),
        ("mine", "mine"),
        ("\u0661" * 40, "\u0661" * 40),
        (None, ""),
        (["x"], ""),
    ],
)
def test_custom_key_identifiers(written: object, expected: str) -> None:
    assert key(None, written).custom_key_identifier == expected


@given(st.lists(st.binary(min_size=1, max_size=40).map(lambda tail: b"0" + tail), max_size=4).map(tuple))
@settings(deadline=None, max_examples=50)
def test_patches_travel(keys: tuple[bytes, ...]) -> None:
    ask = service_principals.ask_patch_keys(GRAPH, "oid", keys)
    assert (ask.method, urlsplit(ask.url).path) == ("PATCH", "/v1.0/servicePrincipals/oid")
    assert service_principals.read_path(urlsplit(ask.url).path) == ("object", "oid")
    assert service_principals.read_patch(ask.body) == keys
    assert all(set(one) == {"key", "type", "usage"} for one in json.loads(ask.body)["keyCredentials"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"keyCredentials":{}}',
        b'{"keyCredentials":[7]}',
        b'{"keyCredentials":[{"key":null}]}',
        json.dumps({"keyCredentials": [{"key": ONCE, "keyId": "k1"}]}).encode(),
    ],
)
def test_patches_graph_would_refuse(body: bytes) -> None:
    with pytest.raises(JsonRefused):
        service_principals.read_patch(body)


def test_creation() -> None:
    ask = service_principals.ask_create(GRAPH, APP)
    assert service_principals.read_path(urlsplit(ask.url).path) == ("all", "")
    assert service_principals.read_create(ask.body) == APP
    assert service_principals.read_create(b"<") == ""
    assert service_principals.read_path("/v1.0/users/x") is None


def test_what_a_write_met() -> None:
    assert service_principals.read_patched(HttpAnswer(status=204)) is None
    refused = errors.write_error(400, "KeyNotUpdatable", "Update to existing credential is not allowed.")
    read = service_principals.read_patched(refused)
    assert read
    assert read.reason is FailureReason.FORBIDDEN
    assert "KeyNotUpdatable" in read.says


@pytest.mark.parametrize(
    ("answer", "reason", "says"),
    [
        (errors.write_error(401, "InvalidAuthenticationToken", "Expired."), FailureReason.SIGN_IN, "Expired."),
        (errors.write_error(403, "Authorization_RequestDenied", "No."), FailureReason.FORBIDDEN, "No."),
        (errors.write_error(429, "TooManyRequests", "Slow."), FailureReason.UNREACHABLE, "429"),
        (HttpAnswer(status=503, headers=(("Retry-After", "17"),)), FailureReason.UNREACHABLE, "503"),
        (errors.write_error(400, "BadRequest", "What?"), FailureReason.DEFECT, "BadRequest"),
        (HttpAnswer(status=200, body=b"<html>"), FailureReason.MALFORMED, "not JSON"),
        (HttpAnswer(status=403, body=b"<html>"), FailureReason.FORBIDDEN, "HTTP 403"),
        (HttpAnswer(status=302, body=b"<html>"), FailureReason.MALFORMED, "HTTP 302"),
        (answered({"id": "x"}), FailureReason.MALFORMED, "no appId"),
        (answered({"appId": ["x"]}), FailureReason.MALFORMED, "no appId"),
        (answered({"error": "odd"}, 404 + 6), FailureReason.MALFORMED, "HTTP 410"),
    ],
)
def test_why_there_is_no_principal(answer: HttpAnswer, reason: FailureReason, says: str) -> None:
    read = service_principals.read_one(answer)
    assert isinstance(read, Failure)
    assert read.reason is reason
    assert says in read.says


def test_retry_after_is_passed_on() -> None:
    busy = HttpAnswer(status=429, headers=(("Retry-After", "17"),))
    assert errors.read_error(busy, "it").next_step == "Try again in 17 seconds."
    hostile = HttpAnswer(status=429, headers=(("Retry-After", "9" * 4000),))
    assert errors.read_error(hostile, "it").next_step == "Try again later."


USER = CsOnlineUser(
    premises=Premises.ONLINE,
    identity="o'ada@contoso.com",
    object_id="oid",
    teams_app_setup_policy="Frontline",
    teams_upgrade_policy="",
)


def test_users_travel() -> None:
    ask = user_configurations.ask_one(GRAPH, USER.identity)
    parts = urlsplit(ask.url)
    assert parts.path == user_configurations.PATH
    assert user_configurations.read_filter(parse_qs(parts.query)["$filter"][0]) == USER.identity
    assert user_configurations.read_one(user_configurations.write_one(USER)) == USER
    assert user_configurations.read_one(user_configurations.write_one(None)) is None


def test_global_is_no_policy() -> None:
    assigned = {"policyType": "teamsUpgradePolicy", "policyAssignment": {"displayName": "GLOBAL"}}
    read = user_configurations.read_one(answered({"userPrincipalName": "a", "effectivePolicyAssignments": [assigned]}))
    assert isinstance(read, CsOnlineUser)
    assert read.teams_upgrade_policy == ""


@pytest.mark.parametrize(
    "written", ["", "id eq 'x'", "userPrincipalName eq x", "userPrincipalName eq '", "startswith()"]
)
def test_other_filters(written: str) -> None:
    assert user_configurations.read_filter(written) == ""


@pytest.mark.parametrize("value", [{"value": [{}]}, {"value": [{"userPrincipalName": 7}]}, []])
def test_foreign_users_are_failures(value: object) -> None:
    assert isinstance(user_configurations.read_one(answered(value)), Failure)


def test_policies_are_assigned() -> None:
    asked = user_configurations.ask_policy_id(GRAPH, "TeamsUpgradePolicy", "It's mine")
    assert asked.url.endswith("getPolicyId(type='TeamsUpgradePolicy',name='It%27%27s%20mine')")
    found = user_configurations.read_policy_id(user_configurations.write_policy_id("TeamsUpgradePolicy", "It's mine"))
    assert isinstance(found, str)
    ask = user_configurations.ask_assign(GRAPH, "oid", "TeamsUpgradePolicy", found)
    assert (ask.method, urlsplit(ask.url).path) == ("POST", user_configurations.ASSIGN_PATH)
    expected = user_configurations.Assignment("oid", "TeamsUpgradePolicy", found)
    assert user_configurations.read_assign(ask.body) == (expected,)
    assert user_configurations.read_assigned(HttpAnswer(status=204)) is None
    assert user_configurations.read_assigned(HttpAnswer(status=403)) is not None
    assert isinstance(user_configurations.read_policy_id(answered({})), Failure)
    for body in (b"", b"{}", b'{"value":[{}]}'):
        with pytest.raises(JsonRefused):
            user_configurations.read_assign(body)


def test_presence_travels() -> None:
    seen = TeamsPresence(
        premises=Premises.ONLINE,
        identity="ada@contoso.com",
        availability="Busy",
        activity="InAMeeting",
        out_of_office=True,
        seen_at=NOW,
    )
    answer = msgspec.structs.replace(presence.write_one(seen, "oid", "Away."), answered_at=NOW)
    assert presence.read_one(answer, "ada@contoso.com") == seen
    asked = presence.ask_one(GRAPH, "ada@contoso.com")
    assert presence.read_path(urlsplit(asked.url).path) == "ada@contoso.com"
    assert presence.read_path("/v1.0/users/a/b/presence") == ""


def test_presence_of_nobody() -> None:
    assert presence.read_one(HttpAnswer(status=404), "x") is None
    assert isinstance(presence.read_one(answered({}), "x"), Failure)
    assert isinstance(presence.read_one(answered({"availability": 1, "outOfOfficeSettings": 1}), "x"), Failure)
