"""The lab takes rights away as Exchange and Entra do: what is not granted is hidden, or refused."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from pypsrp.powershell import RunspacePool
from tests.lab.cmdlet_shell import ON, Shell
from tests.lab.psrp_server import invoke, serve

from hybridge.lab.apps.tokens import mint, read_bearer
from hybridge.lab.cmdlets.catalogue import CATALOGUE
from hybridge.lab.estate import ENTRA_CLIENT
from hybridge.lab.in_process import InProcess
from hybridge.lab.powershell import open_endpoint
from hybridge.lab.rights import (
    EXCHANGE_ROLES,
    GRAPH_ROLES,
    WRITE_APPLICATIONS,
    UnknownRight,
    known_rights,
    rights_of,
)
from hybridge.org import records as r
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, FailureReason
from hybridge.wire.graph import service_principals

READING = ("Get-",)


def commands(lab: Shell, *names: str, **more: Any) -> CmdletAnswer:
    return lab.try_("Get-Command", Name=names, **more)


def test_a_session_lists_what_it_has() -> None:
    lab = Shell()
    answer = commands(lab, "new-mailuser", "Set-MailUser")
    assert {one["Name"] for one in answer.objects} == {"New-MailUser", "Set-MailUser"}
    (shown,) = commands(lab, "Set-MailUser").objects
    assert {"Identity", "HiddenFromAddressListsEnabled", "DomainController", "WhatIf"} <= set(shown["Parameters"])
    assert len(commands(lab, "*").objects) == len(CATALOGUE)
    assert {one["Name"] for one in commands(lab, "Get-Auth*").objects} == {"Get-AuthConfig", "Get-AuthServer"}


def test_an_absent_cmdlet_is_an_error_unless_silence_is_wanted() -> None:
    lab = Shell()
    assert "Get-Foo" in commands(lab, "Get-Foo", "Get-Mailbox").errors[0]
    answer = commands(lab, "Get-Foo", "Get-Mailbox", ErrorAction="SilentlyContinue")
    assert (answer.errors, [one["Name"] for one in answer.objects]) == ((), ["Get-Mailbox"])


def test_get_command_takes_no_domain_controller() -> None:
    failure = commands(Shell(), "Get-Mailbox", DomainController="dc1.contoso.com").failure
    assert failure is not None and failure.reason is FailureReason.FORBIDDEN


@pytest.mark.parametrize("role", EXCHANGE_ROLES)
def test_without_a_role_its_cmdlets_are_hidden_and_reading_is_not(role: str) -> None:
    lab = Shell()
    rights_of(lab.estate).withhold([role.lower()])
    left = {one["Name"] for one in commands(lab, "*").objects}
    hidden = {one.name for one in CATALOGUE.values()} - left
    assert hidden and not any(name.startswith(READING) for name in hidden)
    for name in hidden:
        failure = lab.try_(name).failure
        assert failure is not None and failure.reason is FailureReason.FORBIDDEN
        assert f"{name} is not available to this account" in failure.says
    assert rights_of(lab.estate).withheld == (role,)


def test_a_parameter_can_be_hidden_alone() -> None:
    lab = Shell()
    rights_of(lab.estate).withhold(["Set-PartnerApplication:LinkedAccount"])
    (shown,) = commands(lab, "Set-PartnerApplication").objects
    assert "LinkedAccount" not in shown["Parameters"] and "Enabled" in shown["Parameters"]
    assert lab.try_("Set-PartnerApplication", Identity="TeamsScheduler", LinkedAccount="x").failure is not None
    assert lab.try_("Set-PartnerApplication", Identity="TeamsScheduler", Enabled=False).failure is None


def test_a_reset_gives_everything_back_and_unknown_names_are_told() -> None:
    lab = Shell()
    rights = rights_of(lab.estate)
    rights.withhold(["Role Management", "New-MailUser", WRITE_APPLICATIONS])
    lab.estate.reset()
    assert rights.withheld == () and rights.graph_roles == GRAPH_ROLES
    for wrong in ("Roles", "Get-Foo", "Set-MailUser:Foo", ""):
        with pytest.raises(UnknownRight, match="There is no right"):
            rights.withhold([wrong])
    assert set(known_rights()) == {*EXCHANGE_ROLES, *GRAPH_ROLES}


@pytest.mark.wire
async def test_a_foreign_client_sees_the_dictionary_of_parameters() -> None:
    lab = Shell()
    rights_of(lab.estate).withhold(["Mail Recipient Creation"])

    def work(pool: RunspacePool) -> Any:
        return invoke(pool, "Get-Command", Name=["Set-MailUser", "New-MailUser"], ErrorAction="SilentlyContinue")

    async with serve(open_endpoint(lab.estate)) as served:
        shell = await served.in_pool(work)
    (shown,) = shell.output
    assert shown.adapted_properties["Name"] == "Set-MailUser"
    assert "HiddenFromAddressListsEnabled" in shown.adapted_properties["Parameters"]
    assert not shell.streams.error


GRAPH = f"https://{WORLDWIDE.graph}"


def test_permissions_are_in_the_token_of_our_application_only() -> None:
    lab = Shell()

    def roles(app_id: str, audience: str) -> Any:
        return jwt.decode(mint(lab.estate, app_id, audience), options={"verify_signature": False}).get("roles")

    assert roles(ENTRA_CLIENT, GRAPH) == list(GRAPH_ROLES)
    assert roles(ENTRA_CLIENT, "https://outlook.office365.com") == [
        "Exchange.ManageAsApp",
        "Exchange.ManageAsAppV2",
        "full_access_as_app",
    ]
    assert roles(ENTRA_CLIENT, "https://mail.contoso.com/") is None
    assert roles(apps.TEAMS_SCHEDULER, "https://mail.contoso.com/") is None
    rights_of(lab.estate).withhold([WRITE_APPLICATIONS])
    assert WRITE_APPLICATIONS not in roles(ENTRA_CLIENT, GRAPH)
    assert read_bearer(lab.estate, f"Bearer {mint(lab.estate, ENTRA_CLIENT, GRAPH)}") is not None


async def test_graph_refuses_what_no_permission_allows() -> None:
    lab = Shell()
    answerer = InProcess(lab.estate)
    rights_of(lab.estate).withhold([WRITE_APPLICATIONS])
    read = service_principals.ask_one(WORLDWIDE.graph, apps.TEAMS_SCHEDULER)
    assert (await answerer.http(read)).status == 200, "Application.Read.All is enough to look"
    principal = lab.organization.one(r.ServicePrincipal, Premises.ONLINE, apps.TEAMS_SCHEDULER)
    assert principal is not None
    write = service_principals.ask_patch_keys(WORLDWIDE.graph, principal.object_id, ())
    refused = await answerer.http(write)
    assert refused.status == 403 and b"Authorization_RequestDenied" in refused.body
    assert lab.organization.at(principal.address) == principal
    rights_of(lab.estate).give_back()
    assert (await answerer.http(write)).status == 204


async def test_the_answerer_in_process_reads_its_own_permissions() -> None:
    lab = Shell()
    answerer = InProcess(lab.estate)
    assert await answerer.roles(f"{GRAPH}/.default") == GRAPH_ROLES
    ask = CmdletAsk(premises=ON, name="Get-Command", parameters=(("Name", ("Get-AuthConfig",)),))
    assert [one["Name"] for one in (await answerer.cmdlet(ask)).objects] == ["Get-AuthConfig"]
