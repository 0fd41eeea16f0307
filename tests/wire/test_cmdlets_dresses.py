"""The same properties as Exchange, a second serialization, ConvertTo-Json and Graph dress them, and foreign objects."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Failure, FailureReason
from hybridge.wire.cmdlets.entra import key_bytes
from hybridge.wire.cmdlets.properties import address_of, flag, instant, last_segment, octets, texts
from hybridge.wire.cmdlets.roles import entry_name
from hybridge.wire.cmdlets.servers import server_of

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
CALENDAR = "ef56c0de-36fc-4ef8-b417-3d82ba9d073c"
ACTIVITY = "14d6962d-6eeb-4f48-8890-de55454bb136"


def one(cmdlet: str, shown: dict[str, Any], premises: Premises = ON, about: str = "") -> Any:
    """The single record of one object."""
    found = cmdlets.read(cmdlet, (shown,), premises, about)
    assert isinstance(found, tuple), found
    (record,) = found
    return record


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("contoso.lab/Users/TeamsIntegration-ApplicationAccount", "TeamsIntegration-ApplicationAccount"),
        ("contoso.lab/Users/Exchange Online-ApplicationAccount", "Exchange Online-ApplicationAccount"),
        ("CONTOSO\\grace", "grace"),
        ("UserApplication\\TeamsIntegrationRole", "TeamsIntegrationRole"),
        ("contoso.lab/Users/Sales\\/Support", "Sales/Support"),
        ("Grace Hopper", "Grace Hopper"),
        ("grace@contoso.com", "grace@contoso.com"),
        ("", ""),
    ],
)
def test_a_directory_name_is_its_last_segment(name: str, expected: str) -> None:
    assert last_segment(name) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ([], ()),
        (["a", {"ToString": "b"}], ("a", "b")),
        ("a", ("a",)),
        ("", ()),
        ({"value": ["a", "b"], "Count": 2}, ("a", "b")),
    ],
)
def test_a_list_in_any_dress(value: Any, expected: tuple[str, ...] | None) -> None:
    assert texts({"EwsAllowList": value}, "EwsAllowList") == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("False", False), ("$true", True), (None, None), ("", None), ("maybe", None)]
)
def test_a_switch_has_three_states(value: Any, expected: bool | None) -> None:
    assert flag({"EwsEnabled": value}, "EwsEnabled") is expected


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 20, 8, tzinfo=UTC),
        "2026-11-20T08:00:00Z",
        "2026-11-20T09:00:00.0000000+01:00",
        "/Date(1795161600000)/",
        {"value": "/Date(1795161600000)/", "DateTime": "Friday"},
    ],
)
def test_a_date_in_any_dress(value: Any) -> None:
    assert instant({"StartTime": value}, "StartTime") == datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, "", "11/12/2026 08:00:00", "soon", {"x": 1}, 7])
def test_a_date_that_cannot_be_known_is_unknown(value: Any) -> None:
    assert instant({"StartTime": value}, "StartTime") is None


@pytest.mark.parametrize("value", [b"0\x01", "MAE=", "MA\r\nE=", [48, 1], {"value": [48, 1], "Count": 2}])
def test_bytes_in_any_dress(value: Any) -> None:
    assert octets(value) == b"0\x01"


@pytest.mark.parametrize("value", [None, "***", [300], ["a"], {"x": 1}])
def test_bytes_that_are_none(value: Any) -> None:
    assert octets(value) is None


def test_an_empty_allow_list_is_not_a_missing_one() -> None:
    assert one("Get-OrganizationConfig", {"Name": "Contoso", "EwsAllowList": []}).ews_allow_list == ()
    assert one("Get-OrganizationConfig", {"Name": "Contoso", "EwsAllowList": None}).ews_allow_list is None
    assert one("Get-OrganizationConfig", {"Name": "Contoso", "EwsEnabled": None}).ews_allow_list is None


def test_send_on_behalf_is_an_address_where_the_export_knows_it() -> None:
    grace = {
        "Name": "Grace Hopper",
        "Identity": {"ToString": "contoso.lab/Users/Grace Hopper"},
        "PrimarySmtpAddress": "grace@contoso.com",
        "UserPrincipalName": "grace@contoso.com",
    }
    ada = {
        "PrimarySmtpAddress": "ada@contoso.com",
        "UserPrincipalName": "ada@contoso.com",
        "GrantSendOnBehalfTo": [
            {"ToString": "contoso.lab/Users/Grace Hopper", "Name": "Grace Hopper"},
            "contoso.lab/Partners/Charles Babbage",
            {"Name": "Someone", "PrimarySmtpAddress": "someone@contoso.com"},
        ],
    }
    together = cmdlets.read("Get-Mailbox", (ada, grace), ON)
    assert isinstance(together, tuple) and isinstance(together[0], r.Mailbox)
    expected = ("grace@contoso.com", "Charles Babbage", "someone@contoso.com")
    assert together[0].grant_send_on_behalf_to == expected
    assert one("Get-Mailbox", ada).grant_send_on_behalf_to[0] == "Grace Hopper"


def test_two_recipients_of_one_name_are_not_guessed_between() -> None:
    boxes = tuple(
        {"Name": "Grace", "PrimarySmtpAddress": f"grace@{domain}", "UserPrincipalName": "x"}
        for domain in ("contoso.com", "fabrikam.com")
    )
    ada = {"PrimarySmtpAddress": "ada@contoso.com", "GrantSendOnBehalfTo": ["contoso.lab/Users/Grace"]}
    found = cmdlets.read("Get-Mailbox", (*boxes, ada), ON)
    assert isinstance(found, tuple) and isinstance(found[-1], r.Mailbox)
    assert found[-1].grant_send_on_behalf_to == ("Grace",)
    alike = tuple({**box, "Identity": {"ToString": "contoso.lab/Users/Grace"}} for box in boxes)
    found = cmdlets.read("Get-Mailbox", (*alike, ada), ON)
    assert isinstance(found, tuple) and isinstance(found[-1], r.Mailbox)
    assert found[-1].grant_send_on_behalf_to == ("Grace",), "not the last one read either"


@pytest.mark.parametrize(
    ("shown", "user"),
    [
        ({"User": "Default"}, "Default"),
        ({"User": {"ToString": "Grace Hopper", "DisplayName": "Grace Hopper"}}, "Grace Hopper"),
        (
            {"User": {"ToString": "Grace", "ADRecipient": {"PrimarySmtpAddress": "grace@contoso.com"}}},
            "grace@contoso.com",
        ),
        (
            {"User": {"ToString": "Grace", "RecipientPrincipal": {"PrimarySmtpAddress": {"ToString": "g@c.com"}}}},
            "g@c.com",
        ),
        ({"User": "Grace Hopper", "UserPrimarySmtpAddress": "grace@contoso.com"}, "grace@contoso.com"),
        ({"User": "Default", "UserPrimarySmtpAddress": ""}, "Default"),
    ],
)
def test_a_permission_belongs_to_the_mailbox_that_was_asked(shown: dict[str, Any], user: str) -> None:
    shown = {"FolderName": "Calendar", "AccessRights": ["Editor"], **shown}
    entry = one("Get-MailboxFolderPermission", shown, about="ada@contoso.com:\\Calendar")
    assert (entry.mailbox, entry.user, entry.identity) == (
        "ada@contoso.com",
        user,
        f"ada@contoso.com:\\Calendar/{user}",
    )
    selected = one("Get-MailboxFolderPermission", {"Mailbox": "ada@contoso.com", **shown})
    assert selected == entry


def test_a_permission_of_an_unknown_mailbox_is_a_failure() -> None:
    found = cmdlets.read("Get-MailboxFolderPermission", ({"AccessRights": ["Editor"], "User": "x"},), ON)
    assert isinstance(found, Failure) and "which mailbox" in found.says


def test_delegates_are_read_from_the_flags_of_exchange_online() -> None:
    shown = (
        {"User": "Default", "AccessRights": ["AvailabilityOnly"]},
        {"User": "g@c.com", "AccessRights": ["Editor"], "SharingPermissionFlags": "Delegate, CanViewPrivateItems"},
        {"User": "h@c.com", "AccessRights": ["Editor"], "SharingPermissionFlags": ["Delegate"]},
    )
    found = cmdlets.read_delegate_flags(shown, ONLINE, "ada@c.com:\\Calendar")
    assert [(each.identity, each.view_private_items) for each in found] == [
        ("ada@c.com/g@c.com", True),
        ("ada@c.com/h@c.com", False),
    ]


@pytest.mark.parametrize(
    ("shown", "about", "server"),
    [
        ({"Server": "EX1", "PSComputerName": "ex9.contoso.com"}, "", "EX1"),
        ({"Identity": "ex1.contoso.com\\AAAA", "PSComputerName": "ex9.contoso.com"}, "EX2", "ex1"),
        ({"PSComputerName": "ex9.contoso.com"}, "EX2", "EX2"),
        ({"PSComputerName": "ex9.contoso.com"}, "", "ex9"),
        ({"Identity": "AAAA"}, "", ""),
    ],
)
def test_a_certificate_lies_on_the_server_it_names(shown: dict[str, Any], about: str, server: str) -> None:
    assert server_of(shown, about) == server


def test_a_selected_certificate_without_its_bytes_still_counts() -> None:
    shown = {"Thumbprint": "ab" * 20, "Subject": "CN=x", "NotAfter": "/Date(1795161600000)/", "Server": "EX1"}
    found = one("Get-ExchangeCertificate", shown)
    assert (found.thumbprint, found.not_after) == ("AB" * 20, datetime(2026, 11, 20, 8, tzinfo=UTC))


def test_bytes_that_are_no_certificate_are_known_by_their_thumbprint_only() -> None:
    found = one("Get-ExchangeCertificate", {"RawData": b"0nonsense"})
    assert (found.subject, found.not_after, len(found.thumbprint)) == ("", None, 40)


def test_a_version_is_composed_from_its_parts() -> None:
    shown = {"Name": "EX1", "AdminDisplayVersion": {"Major": 15, "Minor": 2, "Build": 1544, "Revision": 4}}
    assert one("Get-ExchangeServer", shown).admin_display_version == "Version 15.2 (Build 1544.4)"


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("GetDelegate", "GetDelegate"),
        ("(Microsoft.Exchange.Management.PowerShell.E2010) Get-Mailbox -Anr -Arbitration", "Get-Mailbox"),
        ("w,GetDelegate", "GetDelegate"),
        ("c,Get-Mailbox,Microsoft.Exchange.Management.PowerShell.E2010,Anr", "Get-Mailbox"),
        ({"Name": "ConvertId", "ToString": "x\\ConvertId"}, "ConvertId"),
        ({"ToString": "FindItem"}, "FindItem"),
        ("", ""),
    ],
)
def test_a_role_entry_in_any_dress(shown: object, name: str) -> None:
    assert entry_name(shown) == name


def test_a_role_lists_its_entries_once_and_sorted() -> None:
    shown = {
        "Name": "TeamsIntegrationRole",
        "RoleType": "UserApplication",
        "Parent": {"ToString": "UserApplication"},
        "RoleEntries": ["GetDelegate", {"Name": "ConvertId"}, "GetDelegate"],
    }
    role = one("Get-ManagementRole", shown)
    assert (role.parent, role.role_entries) == ("UserApplication", ("ConvertId", "GetDelegate"))


def test_entries_exported_as_plain_text_belong_to_the_role_that_was_asked() -> None:
    shown = tuple({"ToString": name, "Value": name} for name in ("GetDelegate", "FindItem"))
    found = cmdlets.read("Get-ManagementRoleEntry", shown, ON, "TeamsIntegrationRole\\*")
    expected = r.ManagementRole(premises=ON, identity="TeamsIntegrationRole", role_entries=("FindItem", "GetDelegate"))
    assert found == (expected,)


def test_an_assignment_names_its_role_and_account_without_their_containers() -> None:
    shown = {
        "Name": "TeamsIntegrationRole-TeamsIntegration-Applicat",
        "Role": {"ToString": "UserApplication\\TeamsIntegrationRole"},
        "RoleAssignee": "contoso.lab/Users/TeamsIntegration-ApplicationAccount",
        "Enabled": True,
    }
    found = one("Get-ManagementRoleAssignment", shown)
    assert (found.role, found.role_assignee) == ("TeamsIntegrationRole", "TeamsIntegration-ApplicationAccount")


def test_an_online_mail_user_is_named_by_its_address_and_an_on_premises_one_by_its_name() -> None:
    shown = {"Name": "Ada", "PrimarySmtpAddress": "ada@contoso.com", "ExternalEmailAddress": "SMTP:ada@contoso.com"}
    assert one("Get-MailUser", shown, ONLINE).identity == "ada@contoso.com"
    assert one("Get-MailUser", shown, ON).identity == "Ada"
    assert one("Get-MailUser", shown, ON).external_email_address == "ada@contoso.com"


@pytest.mark.parametrize(
    "pinned",
    [
        [{"Id": CALENDAR, "Order": 2}, {"Id": ACTIVITY, "Order": 1}],
        f"{{Id={ACTIVITY};Order=1, Id={CALENDAR};Order=2}}",
        [f"Id={CALENDAR};Order=2", f"Id={ACTIVITY};Order=1"],
        [f"@{{Id={ACTIVITY}; Order=1}}", f"@{{Id={CALENDAR}; Order=2}}"],
        {"value": [{"Id": ACTIVITY, "Order": "1"}, {"Id": CALENDAR, "Order": "2"}], "Count": 2},
    ],
)
def test_pinned_apps_in_any_dress_are_in_their_order(pinned: Any) -> None:
    policy = one("Get-CsTeamsAppSetupPolicy", {"Identity": "Tag:Frontline", "PinnedAppBarApps": pinned}, ONLINE)
    assert (policy.identity, policy.pinned_app_bar_apps) == ("Frontline", (ACTIVITY, CALENDAR))


@pytest.mark.parametrize("policy", [None, "", "Global", {"Name": "Global", "Authority": "Host"}])
def test_a_user_without_a_policy_has_the_global_one(policy: Any) -> None:
    user = one("Get-CsOnlineUser", {"UserPrincipalName": "a@b.c", "TeamsUpgradePolicy": policy}, ONLINE)
    assert user.teams_upgrade_policy == ""


@pytest.mark.parametrize("policy", ["UpgradeToTeams", "Tag:UpgradeToTeams", {"Name": "UpgradeToTeams"}])
def test_a_policy_of_a_user_is_its_name(policy: Any) -> None:
    shown = {"UserPrincipalName": "a@b.c", "Identity": CALENDAR, "TeamsUpgradePolicy": policy}
    user = one("Get-CsOnlineUser", shown, ONLINE)
    assert (user.teams_upgrade_policy, user.object_id) == ("UpgradeToTeams", CALENDAR)


DER = b"0\x82\x01\x02certificate"


@pytest.mark.parametrize(
    "key",
    [DER, b64encode(DER).decode(), b64encode(b64encode(DER)).decode(), list(DER), list(b64encode(DER))],
)
def test_a_key_is_der_however_often_it_was_encoded(key: Any) -> None:
    assert key_bytes(key) == DER


def test_a_service_principal_in_graph_and_powershell_dress() -> None:
    graph = {
        "id": "0b1ec7ed-0000-4000-8000-000000000001",
        "appId": CALENDAR,
        "displayName": "App",
        "keyCredentials": [
            {
                "customKeyIdentifier": "AB" * 20,
                "endDateTime": "2028-01-05T09:04:48Z",
                "keyId": "k",
                "key": b64encode(DER).decode(),
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
            }
        ],
    }
    powershell = {name[:1].upper() + name[1:]: value for name, value in graph.items()}
    powershell["KeyCredentials"] = [
        {
            "CustomKeyIdentifier": [0xAB] * 20,
            "EndDateTime": "/Date(1830675888000)/",
            "KeyId": "k",
            "Key": list(DER),
            "Type": "AsymmetricX509Cert",
            "Usage": "Verify",
        }
    ]
    first = one("Get-MgServicePrincipal", graph, ONLINE)
    assert first == one("Get-MgServicePrincipal", powershell, ONLINE)
    assert first.key_credentials[0].end_at == datetime(2028, 1, 5, 9, 4, 48, tzinfo=UTC)
    assert one("Get-MgServicePrincipal", {"appId": CALENDAR}, ONLINE).key_credentials == ()


@pytest.mark.parametrize(
    ("cmdlet", "shown", "says"),
    [
        (
            "Get-AuthConfig",
            {"RawData": b"0", "ToString": "[Subject]\r\n  CN=x"},
            "none of CurrentCertificateThumbprint",
        ),
        (
            "Get-OrganizationConfig",
            {"OWAEnabled": True, "EwsEnabled": None, "Name": "Ada"},
            "has a property OWAEnabled",
        ),
        ("Get-Mailbox", {"ExternalEmailAddress": "SMTP:a@b.c", "UserPrincipalName": "a@b.c"}, "ExternalEmailAddress"),
        ("Get-AuthServer", {"UseAuthServer": True, "Name": "TeamsScheduler"}, "'TeamsScheduler'"),
        ("Get-ManagementRoleAssignment", {"RoleAssigneeName": ""}, "names no Role"),
        ("Get-Mailbox", {"ServerName": "EX1"}, "no PrimarySmtpAddress"),
        ("Get-ExchangeCertificate", {"Thumbprint": ""}, "no RawData and no Thumbprint"),
    ],
)
def test_the_wrong_kind_of_object_is_a_failure_that_says_so(cmdlet: str, shown: dict[str, Any], says: str) -> None:
    found = cmdlets.read(cmdlet, (shown,), ON)
    assert isinstance(found, Failure) and found.reason is FailureReason.MALFORMED
    assert says in found.says and "\n" not in found.says and cmdlet in found.says + found.next_step


def test_a_missing_property_is_the_default_of_its_field() -> None:
    found = one("Get-PartnerApplication", {"Name": "X", "ApplicationIdentifier": CALENDAR})
    assert found == r.PartnerApplication(premises=ON, identity="X", application_identifier=CALENDAR)


def test_an_address_wins_over_a_name() -> None:
    assert address_of({"ToString": "contoso.lab/Users/G", "PrimarySmtpAddress": "g@c.com"}) == "g@c.com"
    assert address_of("contoso.lab/Users/G") == "G"
    assert address_of(None) == ""
