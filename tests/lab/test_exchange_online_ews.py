"""EWS of the lab's Exchange Online: tokens, permissions, the list of applications, lists of user agents, and dates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.loop.walk import NOW, new_estate

from hybridge.collectors.exchange_online import collect_online_organization
from hybridge.evidence import Key, Seen, Unseen
from hybridge.lab.apps.keepings import EWS_PERMISSION, kept
from hybridge.lab.behaviour.ews_access import BLOCKED, DISABLED, online_ews_access
from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION_ID
from hybridge.lab.estate import ENTRA_CLIENT, Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.clock import SetClock
from hybridge.org.organization import Organization
from hybridge.org.probes import OnlineEwsProbe
from hybridge.org.records import CasMailbox, OrganizationConfig
from hybridge.terms.clouds import GCC_HIGH, WORLDWIDE, Cloud
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAsk, Sign

ONLINE = Premises.ONLINE
LINUS = "linus@contoso.com"
STRANGER = "11111111-2222-3333-4444-555555555555"
BEFORE = datetime(2026, 9, 1, tzinfo=UTC)
AFTER = datetime(2027, 4, 1, tzinfo=UTC)


def _with(organization: Organization, **changes: object) -> Organization:
    return organization.edit(OrganizationConfig, lambda one: one.premises is ONLINE, **changes)


async def _probe(estate: Estate) -> Seen[OnlineEwsProbe] | Unseen:
    found = await collect_online_organization(InProcess(estate), estate.cloud, LINUS, "hybridge/test")
    return found[Key("OnlineEwsProbe", ONLINE)]  # type: ignore[return-value]


@pytest.mark.parametrize("cloud", [WORLDWIDE, GCC_HIGH], ids=lambda cloud: cloud.name)
async def test_our_application_comes_in(cloud: Cloud) -> None:
    reading = await _probe(new_estate(SetClock(NOW), cloud))
    assert isinstance(reading, Seen) and reading.first is not None
    assert (reading.first.status, reading.first.policy_reason) == (200, "")


async def test_without_the_permission_nothing_is_known() -> None:
    estate = new_estate(SetClock(NOW))
    kept(estate).exchange_permissions.discard(EWS_PERMISSION)
    reading = await _probe(estate)
    assert isinstance(reading, Unseen)
    assert "full_access_as_app" in reading.how


async def test_a_stranger_gets_the_challenge() -> None:
    estate = new_estate(SetClock(NOW), GCC_HIGH)
    ask = HttpAsk(method="POST", url=f"https://{GCC_HIGH.exchange}/EWS/Exchange.asmx", sign=Sign.NONE)
    answer = await InProcess(estate).http(ask)
    assert answer.status == 401
    assert "login.microsoftonline.us" in answer.header("www-authenticate")


@pytest.mark.parametrize(
    ("changes", "app_id", "agent", "now", "reason"),
    [
        ({}, HYBRID_APPLICATION_ID, "x", NOW, ""),
        ({}, HYBRID_APPLICATION_ID.upper(), "x", NOW, ""),
        ({}, STRANGER, "x", NOW, BLOCKED),
        ({"ews_enabled": False}, HYBRID_APPLICATION_ID, "x", NOW, DISABLED),
        ({"ews_enabled": None}, HYBRID_APPLICATION_ID, "x", NOW, DISABLED),
        ({"ews_enabled": None}, STRANGER, "x", BEFORE, ""),
        ({"ews_allowed_app_ids": ()}, HYBRID_APPLICATION_ID, "x", NOW, BLOCKED),
        ({"ews_allowed_app_ids": ()}, STRANGER, "x", BEFORE, ""),
        ({}, HYBRID_APPLICATION_ID, "x", AFTER, DISABLED),
        (
            {"ews_application_access_policy": "EnforceAllowList", "ews_allow_list": ("Good/*",)},
            HYBRID_APPLICATION_ID,
            "Bad/1",
            NOW,
            BLOCKED,
        ),
        (
            {"ews_application_access_policy": "EnforceAllowList", "ews_allow_list": ("Good/*",)},
            STRANGER,
            "Good/1",
            NOW,
            BLOCKED,
        ),
    ],
)
def test_who_is_let_in(changes: dict[str, object], app_id: str, agent: str, now: datetime, reason: str) -> None:
    organization = _with(new_estate(SetClock(NOW)).organization, **changes)
    verdict = online_ews_access(organization, LINUS, app_id, agent, now)
    assert (verdict.allowed, verdict.policy_reason) == (not reason, reason)


def test_the_organizations_false_beats_the_mailboxs_true() -> None:
    organization = _with(new_estate(SetClock(NOW)).organization, ews_enabled=False)
    organization = organization.edit(CasMailbox, lambda one: one.identity == LINUS, ews_enabled=True)
    assert online_ews_access(organization, LINUS, ENTRA_CLIENT, "x", NOW).policy_reason == DISABLED
    organization = _with(organization, ews_enabled=True)
    organization = organization.edit(CasMailbox, lambda one: one.identity == LINUS, ews_enabled=False)
    assert online_ews_access(organization, LINUS, ENTRA_CLIENT, "x", NOW).policy_reason == DISABLED
