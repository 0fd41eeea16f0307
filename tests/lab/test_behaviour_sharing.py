"""The lab's two Exchange organizations ask each other truly by their configuration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.loop.walk import certificate

from hybridge.lab.behaviour.oauth_between import to_cloud, to_servers
from hybridge.lab.behaviour.sharing import asked_on_premises, asked_online
from hybridge.lab.contoso import TENANT_ID, contoso
from hybridge.lab.contoso_kinds import as_kind
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms.hybrid_kinds import HybridKind
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, LINUS = "ada@contoso.com", "linus@contoso.com"
ENDPOINT = "https://autodiscover.contoso.com/autodiscover/autodiscover.svc"
Edit = Callable[[Organization], Organization]


def healthy() -> Organization:
    return contoso(NOW, certificate())


def dauth(organization: Organization) -> Organization:
    """Without connectors: what is left is federation."""
    return organization.edit(r.IntraOrganizationConnector, enabled=False)


def codes(organization: Organization, now: datetime = NOW) -> tuple[int, int]:
    """What each side says of a person of the other (Linus on-premises, Ada online): 0 for shown, 1 unnumbered."""
    said = (
        asked_on_premises(organization, LINUS, now, TENANT_ID),
        asked_online(organization, ADA, now, TENANT_ID),
    )
    first, second = (0 if one is None else one.exception_code or 1 for one in said)
    return first, second


def on(kind: type[r.Record], premises: Premises, **changes: object) -> Edit:
    return lambda organization: organization.edit(kind, lambda one: one.premises is premises, **changes)


@pytest.mark.parametrize("edit", [lambda o: o, dauth, lambda o: as_kind(o, HybridKind.MODERN)])
def test_both_directions_work(edit: Edit) -> None:
    assert codes(edit(healthy())) == (0, 0)


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (on(r.RemoteMailbox, ON, remote_routing_address=""), (5016, 0)),
        (on(r.RemoteMailbox, ON, remote_routing_address="linus@elsewhere.example"), (5037, 0)),
        (lambda o: o.drop(*(one.address for one in o.all(r.RemoteMailbox, ON))), (5009, 0)),
        (on(r.MailUser, ONLINE, external_email_address="ada@elsewhere.example"), (0, 5037)),
        (on(r.IntraOrganizationConnector, ONLINE, discovery_endpoint=""), (0, 5016)),
        (on(r.IntraOrganizationConnector, ON, discovery_endpoint=ENDPOINT), (5016, 0)),
        (on(r.WebServicesVirtualDirectory, ON, oauth_authentication=False), (0, 5039)),
        (on(r.SettingOverride, ON, parameters=("Enabled=false",)), (5039, 0)),
        (on(r.PublishedPath, ON, answered_by="login-page"), (0, 5039)),
        (on(r.OrganizationRelationship, ON, enabled=False), (0, 0)),
        (on(r.OrganizationRelationship, ONLINE, enabled=False), (0, 0)),
    ],
)
def test_a_connector_decides_alone(edit: Edit, wanted: tuple[int, int]) -> None:
    assert codes(edit(healthy())) == wanted


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (on(r.OrganizationRelationship, ON, enabled=False), (5037, 1)),
        (on(r.OrganizationRelationship, ONLINE, enabled=False), (1, 5037)),
        (on(r.OrganizationRelationship, ON, free_busy_access_enabled=False), (0, 1)),
        (on(r.OrganizationRelationship, ONLINE, free_busy_access_level="None"), (1, 0)),
        (on(r.FederationTrust, ON, token_issuer_certificate_not_after=NOW - timedelta(days=1)), (5039, 5039)),
        (on(r.WebServicesVirtualDirectory, ON, ws_security_authentication=False), (0, 5039)),
        (on(r.AutodiscoverVirtualDirectory, ON, external_authentication_methods=("OAuth",)), (0, 0)),
        (on(r.WebServicesVirtualDirectory, ON, oauth_authentication=False), (0, 0)),
    ],
)
def test_federation_serves_where_no_connector_is(edit: Edit, wanted: tuple[int, int]) -> None:
    assert codes(edit(dauth(healthy()))) == wanted


def test_a_certificate_that_ended_stops_both() -> None:
    ended = certificate().not_after + timedelta(days=1)
    organization = healthy()
    assert to_cloud(organization, ended, TENANT_ID) is not None
    assert to_servers(organization, ended, TENANT_ID, ENDPOINT) is not None


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (on(r.EntraApplication, ONLINE, key_credentials=()), "The key was not found"),
        (on(r.EntraApplication, ONLINE, application_id="other"), "AADSTS700016"),
        (on(r.AuthServer, ON, realm="other"), "tenant guid 'other'"),
        (on(r.AuthServer, ON, enabled=False), "No auth server"),
        (lambda o: o.drop(*(one.address for one in o.all(r.AppRoleAssignment, ONLINE))), "no permission"),
        (lambda o: o.drop(*(one.address for one in o.all(r.MailUser, ONLINE))), "does not exist"),
    ],
)
def test_words_on_the_way_to_the_cloud(edit: Edit, words: str) -> None:
    refused = to_cloud(edit(healthy()), NOW, TENANT_ID, ADA)
    assert refused is not None and words in refused.says


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (on(r.ServicePrincipal, ONLINE, service_principal_names=()), "audience claim value is invalid 'aud'"),
        (on(r.PublishedPath, ON, tls_offloaded=True), "Actual 'http://mail.contoso.com'"),
        (lambda o: o.put(r.TrustedKeys(premises=ON, identity="ACS", stale=True)), "invalid signature"),
        (on(r.PartnerApplication, ON, enabled=False), "not a partner"),
        (lambda o: o.drop(*(one.address for one in o.all(r.ManagementRoleAssignment, ON))), "RBAC roles"),
        (lambda o: o.drop(*(one.address for one in o.all(r.RemoteMailbox, ON))), "does not exist"),
        (lambda o: o.put(*(_double(one) for one in o.all(r.RemoteMailbox, ON))), "ambiguous"),
    ],
)
def test_words_on_the_way_to_the_servers(edit: Edit, words: str) -> None:
    assert to_servers(healthy(), NOW, TENANT_ID, ENDPOINT, LINUS) is None
    refused = to_servers(edit(healthy()), NOW, TENANT_ID, ENDPOINT, LINUS)
    assert refused is not None and words in refused.says


def _double(one: r.RemoteMailbox) -> r.RemoteMailbox:
    return msgspec.structs.replace(one, identity=f"old-{one.identity}")
