"""What the lab's Set-, New-, Add- and Remove- cmdlets do, what they refuse, and that undoing restores equality."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.cmdlet_shell import ADA, ALAN, CALENDAR, GRACE, MARIE, ON, Shell

from hybridge.org import records as r
from hybridge.terms import applications as apps

ACCOUNT, ROLE, PARENT = apps.INTEGRATION_ACCOUNT, apps.INTEGRATION_ROLE, apps.INTEGRATION_ROLE_PARENT
ENFORCED: dict[str, Any] = {"EwsApplicationAccessPolicy": "EnforceAllowList"}


def config(shell: Shell) -> r.OrganizationConfig:
    (found,) = shell.organization.all(r.OrganizationConfig, ON)
    return found


def test_an_allow_list_is_edited_only_beside_its_policy() -> None:
    shell = Shell()
    healthy = shell.organization
    says = shell.refused("Set-OrganizationConfig", EwsAllowList={"Add": ("x/*",)})
    assert says == "EwsApplicationAccessPolicy must be specified if to set EwsAllowList or EwsBlockList."
    assert "must be specified" in shell.refused("Set-CASMailbox", ADA, EwsBlockList=None)
    shell.run("Set-OrganizationConfig", EwsAllowList={"Add": ("x/*", "y/*")}, **ENFORCED)
    before = config(Shell()).ews_allow_list or ()
    assert config(shell).ews_allow_list == (*before, "x/*", "y/*")
    shell.run("Set-OrganizationConfig", EwsAllowList={"Remove": ("X/*", "Y/*")}, **ENFORCED)
    assert shell.organization == healthy


def test_no_list_and_an_empty_list_differ() -> None:
    shell = Shell()
    shell.run("Set-OrganizationConfig", EwsAllowList=None, **ENFORCED)
    assert config(shell).ews_allow_list is None
    shell.run("Set-OrganizationConfig", EwsAllowList=(), **ENFORCED)
    assert config(shell).ews_allow_list == ()


def test_policy_and_switch_take_null() -> None:
    shell = Shell()
    shell.run("Set-CASMailbox", ADA, EwsEnabled=None, EwsApplicationAccessPolicy="enforceblocklist")
    access = shell.organization.one(r.CasMailbox, ON, ADA)
    assert access is not None
    assert (access.ews_enabled, access.ews_application_access_policy) == (None, "EnforceBlockList")
    shell.run("Set-CASMailbox", ADA, EwsApplicationAccessPolicy=None)
    access = shell.organization.one(r.CasMailbox, ON, ADA)
    assert access is not None
    assert access.ews_application_access_policy is None
    assert "EnforceAllowList, EnforceBlockList" in shell.refused(
        "Set-CASMailbox", ADA, EwsApplicationAccessPolicy="Allow"
    )


def test_changing_nothing_warns() -> None:
    shell = Shell()
    answer = shell.run("Set-CASMailbox", ADA, EwsEnabled=True)
    assert "no settings of 'ada@contoso.com' have been modified" in answer.warnings[0]


def test_send_on_behalf_is_kept_as_addresses() -> None:
    shell = Shell()
    healthy = shell.organization
    shell.run("Set-Mailbox", ADA, GrantSendOnBehalfTo={"Add": ("Alan Turing", MARIE)})
    mailbox = shell.organization.one(r.Mailbox, ON, ADA)
    assert mailbox is not None
    assert mailbox.grant_send_on_behalf_to == (GRACE, ALAN, MARIE)
    shell.run("Set-Mailbox", ADA, GrantSendOnBehalfTo={"Remove": ("alan", "Marie Curie")})
    assert shell.organization == healthy
    assert 'Couldn\'t find object "nobody"' in shell.refused("Set-Mailbox", ADA, GrantSendOnBehalfTo={"Add": "nobody"})
    assert shell.try_("Set-Mailbox", "nobody", HiddenFromAddressListsEnabled=True).not_found


def test_folder_permissions_come_and_go() -> None:
    shell = Shell()
    healthy = shell.organization
    shell.run("Add-MailboxFolderPermission", Identity=CALENDAR, User="Alan Turing", AccessRights="reviewer")
    entry = shell.organization.one(r.MailboxFolderPermission, ON, f"{CALENDAR}/{ALAN}")
    assert entry is not None
    assert (entry.user, entry.access_rights) == (ALAN, ("Reviewer",))
    assert "An existing permission entry" in shell.refused(
        "Add-MailboxFolderPermission", Identity=CALENDAR, User=ALAN, AccessRights="Editor"
    )
    shell.run(
        "Set-MailboxFolderPermission", Identity=CALENDAR, User=ALAN, AccessRights=("CreateItems", "FolderVisible")
    )
    shell.run("Remove-MailboxFolderPermission", Identity=CALENDAR, User="alan", Confirm=False)
    assert shell.organization == healthy


def test_folder_permissions_that_are_refused() -> None:
    shell = Shell()
    missing = shell.try_("Set-MailboxFolderPermission", Identity=CALENDAR, User=ALAN, AccessRights="Editor")
    assert missing.errors == (f"There is no existing permission entry found for user: {ALAN}.",)
    assert missing.not_found
    assert "not valid SMTP address" in shell.refused(
        "Add-MailboxFolderPermission", Identity=CALENDAR, User="nobody", AccessRights="Editor"
    )
    assert "can't remove" in shell.refused(
        "Remove-MailboxFolderPermission", Identity=CALENDAR, User="default", Confirm=False
    )
    assert "Specify one of" in shell.refused(
        "Set-MailboxFolderPermission", Identity=CALENDAR, User=GRACE, AccessRights="Master"
    )


def test_automatic_replies_are_switched_off_again() -> None:
    shell = Shell()
    healthy = shell.organization
    shell.run("Set-MailboxAutoReplyConfiguration", ADA, AutoReplyState="Enabled")
    replies = shell.organization.one(r.UserOofSettings, ON, ADA)
    assert replies is not None
    assert replies.oof_state == "Enabled"
    shell.run("Set-MailboxAutoReplyConfiguration", ADA, AutoReplyState="Disabled")
    assert shell.organization == healthy
    assert "before the end time" in shell.refused(
        "Set-MailboxAutoReplyConfiguration", ADA, AutoReplyState="Scheduled", StartTime="2026-11-21T00:00:00Z"
    )


def take_apart(shell: Shell) -> None:
    """Remove everything the procedure for partner applications made."""
    for name in apps.TEAMS_PAIR.values():
        shell.run("Remove-PartnerApplication", name, Confirm=False)
    shell.run("Remove-ManagementRoleAssignment", f"{ROLE}-{ACCOUNT}", Confirm=False)
    shell.run("Remove-ManagementRole", ROLE, Confirm=False)
    shell.run("Remove-MailUser", ACCOUNT, Confirm=False)


def test_the_whole_procedure_restores_the_healthy_organization() -> None:
    shell = Shell()
    healthy = shell.organization
    take_apart(shell)
    assert shell.try_("Get-MailUser", ACCOUNT).not_found
    assert len(shell.organization) == len(healthy) - 5
    shell.run("New-MailUser", Name=ACCOUNT, ExternalEmailAddress=f"{ACCOUNT}@contoso.com")
    shell.run("Set-MailUser", Identity=f"{ACCOUNT}@contoso.com", HiddenFromAddressListsEnabled=True)
    shell.run("New-ManagementRole", Name=ROLE, Parent=PARENT)
    for entry in shell.run("Get-ManagementRoleEntry", f"{ROLE}\\*").objects:
        if entry["Name"] not in apps.INTEGRATION_ROLE_ENTRIES:
            shell.run("Remove-ManagementRoleEntry", Identity=f"{ROLE}\\{entry['Name']}", Confirm=False)
    shell.run("New-ManagementRoleAssignment", Role=ROLE, User=ACCOUNT)
    for app_id, name in apps.TEAMS_PAIR.items():
        shell.run(
            "New-PartnerApplication", Name=name, ApplicationIdentifier=app_id, Enabled=True, LinkedAccount=ACCOUNT
        )
    assert shell.organization == healthy


def test_what_a_removal_removed_is_made_again_by_its_opposite() -> None:
    """New- after Remove-, and Remove- after New-, are inverse for each kind."""
    shell = Shell()
    healthy = shell.organization
    shell.run("New-MailUser", "Second", ExternalEmailAddress="SMTP:second@fabrikam.com")
    assert shell.organization.all(r.MailUser, ON)[0] == r.MailUser(
        premises=ON,
        identity="Second",
        user_principal_name="Second@contoso.com",
        external_email_address="second@fabrikam.com",
    )
    shell.run("New-ManagementRole", "Child", Parent=ROLE)
    shell.run("New-ManagementRoleAssignment", Role="child", User="second@contoso.com")
    assert shell.organization.one(r.ManagementRoleAssignment, ON, "Child-Second") is not None
    shell.run("Remove-ManagementRoleAssignment", "Child-Second", Confirm=False)
    shell.run("Remove-ManagementRole", "Child", Confirm=False)
    shell.run("Remove-MailUser", "Second", Confirm=False)
    assert shell.organization == healthy


def test_a_role_that_is_used_or_built_in_stays() -> None:
    shell = Shell()
    assert f"'{ROLE}-{ACCOUNT}' uses it" in shell.refused("Remove-ManagementRole", ROLE, Confirm=False)
    assert "uses it" in shell.refused("Remove-ManagementRole", ROLE, Recurse=True, Confirm=False)
    assert "built in" in shell.refused("Remove-ManagementRole", PARENT, Confirm=False)
    assert "built in" in shell.refused("Remove-ManagementRoleEntry", f"{PARENT}\\GetItem", Confirm=False)
    shell.run("New-ManagementRole", "Child", Parent=ROLE)
    shell.run("Remove-ManagementRoleAssignment", f"{ROLE}-{ACCOUNT}", Confirm=False)
    assert "has child roles" in shell.refused("Remove-ManagementRole", ROLE, Confirm=False)
    shell.run("Remove-ManagementRole", ROLE, Recurse=None, Confirm=False)
    assert shell.organization.one(r.ManagementRole, ON, "Child") is None


def test_a_role_holds_only_what_its_parent_has() -> None:
    shell = Shell()
    healthy = shell.organization
    assert "doesn't contain it" in shell.refused("Add-ManagementRoleEntry", f"{ROLE}\\ArchiveItem")
    assert "already exists" in shell.refused("Add-ManagementRoleEntry", f"{ROLE}\\GetDelegate")
    shell.run("Add-ManagementRoleEntry", f"{ROLE}\\senditem")
    role = shell.organization.one(r.ManagementRole, ON, ROLE)
    assert role is not None
    assert role.role_entries == tuple(sorted((*apps.INTEGRATION_ROLE_ENTRIES, "SendItem")))
    shell.run("Remove-ManagementRoleEntry", f"{ROLE}\\SendItem", Confirm=False)
    assert shell.organization == healthy
    shell.run("New-ManagementRole", "Child", Parent=ROLE)
    shell.run("Remove-ManagementRoleEntry", f"{ROLE}\\GetDelegate", Confirm=False)
    child = shell.organization.one(r.ManagementRole, ON, "Child")
    assert child is not None
    assert "GetDelegate" not in child.role_entries


@pytest.mark.parametrize(
    ("cmdlet", "parameters"),
    [
        ("New-MailUser", {"Name": ACCOUNT, "ExternalEmailAddress": "x@contoso.com"}),
        ("New-ManagementRole", {"Name": ROLE.upper(), "Parent": PARENT}),
        ("New-ManagementRoleAssignment", {"Role": ROLE, "User": ACCOUNT}),
        ("New-PartnerApplication", {"Name": "TeamsScheduler", "ApplicationIdentifier": "x"}),
        ("New-PartnerApplication", {"Name": "Other", "ApplicationIdentifier": apps.TEAMS_SCHEDULER}),
    ],
)
def test_nothing_is_made_twice(cmdlet: str, parameters: dict[str, str]) -> None:
    assert "already exists" in Shell().refused(cmdlet, **parameters)


def test_partner_applications_are_changed() -> None:
    shell = Shell()
    healthy = shell.organization
    shell.run("Set-PartnerApplication", "TeamsScheduler", Enabled=False, LinkedAccount=None)
    application = shell.organization.one(r.PartnerApplication, ON, "TeamsScheduler")
    assert application is not None
    assert (application.enabled, application.linked_account) == (False, "")
    shell.run("Set-PartnerApplication", "TeamsScheduler", Enabled=True, LinkedAccount=f"contoso.com/Users/{ACCOUNT}")
    assert shell.organization == healthy
    shell.run("Set-PartnerApplication", "TeamsScheduler", AuthMetadataUrl="https://sfb.contoso.com/metadata/json/1")
    application = shell.organization.one(r.PartnerApplication, ON, "TeamsScheduler")
    assert application is not None
    assert application.use_auth_server is False
    shell.run("Set-PartnerApplication", "TeamsScheduler", ApplicationIdentifier=apps.TEAMS_SCHEDULER)
    shell.run("Set-PartnerApplication", "TeamsScheduler", Name="Other")
    shell.run("Set-PartnerApplication", "Other", Name="TeamsScheduler")
    assert shell.organization == healthy
    shell.run("Set-PartnerApplication", "Exchange Online", LinkedAccount="Exchange Online-ApplicationAccount")
    assert shell.try_("Set-PartnerApplication", "TeamsScheduler", LinkedAccount="nobody").not_found
    assert "Specify either" in shell.refused("New-PartnerApplication", Name="Other")


def test_assignments_servers_and_directories_are_changed() -> None:
    shell = Shell()
    healthy = shell.organization
    directory, issuer = "EX1\\EWS (Default Web Site)", shell.organization.all(r.AuthServer, ON)[0].identity
    pairs: tuple[tuple[tuple[str, str, dict[str, Any]], tuple[str, str, dict[str, Any]]], ...] = (
        (
            ("Set-ManagementRoleAssignment", f"{ROLE}-{ACCOUNT}", {"Enabled": False}),
            ("Set-ManagementRoleAssignment", f"{ROLE}-{ACCOUNT}", {"Enabled": True}),
        ),
        (("Set-AuthServer", issuer, {"Enabled": False}), ("Set-AuthServer", issuer, {"Enabled": True})),
        (
            ("Set-WebServicesVirtualDirectory", directory, {"ExternalUrl": None, "OAuthAuthentication": False}),
            (
                "Set-WebServicesVirtualDirectory",
                directory,
                {"ExternalUrl": "https://mail.contoso.com/EWS/Exchange.asmx", "OAuthAuthentication": True},
            ),
        ),
    )
    for there, back in pairs:
        name, identity, parameters = there
        shell.run(name, identity, **parameters)
        assert shell.organization != healthy
        name, identity, parameters = back
        shell.run(name, identity, **parameters)
        assert shell.organization == healthy


def test_a_mail_user_needs_an_address() -> None:
    assert "isn't a valid SMTP address" in Shell().refused("New-MailUser", Name="x", ExternalEmailAddress="nowhere")
