"""Answers from a folder of exports: finding files, narrowing, and saying what is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hybridge.net.answerers.exports import EXPORTS, command_for, commands
from hybridge.net.answerers.snapshot import SnapshotAnswerer, SnapshotProblem
from hybridge.terms.premises import Premises
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, DnsAsk, Failure, FailureReason, HttpAsk

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
AUTH = {"CurrentCertificateThumbprint": "AA", "ServiceName": "x"}


def export(path: Path, *objects: dict[str, Any]) -> None:
    """An Export-Clixml file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(clixml.write(objects, "Any", encoding="utf-16"))


async def answer(folder: Path, name: str, premises: Premises = ON, **parameters: Any) -> CmdletAnswer:
    ask = CmdletAsk(premises=premises, name=name, parameters=tuple(parameters.items()))
    return await SnapshotAnswerer(folder).cmdlet(ask)


async def failure(folder: Path, name: str, premises: Premises = ON, **parameters: Any) -> Failure:
    found = (await answer(folder, name, premises, **parameters)).failure
    assert found is not None
    return found


@pytest.mark.parametrize(
    "name",
    [
        "GetAuthConfig.xml",
        "Get-AuthConfig.xml",
        "get-authconfig.XML",
        "HC_E16_Exchange_GetAuthConfig.xml",
        "2026-11-20_Get-AuthConfig.clixml",
        "GetAuthConfig.on-premises.xml",
    ],
)
async def test_a_file_is_found_by_its_cmdlet(tmp_path: Path, name: str) -> None:
    export(tmp_path / name, AUTH)
    assert (await answer(tmp_path, "Get-AuthConfig")).objects == (AUTH,)


@pytest.mark.parametrize(
    "name", ["GetAuthConfigNoNextCert.xml", "NotGetAuthConfig.xml", "GetAuthConfig.txt", "online/GetAuthConfig.xml"]
)
async def test_a_file_of_another_name_is_not_taken(tmp_path: Path, name: str) -> None:
    export(tmp_path / name, AUTH)
    found = await failure(tmp_path, "Get-AuthConfig")
    assert found.reason is FailureReason.NOT_EXPORTED
    assert found.says == "The snapshot holds no export of Get-AuthConfig."
    assert "Get-AuthConfig | Export-Clixml -Path GetAuthConfig.xml" in found.next_step


@pytest.mark.parametrize("name", ["online/GetOrganizationConfig.xml", "GetOrganizationConfig.online.xml"])
async def test_the_online_side_is_kept_apart(tmp_path: Path, name: str) -> None:
    export(tmp_path / "GetOrganizationConfig.xml", {"Name": "here", "EwsEnabled": True})
    export(tmp_path / name, {"Name": "there", "EwsEnabled": False})
    for premises, expected in ((ON, "here"), (ONLINE, "there")):
        (found,) = (await answer(tmp_path, "Get-OrganizationConfig", premises)).objects
        assert found["Name"] == expected


@pytest.mark.parametrize("name", ["GetCsTeamsUpgradePolicy.json", "online/Get-CsTeamsUpgradePolicy.json"])
async def test_a_cmdlet_of_teams_is_found_on_either_place(tmp_path: Path, name: str) -> None:
    (tmp_path / "online").mkdir()
    (tmp_path / name).write_text('{"Identity": "Global", "Mode": "Islands"}')
    assert len((await answer(tmp_path, "Get-CsTeamsUpgradePolicy", ONLINE)).objects) == 1


async def test_the_exact_name_wins_and_the_others_are_told(tmp_path: Path) -> None:
    for name in ("B_GetAuthConfig.xml", "A_GetAuthConfig.xml", "GetAuthConfig.xml"):
        export(tmp_path / name, {**AUTH, "Name": name})
    found = await answer(tmp_path, "Get-AuthConfig")
    assert found.objects[0]["Name"] == "GetAuthConfig.xml"
    (warning,) = found.warnings
    assert "'A_GetAuthConfig.xml', 'B_GetAuthConfig.xml'" in warning
    (tmp_path / "GetAuthConfig.xml").unlink()
    found = await answer(tmp_path, "Get-AuthConfig")
    assert found.objects[0]["Name"] == "A_GetAuthConfig.xml"


POLICY = {"Identity": "Global", "Mode": "TeamsOnly"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("document", [POLICY, [POLICY], {"value": [POLICY]}, {"value": [POLICY], "Count": 1}])
async def test_json_in_every_shape_of_convertto_json(tmp_path: Path, encoding: str, document: Any) -> None:
    (tmp_path / "GetCsTeamsUpgradePolicy.json").write_bytes(json.dumps(document, indent=2).encode(encoding))
    assert (await answer(tmp_path, "Get-CsTeamsUpgradePolicy", ONLINE)).objects == (POLICY,)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\r\x00\n\x00", "is empty"),
        (b"<Objs", "not well-formed"),
        (b"<Objs><Obj RefId='0'><Props><Ref N='A' RefId='0'/></Props></Obj></Objs>", "contains itself"),
        (b"not xml at all", "not well-formed"),
        (clixml.write([{"RawData": b"0"}], "Certificate"), "holds something else than its name says"),
    ],
)
async def test_an_unreadable_file_is_a_failure_that_names_it(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "GetAuthConfig.xml").write_bytes(content)
    found = await failure(tmp_path, "Get-AuthConfig")
    assert found.reason is FailureReason.MALFORMED
    assert "GetAuthConfig.xml" in found.says and says in found.says
    assert "Get-AuthConfig | Export-Clixml" in found.next_step


@pytest.mark.parametrize("content", [b"{", b'{"a": 1} {', b"\xff\xfe{", b"[" * 5000, b"\x80"])
async def test_broken_json_is_a_failure_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "GetAuthConfig.json").write_bytes(content)
    found = await failure(tmp_path, "Get-AuthConfig")
    assert found.reason is FailureReason.MALFORMED and "GetAuthConfig.json" in found.says


def test_a_missing_folder_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(SnapshotProblem, match=re.escape(f"The snapshot folder '{tmp_path / 'none'}' does not exist.")):
        SnapshotAnswerer(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(SnapshotProblem, match="is a file; a snapshot is a folder"):
        SnapshotAnswerer(tmp_path / "file")


BOXES = tuple(
    {
        "Name": name,
        "Identity": {"ToString": f"contoso.lab/Users/{name}", "Name": name},
        "PrimarySmtpAddress": f"{alias}@contoso.com",
        "UserPrincipalName": f"{alias}@corp.contoso.com",
        "EmailAddresses": [f"SMTP:{alias}@contoso.com", f"smtp:{alias}.old@contoso.com"],
    }
    for name, alias in (("Ada Lovelace", "ada"), ("Grace Hopper", "grace"))
)


@pytest.mark.parametrize(
    "identity",
    [
        "grace@contoso.com",
        "GRACE@CONTOSO.COM",
        "grace@corp.contoso.com",
        "grace.old@contoso.com",
        "Grace Hopper",
        "contoso.lab/Users/Grace Hopper",
    ],
)
async def test_identity_names_an_object_in_any_usual_way(tmp_path: Path, identity: str) -> None:
    export(tmp_path / "GetMailbox.xml", *BOXES)
    found = await answer(tmp_path, "Get-Mailbox", Identity=identity)
    assert [box["Name"] for box in found.objects] == ["Grace Hopper"]


async def test_an_object_that_is_not_in_the_export_is_not_found(tmp_path: Path) -> None:
    export(tmp_path / "GetMailbox.xml", *BOXES)
    found = await answer(tmp_path, "Get-Mailbox", Identity="nobody@contoso.com")
    assert (found.not_found, found.objects, found.failure) == (True, (), None)
    assert found.errors == ("'nobody@contoso.com' is not in the export 'GetMailbox.xml' of Get-Mailbox.",)
    assert len((await answer(tmp_path, "Get-Mailbox", ResultSize="Unlimited")).objects) == 2


async def test_permissions_are_those_of_the_mailbox_in_every_language(tmp_path: Path) -> None:
    entries: list[dict[str, Any]] = [
        {"Mailbox": f"{alias}@contoso.com", "FolderName": folder, "User": "Default", "AccessRights": ["None"]}
        for alias, folder in (("ada", "Kalender"), ("grace", "Calendar"))
    ]
    export(tmp_path / "GetMailboxFolderPermission.xml", *entries)
    for identity in ("ada@contoso.com:\\Calendar", "Ada@contoso.com:\\Kalender"):
        found = await answer(tmp_path, "Get-MailboxFolderPermission", Identity=identity)
        assert found.objects == (entries[0],)
    for identity in ("alan@contoso.com:\\Calendar", "ada@contoso.com:\\Inbox"):
        missing = await failure(tmp_path, "Get-MailboxFolderPermission", Identity=identity)
        assert missing.reason is FailureReason.NOT_EXPORTED and identity in missing.says
    found = await answer(tmp_path, "Get-MailboxFolderPermission", Identity="ada@contoso.com:\\Calendar", User="default")
    assert len(found.objects) == 1


async def test_automatic_replies_are_those_of_the_mailbox(tmp_path: Path) -> None:
    replies: list[dict[str, Any]] = [
        {"Mailbox": "ada@contoso.com", "AutoReplyState": "Enabled"},
        {"Identity": {"ToString": "contoso.lab/Users/grace@contoso.com"}, "AutoReplyState": "Disabled"},
    ]
    export(tmp_path / "GetMailboxAutoReplyConfiguration.xml", *replies)
    for mailbox, expected in (("ada@contoso.com", "Enabled"), ("grace@contoso.com", "Disabled")):
        (found,) = (await answer(tmp_path, "Get-MailboxAutoReplyConfiguration", Identity=mailbox)).objects
        assert found["AutoReplyState"] == expected


async def test_role_entries_and_assignments_are_narrowed(tmp_path: Path) -> None:
    role, account = "TeamsIntegrationRole", "contoso.lab/Users/TeamsIntegration-ApplicationAccount"
    entries: list[dict[str, Any]] = [
        {"Name": name, "Role": {"ToString": each}} for each in (role, "Other") for name in ("GetDelegate", "FindItem")
    ]
    export(tmp_path / "GetManagementRoleEntry.xml", *entries)
    export(tmp_path / "GetManagementRoleAssignment.xml", {"Role": role, "RoleAssignee": account, "Name": "x"})
    assert len((await answer(tmp_path, "Get-ManagementRoleEntry", Identity=f"{role}\\*")).objects) == 2
    assert len((await answer(tmp_path, "Get-ManagementRoleEntry", Identity=f"{role}\\FindItem")).objects) == 1
    for assignee, count in (("teamsintegration-applicationaccount", 1), (account, 1), ("nobody", 0)):
        found = await answer(tmp_path, "Get-ManagementRoleAssignment", RoleAssignee=assignee)
        assert (len(found.objects), found.not_found, found.failure) == (count, False, None)


CERTIFICATE = {"Thumbprint": "AA" * 20}


async def test_certificates_of_a_server_that_was_not_exported_are_unknown(tmp_path: Path) -> None:
    export(tmp_path / "GetExchangeCertificate.xml", {**CERTIFICATE, "PSComputerName": "ex1.contoso.com"})
    assert len((await answer(tmp_path, "Get-ExchangeCertificate", Server="EX1")).objects) == 1
    found = await failure(tmp_path, "Get-ExchangeCertificate", Server="EX2")
    assert found.reason is FailureReason.NOT_EXPORTED and "'EX2'" in found.says


@pytest.mark.parametrize(("servers", "known"), [(["EX1"], True), (["EX1", "EX2"], False), ([], False)])
async def test_certificates_without_a_server_belong_to_the_only_one(
    tmp_path: Path, servers: list[str], known: bool
) -> None:
    export(tmp_path / "GetExchangeCertificate.xml", CERTIFICATE)
    export(tmp_path / "GetExchangeServer.xml", *({"Name": name, "Fqdn": f"{name}.contoso.com"} for name in servers))
    found = await answer(tmp_path, "Get-ExchangeCertificate", Server="ex1.contoso.com")
    assert (found.failure is None) is known
    assert len((await answer(tmp_path, "Get-ExchangeCertificate")).objects) == 1


async def test_a_service_principal_is_found_by_its_application_id(tmp_path: Path) -> None:
    (tmp_path / "GetMgServicePrincipal.json").write_text('{"value": [{"appId": "one"}, {"appId": "two"}]}')
    for parameter in ("AppId", "Identity"):
        found = await answer(tmp_path, "Get-MgServicePrincipal", ONLINE, **{parameter: "TWO"})
        assert found.objects == ({"appId": "two"},)
        assert (await answer(tmp_path, "Get-MgServicePrincipal", ONLINE, **{parameter: "three"})).not_found


async def test_a_parameter_nothing_is_done_about_is_told(tmp_path: Path) -> None:
    export(tmp_path / "GetMailbox.xml", *BOXES)
    found = await answer(tmp_path, "Get-Mailbox", Filter="Name -like 'A*'")
    assert found.warnings == ("The snapshot ignores the parameter Filter of Get-Mailbox.",)


async def test_a_snapshot_only_reads(tmp_path: Path) -> None:
    found = await failure(tmp_path, "Set-OrganizationConfig", EwsEnabled=True)
    assert found.reason is FailureReason.REFUSED and "Set-OrganizationConfig" in found.says


async def test_nothing_recorded_is_not_exported(tmp_path: Path) -> None:
    snapshot = SnapshotAnswerer(tmp_path)
    http = (await snapshot.http(HttpAsk(method="GET", url="https://mail.contoso.com/api"))).failure
    dns = (await snapshot.dns(DnsAsk(name="contoso.com"))).failure
    assert http and http.reason is FailureReason.NOT_EXPORTED and "GET https://mail.contoso.com/api" in http.says
    assert dns and dns.reason is FailureReason.NOT_EXPORTED and "A contoso.com" in dns.says
    assert snapshot.taken_at is None


def test_the_printed_commands_can_be_pasted() -> None:
    printed = commands()
    assert printed.isascii()
    assert not re.search(r"[\t\x00-\x09\x0b-\x1f]", printed)
    for line in printed.splitlines():
        assert line.count('"') % 2 == line.count("'") % 2 == 0, line
        assert line.count("{") == line.count("}") and line.count("(") == line.count(")"), line


def test_the_printed_commands_only_read() -> None:
    assert set(re.findall(r"\b(?:Set|New)-\w+", commands())) == {"Set-Location", "New-Item"}
    assert set(re.findall(r"-Method (\w+)", commands())) == {"GET"}


def test_every_cmdlet_that_is_read_is_exported() -> None:
    exported = {one.cmdlet for one in EXPORTS}
    assert set(cmdlets.NOUNS) - exported == {"Get-Delegate"}
    assert all(one.line in commands() for one in EXPORTS)


async def test_a_printed_file_name_is_found_again(tmp_path: Path) -> None:
    for one in EXPORTS:
        path = tmp_path / one.file.replace("\\", "/")
        path.parent.mkdir(exist_ok=True)
        if one.json:
            path.write_text("[]")
        else:
            export(path)
        found = await answer(tmp_path, one.cmdlet, one.premises)
        assert found == CmdletAnswer(), one


def test_an_unlisted_cmdlet_has_a_line_too() -> None:
    assert command_for("Get-SendConnector", ON) == "Get-SendConnector | Export-Clixml -Path GetSendConnector.xml"
