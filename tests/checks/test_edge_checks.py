"""The checks of what stands before Exchange: DNS, the network, TLS, clocks, and who answers a stranger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.loop.walk import Walk, names

from hybridge.checks.base import Check
from hybridge.checks.network.clock import Clock
from hybridge.checks.network.connection import Connection
from hybridge.checks.network.name_resolution import NameResolution
from hybridge.checks.network.publishing import Publishing
from hybridge.checks.network.sign_in_methods import SignInMethods
from hybridge.checks.tls.certificate import Certificate
from hybridge.checks.tls.client_certificate import ClientCertificate
from hybridge.checks.tls.old_versions import OldVersions
from hybridge.checks.tls.version import Version
from hybridge.doctor.examine import look
from hybridge.evidence import Evidence, Key, Origin, Seen
from hybridge.findings import ORGANIZATION, CheckResult, Outcome
from hybridge.lab.contoso import AUTODISCOVER_HOST
from hybridge.org.probes import PublishedHostProbe, PublishedPathProbe
from hybridge.org.records import PublishedHost, Record
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
HOST = "mail.contoso.com"
ORIGIN = Origin(source="test")
EVERY = (Certificate, ClientCertificate, OldVersions, Version, NameResolution, Connection, Clock, Publishing)


def host(**changes: Any) -> PublishedHostProbe:
    good: dict[str, Any] = {
        "verification": "good",
        "names": (HOST,),
        "issuer": "Public CA",
        "not_before": NOW - timedelta(days=9),
        "not_after": NOW + timedelta(days=99),
        "sent": 2,
        "version": "1.3",
        "accepted": ("1.2", "1.3"),
        "client_certificate": False,
    }
    return PublishedHostProbe(premises=ON, identity=HOST, **(good | changes))


def path(where: str = "/EWS/Exchange.asmx", **changes: Any) -> PublishedPathProbe:
    good: dict[str, Any] = {
        "status": 401,
        "schemes": ("bearer", "negotiate", "ntlm"),
        "reached_exchange": True,
        "clock_ahead_seconds": 1,
    }
    return PublishedPathProbe(premises=ON, identity=f"https://{HOST}{where}", host=HOST, path=where, **(good | changes))


def judged(check: Check, *probes: Record) -> CheckResult:
    """``check`` of the probes; a kind without any is read, and empty."""
    readings: dict[Key, Any] = {}
    for kind in (PublishedHostProbe, PublishedPathProbe):
        mine = tuple(one for one in probes if isinstance(one, kind))
        readings[Key(kind.__name__, ON)] = Seen(mine, ORIGIN)
    return look(check, Evidence(now=NOW, readings=readings, domain="contoso.com"), ORGANIZATION)


def causes(result: CheckResult) -> list[str]:
    return [finding.cause for finding in result.findings]


@pytest.mark.parametrize("check", EVERY)
def test_what_is_well_published_passes(check: type[Check]) -> None:
    result = judged(check(), host(), path(), path("/api", schemes=("bearer",)), path("/autodiscover/autodiscover.xml"))
    assert result.outcome is Outcome.PASSED, result


@pytest.mark.parametrize("check", [*EVERY, SignInMethods])
def test_what_was_not_asked_is_inconclusive(check: type[Check]) -> None:
    assert look(check(), Evidence(now=NOW), ORGANIZATION).outcome is Outcome.INCONCLUSIVE


def test_an_alias_of_exchange_online_is_not_judged() -> None:
    alias = host(leads_to="autodiscover.outlook.com", verification="wrong-name", names=("outlook.com",))
    for check in (Certificate, ClientCertificate, Version, OldVersions, NameResolution, Connection):
        assert judged(check(), alias).outcome is Outcome.NOT_APPLICABLE, check


@pytest.mark.parametrize(
    "word", ["expired", "not-yet-valid", "wrong-name", "self-signed", "untrusted", "incomplete-chain"]
)
def test_each_way_a_certificate_is_refused(word: str) -> None:
    result = judged(Certificate(), host(verification=word))
    assert causes(result) == [word]
    assert HOST in result.findings[0].says and result.findings[0].facts["host"] == HOST


def test_a_certificate_refused_otherwise_is_told_in_the_words_of_who_refused() -> None:
    result = judged(Certificate(), host(verification="other", says="The key is too small."))
    assert causes(result) == ["refused"] and "The key is too small." in result.findings[0].says


@pytest.mark.parametrize("check", [Certificate, Version, OldVersions, ClientCertificate])
def test_without_tls_nothing_is_said_of_it(check: type[Check]) -> None:
    stopped = host(stopped="timeout", says="It is silent.", verification="", accepted=(), version="")
    result = judged(check(), stopped)
    assert result.outcome is Outcome.INCONCLUSIVE and result.unseen[0].says == "It is silent."


def test_a_handshake_that_ends_at_the_client_certificate_tells_why() -> None:
    stopped = host(stopped="handshake", client_certificate=True, verification="", accepted=())
    assert causes(judged(ClientCertificate(), stopped)) == ["asked-for"]


@pytest.mark.parametrize(
    ("accepted", "untried", "outcome"),
    [
        (("1.2",), (), Outcome.PASSED),
        (("1.3",), (), Outcome.PASSED),
        (("1.0", "1.1"), (), Outcome.FAILED),
        (("1.0",), ("1.2",), Outcome.INCONCLUSIVE),
        ((), (), Outcome.INCONCLUSIVE),
    ],
)
def test_versions_new_enough(accepted: tuple[str, ...], untried: tuple[str, ...], outcome: Outcome) -> None:
    assert judged(Version(), host(accepted=accepted, untried=untried)).outcome is outcome


@pytest.mark.parametrize(
    ("accepted", "untried", "outcome"),
    [
        (("1.2", "1.3"), (), Outcome.PASSED),
        (("1.0", "1.2"), (), Outcome.FAILED),
        (("1.0", "1.1"), (), Outcome.PASSED),  # tls/version says so
        (("1.2",), ("1.0", "1.1"), Outcome.INCONCLUSIVE),
    ],
)
def test_versions_that_are_too_old(accepted: tuple[str, ...], untried: tuple[str, ...], outcome: Outcome) -> None:
    assert judged(OldVersions(), host(accepted=accepted, untried=untried)).outcome is outcome


@pytest.mark.parametrize(
    ("stopped", "cause"), [("refused", "unreachable"), ("timeout", "unreachable"), ("reset", "unreachable")]
)
def test_who_cannot_be_connected_to(stopped: str, cause: str) -> None:
    assert causes(judged(Connection(), host(stopped=stopped), path(status=0, failure="unreachable"))) == [cause]


def test_a_cut_answer_is_told_only_where_the_connection_is_good() -> None:
    cut = path(status=0, failure="malformed", says="The reply was cut off.")
    assert causes(judged(Connection(), host(), cut)) == ["cut-off"]
    for bad in ({"verification": "expired"}, {"accepted": ("1.0",)}, {"client_certificate": True}):
        assert causes(judged(Connection(), host(**bad), cut)) == []


@pytest.mark.parametrize(
    ("ahead", "found", "noticed"),
    [(300, False, False), (-300, False, False), (301, True, False), (-301, True, True), (4000, True, True)],
)
def test_clocks(ahead: int, found: bool, noticed: bool) -> None:
    result = judged(Clock(), path(clock_ahead_seconds=2), path("/api", clock_ahead_seconds=ahead))
    assert bool(result.findings) is found
    assert bool(result.findings and result.findings[0].symptoms) is noticed


def test_an_answer_without_a_date_tells_no_time() -> None:
    assert judged(Clock(), path(clock_ahead_seconds=None)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"status": 403, "reached_exchange": False}, "url-denied"),
        ({"status": 403, "reached_exchange": True}, ""),
        ({"status": 500, "reached_exchange": False}, "bridge-error"),
        ({"status": 502, "reached_exchange": False}, "bridge-error"),
        ({"status": 503, "reached_exchange": False}, ""),
        ({"status": 301, "reached_exchange": False, "location": "https://x/owa/"}, "unexpected-redirect"),
        ({"status": 302, "reached_exchange": True, "location": "https://x/y"}, "unexpected-redirect"),
        ({"status": 302, "reached_exchange": False, "location": "https://sts/adfs/ls"}, ""),
        ({"status": 200, "reached_exchange": False}, ""),
    ],
)
def test_who_answers_in_exchanges_place(answer: dict[str, Any], cause: str) -> None:
    assert causes(judged(Publishing(), path(**answer))) == ([cause] if cause else [])


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"schemes": ()}, "no-method"),
        ({"schemes": ("digest",)}, "unusable-method"),
        ({"schemes": ("bearer", "basic")}, "method-missing"),
        ({"schemes": ("ntlm",)}, ""),
        ({"status": 200}, "anonymous"),
        ({"status": 200, "reached_exchange": False}, ""),
        ({"status": 302, "location": "https://x/owa/auth/logon.aspx"}, "unusable-method"),
        ({"schemes": ("basic",), "reached_exchange": False}, ""),
    ],
)
def test_sign_ins_on_offer(answer: dict[str, Any], cause: str) -> None:
    assert causes(judged(SignInMethods(), path(**answer))) == ([cause] if cause else [])


def test_the_rest_api_takes_tokens_alone() -> None:
    assert causes(judged(SignInMethods(), path("/api", schemes=("bearer",)))) == []


def test_only_presence_suffers_where_only_the_rest_api_is_denied() -> None:
    denied = path("/api", status=403, reached_exchange=False)
    assert judged(Publishing(), denied).findings[0].symptoms == (Symptom.PRESENCE_STUCK,)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"resolves": False}, "autodiscover/published:no-record"),
        ({"network": "refused"}, "network/connection:unreachable"),
        ({"network": "silent"}, "network/connection:unreachable"),
        ({"network": "reset"}, "network/connection:cut-off"),
        ({"certificate": "expired"}, "tls/certificate:expired"),
        ({"certificate": "no-chain"}, "tls/certificate:incomplete-chain"),
        ({"client_certificate_requested": True}, "tls/client-certificate:asked-for"),
        ({"newest_tls": "1.1", "oldest_tls": "1.0"}, "tls/version:too-old"),
        ({"clock_skew_seconds": -900}, "network/clock:skewed"),
        ({"clock_skew_seconds": 7200}, "network/clock:skewed"),
    ],
)
async def test_the_same_at_the_host_of_autodiscover(
    changes: dict[str, object], name: str, walk_in_process: Walk
) -> None:
    """What other checks see of it hangs under the one cause."""
    estate = walk_in_process.estate
    estate.organization = estate.organization.edit(
        PublishedHost, lambda one: one.identity == AUTODISCOVER_HOST, **changes
    )
    assert names(await walk_in_process.look()) == {name}
