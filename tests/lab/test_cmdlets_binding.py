"""How parameters are bound, and what is refused before a cmdlet runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.lab.cmdlet_shell import ADA, CALENDAR, GRACE, ON, Shell, ask

from hybridge.lab.cmdlets.binding import bind
from hybridge.lab.cmdlets.catalogue import CATALOGUE
from hybridge.lab.cmdlets.outcome import BindingRefused, Caller
from hybridge.lab.cmdlets.parameters import ListEdit, boolean, count, moment, switch, text, texts
from hybridge.lab.powershell import execute, run
from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, FailureReason

PARAMETERS = (
    text("Identity", 0, mandatory=True),
    text("Server"),
    texts("List"),
    boolean("Enabled"),
    switch("WhatIf"),
    moment("StartTime"),
    count("ResultSize"),
)


def bound(*given: tuple[str, Any]) -> dict[str, Any]:
    return bind(PARAMETERS, (("Identity", "x"), *given))


def refusal(*given: tuple[str, Any]) -> BindingRefused:
    with pytest.raises(BindingRefused) as caught:
        bind(PARAMETERS, given)
    return caught.value


def test_names_ignore_case_and_may_be_cut_short() -> None:
    assert bind(PARAMETERS, [("IDENT", "x"), ("serv", "y")]) == {"Identity": "x", "Server": "y"}
    assert bind(PARAMETERS, [("", "x")]) == {"Identity": "x"}


def test_what_is_not_bound_is_refused() -> None:
    assert refusal(("Identity", "x"), ("Foo", 1)).error_id == "NamedParameterNotFound"
    assert refusal(("Identity", "x"), ("S", 1)).error_id == "AmbiguousParameter"
    assert refusal(("Identity", "x"), ("identity", "y")).error_id == "ParameterAlreadyBound"
    assert refusal(("Server", "x")).error_id == "MissingMandatoryParameter"
    assert refusal(("", "x"), ("", "y")).error_id == "PositionalParameterNotFound"


@pytest.mark.parametrize(
    ("name", "value"),
    [("Enabled", "maybe"), ("Enabled", None), ("Identity", ["a", "b"]), ("List", {"Append": "x"}), ("StartTime", "?")],
)
def test_values_of_the_wrong_type_are_refused(name: str, value: Any) -> None:
    refused = refusal(*({"Identity": "x", name: value}.items()))
    assert refused.error_id == "ParameterArgumentTransformationError"
    assert f"'{name}'" in refused.message


def test_values_are_converted() -> None:
    assert bound(("WhatIf", None))["WhatIf"] is True
    assert bound(("WhatIf", False))["WhatIf"] is False
    assert bound(("Enabled", 1))["Enabled"] is True
    assert bound(("ResultSize", "unlimited"))["ResultSize"] is None
    assert bound(("ResultSize", "10"))["ResultSize"] == 10
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for written in ("2026-11-20T12:00:00Z", "2026-11-20T13:00:00+01:00", "11/20/2026 12:00:00 PM", noon):
        assert bound(("StartTime", written))["StartTime"] == noon


def test_lists_are_replaced_or_edited() -> None:
    present = ("a", "B", "c")
    assert bound(("List", ("x", "y")))["List"].applied(present) == ("x", "y")
    assert bound(("List", "x"))["List"].applied(present) == ("x",)
    assert bound(("List", None))["List"].applied(present) is None
    assert bound(("List", ()))["List"].applied(present) == ()
    assert bound(("List", {"add": ("d", "A"), "remove": "b"}))["List"].applied(present) == ("a", "c", "d")
    assert bound(("List", {"Add": "x"}))["List"].applied(None) == ("x",)
    assert ListEdit(add=("x",)).applied(()) == ("x",)


def test_every_cmdlet_takes_what_such_cmdlets_take() -> None:
    assert len(CATALOGUE) >= 38
    for cmdlet in CATALOGUE.values():
        names = {parameter.name for parameter in cmdlet.parameters}
        assert len(names) == len(cmdlet.parameters), cmdlet.name
        assert {"DomainController", "ErrorAction", "Verbose"} <= names
        assert ("WhatIf" in names) == ("Confirm" in names) == (not cmdlet.name.startswith("Get-"))


def test_unknown_cmdlets_and_parameters_look_like_missing_permissions() -> None:
    shell = Shell()
    for answer in (
        shell.try_("Get-Foo"),
        shell.try_("New-MailUser", Name="x", ExternalEmailAddress="x@contoso.com", ApplicationAccount="y"),
        shell.try_(
            "Set-MailboxFolderPermission",
            Identity=CALENDAR,
            User=GRACE,
            AccessRights="Editor",
            SharingPermissionFlags="Delegate",
        ),
    ):
        assert answer.failure is not None
        assert answer.failure.reason is FailureReason.FORBIDDEN
        assert answer.failure.next_step
    assert "'ApplicationAccount'" in shell.refused(
        "New-MailUser", Name="x", ExternalEmailAddress="x@contoso.com", ApplicationAccount="y"
    )


def test_what_if_changes_nothing() -> None:
    shell = Shell()
    before = shell.organization
    shell.run("Set-CASMailbox", Identity=ADA, EwsEnabled=False, WhatIf=True)
    shell.run("Remove-MailUser", Identity="TeamsIntegration-ApplicationAccount", WhatIf=None)
    assert shell.run("New-ManagementRole", "New", Parent="UserApplication", WhatIf=True).objects == ()
    assert shell.organization == before
    shell.run("Set-CASMailbox", Identity=ADA, EwsEnabled=False, WhatIf=False)
    assert shell.organization != before


def test_a_removal_must_not_ask() -> None:
    shell = Shell()
    says = shell.refused("Remove-MailboxFolderPermission", Identity=CALENDAR, User=GRACE)
    assert "does not support user interaction" in says
    assert "does not support" in shell.refused(
        "Remove-MailboxFolderPermission", Identity=CALENDAR, User=GRACE, Confirm=True
    )
    shell.run("Remove-MailboxFolderPermission", Identity=CALENDAR, User=GRACE, Confirm=False)
    assert shell.organization.one(r.MailboxFolderPermission, ON, f"{CALENDAR}/{GRACE}") is None


def test_error_action() -> None:
    shell = Shell()
    caller = Caller("somebody", "ex2.contoso.com")
    plain = execute(shell.estate, ask("Get-Mailbox", "nobody"), caller)
    (error,) = plain.errors
    assert not plain.failed
    assert (error.category, error.reason) == ("NotSpecified", "ManagementObjectNotFoundException")
    assert error.error_id.startswith("[Server=EX2,RequestId=")
    assert "TimeStamp=11/20/2026 12:00:00 PM] [FailureCategory=Cmdlet-ManagementObjectNotFound" in error.error_id
    assert error.error_id.endswith(",Microsoft.Exchange.Management.RecipientTasks.GetMailbox")
    assert execute(shell.estate, ask("Get-Mailbox", "nobody", ErrorAction="Stop"), caller).failed
    assert execute(shell.estate, ask("Get-Mailbox", "nobody", ErrorAction="SilentlyContinue"), caller).errors == ()


def test_a_cmdlet_of_the_other_side_is_unknown() -> None:
    answer = run(Shell().estate, CmdletAsk(premises=Premises.ONLINE, name="Get-ExchangeServer"), "somebody")
    assert answer.failure is not None
    assert answer.failure.reason is FailureReason.FORBIDDEN
