"""What joins the tenant to its Exchange servers, seen in Exchange Online: relationships and connectors."""

from __future__ import annotations

from hybridge.lab.behaviour.oauth_between import to_servers
from hybridge.lab.cmdlets.base import IDENTITY, Call, Result, cmdlet
from hybridge.lab.cmdlets.online_identities import ONLINE, mailbox_of, search
from hybridge.lab.cmdlets.sharing import TEST_OAUTH, now_of, tested
from hybridge.lab.contoso import DOMAIN, TENANT_ID
from hybridge.org import records as r
from hybridge.terms.applications import ACCESS_CONTROL_SERVICE, EXCHANGE_ONLINE


@cmdlet("Get-OrganizationRelationship", IDENTITY)
def get_relationship(call: Call) -> Result:
    """Relationships with other organizations."""
    return Result(search(call, r.OrganizationRelationship, call.text("Identity")))


@cmdlet("Get-IntraOrganizationConnector", IDENTITY)
def get_connector(call: Call) -> Result:
    """Connectors to other parts of the organization."""
    return Result(search(call, r.IntraOrganizationConnector, call.text("Identity")))


@cmdlet("Test-OAuthConnectivity", *TEST_OAUTH)
def test_oauth(call: Call) -> Result:
    """Whether Exchange Online gets in at the servers its connector leads to."""
    uri = call.text("TargetUri")
    mailbox = mailbox_of(call, call.text("Mailbox")).identity if call.text("Mailbox") else ""
    endpoints = [
        one.discovery_endpoint for one in call.organization.all(r.IntraOrganizationConnector, ONLINE) if one.enabled
    ]
    host = uri.partition("://")[2].partition("/")[0]
    endpoint = next(iter(endpoints), f"https://autodiscover.{DOMAIN}/autodiscover/autodiscover.svc")
    refused = to_servers(call.organization, now_of(call), TENANT_ID, endpoint, mailbox)
    resource = f"{EXCHANGE_ONLINE}/{host}@{TENANT_ID}"
    return Result(output=(tested(ONLINE, uri, ACCESS_CONTROL_SERVICE, resource, refused),))


CMDLETS = (get_relationship, get_connector, test_oauth)
