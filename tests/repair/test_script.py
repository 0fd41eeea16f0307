"""The plan as PowerShell: exact lines, safe quoting, and the same refusals as the hands."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import msgspec
import pytest

from hybridge.org import records as r
from hybridge.org.union import AnyRecord
from hybridge.plan import Change, Manual, Plan
from hybridge.repair.hands.exchange_cmdlets import commands
from hybridge.repair.hands.script import ScriptRefused, line, quoted, script
from hybridge.repair.what_if import what_if
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE


def changed(before: AnyRecord | None, after: AnyRecord | None, says: str = "Do it.") -> Change:
    record = after or before
    assert record is not None
    return Change(address=record.address, before=before, after=after, says=says, why=("a/b:c",))


def plan(*changes: Change, manual: tuple[Manual, ...] = ()) -> Plan:
    return Plan(id="p1", organization="contoso.com", evidence_at=NOW, changes=changes, manual=manual)


def code(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


ALLOWING = r.OrganizationConfig(
    premises=ON,
    identity="Contoso",
    ews_application_access_policy="EnforceAllowList",
    ews_allow_list=("OWA/*",),
)
MORE = msgspec.structs.replace(ALLOWING, ews_allow_list=("OWA/*", "*Teams/*", "*O'Neill*"))


def test_exchange_lines_are_those_the_hand_runs() -> None:
    change = changed(ALLOWING, MORE)
    printed = code(script(plan(change)))
    assert printed == [
        "$ErrorActionPreference = 'Stop'",
        "Set-OrganizationConfig -EwsApplicationAccessPolicy 'EnforceAllowList' "
        "-EwsAllowList @{Add='*Teams/*','*O''Neill*'}",
    ]
    assert [line(ask) for ask in commands(change)] == printed[1:]


def test_removal_is_confirmed_beforehand_and_null_is_null() -> None:
    application = r.PartnerApplication(premises=ON, identity="Teams", application_identifier="1", linked_account="A")
    unlinked = msgspec.structs.replace(application, linked_account="", enabled=False)
    assert code(script(plan(changed(application, None))))[1:] == [
        "Remove-PartnerApplication -Identity 'Teams' -Confirm:$false"
    ]
    assert code(script(plan(changed(application, unlinked))))[1:] == [
        "Set-PartnerApplication -Identity 'Teams' -Enabled $false -LinkedAccount $null"
    ]


def test_a_new_role_is_narrowed_at_run_time() -> None:
    role = r.ManagementRole(premises=ON, identity="R", parent="UserApplication", role_entries=("FindItem", "GetItem"))
    assert code(script(plan(changed(None, role))))[1:] == [
        "New-ManagementRole -Name 'R' -Parent 'UserApplication'",
        "(Get-ManagementRoleEntry 'R\\*') | Where-Object { @('FindItem','GetItem') -notcontains $_.Name } | "
        "Remove-ManagementRoleEntry -Confirm:$false",
    ]


def test_keys_are_merged_at_run_time() -> None:
    theirs, ours = r.KeyCredential(key_id="1", key=b"0theirs"), r.KeyCredential(key=b"0ours")
    before = r.ServicePrincipal(
        premises=ONLINE, identity=apps.TEAMS_SCHEDULER, object_id="oid", key_credentials=(theirs,)
    )
    after = msgspec.structs.replace(before, key_credentials=(theirs, ours))
    printed = script(plan(changed(before, after)))
    assert b64encode(b"0ours").decode() in printed
    assert b64encode(b"0theirs").decode() not in printed
    assert "?$select=id,keyCredentials'" in printed
    assert "throw" in printed and "-Method PATCH" in printed and "-Method POST" not in printed
    assert "-Method POST" in script(plan(changed(None, after)))
    assert "graph.microsoft.us" in script(plan(changed(before, after)), "graph.microsoft.us")


def test_teams_parts_come_last_under_their_own_shell() -> None:
    policy = r.TeamsAppSetupPolicy(premises=ONLINE, identity="Global", pinned_app_bar_apps=("a",))
    pinned = msgspec.structs.replace(policy, pinned_app_bar_apps=("a", apps.TEAMS_CALENDAR_APP))
    user = r.CsOnlineUser(premises=ONLINE, identity="ada@contoso.com", teams_upgrade_policy="SfBOnly")
    printed = script(
        plan(
            changed(policy, pinned),
            changed(user, msgspec.structs.replace(user, teams_upgrade_policy="UpgradeToTeams")),
            changed(ALLOWING, MORE),
        )
    )
    assert printed.index("Exchange Management Shell") < printed.index("Microsoft Teams PowerShell")
    assert f"Id = '{apps.TEAMS_CALENDAR_APP}'; Order = 2" in printed
    assert "Set-CsTeamsAppSetupPolicy -Identity 'Global' -PinnedAppBarApps $apps" in printed
    assert "Grant-CsTeamsUpgradePolicy -Identity 'ada@contoso.com' -PolicyName 'UpgradeToTeams'" in printed
    back = msgspec.structs.replace(user, teams_upgrade_policy="")
    assert "-PolicyName $null" in script(plan(changed(user, back)))


DELEGATE = r.DelegateUser(premises=ON, identity="ada@x/grace@x", delegator="ada@x", delegate="grace@x")


def test_delegates_are_steps_for_a_person_and_no_code() -> None:
    private = msgspec.structs.replace(DELEGATE, view_private_items=True)
    printed = script(plan(changed(None, DELEGATE, "List her."), changed(DELEGATE, None), changed(DELEGATE, private)))
    assert code(printed) == ["$ErrorActionPreference = 'Stop'"]
    added, removed, updated = printed.split("# 1. ")[1].split("# 2. ")[0], *printed.split("# 2. ")[1].split("# 3. ")
    assert "#   1) Open classic Outlook as ada@x: File > Account Settings > Delegate Access." in added
    assert "Choose Add and select grace@x." in added and "Do not tick 'Delegate can see my private items'" in added
    assert "Choose grace@x, then Remove" in removed and "Tick" not in removed
    assert "Tick 'Delegate can see my private items'" in updated and "Choose Add" not in updated
    assert printed.count("hybridge repair apply does it by EWS") == 3


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("plain", "'plain'"),
        ("", "''"),
        ("O'Neill; Remove-Mailbox", "'O''Neill; Remove-Mailbox'"),
        ("$(evil) `n", "'$(evil) `n'"),
        ("M\u00fcller", "('' + 'M' + [char]0x00FC + 'ller')"),
        ("\u2019; evil", "('' + [char]0x2019 + '; evil')"),
        ("\U0001f600", "('' + [char]0xD83D + [char]0xDE00)"),
    ],
)
def test_any_text_is_quoted_in_ascii(text: str, expression: str) -> None:
    assert quoted(text) == expression
    assert quoted(text).isascii()


@pytest.mark.parametrize("text", ["a\nb", "a\r", "\x00", "a\u2028b", "\x1b[0m"])
def test_line_breaks_are_refused(text: str) -> None:
    with pytest.raises(ScriptRefused, match="line break or control"):
        quoted(text)


def test_a_sentence_cannot_leave_its_comment() -> None:
    says = "Add \u2018x\u2019 \u2013 now\nRemove-Mailbox ada\u2028Remove-Mailbox grace\r\n\x85x"
    manual = Manual(says="Ask\nRemove-Mailbox", steps=("One\nRemove-Mailbox",), verify="See\nRemove-Mailbox")
    printed = script(plan(changed(ALLOWING, MORE, says), manual=(manual,)))
    assert len(code(printed)) == 2
    assert "# 1. Add 'x' - now Remove-Mailbox ada Remove-Mailbox grace" in printed
    assert not any(sign in printed for sign in "\u2013\u2018\u2019\u2028\r\x85")


def test_what_a_hand_would_refuse_is_not_printed() -> None:
    unset = r.OrganizationConfig(premises=ON, identity="Contoso")
    with pytest.raises(ScriptRefused, match="never switches an EWS policy"):
        script(plan(changed(unset, ALLOWING)))
    probe = r.ExchangeServer(premises=ON, identity="EX1")
    with pytest.raises(ScriptRefused, match="nothing that hybridge writes"):
        script(plan(changed(None, probe)))


def test_what_if_says_where_what_and_whether_it_can_be_undone() -> None:
    lines = what_if(plan(changed(ALLOWING, MORE, "Add two.")))
    assert lines[1:] == (
        "1. Add two.",
        "   where:  Exchange on-premises, OrganizationConfig 'contoso'",
        "   before: ews_allow_list with 1 entry",
        "   after:  ews_allow_list with 3 entries, new [*Teams/*, *O'Neill*]",
        "   risk:   low",
        "   undo:   yes",
        "   cures:  a/b:c",
    )


def test_what_if_of_keys_shows_thumbprints_and_what_undo_cannot_bring_back() -> None:
    expired = r.KeyCredential(key_id="9", key=b"0old", end_at=NOW)
    before = r.ServicePrincipal(premises=ONLINE, identity="7557eb47", key_credentials=(expired,))
    after = msgspec.structs.replace(before, key_credentials=(r.KeyCredential(key=b"0ours"),))
    told = "\n".join(what_if(plan(changed(before, after), changed(None, after))))
    assert "0ours" not in told
    assert "1 expired key(s) are dropped for good" in told
    assert "the service principal stays, without ours" in told


def test_what_if_tells_creation_removal_switches_and_manual_steps() -> None:
    application = r.PartnerApplication(premises=ON, identity="Teams", application_identifier="1", linked_account="A")
    off = msgspec.structs.replace(application, enabled=False)
    manual = Manual(says="Open /api.", subject="mail.contoso.com", steps=("One.",), verify="Look.")
    changes = (changed(None, application), changed(application, None), changed(off, application))
    told = what_if(plan(*changes, manual=(manual,)))
    assert "   after:  created with application_identifier '1', enabled true, linked_account 'A'" in told
    assert "   after:  removed" in told
    assert "   before: enabled false" in told
    assert told[-3:] == ("By hand: Open /api. (mail.contoso.com)", "   1) One.", "   see:    Look.")
    assert what_if(plan()) == ("Nothing to do: the plan is empty.",)
