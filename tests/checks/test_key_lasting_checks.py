"""Keys that end too early, the next certificate, and applications that trust another server's tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from tests.checks.conftest import NOW

from hybridge.checks.base import Saying
from hybridge.checks.oauth import certificates
from hybridge.checks.partner_apps import keys
from hybridge.findings import Finding
from hybridge.org.organization import Organization
from hybridge.org.records import (
    AuthConfig,
    ExchangeCertificate,
    KeyCredential,
    PartnerApplication,
    ServicePrincipal,
)
from hybridge.plan import Change, Manual
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
LASTING, KEY, APPLICATIONS = (
    "partner_apps/service-principal-key-lasting",
    "partner_apps/service-principal-key",
    "partner_apps/teams-applications",
)


def rekeyed(organization: Organization, app_id: str, *held: KeyCredential) -> Organization:
    return organization.edit(ServicePrincipal, lambda one: one.identity == app_id, key_credentials=held)


def key(organization: Organization, **values: object) -> KeyCredential:
    current = keys.current_certificate(organization)
    assert current is not None
    one = KeyCredential(
        key_id="ours", custom_key_identifier=current.thumbprint, key=current.raw_data, end_at=current.not_after
    )
    return msgspec.structs.replace(one, **values)


def prepared(organization: Organization, **values: object) -> Organization:
    """With a next certificate on every server."""
    made = {"not_after": NOW + timedelta(days=900), "raw_data": b"the next one", **values}
    der = made["raw_data"]
    assert isinstance(der, bytes)
    thumbprint = certificates.thumbprint_of(der)
    copies = (
        msgspec.structs.replace(one, identity=f"{one.server}/{thumbprint}", thumbprint=thumbprint, **made)
        for one in organization.all(ExchangeCertificate, ON)
    )
    return organization.put(*copies).edit(AuthConfig, next_certificate_thumbprint=thumbprint)


@pytest.mark.parametrize("identifier", ["thumbprint", "none", "other"])
def test_a_year_too_short_is_told_with_both_dates(look: Look, healthy: Organization, identifier: str) -> None:
    short = key(healthy, end_at=NOW + timedelta(days=90), custom_key_identifier=identifier)
    (found,) = look(LASTING, rekeyed(healthy, apps.CLOUD_VOICEMAIL, short))
    assert isinstance(found, Finding) and found.cause == "ends-early" and found.symptoms == ()
    assert "ends on 2027-02-18, the certificate on 2027-11-20." in found.says
    assert found.facts["key_id"] == "ours"


def test_steps_name_the_key_and_the_application(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = rekeyed(healthy, apps.CLOUD_VOICEMAIL, key(healthy, end_at=NOW + timedelta(days=90)))
    (found,) = look(LASTING, broken)
    cure = heal(found, broken)
    assert isinstance(cure, Manual)
    text = " ".join((cure.says, *cure.steps))
    assert "Cloud Voicemail" in text and "but ours back" in text and apps.CLOUD_VOICEMAIL in text
    assert "<" not in text


def test_rounding_and_a_second_key_that_lasts_are_no_finding(causes: Causes, healthy: Organization) -> None:
    whole = key(healthy)
    almost = key(healthy, end_at=(whole.end_at or NOW) - timedelta(hours=20))
    early = key(healthy, end_at=NOW + timedelta(days=3))
    dateless = key(healthy, end_at=None)
    for held in ((almost,), (early, whole), (early, dateless)):
        assert causes(LASTING, rekeyed(healthy, apps.TEAMS_SCHEDULER, *held)) == []


def test_an_expired_key_beside_is_ignored(causes: Causes, healthy: Organization) -> None:
    gone = key(healthy, end_at=NOW - timedelta(days=1))
    assert causes(LASTING, rekeyed(healthy, apps.TEAMS_SCHEDULER, gone, key(healthy))) == []


def test_the_next_certificate_is_missed_by_each_principal_and_added(
    look: Look, heal: Heal, healthy: Organization
) -> None:
    broken = prepared(healthy)
    found = look(LASTING, broken)
    assert [one.cause for one in found if isinstance(one, Finding)] == ["next-missing"] * 3
    present = broken
    for one in found:
        cure = heal(one, present)
        assert isinstance(cure, tuple)
        (change,) = cure
        assert isinstance(change.after, ServicePrincipal)
        assert [held.key for held in change.after.key_credentials][-1] == b"the next one"
        present = change.applied_to(present)
        assert heal(one, present) == ()
    assert look(LASTING, present) == [] and look(KEY, present) == []


def test_the_next_certificate_waits_for_the_one_in_use(causes: Causes, healthy: Organization) -> None:
    broken = rekeyed(prepared(healthy), apps.TEAMS_SCHEDULER)
    assert causes(LASTING, broken) == ["next-missing"] * 2
    assert causes(KEY, broken) == ["key-missing"]


def test_a_next_certificate_that_cannot_be_used_is_not_asked_for(causes: Causes, healthy: Organization) -> None:
    assert causes(LASTING, prepared(healthy, not_after=NOW - timedelta(days=1))) == []
    assert causes(LASTING, healthy.edit(AuthConfig, next_certificate_thumbprint="AB" * 20)) == []


def test_a_next_certificate_beside_a_key_without_bytes_is_left_to_a_person(
    look: Look, heal: Heal, healthy: Organization
) -> None:
    hidden = KeyCredential(key_id="theirs", key=None, end_at=NOW + timedelta(days=9))
    broken = rekeyed(prepared(healthy), apps.TEAMS_SCHEDULER, key(healthy), hidden)
    scheduler = [one for one in look(LASTING, broken) if isinstance(one, Finding) and "theirs" in str(one.facts)]
    assert len(scheduler) == 1
    assert isinstance(heal(scheduler[0], broken), Manual)


def test_without_a_certificate_there_is_nothing_to_judge(causes: Causes, healthy: Organization) -> None:
    assert causes(LASTING, healthy.edit(AuthConfig, current_certificate_thumbprint="")) == ["not-applicable"]


def app(organization: Organization, **values: object) -> Organization:
    return organization.edit(
        PartnerApplication, lambda one: one.application_identifier == apps.TEAMS_SCHEDULER, **values
    )


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"use_auth_server": False}, "(UseAuthServer False)."),
        (
            {"use_auth_server": False, "auth_metadata_url": "https://lync.contoso.com/metadata/json/1"},
            "(UseAuthServer False, AuthMetadataUrl https://lync.contoso.com/metadata/json/1).",
        ),
        ({"auth_metadata_url": "https://lync.contoso.com/x"}, "AuthMetadataUrl https://lync.contoso.com/x"),
    ],
)
def test_an_application_that_trusts_another_server(
    look: Look, heal: Heal, healthy: Organization, values: dict[str, object], says: str
) -> None:
    broken = app(healthy, **values)
    (found,) = look(APPLICATIONS, broken)
    assert isinstance(found, Finding) and found.cause == "not-by-auth-server" and says in found.says
    cure = heal(found, broken)
    assert isinstance(cure, Manual)
    assert 'Remove-PartnerApplication -Identity "TeamsScheduler"' in cure.steps


def test_a_second_record_by_the_authorization_server_is_enough(causes: Causes, healthy: Organization) -> None:
    scheduler = next(
        one for one in healthy.all(PartnerApplication, ON) if one.application_identifier == apps.TEAMS_SCHEDULER
    )
    twin = msgspec.structs.replace(scheduler, identity="Twin")
    assert causes(APPLICATIONS, app(healthy, use_auth_server=False).put(twin)) == []


def test_disabled_and_unlinked_come_before(causes: Causes, healthy: Organization) -> None:
    assert causes(APPLICATIONS, app(healthy, use_auth_server=False, enabled=False)) == ["scheduler-disabled"]
    assert causes(APPLICATIONS, app(healthy, use_auth_server=False, linked_account="")) == ["not-linked"]
