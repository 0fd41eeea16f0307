"""The estate and the zone: values behind every listener."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from hybridge.lab.contoso import AuthCertificate
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON, LOG_LIMIT, Estate, LoggedRequest
from hybridge.lab.serve.zone import Zone
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BROKEN = Organization(
    [Mailbox(premises=Premises.ON_PREMISES, identity="x", user_principal_name="x", display_name="x", server_name="EX1")]
)


def make_estate(seed: int = 1) -> Estate:
    certificate = AuthCertificate(b"", NOON, NOON + timedelta(days=1))
    return Estate(Organization(), clock=lambda: NOON, certificate=certificate, randomness=random.Random(seed))


def test_break_lists_each_fault_once_and_reset_brings_everything_back() -> None:
    estate = make_estate()
    switched: list[str] = []
    estate.watch_certificates(switched.append)
    estate.break_("a:b", BROKEN)
    estate.break_("a:b", BROKEN)
    estate.switch_certificate("Mail.contoso.com", "expired")
    estate.move_clock(timedelta(hours=2))
    assert (estate.faults, estate.now()) == (("a:b",), NOON + timedelta(hours=2))
    assert estate.certificate_variants == {"mail.contoso.com": "expired"}
    assert estate.organization == BROKEN
    estate.reset()
    assert (estate.faults, estate.now(), estate.certificate_variants) == ((), NOON, {})
    assert estate.organization == estate.healthy
    assert switched == ["mail.contoso.com", "mail.contoso.com"]


def test_heal_drops_one_fault() -> None:
    estate = make_estate()
    estate.break_("a:b", BROKEN)
    estate.break_("c:d", BROKEN)
    estate.heal("a:b", Organization())
    assert (estate.faults, estate.organization) == (("c:d",), Organization())


def test_an_unknown_certificate_variant_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match='no certificate variant "purple"'):
        make_estate().switch_certificate("mail.contoso.com", "purple")


def test_a_watcher_that_left_is_not_called() -> None:
    estate = make_estate()
    switched: list[str] = []
    leave = estate.watch_certificates(switched.append)
    leave()
    estate.switch_certificate("mail.contoso.com", "expired")
    assert switched == []


def test_both_spellings_of_the_account_are_one_principal_with_one_password() -> None:
    estate = make_estate()
    assert estate.principal_of("contoso\\SVC-hybridge") == ADMINISTRATOR
    assert estate.principal_of("SVC-Hybridge@contoso.com") == ADMINISTRATOR
    assert estate.principal_of("svc-hybridge") is None
    assert estate.users[ADMINISTRATOR] == estate.users[ADMINISTRATOR_LOGON]


def test_secrets_come_from_the_given_source() -> None:
    assert make_estate(1).users == make_estate(1).users
    assert make_estate(1).users != make_estate(2).users


def test_the_log_keeps_the_last_requests() -> None:
    estate = make_estate()
    for number in range(LOG_LIMIT + 3):
        estate.remember(
            LoggedRequest(host="h", method="GET", path=f"/{number}", user_agent="", status=200, principal="")
        )
    assert (len(estate.log), estate.log[0].path) == (LOG_LIMIT, "/3")


def test_a_zone_gives_each_host_its_own_documentation_address() -> None:
    hosts = [f"h{number}.contoso.com" for number in range(300)]
    zone = Zone(hosts)
    assert len(set(zone.addresses.values())) == 300
    assert zone.records("H7.Contoso.com.", "A") == (zone.addresses["h7.contoso.com"],)


def test_a_zone_tells_no_such_record_from_no_such_name() -> None:
    zone = Zone(["mail.contoso.com"])
    assert zone.records("mail.contoso.com", "AAAA") == ()
    assert zone.records("contoso.com", "A") == ()
    assert zone.records("ail.contoso.com", "A") is None


def test_a_zone_says_when_it_is_full() -> None:
    with pytest.raises(ValueError, match="no addresses for more than 723 hosts, not 800"):
        Zone(f"h{number}" for number in range(800))
