"""Our own token tells its permissions, and nothing else ever leaves it."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.net.farm import Authority
from tests.net.test_live_tokens import ENTRA, SCOPE, Cloud, aadsts, live_at

from hybridge.net.config import EntraConfig
from hybridge.net.token_roles import LONGEST, roles_of
from hybridge.wire.ask import Failure, FailureReason

CANARY = "canary-of-the-token"


def made(claims: dict[str, Any]) -> str:
    return jwt.encode({"oid": CANARY, **claims}, "a key that nobody checks, 32 bytes long", algorithm="HS256")


def test_the_permissions_are_those_of_the_claim() -> None:
    assert roles_of(made({"roles": ["b.Read", "a.Write"]})) == ("a.Write", "b.Read")
    assert roles_of(made({})) == ()
    assert roles_of(made({"roles": []})) == ()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.b.c.d",
        "a.!!!.c",
        "a." + base64.urlsafe_b64encode(b"[1]").decode() + ".c",
        "a." + base64.urlsafe_b64encode(json.dumps({"roles": "Application.ReadWrite.All"}).encode()).decode() + ".c",
        "a." + base64.urlsafe_b64encode(json.dumps({"roles": [1]}).encode()).decode() + ".c",
        "a." + base64.urlsafe_b64encode(b"\xff\xfe").decode() + ".c",
        "a." + base64.urlsafe_b64encode(b"[" * 50_000).decode().rstrip("=") + ".c",
        "a." + "A" * LONGEST + ".c",
    ],
)
def test_what_is_no_token_is_not_read(token: str) -> None:
    assert roles_of(token) is None


def test_absurd_names_are_left_out() -> None:
    assert roles_of(made({"roles": ["x" * 500, "with\nbreak", "Good.Read"]})) == ("Good.Read",)


@given(st.text())
def test_any_text_is_answered_with_a_value(token: str) -> None:
    assert roles_of(token) is None or isinstance(roles_of(token), tuple)


def answering(token: str) -> Cloud:
    body = {"token_type": "Bearer", "expires_in": 3599, "access_token": token}
    return Cloud([web.json_response(body)])


async def test_the_live_answerer_tells_names_only(authority: Authority) -> None:
    cloud = answering(made({"roles": ["Application.ReadWrite.All"]}))
    async with live_at(authority, cloud) as live:
        roles = await live.roles(SCOPE)
        again = await live.roles(SCOPE)
    assert roles == again == ("Application.ReadWrite.All",)
    assert CANARY not in repr(roles)
    assert cloud.carried == [], "the token was shown to nobody"


async def test_a_token_without_readable_claims_and_a_refusal_are_values(authority: Authority) -> None:
    async with live_at(authority, answering("opaque-canary")) as live:
        unread = await live.roles(SCOPE)
    assert isinstance(unread, Failure) and unread.reason is FailureReason.MALFORMED
    assert "canary" not in unread.says
    async with live_at(authority, Cloud([aadsts(7000222)])) as live:
        refused = await live.roles(SCOPE)
    assert isinstance(refused, Failure) and refused.reason is FailureReason.SIGN_IN


async def test_without_an_application_nothing_is_asked(authority: Authority) -> None:
    cloud = Cloud()
    async with live_at(authority, cloud, EntraConfig(cloud=ENTRA.cloud)) as live:
        unset = await live.roles(SCOPE)
    assert isinstance(unset, Failure) and unset.reason is FailureReason.NOT_CONFIGURED
    assert cloud.paths == []
