"""Which cmdlets a change becomes, parameter by parameter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from hybridge.net.clock import SystemClock
from hybridge.org import records as r
from hybridge.org.records import Record
from hybridge.org.union import AnyRecord
from hybridge.plan import Change
from hybridge.repair.hands.ews import EwsHand
from hybridge.repair.hands.exchange_cmdlets import CMDLETS, Unwritable, commands, reading
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.writable import WRITABLE
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer

ON = Premises.ON_PREMISES
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def changed(before: AnyRecord | None, after: AnyRecord | None) -> Change:
    record = after or before
    assert record is not None
    return Change(address=record.address, before=before, after=after, says="Do it.")


def ran(before: AnyRecord | None, after: AnyRecord | None) -> list[tuple[str, dict[str, Any]]]:
    return [(ask.name, dict(ask.parameters)) for ask in commands(changed(before, after))]


ORGANIZATION = r.OrganizationConfig(
    premises=ON,
    identity="Contoso",
    ews_application_access_policy="EnforceAllowList",
    ews_allow_list=("OWA/*", "* Broken/*"),
)
CAS = r.CasMailbox(premises=ON, identity="Ada@contoso.com", ews_enabled=False)
MAILBOX = r.Mailbox(premises=ON, identity="ada@contoso.com", user_principal_name="ada@contoso.com")
EDITOR = r.MailboxFolderPermission(
    premises=ON,
    identity="ada@contoso.com:\\Kalender/grace@contoso.com",
    mailbox="ada@contoso.com",
    folder="Kalender",
    user="grace@contoso.com",
    access_rights=("Editor",),
)
REVIEWER = msgspec.structs.replace(EDITOR, access_rights=("Reviewer",))
ACCOUNT = r.MailUser(
    premises=ON,
    identity=apps.INTEGRATION_ACCOUNT,
    external_email_address=f"{apps.INTEGRATION_ACCOUNT}@contoso.com",
    hidden_from_address_lists_enabled=True,
)
ROLE = r.ManagementRole(
    premises=ON, identity="TeamsIntegrationRole", parent="UserApplication", role_entries=("FindItem", "GetDelegate")
)
ASSIGNMENT = r.ManagementRoleAssignment(
    premises=ON, identity="TeamsIntegrationRole-Account", role="TeamsIntegrationRole", role_assignee="Account"
)
APPLICATION = r.PartnerApplication(
    premises=ON, identity="TeamsScheduler", application_identifier=apps.TEAMS_SCHEDULER, linked_account="Account"
)
SERVER = r.AuthServer(premises=ON, identity="ACS - 1", enabled=False)
OVERRIDE = r.SettingOverride(
    premises=ON,
    identity="EnableExchangeHybrid3PAppFeature",
    component_name="Global",
    section_name="ExchangeOnpremAsThirdPartyAppId",
    parameters=("Enabled=true",),
    reason="Use it",
)
RELATIONSHIP = r.OrganizationRelationship(premises=ON, identity="On-premises to O365")
CONNECTOR = r.IntraOrganizationConnector(
    premises=ON,
    identity="HybridIOC",
    target_address_domains=("contoso.mail.onmicrosoft.com",),
    discovery_endpoint="https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc",
)
MAPI = r.MapiVirtualDirectory(premises=ON, identity="EX1\\mapi (Default Web Site)")
SERVICE = r.ClientAccessService(premises=ON, identity="EX1")
PROVIDER = r.OutlookProvider(premises=ON, identity="EXPR")
DIRECTORY = r.WebServicesVirtualDirectory(
    premises=ON, identity="EX1\\EWS (Default Web Site)", external_url="", oauth_authentication=False
)


def test_an_allow_list_is_changed_by_its_difference_under_the_present_policy() -> None:
    after = msgspec.structs.replace(ORGANIZATION, ews_allow_list=("OWA/*", "*Right/*"))
    assert ran(ORGANIZATION, after) == [
        (
            "Set-OrganizationConfig",
            {
                "EwsApplicationAccessPolicy": "EnforceAllowList",
                "EwsAllowList": {"Add": ("*Right/*",), "Remove": ("* Broken/*",)},
            },
        )
    ]


def test_ews_is_enabled_without_a_word_about_the_policy() -> None:
    assert ran(CAS, msgspec.structs.replace(CAS, ews_enabled=True)) == [
        ("Set-CASMailbox", {"Identity": "Ada@contoso.com", "EwsEnabled": True})
    ]
    assert ran(CAS, msgspec.structs.replace(CAS, ews_enabled=None)) == [
        ("Set-CASMailbox", {"Identity": "Ada@contoso.com", "EwsEnabled": None})
    ]


def test_a_block_list_loses_entries() -> None:
    before = msgspec.structs.replace(
        CAS, ews_application_access_policy="enforceblocklist", ews_block_list=("*Teams*", "Old/*")
    )
    after = msgspec.structs.replace(before, ews_block_list=("Old/*",), ews_enabled=True)
    assert ran(before, after) == [
        (
            "Set-CASMailbox",
            {
                "Identity": "Ada@contoso.com",
                "EwsEnabled": True,
                "EwsApplicationAccessPolicy": "enforceblocklist",
                "EwsBlockList": {"Remove": ("*Teams*",)},
            },
        )
    ]


def test_send_on_behalf_adds_and_takes_back_one_person() -> None:
    others = msgspec.structs.replace(MAILBOX, grant_send_on_behalf_to=("alan@contoso.com",))
    both = msgspec.structs.replace(MAILBOX, grant_send_on_behalf_to=("alan@contoso.com", "grace@contoso.com"))
    identity = {"Identity": "ada@contoso.com"}
    assert ran(others, both) == [("Set-Mailbox", identity | {"GrantSendOnBehalfTo": {"Add": ("grace@contoso.com",)}})]
    assert ran(both, others) == [
        ("Set-Mailbox", identity | {"GrantSendOnBehalfTo": {"Remove": ("grace@contoso.com",)}})
    ]


def test_a_folder_permission_is_added_set_and_removed() -> None:
    names = {"Identity": "ada@contoso.com:\\Kalender", "User": "grace@contoso.com"}
    assert ran(None, EDITOR) == [("Add-MailboxFolderPermission", names | {"AccessRights": ("Editor",)})]
    assert ran(REVIEWER, EDITOR) == [("Set-MailboxFolderPermission", names | {"AccessRights": ("Editor",)})]
    assert ran(EDITOR, None) == [("Remove-MailboxFolderPermission", names | {"Confirm": False})]


def test_the_hidden_mail_user_is_made_and_then_hidden() -> None:
    assert ran(None, ACCOUNT) == [
        (
            "New-MailUser",
            {
                "Name": apps.INTEGRATION_ACCOUNT,
                "ExternalEmailAddress": f"{apps.INTEGRATION_ACCOUNT}@contoso.com",
            },
        ),
        ("Set-MailUser", {"Identity": apps.INTEGRATION_ACCOUNT, "HiddenFromAddressListsEnabled": True}),
    ]
    assert ran(ACCOUNT, None) == [("Remove-MailUser", {"Identity": apps.INTEGRATION_ACCOUNT, "Confirm": False})]


def test_a_role_is_made_and_narrowed_entry_by_entry() -> None:
    assert ran(None, ROLE) == [("New-ManagementRole", {"Name": "TeamsIntegrationRole", "Parent": "UserApplication"})]
    born = msgspec.structs.replace(ROLE, role_entries=("CreateItem", "FindItem", "SendItem"))
    assert ran(born, ROLE) == [
        ("Add-ManagementRoleEntry", {"Identity": "TeamsIntegrationRole\\GetDelegate"}),
        ("Remove-ManagementRoleEntry", {"Identity": "TeamsIntegrationRole\\CreateItem", "Confirm": False}),
        ("Remove-ManagementRoleEntry", {"Identity": "TeamsIntegrationRole\\SendItem", "Confirm": False}),
    ]
    assert ran(ROLE, None) == [("Remove-ManagementRole", {"Identity": "TeamsIntegrationRole", "Confirm": False})]


def test_a_role_is_assigned_switched_and_taken_away() -> None:
    named = {"Role": "TeamsIntegrationRole", "User": "Account"}
    off = msgspec.structs.replace(ASSIGNMENT, enabled=False)
    assert ran(None, ASSIGNMENT) == [("New-ManagementRoleAssignment", named)]
    assert ran(None, msgspec.structs.replace(ASSIGNMENT, identity="Own name")) == [
        ("New-ManagementRoleAssignment", {"Name": "Own name"} | named)
    ]
    assert ran(None, off) == [
        ("New-ManagementRoleAssignment", named),
        ("Set-ManagementRoleAssignment", {"Identity": "TeamsIntegrationRole-Account", "Enabled": False}),
    ]
    assert ran(off, ASSIGNMENT) == [
        ("Set-ManagementRoleAssignment", {"Identity": "TeamsIntegrationRole-Account", "Enabled": True})
    ]
    assert ran(ASSIGNMENT, None) == [
        ("Remove-ManagementRoleAssignment", {"Identity": "TeamsIntegrationRole-Account", "Confirm": False})
    ]


def test_a_partner_application_is_made_enabled_linked_and_removed() -> None:
    assert ran(None, APPLICATION) == [
        (
            "New-PartnerApplication",
            {
                "Name": "TeamsScheduler",
                "ApplicationIdentifier": apps.TEAMS_SCHEDULER,
                "Enabled": True,
                "LinkedAccount": "Account",
            },
        )
    ]
    off = msgspec.structs.replace(APPLICATION, enabled=False, linked_account="")
    named = {"Identity": "TeamsScheduler"}
    assert ran(off, APPLICATION) == [("Set-PartnerApplication", named | {"Enabled": True, "LinkedAccount": "Account"})]
    assert ran(APPLICATION, off) == [("Set-PartnerApplication", named | {"Enabled": False, "LinkedAccount": None})]
    assert ran(APPLICATION, None) == [("Remove-PartnerApplication", named | {"Confirm": False})]


def test_an_authorization_server_and_a_virtual_directory_are_set() -> None:
    assert ran(SERVER, msgspec.structs.replace(SERVER, enabled=True)) == [
        ("Set-AuthServer", {"Identity": "ACS - 1", "Enabled": True})
    ]
    right = msgspec.structs.replace(DIRECTORY, external_url="https://mail.contoso.com/EWS/", oauth_authentication=True)
    named = {"Identity": "EX1\\EWS (Default Web Site)"}
    assert ran(DIRECTORY, right) == [
        (
            "Set-WebServicesVirtualDirectory",
            named | {"ExternalUrl": "https://mail.contoso.com/EWS/", "OAuthAuthentication": True},
        )
    ]
    assert ran(right, DIRECTORY) == [
        ("Set-WebServicesVirtualDirectory", named | {"ExternalUrl": None, "OAuthAuthentication": False})
    ]


def test_no_list_comes_back_as_no_list() -> None:
    unset = msgspec.structs.replace(ORGANIZATION, ews_allow_list=None)
    ((_, back),) = ran(msgspec.structs.replace(unset, ews_allow_list=("a/*",)), unset)
    assert back["EwsAllowList"] is None


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            msgspec.structs.replace(ORGANIZATION, ews_application_access_policy=None, ews_allow_list=None),
            ORGANIZATION,
            "every caller that is not on the list would be refused",
        ),
        (
            ORGANIZATION,
            msgspec.structs.replace(ORGANIZATION, ews_application_access_policy=None),
            "never switches an EWS policy",
        ),
        (
            msgspec.structs.replace(ORGANIZATION, ews_application_access_policy=None),
            msgspec.structs.replace(ORGANIZATION, ews_application_access_policy=None, ews_allow_list=("x",)),
            "already the policy",
        ),
        (None, CAS, "neither be created nor removed"),
        (MAILBOX, None, "neither be created nor removed"),
        (MAILBOX, msgspec.structs.replace(MAILBOX, display_name="Other"), "display_name cannot be changed"),
        (ROLE, msgspec.structs.replace(ROLE, parent="Other"), "parent cannot be changed"),
        (r.ExchangeServer(premises=ON, identity="EX1"), None, "not written by Exchange cmdlets"),
        (
            None,
            msgspec.structs.replace(EDITOR, user="Default", identity="ada@contoso.com:\\Kalender/Default"),
            "part of every folder",
        ),
        (ACCOUNT, msgspec.structs.replace(ACCOUNT, external_email_address="a\nb"), "control characters"),
    ],
)
def test_what_no_cmdlet_may_do(before: AnyRecord | None, after: AnyRecord | None, reason: str) -> None:
    with pytest.raises(Unwritable, match=reason):
        commands(changed(before, after))


def test_exchange_is_told_to_use_its_application() -> None:
    after = msgspec.structs.replace(SERVER, application_identifier="an-id", domain_name=("contoso.com",))
    assert ran(SERVER, after) == [
        (
            "Set-AuthServer",
            {"Identity": "ACS - 1", "ApplicationIdentifier": "an-id", "DomainName": {"Add": ("contoso.com",)}},
        )
    ]
    assert ran(after, SERVER) == [
        (
            "Set-AuthServer",
            {"Identity": "ACS - 1", "ApplicationIdentifier": None, "DomainName": {"Remove": ("contoso.com",)}},
        )
    ]
    url = "https://accounts.accesscontrol.windows.net/contoso/metadata/json/1"
    both = msgspec.structs.replace(SERVER, application_identifier="an-id", auth_metadata_url=url)
    assert ran(SERVER, both) == [
        ("Set-AuthServer", {"Identity": "ACS - 1", "ApplicationIdentifier": "an-id"}),
        ("Set-AuthServer", {"Identity": "ACS - 1", "AuthMetadataUrl": url}),
    ], "no parameter set of the cmdlet has both"
    name = OVERRIDE.identity
    assert ran(None, OVERRIDE) == [
        (
            "New-SettingOverride",
            {
                "Name": name,
                "Component": "Global",
                "Section": "ExchangeOnpremAsThirdPartyAppId",
                "Parameters": ("Enabled=true",),
                "Reason": "Use it",
            },
        )
    ]
    off = msgspec.structs.replace(OVERRIDE, parameters=("Enabled=false",))
    assert ran(off, OVERRIDE) == [("Set-SettingOverride", {"Identity": name, "Parameters": ("Enabled=true",)})]
    assert ran(OVERRIDE, None) == [("Remove-SettingOverride", {"Identity": name, "Confirm": False})]
    url = "https://outlook.office365.com/EWS/Exchange.asmx"
    told = msgspec.structs.replace(RELATIONSHIP, target_sharing_epr=url)
    identity = {"Identity": RELATIONSHIP.identity}
    assert ran(RELATIONSHIP, told) == [("Set-OrganizationRelationship", identity | {"TargetSharingEpr": url})]
    assert ran(told, RELATIONSHIP) == [("Set-OrganizationRelationship", identity | {"TargetSharingEpr": None})]


def test_the_connector_and_what_outlook_is_told_are_set() -> None:
    identity = {"Identity": CONNECTOR.identity}
    off = msgspec.structs.replace(CONNECTOR, enabled=False, target_address_domains=(), discovery_endpoint="")
    assert ran(off, CONNECTOR) == [
        (
            "Set-IntraOrganizationConnector",
            identity
            | {
                "Enabled": True,
                "TargetAddressDomains": {"Add": ("contoso.mail.onmicrosoft.com",)},
                "DiscoveryEndpoint": "https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc",
            },
        )
    ]
    url = "https://mail.contoso.com/mapi"
    assert ran(MAPI, msgspec.structs.replace(MAPI, external_url=url)) == [
        ("Set-MapiVirtualDirectory", {"Identity": MAPI.identity, "ExternalUrl": url})
    ]
    uri = "https://autodiscover.contoso.com/autodiscover/autodiscover.xml"
    assert ran(SERVICE, msgspec.structs.replace(SERVICE, auto_discover_service_internal_uri=uri)) == [
        ("Set-ClientAccessService", {"Identity": "EX1", "AutoDiscoverServiceInternalUri": uri})
    ]
    assert ran(PROVIDER, msgspec.structs.replace(PROVIDER, cert_principal_name="msstd:mail.contoso.com")) == [
        ("Set-OutlookProvider", {"Identity": "EXPR", "CertPrincipalName": "msstd:mail.contoso.com"})
    ]


RECORDS: tuple[Record, ...] = (
    ORGANIZATION,
    CAS,
    MAILBOX,
    EDITOR,
    ACCOUNT,
    ROLE,
    ASSIGNMENT,
    APPLICATION,
    SERVER,
    DIRECTORY,
    OVERRIDE,
    RELATIONSHIP,
    CONNECTOR,
    MAPI,
    SERVICE,
    PROVIDER,
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_kind_is_read_by_its_own_cmdlet(record: Record) -> None:
    ask = reading(record.address)
    assert ask.name == record.cmdlet
    assert ask.premises is ON
    assert ask.name in cmdlets.NOUNS


def test_a_permission_is_read_for_its_folder_and_user() -> None:
    assert dict(reading(EDITOR.address).parameters) == {
        "Identity": "ada@contoso.com:\\kalender",
        "User": "grace@contoso.com",
    }


def test_the_table_covers_exactly_the_writable_kinds_on_premises() -> None:
    by_ews = EwsHand(nowhere, "hybridge/test", PowerShellHand(), SystemClock()).kinds
    assert set(CMDLETS) == {kind for kind, premises in WRITABLE.keys() - by_ews if premises is ON}
    assert {type(record).__name__ for record in RECORDS} == set(CMDLETS)


async def nowhere(_: Answerer, __: str) -> str:
    raise AssertionError


def test_every_written_field_has_a_parameter() -> None:
    for (kind, premises), row in WRITABLE.items():
        if premises is ON and kind in CMDLETS and kind != "ManagementRole":
            settable = set(CMDLETS[kind].parameters) | {"ews_application_access_policy"}
            assert set(row.fields) <= settable, kind
