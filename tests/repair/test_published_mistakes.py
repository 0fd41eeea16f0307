"""The mistakes of the published texts, each refused or corrected by a test that bears its name.

Three lists. *Commands that circulate*: four that have cut off whole organizations or do nothing at all. *The article
and the blog*: what their delegate and EWS commands get wrong. *The Graph scripts*: what was wrong with the uploads that
replaced the MSOnline module, in every edition of the procedure since.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import timedelta

import msgspec
import pytest
from tests.loop.walk import NOW, certificate, new_estate, no_sleep
from tests.repair.generations import first_edition, nothing

from hybridge.checks.partner_apps import integration
from hybridge.checks.registry import check_named
from hybridge.evidence import complete
from hybridge.findings import Finding, Scope, Subject
from hybridge.lab.contoso import DOMAIN, TENANT_ID, contoso
from hybridge.lab.in_process import InProcess
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.union import AnyRecord
from hybridge.plan import Change, Plan
from hybridge.repair.hands import exchange_online_cmdlets
from hybridge.repair.hands.base import Reply
from hybridge.repair.hands.exchange_cmdlets import CMDLETS, commands
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.script import script
from hybridge.repair.procedures.preconditions import NEEDS
from hybridge.repair.procedures.teams_partner_apps import Options, draft
from hybridge.repair.rules import refusal
from hybridge.rules import CALLERS
from hybridge.terms import applications as apps
from hybridge.terms.callers import matches
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.graph.keys import read_key

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
HEALTHY = contoso(NOW, certificate())
UNSET = r.OrganizationConfig(premises=ON, identity="Contoso")
ALLOWING = msgspec.structs.replace(UNSET, ews_application_access_policy="EnforceAllowList", ews_allow_list=("OWA/*",))


def change(before: AnyRecord | None, after: AnyRecord | None) -> Change:
    record = after or before
    assert record is not None
    return Change(address=record.address, before=before, after=after, says="Do it.")


def refused(before: AnyRecord | None, after: AnyRecord | None) -> str:
    return refusal(change(before, after), NOW)


def allowing(*added: str) -> r.OrganizationConfig:
    return msgspec.structs.replace(ALLOWING, ews_allow_list=("OWA/*", *added))


def procedure(organization: object = None, options: Options | None = None) -> Plan:
    """The procedure's plan where nothing of it is in place."""
    broken = nothing(HEALTHY) if organization is None else organization
    evidence = complete(broken, NEEDS, NOW, domain=DOMAIN, tenant_id=TENANT_ID)  # type: ignore[arg-type]
    plan = draft(evidence, options or Options(legacy_sfb=True, archive_role=True)).plan
    assert plan is not None
    return plan


# Commands that circulate ----------------------------------------------------------------------------------------------


def test_1_a_pattern_with_a_stray_blank_is_not_copied() -> None:
    seed = "* Microsoft.Skype.Presence.App/*"
    assert "stray blank" in refused(ALLOWING, allowing(seed))
    assert not any(matches(seed, caller.user_agent) for caller in CALLERS), "it matches nobody"


def test_1_a_pattern_with_a_stray_blank_that_is_there_is_healed() -> None:
    check = check_named("ews/allow-list-organization")
    broken = HEALTHY.edit(
        r.OrganizationConfig,
        lambda one: one.premises is ON,
        ews_allow_list=tuple(
            "* Microsoft.Skype.Presence.App/*" if "Presence" in entry else entry
            for one in HEALTHY.all(r.OrganizationConfig, ON)
            for entry in one.ews_allow_list or ()
        ),
    )
    evidence = complete(broken, {(type(one), one.premises) for one in HEALTHY}, NOW, domain=DOMAIN)
    found = [one for one in check.find(evidence, Subject(Scope.ORGANIZATION)) if isinstance(one, Finding)]
    assert found, "a list that refuses Teams is found"
    cure = check.cause(found[0].cause).heals(found[0], broken)
    assert isinstance(cure, tuple)
    (one,) = cure
    assert isinstance(one.after, r.OrganizationConfig)
    presence = next(caller for caller in CALLERS if "Presence" in caller.user_agent)
    assert any(matches(pattern, presence.user_agent) for pattern in one.after.ews_allow_list or ())


def test_2_an_allow_list_is_not_switched_on_where_there_was_no_policy() -> None:
    assert "never switches an EWS policy" in refused(UNSET, ALLOWING)
    assert "would be refused from then on" in refused(UNSET, ALLOWING)


def test_2_a_list_is_changed_under_the_policy_that_is_there() -> None:
    (ask,) = commands(change(ALLOWING, allowing("*Teams/*")))
    assert dict(ask.parameters) == {
        "EwsApplicationAccessPolicy": "EnforceAllowList",
        "EwsAllowList": {"Add": ("*Teams/*",)},
    }


def test_3_several_callers_in_one_text_are_not_one_pattern() -> None:
    assert "takes it as one pattern" in refused(ALLOWING, allowing("SchedulingService/*,*SkypeSpaces/*"))


@pytest.mark.parametrize("entry", ["\u201cTeams*\u201d", "Teams\u2013*", "\u2018Teams*", "Teams\u00a0*"])
def test_4_typographic_dashes_quotes_and_blanks_are_not_values(entry: str) -> None:
    assert "typographic" in refused(ALLOWING, allowing(entry))


def test_4_a_script_holds_no_typographic_sign_whatever_the_values_hold() -> None:
    user = r.MailUser(premises=ON, identity="Caf\u00e9 \u2013 \u2018x\u2019", external_email_address="x@contoso.com")
    plan = Plan(id="p", organization=DOMAIN, evidence_at=NOW, changes=(change(None, user),))
    assert script(plan).isascii()


# The article and the blog ---------------------------------------------------------------------------------------------


def permission(*rights: str, premises: Premises = ON, flags: tuple[str, ...] = ()) -> r.MailboxFolderPermission:
    return r.MailboxFolderPermission(
        premises=premises,
        identity="ada@contoso.com:\\Calendar/grace@contoso.com",
        mailbox="ada@contoso.com",
        user="grace@contoso.com",
        access_rights=rights,
        sharing_permission_flags=flags,
    )


def test_a_folder_is_named_with_its_colon() -> None:
    """The article writes <upn>\\Calendar, which names no folder."""
    for ask in (
        *commands(change(permission("Reviewer"), permission("Editor"))),
        *commands(change(None, permission("Editor"))),
    ):
        assert dict(ask.parameters)["Identity"] == "ada@contoso.com:\\Calendar"


def test_sharing_flags_are_never_sent_on_premises() -> None:
    for one in (change(None, permission("Editor")), change(permission("Author"), permission("Editor"))):
        assert all("SharingPermissionFlags" not in dict(ask.parameters) for ask in commands(one))


def test_sharing_flags_go_with_editor_only() -> None:
    """The article sends them with Author, which Exchange Online refuses."""
    author = permission("Author", premises=ONLINE, flags=("Delegate",))
    assert "beside the right Editor only" in refused(None, author)
    editor = permission("Editor", premises=ONLINE, flags=("Delegate",))
    for ask in exchange_online_cmdlets.commands(change(None, editor)):
        if "SharingPermissionFlags" in dict(ask.parameters):
            assert dict(ask.parameters)["AccessRights"] == ("Editor",)


def test_an_entry_that_is_not_there_is_added_not_set() -> None:
    assert [ask.name for ask in commands(change(None, permission("Editor")))] == ["Add-MailboxFolderPermission"]
    assert [ask.name for ask in commands(change(permission("Author"), permission("Editor")))] == [
        "Set-MailboxFolderPermission"
    ]


def test_ews_in_exchange_online_is_never_set_to_null() -> None:
    """True or null was once right for both; in Exchange Online null is turned to False."""
    online = r.OrganizationConfig(premises=ONLINE, identity="contoso.onmicrosoft.com", ews_enabled=False)
    null = msgspec.structs.replace(online, ews_enabled=None)
    assert "ews_enabled is never set to null" in refused(online, null)
    assert "ews_enabled is never set to null" in refused(msgspec.structs.replace(online, ews_enabled=True), null)
    assert refused(null, msgspec.structs.replace(online, ews_enabled=True)) == "", "away from null is what heals it"
    server = msgspec.structs.replace(online, premises=ON)
    assert refused(server, msgspec.structs.replace(null, premises=ON)) == "", "Exchange Server takes null for True"


def test_ews_in_exchange_online_is_closed_to_no_application_it_was_open_to() -> None:
    """EwsAllowedAppIDs is replaced whole: whoever writes one id alone shuts the others out."""
    online = r.OrganizationConfig(
        premises=ONLINE, identity="contoso.onmicrosoft.com", ews_enabled=True, ews_allowed_app_ids=("one", "two")
    )
    for ids in (("two", "three"), (), None):
        refusing = refused(online, msgspec.structs.replace(online, ews_allowed_app_ids=ids))
        assert "the application one must not be dropped" in refusing
    longer = msgspec.structs.replace(online, ews_allowed_app_ids=("one", "two", "three"))
    assert refused(online, longer) == ""


# The Graph scripts ----------------------------------------------------------------------------------------------------


def test_every_variable_of_the_script_is_defined_before_it_is_used() -> None:
    """The first Graph edition used $ServicePrincipalNames and $servicePrincipalId, which nothing set."""
    known = {"true", "false", "null", "_"}
    for line in script(procedure()).splitlines():
        if line.startswith("#"):
            continue
        code = re.sub(r"'[^']*'", "''", line)
        assigned = re.match(r"\s*\$(\w+)\s*=", code)
        used = set(re.findall(r"\$(\w+)", code)) - ({assigned[1]} if assigned and assigned[1] not in known else set())
        assert used <= known | {"ErrorActionPreference"}, (line, used - known)
        if assigned:
            known.add(assigned[1])


def test_a_principal_is_asked_for_by_its_application_id_not_picked_from_one_page() -> None:
    printed = script(procedure())
    assert "Get-MgServicePrincipal" not in printed
    for app_id in apps.KEY_HOLDERS:
        assert f"servicePrincipals(appId=''{app_id}'')?$select=id,keyCredentials" in printed


async def test_a_principal_the_tenant_lacks_is_made_first() -> None:
    """Where it was missing the published script went on with nothing in its hand."""
    broken = nothing(HEALTHY)
    (made,) = [one for one in procedure().changes if one.address.identity == apps.TEAMS_SCHEDULER]
    assert made.before is None
    estate = new_estate(SetClock(NOW))
    estate.organization = broken
    reply = await GraphHand(WORLDWIDE.graph, SetClock(NOW), no_sleep).write(InProcess(estate), made)
    assert isinstance(reply, Reply), reply
    principal = estate.organization.one(r.ServicePrincipal, ONLINE, apps.TEAMS_SCHEDULER)
    assert principal is not None and [key.key for key in principal.key_credentials] == [certificate().der]


REFERENCE = {
    "New-MailUser": {"Name", "ExternalEmailAddress"},
    "Set-MailUser": {"Identity", "HiddenFromAddressListsEnabled", "ExternalEmailAddress"},
    "Remove-MailUser": {"Identity", "Confirm"},
    "New-ManagementRole": {"Name", "Parent"},
    "Remove-ManagementRole": {"Identity", "Confirm"},
    "Add-ManagementRoleEntry": {"Identity"},
    "Remove-ManagementRoleEntry": {"Identity", "Confirm"},
    "New-ManagementRoleAssignment": {"Name", "Role", "User"},
    "Set-ManagementRoleAssignment": {"Identity", "Enabled"},
    "Remove-ManagementRoleAssignment": {"Identity", "Confirm"},
    "New-PartnerApplication": {"Name", "ApplicationIdentifier", "Enabled", "LinkedAccount", "Realm"},
    "Set-PartnerApplication": {"Identity", "ApplicationIdentifier", "Enabled", "LinkedAccount", "Realm"},
    "Remove-PartnerApplication": {"Identity", "Confirm"},
}
"""Parameters of Microsoft's reference that a plan of the procedure may name; every one takes -DomainController too."""


def test_no_cmdlet_is_given_a_parameter_it_does_not_have() -> None:
    """An accident of replacing made New-MailUser -ApplicationAccount of New-MailUser -Name."""
    asks: list[CmdletAsk] = []
    for organization in (nothing(HEALTHY), first_edition(HEALTHY)):
        for one in procedure(organization).changes:
            if one.address.kind in CMDLETS:
                asks += [*commands(one), *commands(one.inverse)]
    assert {ask.name for ask in asks} >= {"New-MailUser", "Set-PartnerApplication", "Remove-MailUser"}
    for ask in asks:
        assert {name for name, _ in ask.parameters} <= REFERENCE[ask.name], ask
    assert "ApplicationAccount " not in script(procedure())


def test_voicemail_is_linked_to_the_account_as_well() -> None:
    """Its first edition left it without one, so that it could do nothing."""
    linked = {
        one.after.application_identifier: one.after.linked_account
        for one in procedure(first_edition(HEALTHY)).changes
        if isinstance(one.after, r.PartnerApplication)
    }
    assert linked[apps.CLOUD_VOICEMAIL] == apps.INTEGRATION_ACCOUNT


THEIRS = r.KeyCredential(key_id="theirs", key=b"0theirs", end_at=NOW + timedelta(days=9))
EXPIRED = r.KeyCredential(key_id="old", key=b"0old", end_at=NOW - timedelta(days=9))


def test_keys_of_others_are_merged_never_replaced() -> None:
    """A list of one key has wiped out everybody else's."""
    organization = HEALTHY.edit(r.ServicePrincipal, key_credentials=(THEIRS, EXPIRED))
    for one in procedure(organization, Options()).changes:
        assert isinstance(one.after, r.ServicePrincipal)
        assert [key.key for key in one.after.key_credentials] == [b"0theirs", certificate().der]
    bare = HEALTHY.one(r.ServicePrincipal, ONLINE, apps.TEAMS_SCHEDULER)
    assert bare is not None
    theirs, ours = (msgspec.structs.replace(bare, key_credentials=keys) for keys in ((THEIRS,), bare.key_credentials))
    assert "must not be dropped" in refused(theirs, ours)


def test_an_expired_key_is_left_out_and_nothing_is_sent_where_the_certificate_is_there() -> None:
    """Entra refuses expired keys that are sent again; where nothing has to be added nothing is written."""
    there = tuple(
        msgspec.structs.replace(one, key_credentials=(*one.key_credentials, EXPIRED))
        for one in HEALTHY.all(r.ServicePrincipal, ONLINE)
        if one.identity in apps.KEY_HOLDERS
    )
    assert procedure(HEALTHY.put(*there), Options()).changes == ()


def test_a_living_key_without_its_bytes_stops_everything() -> None:
    hidden = msgspec.structs.replace(THEIRS, key=None)
    organization = HEALTHY.edit(r.ServicePrincipal, key_credentials=(hidden,))
    evidence = complete(organization, NEEDS, NOW, domain=DOMAIN, tenant_id=TENANT_ID)
    drafted = draft(evidence, Options())
    assert drafted.plan is None
    assert all("would lose it" in reason.says for reason in drafted.refused)
    bare = HEALTHY.one(r.ServicePrincipal, ONLINE, apps.TEAMS_SCHEDULER)
    assert bare is not None
    before = msgspec.structs.replace(bare, key_credentials=(hidden,))
    assert "would lose it" in refused(before, msgspec.structs.replace(bare, key_credentials=(hidden, THEIRS)))


def test_a_key_that_was_encoded_twice_is_the_certificate_all_the_same() -> None:
    """The published script sends the ASCII bytes of a base64 text."""
    der = certificate().der
    assert read_key(b64encode(b64encode(der)).decode()) == read_key(b64encode(der).decode()) == der


def test_the_key_is_the_public_certificate_of_exchange_and_no_date_is_sent() -> None:
    """A key given without a date ends with its certificate; MSOnline's lasted a year."""
    printed = script(procedure())
    assert b64encode(certificate().der).decode() in printed
    assert "endDateTime =" not in printed and "startDateTime" not in printed
    assert "PRIVATE" not in printed


def test_one_domain_controller_instead_of_none() -> None:
    """The blog dropped -DomainController, which the next cmdlet in a forest with several needs."""
    plan = procedure(options=Options(domain_controller="dc1.contoso.com"))
    lines = [line for line in script(plan).splitlines() if line.startswith(("New-", "Set-", "(Get-"))]
    assert len(lines) >= 6
    assert all("-DomainController 'dc1.contoso.com'" in line for line in lines)


def test_the_legacy_application_is_never_deleted() -> None:
    """The page itself warns: greetings during automatic replies still use it."""
    legacy = integration.application_record(apps.SKYPE_FOR_BUSINESS_ONLINE, apps.LEGACY_NAME, apps.LEGACY_ACCOUNT)
    for organization in (nothing(HEALTHY).put(legacy), first_edition(HEALTHY).put(legacy), HEALTHY.put(legacy)):
        for options in (Options(), Options(archive_role=True)):
            assert all(one.address != legacy.address for one in procedure(organization, options).changes)
