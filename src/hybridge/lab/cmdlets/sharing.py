"""What joins Exchange to its tenant, seen on-premises: the federation trust, the wizard's record, the connectors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from hybridge.lab.behaviour.oauth_between import Refused, to_cloud
from hybridge.lab.cmdlets.base import IDENTITY, ON, REQUIRED_IDENTITY, Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.identities import mailbox_of, search, single
from hybridge.lab.cmdlets.outcome import refused_argument
from hybridge.lab.cmdlets.parameters import boolean, choice, switch, text, texts
from hybridge.lab.contoso import TENANT_ID
from hybridge.org import records as r
from hybridge.org.probes import OAuthTestProbe
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises
from hybridge.wire.cmdlets.oauth_connectivity import SERVICES


@cmdlet("Get-FederationTrust", IDENTITY)
def get_trust(call: Call) -> Result:
    """Trusts in the federation gateway."""
    return Result(search(call, r.FederationTrust, call.text("Identity")))


@cmdlet("Get-HybridConfiguration")
def get_configuration(call: Call) -> Result:
    """What the Hybrid Configuration Wizard was told."""
    return Result(search(call, r.HybridConfiguration, ""))


@cmdlet(
    "Set-IntraOrganizationConnector",
    REQUIRED_IDENTITY,
    texts("TargetAddressDomains"),
    text("DiscoveryEndpoint"),
    boolean("Enabled"),
)
def set_connector(call: Call) -> Result:
    """Change a connector."""
    before = single(call, r.IntraOrganizationConnector)
    changes: dict[str, Any] = {}
    if call.given("TargetAddressDomains"):
        changes["target_address_domains"] = call.get("TargetAddressDomains").applied(before.target_address_domains)
        if not changes["target_address_domains"]:
            raise refused_argument("A connector needs at least one domain.")
    if call.given("DiscoveryEndpoint"):
        changes["discovery_endpoint"] = call.text("DiscoveryEndpoint")
    if call.given("Enabled"):
        changes["enabled"] = call.get("Enabled")
    return changed(call, before, msgspec.structs.replace(before, **changes))


TEST_OAUTH = (
    choice("Service", SERVICES, "Microsoft.Exchange.Security.OAuth.ModServiceType"),
    text("TargetUri", mandatory=True),
    text("Mailbox", 0),
    switch("AppOnly"),
    switch("UseCachedToken"),
    switch("ReloadConfig"),
)
TASK = "Checking EWS API Call Under Oauth"


def tested(premises: Premises, uri: str, auth_server: str, resource: str, refused: Refused | None) -> OAuthTestProbe:
    """What Test-OAuthConnectivity writes: a trace in Exchange's words, with the failure at its end."""
    forbidden = refused is not None and refused.status == 403
    loaded = "1/1/0001 12:00:00 AM" if forbidden else "11/20/2026 8:00:00 AM"
    trace = [
        f"The configuration was last successfully loaded at {loaded} UTC.",
        "Exchange Outbound Oauth Log:",
        f"Information:[OAuthCredentials:Authenticate] challenge from '{uri}' received: Bearer client_id="
        '"00000002-0000-0ff1-ce00-000000000000"',
        f"Information:[OAuthTokenBuilder:GetAppToken] trusted_issuer includes the auth server '{auth_server}'",
        f"Information:[OAuthTokenBuilder:GetAppToken] trying to get the apptoken from the auth server '{auth_server}' "
        f"for resource '{resource}', tenantId",
    ]
    if refused is None:
        trace.append(f"Information:[OAuthCredentials:Authenticate] send request to '{uri}' with the bearer token:")
        trace.append("Exchange Response Details: HTTP response message: 200 OK")
    else:
        status = f"The remote server returned an error: ({refused.status}). " if refused.status else ""
        diagnosed = "diagnostics: " if refused.says.startswith("2") else ""
        trace.append(f"Error: {status}{diagnosed}{refused.says}")
    result = "Success" if refused is None else "Error"
    return OAuthTestProbe(premises=premises, identity=TASK, result_type=result, detail="\r\n".join(trace))


@cmdlet("Test-OAuthConnectivity", *TEST_OAUTH)
def test_oauth(call: Call) -> Result:
    """Whether Exchange Server gets in at Exchange Online."""
    name = next((one.identity for one in call.organization.all(r.AuthServer, ON) if one.enabled), "")
    mailbox = mailbox_of(call, call.text("Mailbox")).identity if call.text("Mailbox") else ""
    uri = call.text("TargetUri")
    host = uri.partition("://")[2].partition("/")[0]
    resource = f"{EXCHANGE_ONLINE}/{host}@{TENANT_ID}"
    refused = to_cloud(call.organization, now_of(call), TENANT_ID, mailbox)
    return Result(output=(tested(ON, uri, name, resource, refused),))


def now_of(call: Call) -> datetime:
    """The lab's time."""
    return call.now or datetime.max.replace(tzinfo=UTC)


CMDLETS = (get_trust, get_configuration, set_connector, test_oauth)
