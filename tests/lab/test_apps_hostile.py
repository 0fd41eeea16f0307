"""Whatever is sent to the apps of the lab, they answer: nothing of a request makes them fail."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.lab.apps import router
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.tokens import mint
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, ENTRA_CLIENT, Estate
from hybridge.terms.clouds import TEAMS_CONFIG_RESOURCE

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CERTIFICATE = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
ESTATE = Estate(contoso(NOW, CERTIFICATE), clock=lambda: NOW, certificate=CERTIFICATE, randomness=random.Random(1))
PATHS = (
    "/EWS/Exchange.asmx",
    "/api/v2.0/me/calendarView",
    "/api",
    "/autodiscover/autodiscover.json",
    "/autodiscover/autodiscover.json/v1.0/",
    "/autodiscover/metadata/json/1",
    "/common/oauth2/v2.0/token",
    "/v1.0/servicePrincipals",
    "/v1.0/servicePrincipals/0b1ec7ed-0000-4000-8000-000000000001",
    "/v1.0/users/ada@contoso.com/presence",
    "/v1.0/admin/teams/userConfigurations",
    "/beta/admin/teams/policy/userAssignments/assign",
    "/Skype.Policy/configurations/TeamsAppSetupPolicy/configuration/Global",
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b'{"keyCredentials":[{"key":"MA=="}]}',
            b'{"keyCredentials":[{"key":5}]}',
            b'{"value":[{"userId":"ada@contoso.com","policyType":"TeamsUpgradePolicy","policyId":"x"}]}',
            b'{"PinnedAppBarApps":5,"AllowUserPinning":"x","Identity":7}',
            b'{"Mode":3}',
            b"[" * 5000,
            b"<a>",
            b"grant_type=client_credentials&client_id=%FF",
        ]
    ),
)
TOKENS = ("", "Bearer", "Bearer x", "Bearer a.b.c", "Basic !", "\x00")


@cache
def good_tokens() -> tuple[str, ...]:
    audiences = ("https://graph.microsoft.com", TEAMS_CONFIG_RESOURCE, "https://mail.contoso.com/")
    return tuple(f"Bearer {mint(ESTATE, ENTRA_CLIENT, audience, 'ada@contoso.com')}" for audience in audiences)


@settings(max_examples=200, deadline=None)
@given(
    host=st.sampled_from(router.HOSTS),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    path=st.one_of(st.sampled_from(PATHS), st.text(max_size=20).map(lambda text: f"/{text}")),
    query=st.dictionaries(
        st.sampled_from(["Email", "Protocol", "RedirectCount", "$filter", "$select", "startDateTime"]),
        st.text(max_size=15),
        max_size=3,
    ),
    body=BODIES,
    authorization=st.one_of(st.sampled_from(TOKENS), st.integers(0, 2)),
    principal=st.sampled_from(["", ADMINISTRATOR, "grace@contoso.com", "nobody"]),
    agent=st.sampled_from(["", "*", "SkypeSpaces/1.0a$*+"]),
)
def test_every_request_is_answered(
    host: str,
    method: str,
    path: str,
    query: dict[str, str],
    body: bytes,
    authorization: str | int,
    principal: str,
    agent: str,
) -> None:
    ESTATE.organization = ESTATE.healthy
    sent = good_tokens()[authorization] if isinstance(authorization, int) else authorization
    request = Request(
        method=method,
        host=host,
        path=path,
        query=query,
        headers={"authorization": sent, "user-agent": agent, "x-anchormailbox": query.get("Email", "")},
        body=body,
        principal=principal,
    )
    answer = router.answer(ESTATE, request)
    assert 200 <= answer.status < 600
    assert all("\r" not in value and "\n" not in value for _, value in answer.headers), answer.headers
