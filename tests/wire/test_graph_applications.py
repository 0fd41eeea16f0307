"""Microsoft Graph, both halves: applications with their keys and permissions, and what was consented to."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.org.records import AppRoleAssignment, EntraApplication, KeyCredential
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk, Sign
from hybridge.wire.graph import app_role_assignments as permissions
from hybridge.wire.graph import applications, errors
from hybridge.wire.json_body import JsonRefused

GRAPH = "graph.microsoft.com"
NAME = "ExchangeServerApp-6f9b1c52-8a3d-4e0f-9c27-15ab3d7e8f40"
APP = "d3d1ca7e-0a11-4b0b-8a11-ca11ab1eca57"
ROLE = "dc890d15-9560-4a4c-9b7f-a736ec74ec40"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
DER = b"0\x82" + bytes(range(200))
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
APPLICATION = EntraApplication(
    premises=Premises.ONLINE,
    identity=NAME,
    application_id=APP,
    object_id="0b1ec7ed-0000-4000-9000-000000000001",
    display_name=NAME,
    required_resource_access=(f"{EXCHANGE}/{ROLE}/Role", f"{EXCHANGE}/other/Scope", "resource/permission/Role"),
    key_credentials=(
        KeyCredential(key_id="k1", custom_key_identifier="A" * 40, display_name="CN=x", key=DER, end_at=NOW),
        KeyCredential(key_id="k2", key=None),
    ),
    password_credentials=("p1",),
)


def answered(value: object, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status=status, body=json.dumps(value).encode())


def asked_path(ask: HttpAsk) -> str:
    return unquote(urlsplit(ask.url).path)


def test_an_application_travels() -> None:
    for status in (200, 201):
        assert applications.read_one(applications.write_one(APPLICATION, status)) == APPLICATION


def test_a_list_shows_no_bytes_of_keys() -> None:
    (shown,) = _listed(applications.read_all(applications.write_all((APPLICATION,))))
    assert [key.key for key in shown.key_credentials] == [None, None]
    blank = tuple(msgspec.structs.replace(key, key=None) for key in APPLICATION.key_credentials)
    assert shown == msgspec.structs.replace(APPLICATION, key_credentials=blank)


def _listed(read: tuple[EntraApplication, ...] | Failure) -> tuple[EntraApplication, ...]:
    assert not isinstance(read, Failure), read
    return read


def test_namesakes_are_told_apart() -> None:
    twin = msgspec.structs.replace(APPLICATION, application_id="2")
    other = msgspec.structs.replace(APPLICATION, identity="Other", display_name="Other")
    read = _listed(applications.read_all(applications.write_all((APPLICATION, twin, other))))
    assert [one.identity for one in read] == [f"{NAME} ({APP})", f"{NAME} (2)", "Other"]
    assert {one.display_name for one in read} == {NAME, "Other"}


def test_one_that_is_not_there_is_none() -> None:
    missing = errors.write_error(404, "Request_ResourceNotFound", "Resource does not exist.", NOW)
    assert applications.read_one(missing) is None
    assert applications.read_key_objects(missing) == ()
    assert permissions.read_all(missing, NAME) == ()


@pytest.mark.parametrize(
    "answer",
    [
        errors.write_error(403, "Authorization_RequestDenied", "Insufficient privileges.", NOW),
        HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says="No answer.")),
        HttpAnswer(status=200, body=b"<html>"),
        HttpAnswer(status=500, body=b"{}"),
    ],
)
def test_whatever_else_is_a_failure(answer: HttpAnswer) -> None:
    for read in (
        applications.read_one(answer),
        applications.read_all(answer),
        applications.read_key_objects(answer),
        permissions.read_all(answer, NAME),
    ):
        assert isinstance(read, Failure) and read.says


def test_a_list_that_goes_on_is_not_taken_for_the_whole() -> None:
    more: dict[str, Any] = {
        "value": [],
        "@odata.nextLink": "https://graph.microsoft.com/v1.0/applications?$skiptoken=x",
    }
    assert isinstance(applications.read_all(answered(more)), Failure)
    assert isinstance(permissions.read_all(answered(more), NAME), Failure)


@pytest.mark.parametrize("name", [NAME, "O'Neil's (app), really", "a b&c=d/e?f#g%h"])
def test_names_are_asked_for_exactly(name: str) -> None:
    for ask, path, how in (
        (applications.ask_named(GRAPH, name), ("all", ""), "is"),
        (applications.ask_deleted(GRAPH, name), ("deleted", ""), "is"),
        (applications.ask_beginning_with(GRAPH, name), ("all", ""), "begins"),
    ):
        assert applications.read_path(asked_path(ask)) == path
        (wanted,) = parse_qs(urlsplit(ask.url).query)["$filter"]
        assert applications.read_filter(wanted) == (how, name)
        assert ask.sign is Sign.ENTRA and ask.scope == f"https://{GRAPH}/.default"
    assert applications.read_filter("appId eq 'x'") is None


def test_paths_travel() -> None:
    assert applications.read_path(asked_path(applications.ask_one(GRAPH, "o-1"))) == ("object", "o-1")
    assert applications.read_path(asked_path(applications.ask_with_app_id(GRAPH, APP))) == ("app", APP)
    assert applications.read_path(asked_path(applications.ask_delete(GRAPH, "o-1"))) == ("object", "o-1")
    assert applications.read_path(asked_path(applications.ask_restore(GRAPH, "o-1"))) == ("restore", "o-1")
    for path in ("/v1.0/applications/a/b", "/v1.0/servicePrincipals", "/v1.0/directory/deletedItems/o-1", "/"):
        assert applications.read_path(path) is None
    assert "keyCredentials" in applications.ask_one(GRAPH, "o-1").url


def test_a_creation_travels() -> None:
    access = (f"{EXCHANGE}/{ROLE}/Role", f"{EXCHANGE}/other/Role")
    ask = applications.ask_create(GRAPH, NAME, access, (DER,))
    assert (ask.method, applications.read_path(asked_path(ask))) == ("POST", ("all", ""))
    sent = applications.read_sent(ask.body)
    assert (sent.display_name, sent.access) == (NAME, access)
    assert sent.keys is not None and [key.key for key in sent.keys] == [DER]
    body = json.loads(ask.body)
    assert body["signInAudience"] == "AzureADMyOrg"
    assert len(body["requiredResourceAccess"]) == 1
    assert applications.ask_create(GRAPH, NAME, access, (DER,)) == ask, "the same request has the same key ids"


def test_kept_keys_are_sent_back_whole_and_new_ones_get_ids() -> None:
    objects = applications.read_key_objects(applications.write_one(APPLICATION))
    assert not isinstance(objects, Failure)
    ask = applications.ask_patch_keys(GRAPH, "o-1", objects, (b"0new",))
    body = json.loads(ask.body)["keyCredentials"]
    assert body[:2] == list(objects)
    assert set(body[0]) >= {"customKeyIdentifier", "displayName", "endDateTime", "key", "keyId", "type", "usage"}
    assert set(body[2]) == {"displayName", "key", "keyId", "type", "usage"}
    sent = applications.read_sent(ask.body)
    assert sent.access is None and sent.keys is not None
    assert [key.key for key in sent.keys] == [DER, None, b"0new"]
    assert sent.keys[2].key_id not in ("", "k1", "k2")


def test_permissions_are_sent_as_a_whole() -> None:
    ask = applications.ask_patch_access(GRAPH, "o-1", APPLICATION.required_resource_access)
    sent = applications.read_sent(ask.body)
    assert ask.method == "PATCH"
    assert (sent.access, sent.keys) == (APPLICATION.required_resource_access, None)


@pytest.mark.parametrize("body", [b"", b"[]", b"<", b'{"keyCredentials":[{"type":"AsymmetricX509Cert"}]}'])
def test_bad_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(JsonRefused):
        applications.read_sent(body)


GIVEN = AppRoleAssignment(
    premises=Premises.ONLINE,
    identity=f"{NAME}/{ROLE}",
    principal=NAME,
    app_role_id=ROLE,
    resource_display_name="Office 365 Exchange Online",
    assignment_id="a-1",
)


def test_permissions_travel() -> None:
    answer = permissions.write_all((GIVEN,), "p-1", {"Office 365 Exchange Online": "r-1"})
    assert permissions.read_all(answer, NAME) == (GIVEN,)
    assert json.loads(answer.body)["value"][0]["resourceId"] == "r-1"
    assert permissions.read_all(permissions.write_all((), "p-1", {}), NAME) == ()


def test_grants_and_withdrawals_travel() -> None:
    ask = permissions.ask_grant(GRAPH, "p-1", "r-1", ROLE)
    assert permissions.read_grant(ask.body) == permissions.Grant("p-1", "r-1", ROLE)
    assert permissions.read_path(asked_path(ask)) == ("object", "p-1", "")
    gone = permissions.ask_revoke(GRAPH, "p-1", "a-1")
    assert (gone.method, permissions.read_path(asked_path(gone))) == ("DELETE", ("object", "p-1", "a-1"))
    assert permissions.read_path(asked_path(permissions.ask_all(GRAPH, APP))) == ("app", APP, "")
    assert permissions.read_path("/v1.0/servicePrincipals/p-1") is None
    with pytest.raises(JsonRefused):
        permissions.read_grant(b'{"principalId":"p-1"}')


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "value",
                    "displayName",
                    "keyCredentials",
                    "key",
                    "requiredResourceAccess",
                    "resourceAccess",
                    "id",
                    "appId",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(ANYTHING)
@settings(deadline=None, max_examples=150)
def test_no_answer_raises(value: object) -> None:
    answer = answered(value)
    applications.read_one(answer)
    applications.read_all(answer)
    applications.read_key_objects(answer)
    permissions.read_all(answer, NAME)


@given(st.binary(min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_any_key_travels(der: bytes) -> None:
    sent = applications.read_sent(applications.ask_create(GRAPH, NAME, (), (b"0" + der,)).body)
    assert sent.keys is not None
    assert sent.keys[0].key == b"0" + der
    assert (
        base64.b64encode(b"0" + der).decode() in applications.ask_create(GRAPH, NAME, (), (b"0" + der,)).body.decode()
    )
