"""The script's part for the dedicated hybrid application: found by name, merged at run time, in the right order."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import msgspec

from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION
from hybridge.org import records as r
from hybridge.org.union import AnyRecord
from hybridge.plan import Change, Plan
from hybridge.repair.hands.script import script
from hybridge.repair.hybrid_rules import PERMISSION
from hybridge.terms import applications as apps
from hybridge.terms.hybrid_application import FULL_ACCESS_AS_APP
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
THEIRS, OURS = r.KeyCredential(key_id="1", key=b"0theirs"), r.KeyCredential(key=b"0ours")
MADE = r.EntraApplication(
    premises=ONLINE, identity=HYBRID_APPLICATION, display_name=HYBRID_APPLICATION, object_id="o-1",
    required_resource_access=(PERMISSION,), key_credentials=(THEIRS, OURS),
)  # fmt: skip
CONSENT = r.AppRoleAssignment(
    premises=ONLINE, identity=f"{HYBRID_APPLICATION}/{FULL_ACCESS_AS_APP}", principal=HYBRID_APPLICATION,
    app_role_id=FULL_ACCESS_AS_APP,
)  # fmt: skip
SERVER = r.AuthServer(premises=ON, identity="EvoSts", type="AzureAD")
OVERRIDE = r.SettingOverride(
    premises=ON, identity="On", component_name="Global", section_name="ExchangeOnpremAsThirdPartyAppId",
    parameters=("Enabled=true",), reason="Use it",
)  # fmt: skip


def changed(before: AnyRecord | None, after: AnyRecord) -> Change:
    return Change(address=after.address, before=before, after=after, says="Do it.")


def printed(*changes: Change) -> str:
    return script(Plan(id="p", organization="contoso.com", evidence_at=NOW, changes=changes))


def test_keys_and_permissions_are_merged_at_run_time() -> None:
    before = msgspec.structs.replace(MADE, required_resource_access=(), key_credentials=(THEIRS,))
    text = printed(changed(before, MADE))
    assert b64encode(b"0ours").decode() in text and b64encode(b"0theirs").decode() not in text
    assert f"applications?$filter=displayName eq ''{HYBRID_APPLICATION}''&$select=id'" in text
    assert text.count("throw") == 2 and text.count("-Method PATCH") == 2 and "-Method POST" not in text
    assert "[guid]::NewGuid()" in text and f"id = '{FULL_ACCESS_AS_APP}'; type = 'Role'" in text


def test_what_does_not_change_is_not_written() -> None:
    only_key = printed(changed(msgspec.structs.replace(MADE, key_credentials=(THEIRS,)), MADE))
    assert "requiredResourceAccess = @($access)" not in only_key and only_key.count("-Method PATCH") == 1
    only_access = printed(changed(msgspec.structs.replace(MADE, required_resource_access=()), MADE))
    assert "keyCredentials = @($keys)" not in only_access and only_access.count("-Method PATCH") == 1


def test_a_new_application_gets_its_principal_and_consent() -> None:
    text = printed(changed(None, MADE), changed(None, CONSENT))
    assert text.index("signInAudience = 'AzureADMyOrg'") < text.index("@{ appId = $made.appId }")
    assert text.index("@{ appId = $made.appId }") < text.index("appRoleId = ")
    assert f"servicePrincipals(appId=''' + '{apps.EXCHANGE_ONLINE}' + ''')?$select=id'" in text
    assert "-Scopes Application.ReadWrite.All,AppRoleAssignment.ReadWrite.All" in text


def test_exchange_is_told_last() -> None:
    linked = msgspec.structs.replace(SERVER, application_identifier="an-id")
    enabled = msgspec.structs.replace(SERVER, identity="ACS", enabled=False)
    text = printed(
        changed(enabled, msgspec.structs.replace(enabled, enabled=True)),
        changed(None, CONSENT),
        changed(SERVER, linked),
        changed(None, OVERRIDE),
    )
    order = [
        "Set-AuthServer -Identity 'ACS' -Enabled $true",
        "/appRoleAssignments'",
        "Set-AuthServer -Identity 'EvoSts' -ApplicationIdentifier 'an-id'",
        "New-SettingOverride -Name 'On' -Component 'Global' -Section 'ExchangeOnpremAsThirdPartyAppId' "
        "-Parameters 'Enabled=true' -Reason 'Use it'",
    ]
    assert [text.index(one) for one in order] == sorted(text.index(one) for one in order)
