"""What the checks of the cloud, of EWS online and of sign-in say at the edges the closed loop does not reach."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.loop.walk import NOW, certificate

from hybridge.checks.registry import check_named
from hybridge.checks.rehearsal import evidence_of
from hybridge.checks.sign_in.federation_service import verdict
from hybridge.evidence import Evidence, Key, Origin, Seen, Unseen
from hybridge.findings import ORGANIZATION, Finding, NotApplicable, Scope, Subject
from hybridge.lab.contoso import DOMAIN, TENANT_ID, contoso
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.probes import FederationServiceProbe, OnlineEwsProbe, RealmProbe, TenantProbe
from hybridge.org.records import Record
from hybridge.plan import Manual
from hybridge.terms.clouds import BLEU, CHINA, CLOUDS, DOD, GCC, GCC_HIGH, WORLDWIDE
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
HEALTHY = contoso(NOW, certificate())
LAST_DAYS = datetime(2027, 3, 31, tzinfo=UTC)
GONE = datetime(2027, 4, 1, tzinfo=UTC)
SUMMER = datetime(2026, 8, 1, tzinfo=UTC)
BLOCKED = "EWS is blocked by policy for this user or tenant"


def evidence(organization: Organization = HEALTHY, now: datetime = NOW, *probes: Record) -> Evidence:
    seen = evidence_of(organization, now, DOMAIN, TENANT_ID)
    readings: dict[Key, Any] = dict(seen.readings)
    for probe in probes:
        readings[Key(type(probe).__name__, probe.premises)] = Seen((probe,), Origin(source="probe"))
    return replace(seen, readings=readings)


def said(name: str, given: Evidence, subject: Subject = ORGANIZATION) -> list[Any]:
    return list(check_named(name).find(given, subject))


def slugs(name: str, given: Evidence, subject: Subject = ORGANIZATION) -> list[str]:
    return [one.cause for one in said(name, given, subject) if isinstance(one, Finding)]


def online(**changes: object) -> Organization:
    return HEALTHY.edit(r.OrganizationConfig, lambda one: one.premises is ONLINE, **changes)


@pytest.mark.parametrize(
    ("enabled", "now", "expected"),
    [
        (True, NOW, []),
        (False, NOW, ["off"]),
        (False, SUMMER, ["off"]),
        (None, SUMMER, []),
        (None, NOW, ["not-decided"]),
        (None, LAST_DAYS, ["not-decided"]),
        (False, GONE, []),
    ],
)
def test_the_date_decides_about_ews_online(enabled: bool | None, now: datetime, expected: list[str]) -> None:
    assert slugs("ews/online-access", evidence(online(ews_enabled=enabled), now)) == expected


def test_after_the_end_no_setting_matters() -> None:
    (only,) = said("ews/online-access", evidence(online(ews_enabled=False), GONE))
    assert isinstance(only, NotApplicable) and "2027-04-01" in only.reason


def test_it_is_opened_to_a_named_dependency_only_and_never_to_everybody() -> None:
    closed = online(ews_enabled=False, ews_allowed_app_ids=None)
    (finding,) = said("ews/online-access", evidence(closed))
    cause = check_named("ews/online-access").cause(finding.cause)
    (change,) = cause.heals(finding, closed)  # type: ignore[misc]
    assert isinstance(change.after, r.OrganizationConfig)
    assert change.after.ews_enabled is True
    assert change.after.ews_allowed_app_ids == (finding.facts["app_id"],)
    alone = closed.drop(*(one.address for one in closed.all(r.AppRoleAssignment)))
    (finding,) = said("ews/online-access", evidence(alone))
    assert "nothing was seen that needs it" in finding.says
    assert isinstance(cause.heals(finding, alone), Manual)


def test_an_empty_list_is_decided_by_the_call_alone() -> None:
    empty = online(ews_allowed_app_ids=())
    assert slugs("ews/online-applications", evidence(empty)) == []
    (gap,) = said("ews/online-probe", evidence(empty))
    assert isinstance(gap, Unseen)
    through = OnlineEwsProbe(premises=ONLINE, identity="linus@contoso.com", status=200)
    assert said("ews/online-probe", evidence(empty, NOW, through)) == []
    shut = msgspec.structs.replace(through, status=403, policy_reason=BLOCKED)
    assert slugs("ews/online-probe", evidence(empty, NOW, shut)) == ["list-empty"]


def test_a_refusal_of_our_own_application_says_nothing_where_there_is_a_list() -> None:
    shut = OnlineEwsProbe(premises=ONLINE, identity="linus@contoso.com", status=403, policy_reason=BLOCKED)
    assert said("ews/online-probe", evidence(HEALTHY, NOW, shut)) == []


@pytest.mark.parametrize("cloud", [one for one in CLOUDS.values() if one is not GCC_HIGH], ids=lambda one: one.name)
def test_delegates_are_served_everywhere_but_in_gcc_high(cloud: Any) -> None:
    pair = Subject(Scope.DELEGATION, "ada@contoso.com:grace@contoso.com")
    name = "delegation/offered-in-cloud"
    assert slugs(name, replace(evidence(), cloud=cloud), pair) == []
    assert slugs(name, replace(evidence(), cloud=GCC_HIGH), pair) == ["not-offered"]
    there = Subject(Scope.DELEGATION, "linus@contoso.com:marie@contoso.com")
    assert slugs(name, replace(evidence(), cloud=GCC_HIGH), there) == []


@pytest.mark.parametrize(("cloud", "count"), [(WORLDWIDE, 0), (GCC, 0), (GCC_HIGH, 2), (DOD, 2), (CHINA, 2), (BLEU, 2)])
def test_metadata_of_another_cloud_are_wrong(cloud: Any, count: int) -> None:
    found = said("oauth/auth-server-cloud", replace(evidence(), cloud=cloud))
    assert len(found) == count
    check = check_named("oauth/auth-server-cloud")
    for finding in found:
        healed = check.cause("other-cloud").heals(finding, HEALTHY)
        assert isinstance(healed, Manual) == (not finding.facts["right"])


def test_a_metadata_host_nobody_knows_is_not_judged() -> None:
    strange = HEALTHY.edit(r.AuthServer, auth_metadata_url="https://keys.example.com/metadata/json/1")
    assert said("oauth/auth-server-cloud", evidence(strange)) == []


@pytest.mark.parametrize(
    ("instance", "scope", "configured", "expected"),
    [
        ("microsoftonline.com", "", WORLDWIDE, []),
        ("microsoftonline.com", "GCC", GCC, []),
        ("microsoftonline.com", "GCC", WORLDWIDE, []),
        ("", "", WORLDWIDE, []),
        ("microsoftonline.us", "DODCON", WORLDWIDE, ["other-cloud"]),
        ("microsoftonline.us", "DODCON", GCC_HIGH, []),
        ("microsoftonline.us", "DOD", GCC_HIGH, ["other-cloud"]),
        ("microsoftonline.us", "DOD", DOD, []),
        ("partner.microsoftonline.cn", "", CHINA, []),
    ],
)
def test_the_cloud_of_the_tenant(instance: str, scope: str, configured: Any, expected: list[str]) -> None:
    probe = TenantProbe(premises=ONLINE, identity=DOMAIN, tenant_id=TENANT_ID, cloud_instance=instance, sub_scope=scope)
    given = replace(evidence(HEALTHY, NOW, probe), cloud=configured)
    assert slugs("sign_in/tenant", given) == expected
    if expected:
        (finding,) = said("sign_in/tenant", given)
        assert finding.facts["found"] in {cloud.title for cloud in CLOUDS.values()} - {configured.title}


def test_a_managed_domain_is_nothing_wrong_by_itself() -> None:
    managed = RealmProbe(premises=ONLINE, identity=DOMAIN, name_space_type="Managed")
    assert slugs("sign_in/name-space", evidence(HEALTHY, NOW, managed)) == ["not-federated"]
    plain = HEALTHY.edit(r.EntraDomain, authentication_type="Managed")
    assert said("sign_in/name-space", evidence(plain, NOW, managed)) == []
    gap = evidence(HEALTHY.drop(*(one.address for one in HEALTHY.all(r.EntraDomain))), NOW, managed)
    assert said("sign_in/name-space", gap) == []


@pytest.mark.parametrize(
    ("stopped", "verification", "status", "slug"),
    [
        ("", "good", 200, ""),
        ("name-not-found", "", 0, "name-not-found"),
        ("refused", "", 0, "unreachable"),
        ("timeout", "", 0, "unreachable"),
        ("handshake", "", 0, "unreachable"),
        ("", "expired", 0, "certificate-expired"),
        ("", "not-yet-valid", 0, "certificate-expired"),
        ("", "wrong-name", 0, "certificate-wrong-name"),
        ("", "self-signed", 0, "certificate-not-trusted"),
        ("", "incomplete-chain", 0, "certificate-not-trusted"),
        ("", "good", 503, "unreachable"),
        ("", "good", 404, ""),
    ],
)
def test_how_a_federation_service_is_reached(stopped: str, verification: str, status: int, slug: str) -> None:
    probe = FederationServiceProbe(
        premises=ON, identity="sts.contoso.com", stopped=stopped, verification=verification, status=status
    )
    assert verdict(probe) == slug
