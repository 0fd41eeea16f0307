"""The authentication certificate and its copies in Entra."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hybridge.checks.base import Saying
from hybridge.checks.oauth.certificates import redated, thumbprint_of
from hybridge.evidence import Unseen
from hybridge.findings import Finding, NotApplicable
from hybridge.org.organization import Organization
from hybridge.org.records import (
    AuthConfig,
    ExchangeCertificate,
    ExchangeServer,
    KeyCredential,
    ServicePrincipal,
)
from hybridge.plan import Change, Manual
from hybridge.repair.rules import refusal
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
Fold = Callable[[Saying, Organization], Organization]
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CERTIFICATE, KEY = "oauth/auth-certificate", "partner_apps/service-principal-key"
DAY = timedelta(days=1)


def certificate_of(organization: Organization) -> ExchangeCertificate:
    return organization.all(ExchangeCertificate, ON)[0]


def ending(organization: Organization, end: datetime | None) -> Organization:
    return organization.edit(ExchangeCertificate, not_after=end)


# The certificate ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "next_one", "cause"),
    [
        (timedelta(0), "", "expired"),
        (-DAY, "AB" * 20, "expired"),
        (timedelta(seconds=1), "", "expires-soon"),
        (60 * DAY - timedelta(seconds=1), "", "expires-soon"),
        (60 * DAY, "", None),
        (5 * DAY, "AB" * 20, None),
    ],
)
def test_dates(causes: Causes, healthy: Organization, left: timedelta, next_one: str, cause: str | None) -> None:
    present = ending(healthy, NOW + left).edit(AuthConfig, next_certificate_thumbprint=next_one)
    assert causes(CERTIFICATE, present) == ([cause] if cause else [])


def test_dates_that_are_unknown_are_not_passed(causes: Causes, healthy: Organization) -> None:
    assert causes(CERTIFICATE, ending(healthy, None)) == ["unseen"]


def test_an_unset_certificate_is_one_finding_of_one_check(look: Look, healthy: Organization) -> None:
    unset = healthy.edit(AuthConfig, current_certificate_thumbprint="")
    (found,) = look(CERTIFICATE, unset)
    assert isinstance(found, Finding) and found.cause == "not-set"
    (said,) = look(KEY, unset)
    assert isinstance(said, NotApplicable)


def test_a_certificate_that_is_gone_is_one_finding_of_one_check(look: Look, healthy: Organization) -> None:
    gone = healthy.drop(*(one.address for one in healthy.all(ExchangeCertificate, ON)))
    (found,) = look(CERTIFICATE, gone)
    assert isinstance(found, Finding) and found.cause == "missing"
    assert found.facts["thumbprint"] in found.says
    (said,) = look(KEY, gone)
    assert isinstance(said, Unseen)


def test_thumbprints_are_compared_without_case(causes: Causes, healthy: Organization) -> None:
    small = healthy.edit(AuthConfig, current_certificate_thumbprint=certificate_of(healthy).thumbprint.lower())
    assert causes(CERTIFICATE, small) == [] and causes(KEY, small) == []


def test_a_server_without_it_is_named(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = healthy.drop(certificate_of(healthy).address)
    (found,) = look(CERTIFICATE, broken)
    assert isinstance(found, Finding)
    assert (found.cause, found.facts["server"], found.facts["holder"]) == ("absent-on-server", "EX1", "EX2")
    cure = heal(found, broken)
    assert isinstance(cure, Manual)
    assert any('Import-ExchangeCertificate -Server "EX1"' in step for step in cure.steps)


def test_an_edge_server_needs_none(causes: Causes, healthy: Organization) -> None:
    edge = ExchangeServer(premises=ON, identity="EDGE1", server_role="Edge")
    assert causes(CERTIFICATE, healthy.put(edge)) == []


def test_servers_are_not_judged_when_certificates_carry_none(causes: Causes, healthy: Organization) -> None:
    one = certificate_of(healthy)
    blind = healthy.drop(*(copy.address for copy in healthy.all(ExchangeCertificate, ON))).put(
        msgspec.structs.replace(one, identity=f"/{one.thumbprint}", server="")
    )
    assert causes(CERTIFICATE, blind) == []


def test_without_the_configuration_nothing_is_passed(causes: Causes, healthy: Organization) -> None:
    gone = healthy.drop(*(one.address for one in healthy.all(AuthConfig, ON)))
    assert causes(CERTIFICATE, gone) == ["unseen"] and causes(KEY, gone) == ["unseen"]


# The keys -------------------------------------------------------------------------------------------------------------


def keys(organization: Organization, *credentials: KeyCredential) -> Organization:
    return organization.edit(
        ServicePrincipal, lambda one: one.identity == apps.TEAMS_SCHEDULER, key_credentials=credentials
    )


def scheduler(organization: Organization) -> ServicePrincipal:
    found = organization.one(ServicePrincipal, ONLINE, apps.TEAMS_SCHEDULER)
    assert found is not None
    return found


def test_the_bytes_decide_not_the_identifier(causes: Causes, healthy: Organization) -> None:
    der, thumbprint = certificate_of(healthy).raw_data, certificate_of(healthy).thumbprint
    assert causes(KEY, keys(healthy, KeyCredential(key=der, custom_key_identifier="anything"))) == []
    assert causes(KEY, keys(healthy, KeyCredential(key=b"other", custom_key_identifier=thumbprint))) == ["key-missing"]


def test_the_identifier_decides_where_no_bytes_came_back(causes: Causes, healthy: Organization) -> None:
    thumbprint = certificate_of(healthy).thumbprint
    encoded = base64.b64encode(bytes.fromhex(thumbprint)).decode()
    for identifier in (thumbprint, thumbprint.lower(), encoded):
        assert causes(KEY, keys(healthy, KeyCredential(custom_key_identifier=identifier))) == []
    assert causes(KEY, keys(healthy, KeyCredential(custom_key_identifier="??"))) == ["key-missing"]


def test_a_key_ends_by_its_own_date(look: Look, changed: Fold, healthy: Organization) -> None:
    dead = msgspec.structs.replace(scheduler(healthy).key_credentials[0], end_at=NOW)
    (found,) = look(KEY, keys(healthy, dead))
    assert isinstance(found, Finding) and "1 expired" in found.says
    (new,) = scheduler(changed(found, keys(healthy, dead))).key_credentials
    assert new.end_at == certificate_of(healthy).not_after and new.key_id == ""


def test_the_key_is_added_to_those_that_live(look: Look, heal: Heal, changed: Fold, healthy: Organization) -> None:
    living = KeyCredential(key_id="a", key=b"living", end_at=NOW + DAY)
    endless = KeyCredential(key_id="b", key=b"endless")
    dead = KeyCredential(key_id="c", key=b"dead", end_at=NOW - DAY)
    broken = keys(healthy, dead, living, endless)
    (found,) = look(KEY, broken)
    cure = heal(found, broken)
    assert isinstance(cure, tuple)
    assert [refusal(change, NOW) for change in cure] == [""]
    mended = changed(found, broken)
    *kept, new = scheduler(mended).key_credentials
    assert kept == [living, endless]
    assert (new.key, new.custom_key_identifier) == (
        certificate_of(healthy).raw_data,
        certificate_of(healthy).thumbprint,
    )
    assert heal(found, mended) == ()
    assert look(KEY, mended) == []


def test_an_unexpired_key_without_bytes_would_be_lost(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = keys(healthy, KeyCredential(key_id="theirs", custom_key_identifier="AB", end_at=NOW + DAY))
    (found,) = look(KEY, broken)
    cure = heal(found, broken)
    assert isinstance(cure, Manual) and "theirs" in cure.says
    gone = keys(healthy, KeyCredential(key_id="old", custom_key_identifier="AB", end_at=NOW - DAY))
    (found,) = look(KEY, gone)
    assert isinstance(heal(found, gone), tuple)


def test_each_principal_is_a_finding_and_only_the_scheduler_is_felt(look: Look, healthy: Organization) -> None:
    gone = healthy.drop(*(one.address for one in healthy.all(ServicePrincipal, ONLINE)))
    found = [one for one in look(KEY, gone) if isinstance(one, Finding)]
    assert [one.facts["app_id"] for one in found] == list(apps.KEY_HOLDERS)
    assert {one.cause for one in found} == {"principal-missing"}
    assert [bool(one.symptoms) for one in found] == [True, False, False]


def test_a_principal_is_made_with_the_key(look: Look, changed: Fold, healthy: Organization) -> None:
    gone = healthy.drop(scheduler(healthy).address)
    (found,) = look(KEY, gone)
    made = scheduler(changed(found, gone))
    assert [key.key for key in made.key_credentials] == [certificate_of(healthy).raw_data]


def test_an_expired_certificate_is_not_uploaded(causes: Causes, healthy: Organization) -> None:
    assert causes(KEY, keys(ending(healthy, NOW - DAY))) == ["not-applicable"]


def test_without_the_bytes_of_the_certificate_nothing_is_decided(causes: Causes, healthy: Organization) -> None:
    assert causes(KEY, healthy.edit(ExchangeCertificate, raw_data=b"")) == ["unseen"]


# What faults are made with --------------------------------------------------------------------------------------------


def test_a_redated_certificate_is_a_certificate_with_those_dates() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Microsoft Exchange Server Auth Certificate")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - DAY).not_valid_after(NOW + 900 * DAY)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    start, end = NOW - 40 * DAY, NOW - 3 * DAY
    changed = x509.load_der_x509_certificate(redated(der, start, end))
    assert (changed.not_valid_before_utc, changed.not_valid_after_utc) == (start, end)
    assert changed.subject == name
    assert thumbprint_of(redated(der, start, end)) != thumbprint_of(der)
    assert changed.fingerprint(hashes.SHA1()).hex().upper() == thumbprint_of(redated(der, start, end))
    assert redated(b"no certificate", start, end) != b"no certificate"
