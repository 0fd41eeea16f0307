"""Cmdlets of what Outlook is told: each changes what it says, and refuses what Exchange refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.lab.powershell import run
from hybridge.org import records as r
from hybridge.org.records import Record
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk
from hybridge.wire.cmdlets import read_answer

ON = Premises.ON_PREMISES
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
AUTODISCOVER = "EX1\\Autodiscover (Default Web Site)"
MAPI = "EX1\\mapi (Default Web Site)"
RPC = "EX1\\Rpc (Default Web Site)"


@pytest.fixture
def estate() -> Estate:
    certificate = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
    return Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)


def sent(estate: Estate, name: str, **parameters: object) -> CmdletAnswer:
    return run(estate, CmdletAsk(premises=ON, name=name, parameters=tuple(parameters.items())), ADMINISTRATOR)


def shown(estate: Estate, name: str, **parameters: object) -> tuple[Record, ...]:
    ask = CmdletAsk(premises=ON, name=name, parameters=tuple(parameters.items()))
    found = read_answer(ask, run(estate, ask, ADMINISTRATOR))
    assert isinstance(found, tuple), found
    return found


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [
        ("Get-AutodiscoverVirtualDirectory", r.AutodiscoverVirtualDirectory, 2),
        ("Get-MapiVirtualDirectory", r.MapiVirtualDirectory, 2),
        ("Get-OutlookAnywhere", r.OutlookAnywhere, 2),
        ("Get-ClientAccessService", r.ClientAccessService, 2),
        ("Get-OutlookProvider", r.OutlookProvider, 3),
        ("Get-RemoteMailbox", r.RemoteMailbox, 2),
    ],
)
def test_everything_is_shown_as_it_is(estate: Estate, name: str, kind: type[Record], number: int) -> None:
    found = shown(estate, name)
    assert found == estate.organization.all(kind, ON)
    assert len(found) == number
    assert shown(estate, name, Identity=found[0].identity) == found[:1]
    assert sent(estate, name, Identity="nobody").not_found


@pytest.mark.parametrize(
    "name", ["Get-AutodiscoverVirtualDirectory", "Get-MapiVirtualDirectory", "Get-OutlookAnywhere"]
)
def test_directories_of_one_server(estate: Estate, name: str) -> None:
    assert [one.identity.partition("\\")[0] for one in shown(estate, name, Server="EX2")] == ["EX2"]


@pytest.mark.parametrize(
    ("name", "parameters", "kind", "field", "value"),
    [
        (
            "Set-MapiVirtualDirectory",
            {"Identity": MAPI, "ExternalUrl": None},
            r.MapiVirtualDirectory,
            "external_url",
            "",
        ),
        (
            "Set-MapiVirtualDirectory",
            {"Identity": MAPI, "IISAuthenticationMethods": ("Ntlm", "Basic")},
            r.MapiVirtualDirectory,
            "external_authentication_methods",
            ("Ntlm", "Basic"),
        ),
        (
            "Set-AutodiscoverVirtualDirectory",
            {"Identity": AUTODISCOVER, "WSSecurityAuthentication": False},
            r.AutodiscoverVirtualDirectory,
            "external_authentication_methods",
            ("Basic", "Ntlm", "WindowsIntegrated", "OAuth"),
        ),
        (
            "Set-AutodiscoverVirtualDirectory",
            {"Identity": AUTODISCOVER, "ExtendedProtectionTokenChecking": "allow"},
            r.AutodiscoverVirtualDirectory,
            "extended_protection_token_checking",
            "Allow",
        ),
        (
            "Set-OutlookAnywhere",
            {"Identity": RPC, "ExternalHostname": "owa.contoso.com", "SSLOffloading": True},
            r.OutlookAnywhere,
            "ssl_offloading",
            True,
        ),
        (
            "Set-OutlookProvider",
            {"Identity": "EXPR", "CertPrincipalName": "msstd:x.contoso.com"},
            r.OutlookProvider,
            "cert_principal_name",
            "msstd:x.contoso.com",
        ),
        (
            "Set-ClientAccessService",
            {"Identity": "EX1", "AutoDiscoverServiceInternalUri": None},
            r.ClientAccessService,
            "auto_discover_service_internal_uri",
            "",
        ),
        (
            "Set-RemoteMailbox",
            {"Identity": "linus@contoso.com", "RemoteRoutingAddress": "SMTP:linus@contoso.com"},
            r.RemoteMailbox,
            "remote_routing_address",
            "linus@contoso.com",
        ),
        ("Set-CASMailbox", {"Identity": "ada@contoso.com", "MAPIEnabled": False}, r.CasMailbox, "mapi_enabled", False),
    ],
)
def test_changes(
    estate: Estate, name: str, parameters: dict[str, object], kind: type[Record], field: str, value: object
) -> None:
    before = estate.organization
    answer = sent(estate, name, **parameters)
    assert answer.errors == () and answer.failure is None
    (changed,) = before.difference(estate.organization)
    assert changed.kind == kind.__name__
    record = estate.organization.at(changed)
    assert getattr(record, field) == value
    assert sent(estate, name, **parameters).warnings


def test_a_method_exchange_does_not_know_is_refused(estate: Estate) -> None:
    answer = sent(estate, "Set-OutlookAnywhere", Identity=RPC, ExternalClientAuthenticationMethod="Kerberos")
    assert answer.errors
    assert estate.organization == estate.healthy


def test_a_method_nobody_set_reads_back_as_none(estate: Estate) -> None:
    estate.organization = estate.organization.edit(r.OutlookAnywhere, external_client_authentication_method="")
    assert sent(estate, "Get-OutlookAnywhere").objects[0]["ExternalClientAuthenticationMethod"] == "Misconfigured"
    assert shown(estate, "Get-OutlookAnywhere") == estate.organization.all(r.OutlookAnywhere, ON)
