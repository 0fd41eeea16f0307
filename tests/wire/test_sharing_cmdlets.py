"""The cmdlets of sharing between two organizations: both halves, and in the dresses exports come in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hybridge.lab.contoso_sharing import sharing_records
from hybridge.org import records as r
from hybridge.org.probes import OAuthTestProbe
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import CmdletAnswer, Failure
from hybridge.wire.cmdlets.oauth_connectivity import KEPT

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
RECORDS = tuple(
    sharing_records(WORLDWIDE, "contoso.com", "contoso.mail.onmicrosoft.com", "autodiscover.contoso.com", NOW)
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda one: f"{type(one).__name__}-{one.identity[:20]}")
def test_what_is_written_is_read(record: r.Record) -> None:
    cmdlet = next(name for name, noun in cmdlets.NOUNS.items() if name == type(record).cmdlet)
    assert cmdlets.read(cmdlet, (cmdlets.write(record),), record.premises) == (record,)


def test_a_trust_whose_certificates_were_not_exported_is_read() -> None:
    shown: dict[str, Any] = {"Name": "Gateway", "TokenIssuerUri": "urn:x", "OrgCertificate": None}
    read = cmdlets.read("Get-FederationTrust", (shown,), ON)
    assert isinstance(read, tuple)
    trust = read[0]
    assert isinstance(trust, r.FederationTrust)
    assert trust.org_certificate_not_after is None and trust.token_issuer_certificate_not_after is None


def test_bytes_that_are_no_certificate_end_nowhere() -> None:
    shown: dict[str, Any] = {"Name": "Gateway", "TokenIssuerUri": "urn:x", "OrgCertificate": {"RawData": b"no DER"}}
    read = cmdlets.read("Get-FederationTrust", (shown,), ON)
    assert isinstance(read, tuple) and isinstance(read[0], r.FederationTrust)
    assert read[0].org_certificate_not_after is None


@pytest.mark.parametrize(("printed", "number"), [(0, 0), ("1", 1), ("-1", -1), (None, None), ("O365", None)])
def test_the_service_instance_is_a_number_or_unknown(printed: object, number: int | None) -> None:
    read = cmdlets.read("Get-HybridConfiguration", ({"ServiceInstance": printed},), ON)
    assert isinstance(read, tuple) and isinstance(read[0], r.HybridConfiguration)
    assert read[0].service_instance == number


def test_the_test_of_oauth_is_judged_by_its_result_alone() -> None:
    ask = cmdlets.ask_test_oauth(ON, "https://outlook.office365.com/ews/exchange.asmx", "ada@contoso.com")
    assert dict(ask.parameters)["Service"] == "EWS"
    shown = {
        "Task": "Checking EWS API Call Under Oauth",
        "Detail": {"FullId": "x" * 10, "ToString": "a" * KEPT + "the end"},
        "ResultType": {"ToString": "Error", "value": 2},
        "IsValid": True,
    }
    read = cmdlets.read_answer(ask, CmdletAnswer(objects=(shown,)))
    assert isinstance(read, tuple)
    assert isinstance(read[0], OAuthTestProbe)
    assert read[0].result_type == "Error"
    assert read[0].detail.endswith("the end") and len(read[0].detail) == KEPT


def test_another_object_is_not_the_test_s() -> None:
    assert isinstance(cmdlets.read("Test-OAuthConnectivity", ({"Name": "EX1"},), ONLINE), Failure)
