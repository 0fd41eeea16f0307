"""What the lab's Get- cmdlets show, and which object an identity means."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.lab.cmdlet_shell import ADA, CALENDAR, CERTIFICATE, GRACE, NOW, ON, Shell

from hybridge.org import records as r
from hybridge.org.records import Record
from hybridge.terms import applications as apps

WHOLE: tuple[tuple[type[Record], str], ...] = (
    (r.OrganizationConfig, "Get-OrganizationConfig"),
    (r.Mailbox, "Get-Mailbox"),
    (r.CasMailbox, "Get-CASMailbox"),
    (r.MailUser, "Get-MailUser"),
    (r.ExchangeServer, "Get-ExchangeServer"),
    (r.AuthConfig, "Get-AuthConfig"),
    (r.AuthServer, "Get-AuthServer"),
    (r.PartnerApplication, "Get-PartnerApplication"),
    (r.ManagementRole, "Get-ManagementRole"),
    (r.ManagementRoleAssignment, "Get-ManagementRoleAssignment"),
    (r.WebServicesVirtualDirectory, "Get-WebServicesVirtualDirectory"),
)


@pytest.mark.parametrize(("kind", "cmdlet"), WHOLE, ids=[cmdlet for _, cmdlet in WHOLE])
def test_every_record_is_shown_and_reads_back_equal(kind: type[Record], cmdlet: str) -> None:
    shell = Shell()
    assert shell.records(cmdlet) == shell.organization.all(kind, ON)


def test_records_of_one_mailbox_or_server_read_back_equal() -> None:
    shell = Shell()
    assert set(shell.records("Get-MailboxFolderPermission", Identity=CALENDAR)) == set(
        shell.organization.all(r.MailboxFolderPermission, ON, ADA)
    )
    assert shell.records("Get-MailboxAutoReplyConfiguration", Identity=ADA) == shell.organization.all(
        r.UserOofSettings, ON, ADA
    )
    for server in ("EX1", "EX2"):
        (certificate,) = shell.records("Get-ExchangeCertificate", Server=server)
        assert certificate == shell.organization.one(r.ExchangeCertificate, ON, f"{server}/{CERTIFICATE.thumbprint}")


@pytest.mark.parametrize(
    "identity",
    [ADA, "ADA@CONTOSO.COM", "ada", "Ada Lovelace", "contoso.com/Users/Ada Lovelace", "CN=Ada Lovelace,CN=Users"],
)
def test_a_mailbox_answers_to_every_name_of_its_own(identity: str) -> None:
    shell = Shell()
    (mailbox,) = shell.records("Get-Mailbox", identity)
    (access,) = shell.records("Get-CASMailbox", Identity=identity)
    assert (mailbox.identity, access.identity) == (ADA, ADA)


def test_a_mailbox_online_or_of_nobody_is_not_found() -> None:
    shell = Shell()
    for stranger in ("linus@contoso.com", "nobody@contoso.com"):
        answer = shell.try_("Get-Mailbox", Identity=stranger)
        assert answer.not_found
        assert answer.failure is None
        assert stranger in answer.errors[0]
        assert "dc1.contoso.com" in answer.errors[0]
    named = shell.try_("Get-CASMailbox", Identity="nobody", DomainController="dc7.contoso.com")
    assert "dc7.contoso.com" in named.errors[0]


def test_wildcards_and_limits() -> None:
    shell = Shell()
    assert [one.identity for one in shell.records("Get-Mailbox", "a*")] == [ADA, "alan@contoso.com"]
    assert shell.records("Get-Mailbox", "z*") == ()
    assert len(shell.records("Get-Mailbox", ResultSize=1)) == 1
    assert len(shell.records("Get-Mailbox", ResultSize="Unlimited")) == 4
    assert [one.identity for one in shell.records("Get-Mailbox", Server="EX2")] == [
        "alan@contoso.com",
        "katherine@contoso.com",
    ]


def test_partner_applications_answer_to_name_and_id() -> None:
    shell = Shell()
    by_name = shell.records("Get-PartnerApplication", Identity="teamsscheduler")
    by_id = shell.records("Get-PartnerApplication", Identity=apps.TEAMS_SCHEDULER.upper())
    assert by_name == by_id != ()


def test_role_entries_are_shown_one_by_one() -> None:
    shell = Shell()
    role = apps.INTEGRATION_ROLE
    whole = shell.run("Get-ManagementRoleEntry", f"{role}\\*").objects
    assert tuple(sorted(str(one["Name"]) for one in whole)) == tuple(sorted(apps.INTEGRATION_ROLE_ENTRIES))
    (one,) = shell.run("Get-ManagementRoleEntry", Identity=f"{role}\\getdelegate").objects
    assert one["Name"] == "GetDelegate"
    assert len(shell.run("Get-ManagementRoleEntry", Identity="*\\GetDelegate").objects) == 2
    assert shell.try_("Get-ManagementRoleEntry", Identity=f"{role}\\SendItem").not_found
    assert "Use the format" in shell.refused("Get-ManagementRoleEntry", Identity=role)


def test_assignments_are_narrowed_by_role_and_assignee() -> None:
    shell = Shell()
    for found in (
        shell.records("Get-ManagementRoleAssignment", RoleAssignee=apps.INTEGRATION_ACCOUNT),
        shell.records("Get-ManagementRoleAssignment", Role=apps.INTEGRATION_ROLE),
        shell.records("Get-ManagementRoleAssignment", Identity=f"{apps.INTEGRATION_ROLE}-{apps.INTEGRATION_ACCOUNT}"),
    ):
        assert [one.identity for one in found] == [f"{apps.INTEGRATION_ROLE}-{apps.INTEGRATION_ACCOUNT}"]
    (built_in,) = shell.records("Get-ManagementRoleAssignment", Role=apps.INTEGRATION_ROLE_PARENT)
    assert built_in.identity == f"{apps.INTEGRATION_ROLE_PARENT}-Exchange Online-ApplicationAccount"
    assert shell.records("Get-ManagementRoleAssignment", RoleAssignee=GRACE) == ()
    assert shell.try_("Get-ManagementRoleAssignment", RoleAssignee="nobody").not_found


def test_a_certificate_is_found_by_thumbprint_and_server() -> None:
    shell = Shell()
    thumbprint = CERTIFICATE.thumbprint
    assert len(shell.run("Get-ExchangeCertificate").objects) == 1
    assert len(shell.run("Get-ExchangeCertificate", thumbprint.lower()).objects) == 1
    assert shell.records("Get-ExchangeCertificate", Server="ex2.contoso.com", Thumbprint=thumbprint)
    assert "was not found" in shell.refused("Get-ExchangeCertificate", Thumbprint="00" * 20)
    assert shell.try_("Get-ExchangeCertificate", Server="EX9").not_found


def test_a_folder_that_does_not_exist_is_not_found() -> None:
    shell = Shell()
    assert shell.try_("Get-MailboxFolderPermission", Identity=f"{ADA}:\\Kalender").not_found
    assert shell.try_("Get-MailboxFolderPermission", Identity=f"{ADA}\\Calendar").not_found
    assert shell.try_("Get-MailboxFolderPermission", Identity="nobody:\\Calendar").not_found
    (own,) = shell.records("Get-MailboxFolderPermission", Identity="Ada Lovelace:\\calendar", User="default")
    assert isinstance(own, r.MailboxFolderPermission)
    assert own.access_rights == ("AvailabilityOnly",)
    missing = shell.try_("Get-MailboxFolderPermission", Identity=CALENDAR, User="alan@contoso.com")
    assert missing.not_found
    assert missing.errors == ("There is no existing permission entry found for user: alan@contoso.com.",)


def test_accepted_domains() -> None:
    shell = Shell()
    names = [one["Name"] for one in shell.run("Get-AcceptedDomain").objects]
    assert names[0] == "contoso.com"
    assert len(names) == 3
    assert shell.run("Get-AcceptedDomain", "contoso.com").objects[0]["Default"] is True


def test_automatic_replies_keep_their_instants() -> None:
    shell = Shell()
    shell.run(
        "Set-MailboxAutoReplyConfiguration",
        Identity=ADA,
        AutoReplyState="scheduled",
        StartTime=NOW,
        EndTime=(NOW + timedelta(days=2)).isoformat(),
        InternalMessage="Away",
    )
    assert shell.records("Get-MailboxAutoReplyConfiguration", Identity=ADA) == (
        r.UserOofSettings(
            premises=ON, identity=ADA, oof_state="Scheduled", start_at=NOW, end_at=NOW + timedelta(days=2)
        ),
    )
