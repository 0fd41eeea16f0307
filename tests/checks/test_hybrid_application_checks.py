"""The edges of the checks of the dedicated hybrid application: what is found, what is left alone, what cures it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.checks.conftest import NOW, ON, ONLINE, Look

from hybridge.checks.base import Saying
from hybridge.checks.oauth import hybrid
from hybridge.checks.oauth.hybrid_application_build import knows_the_application
from hybridge.checks.registry import check_named
from hybridge.evidence import Evidence, Unseen, complete
from hybridge.findings import ORGANIZATION, Finding, NotApplicable
from hybridge.lab.contoso import DOMAIN, ROUTING_DOMAIN, TENANT_ID
from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION, HYBRID_APPLICATION_ID
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.probes import DeletedApplication, ServerLocationProbe
from hybridge.org.records import Record
from hybridge.plan import Change, Manual, Risk
from hybridge.terms import applications as apps
from hybridge.terms import hybrid_application as terms
from hybridge.terms.premises import Premises

OBJECT = "oauth/hybrid-application-object"
AUTH_SERVER = "oauth/hybrid-application-auth-server"
SETTING = "oauth/hybrid-application-setting"
RELATIONSHIP = "oauth/organization-relationship-epr"
BUILD = "oauth/hybrid-application-build"
SHARED = "oauth/shared-service-principal"
EVERY = (OBJECT, AUTH_SERVER, SETTING, BUILD, SHARED)
OTHER_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], "tuple[Change, ...] | Manual"]
Changed = Callable[[Saying, Organization], Organization]


def entra(one: r.AuthServer) -> bool:
    return one.type == "AzureAD"


def the_application(organization: Organization) -> r.EntraApplication:
    (found,) = organization.all(r.EntraApplication)
    return found


def found_by(look: Look, check: str, organization: Organization, **options: Any) -> Finding:
    (finding,) = look(check, organization, **options)
    assert isinstance(finding, Finding), finding
    return finding


def seen(organization: Organization, *probes: type[Record]) -> Evidence:
    """Evidence in which ``probes`` were asked, too."""
    kinds: set[tuple[type[Record], Premises]] = {(type(one), one.premises) for one in organization}
    kinds |= {(kind, ONLINE) for kind in probes}
    return complete(organization, kinds, NOW, domain=DOMAIN, tenant_id=TENANT_ID)


# Whether it matters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", EVERY)
def test_without_oauth_to_the_cloud_nothing_is_judged(causes: Causes, healthy: Organization, check: str) -> None:
    no_partner = healthy.edit(r.PartnerApplication, lambda one: one.identity == "Exchange Online", enabled=False)
    of_a_realm = healthy.edit(r.PartnerApplication, lambda one: one.identity == "Exchange Online", realm=TENANT_ID)
    for organization in (healthy.edit(r.AuthServer, enabled=False), no_partner, of_a_realm):
        assert causes(check, organization) == ["not-applicable"]


@pytest.mark.parametrize("check", (AUTH_SERVER, SETTING, SHARED))
def test_another_tenants_auth_server_is_judged_elsewhere(causes: Causes, healthy: Organization, check: str) -> None:
    moved = healthy.edit(r.AuthServer, realm=OTHER_ID).drop(*(one.address for one in healthy.all(r.SettingOverride)))
    assert causes(check, moved) == ["not-applicable"]


def test_without_a_tenant_id_every_realm_may_be_ours(causes: Causes, healthy: Organization) -> None:
    assert causes(AUTH_SERVER, healthy.edit(r.AuthServer, realm=OTHER_ID), tenant_id="") == []


def test_spaces_and_case_of_a_setting_do_not_matter() -> None:
    override = r.SettingOverride(
        premises=ON, identity="x", component_name="global", section_name="exchangeonpremasthirdpartyappid",
        parameters=("enabled = TRUE",),
    )  # fmt: skip
    assert hybrid.overrides((override,)) == (override,)
    assert hybrid.switches_on(override)
    assert not hybrid.switches_on(msgspec.structs.replace(override, parameters=("Enabled=false",)))


@pytest.mark.parametrize(
    ("identifier", "is_one"),
    [
        (HYBRID_APPLICATION_ID, True),
        (HYBRID_APPLICATION_ID.upper(), True),
        (apps.EXCHANGE_ONLINE, False),
        ("", False),
        ("ExchangeServerApp", False),
    ],
)
def test_what_counts_as_an_application_of_its_own(identifier: str, is_one: bool) -> None:
    server = r.AuthServer(premises=ON, identity="EvoSts", application_identifier=identifier)
    assert hybrid.names_an_application(server) is is_one


# The application ------------------------------------------------------------------------------------------------------


def test_the_application_is_the_one_the_auth_server_names(causes: Causes, healthy: Organization) -> None:
    """However it is called, and whatever else bears the usual name."""
    mine = the_application(healthy)
    renamed = msgspec.structs.replace(mine, identity="Hybrid", display_name="Hybrid")
    given = healthy.all(r.AppRoleAssignment)[0]
    consent = msgspec.structs.replace(given, identity=f"Hybrid/{given.app_role_id}", principal="Hybrid")
    decoy = msgspec.structs.replace(mine, application_id=OTHER_ID, required_resource_access=(), key_credentials=())
    assert causes(OBJECT, healthy.drop(mine.address, given.address).put(renamed, consent)) == []
    assert causes(OBJECT, healthy.drop(given.address).put(decoy, renamed, consent)) == []


def test_two_of_one_name_cannot_be_told_apart(look: Look, healthy: Organization) -> None:
    mine = the_application(healthy)
    twin = msgspec.structs.replace(mine, identity=f"{mine.identity} (2)", application_id=OTHER_ID)
    unnamed = healthy.put(twin).edit(r.AuthServer, application_identifier="")
    for check in (OBJECT, AUTH_SERVER):
        (saying,) = look(check, unnamed)
        assert isinstance(saying, Unseen) and saying.reason == "ambiguous"
    assert look(OBJECT, healthy.put(twin)) == []


def test_without_the_organizations_id_the_name_is_not_known(look: Look, healthy: Organization) -> None:
    nameless = healthy.edit(r.OrganizationConfig, guid="").edit(r.AuthServer, application_identifier="")
    (saying,) = look(OBJECT, nameless)
    assert isinstance(saying, Unseen) and "Get-OrganizationConfig" in saying.how
    assert look(OBJECT, healthy.edit(r.OrganizationConfig, guid="")) == []


def test_an_application_is_made_with_permission_and_certificate(
    look: Look, heal: Heal, changed: Changed, healthy: Organization
) -> None:
    gone = healthy.drop(the_application(healthy).address, *(one.address for one in healthy.all(r.AppRoleAssignment)))
    finding = found_by(look, OBJECT, gone)
    assert finding.cause == "application-missing" and HYBRID_APPLICATION in finding.says
    mended = changed(finding, gone)
    made = the_application(mended)
    (certificate, *_) = healthy.all(r.ExchangeCertificate)
    assert made.identity == HYBRID_APPLICATION and made.application_id == ""
    assert [key.key for key in made.key_credentials] == [certificate.raw_data]
    assert heal(finding, mended) == ()
    assert [one.cause for one in look(OBJECT, mended) if isinstance(one, Finding)] == ["consent-missing"]
    assert [type(one) for one in look(AUTH_SERVER, mended.edit(r.AuthServer, application_identifier=""))] == [
        NotApplicable
    ]


@pytest.mark.parametrize(
    ("difference", "restored"),
    [
        ({}, True),
        ({"required_resource_access": ()}, True),
        ({"key_credentials": ()}, True),
        ({"password_credentials": ("a",)}, False),
        ({"required_resource_access": (f"{apps.EXCHANGE_ONLINE}/{OTHER_ID}/Role",)}, False),
        ({"key_credentials": (r.KeyCredential(custom_key_identifier="F" * 40),)}, False),
        ({"key_credentials": (r.KeyCredential(custom_key_identifier="F" * 40, end_at=NOW),)}, True),
        ({"display_name": "Another"}, False),
    ],
    ids=str,
)
def test_only_what_has_no_more_is_restored(
    look: Look, heal: Heal, healthy: Organization, difference: dict[str, Any], restored: bool
) -> None:
    mine = the_application(healthy)
    blank = tuple(msgspec.structs.replace(key, key=None) for key in mine.key_credentials)
    fields = msgspec.structs.asdict(mine) | {"key_credentials": blank} | difference
    gone = healthy.drop(mine.address).put(DeletedApplication(**fields))
    cure = heal(found_by(look, OBJECT, gone), gone)
    assert isinstance(cure, tuple)
    (change,) = cure
    assert isinstance(change.after, r.EntraApplication)
    assert change.after.application_id == (HYBRID_APPLICATION_ID if restored else "")
    assert change.says.startswith("Restore" if restored else "Make")


def test_other_permissions_are_kept(look: Look, changed: Changed, healthy: Organization) -> None:
    other = f"00000003-0000-0000-c000-000000000000/{OTHER_ID}/Role"
    partly = healthy.edit(r.EntraApplication, required_resource_access=(other,))
    finding = found_by(look, OBJECT, partly)
    assert finding.cause == "permission-missing"
    assert the_application(changed(finding, partly)).required_resource_access == (other, hybrid.PERMISSION)


def test_consent_is_a_step_of_high_risk(look: Look, heal: Heal, healthy: Organization) -> None:
    without = healthy.drop(*(one.address for one in healthy.all(r.AppRoleAssignment)))
    cure = heal(found_by(look, OBJECT, without), without)
    assert isinstance(cure, tuple)
    (change,) = cure
    assert change.risk is Risk.HIGH and "every mailbox" in change.says
    assert isinstance(change.after, r.AppRoleAssignment)
    assert change.after.resource_display_name == terms.RESOURCE_NAME


@pytest.mark.parametrize(
    "strange",
    [
        {"password_credentials": ("a secret",)},
        {"key_credentials": (r.KeyCredential(key_id="7", key=b"of somebody", end_at=NOW + timedelta(days=9)),)},
        {"key_credentials": (r.KeyCredential(key_id="7", custom_key_identifier="F" * 40),)},
    ],
    ids=["secret", "key", "key without bytes"],
)
def test_nobody_elses_key_is_consented_to(
    look: Look, heal: Heal, healthy: Organization, strange: dict[str, Any]
) -> None:
    """Whoever holds that key could read every mailbox: a person looks first."""
    without = healthy.drop(*(one.address for one in healthy.all(r.AppRoleAssignment)))
    with_key = without.edit(r.EntraApplication, **strange)
    finding = next(one for one in look(OBJECT, with_key) if isinstance(one, Finding) and one.cause == "consent-missing")
    cure = heal(finding, with_key)
    assert isinstance(cure, Manual) and "Find out whose" in cure.says


def test_consent_to_something_else_is_none(causes: Causes, healthy: Organization) -> None:
    other = healthy.edit(r.AppRoleAssignment, app_role_id=OTHER_ID)
    assert causes(OBJECT, other) == ["consent-missing"]
    assert causes(OBJECT, healthy.edit(r.AppRoleAssignment, principal="Another")) == ["consent-missing"]


def test_the_next_certificate_counts_too_and_living_keys_stay(
    look: Look, heal: Heal, changed: Changed, healthy: Organization
) -> None:
    following = r.ExchangeCertificate(
        premises=ON, identity="EX1/" + "B" * 40, server="EX1", thumbprint="B" * 40, raw_data=b"the next one",
        not_after=NOW + timedelta(days=2000),
    )  # fmt: skip
    rotated = healthy.put(following).edit(r.AuthConfig, next_certificate_thumbprint="b" * 40)
    (mine,) = the_application(healthy).key_credentials
    ended = r.KeyCredential(key_id="old", key=b"ended", end_at=NOW - timedelta(days=1))
    rotated = rotated.edit(r.EntraApplication, key_credentials=(ended, mine))
    finding = found_by(look, OBJECT, rotated)
    assert finding.cause == "key-missing" and "B" * 40 in finding.says
    mended = changed(finding, rotated)
    assert [key.key for key in the_application(mended).key_credentials] == [mine.key, b"the next one"]
    assert heal(finding, mended) == () and look(OBJECT, mended) == []
    expired = rotated.put(msgspec.structs.replace(following, not_after=NOW))
    assert look(OBJECT, expired) == []


def test_a_living_key_without_its_bytes_is_not_lost(look: Look, heal: Heal, healthy: Organization) -> None:
    unreturned = r.KeyCredential(key_id="7", custom_key_identifier="F" * 40, end_at=NOW + timedelta(days=9))
    broken = healthy.edit(r.EntraApplication, key_credentials=(unreturned,))
    cure = heal(found_by(look, OBJECT, broken), broken)
    assert isinstance(cure, Manual) and "7" in cure.says


def test_a_key_is_known_by_its_thumbprint_where_graph_shows_no_bytes(look: Look, healthy: Organization) -> None:
    (mine,) = the_application(healthy).key_credentials
    blank = msgspec.structs.replace(mine, key=None)
    assert look(OBJECT, healthy.edit(r.EntraApplication, key_credentials=(blank,))) == []


def test_certificates_that_are_wrong_are_judged_elsewhere(causes: Causes, healthy: Organization) -> None:
    unset = healthy.edit(r.AuthConfig, current_certificate_thumbprint="")
    gone = healthy.drop(*(one.address for one in healthy.all(r.ExchangeCertificate)))
    ended = healthy.edit(r.ExchangeCertificate, not_after=NOW)
    for organization in (unset, gone, ended):
        assert causes(OBJECT, organization.edit(r.EntraApplication, key_credentials=())) == []
    bare = healthy.edit(r.ExchangeCertificate, raw_data=b"")
    assert causes(OBJECT, bare) == ["unseen"]


# The AuthServer -------------------------------------------------------------------------------------------------------


def test_the_auth_server_is_linked_and_keeps_its_domains(look: Look, changed: Changed, healthy: Organization) -> None:
    kept = healthy.edit(r.AuthServer, entra, application_identifier=apps.EXCHANGE_ONLINE, domain_name=("fabrikam.com",))
    finding = found_by(look, AUTH_SERVER, kept)
    assert finding.cause == "not-linked"
    (after,) = (one for one in changed(finding, kept).all(r.AuthServer) if entra(one))
    assert (after.application_identifier, after.domain_name) == (HYBRID_APPLICATION_ID, ("fabrikam.com",))
    bare = healthy.edit(r.AuthServer, entra, application_identifier="", domain_name=())
    (after,) = (one for one in changed(found_by(look, AUTH_SERVER, bare), bare).all(r.AuthServer) if entra(one))
    assert after.domain_name == (DOMAIN, ROUTING_DOMAIN)


def test_an_id_of_no_application_is_replaced(look: Look, changed: Changed, healthy: Organization) -> None:
    other = healthy.edit(r.AuthServer, entra, application_identifier=OTHER_ID)
    finding = found_by(look, AUTH_SERVER, other)
    assert finding.cause == "not-linked" and OTHER_ID in finding.says
    assert look(AUTH_SERVER, changed(finding, other)) == []


def test_one_right_auth_server_is_enough(causes: Causes, healthy: Organization) -> None:
    (mine,) = (one for one in healthy.all(r.AuthServer) if entra(one))
    second = msgspec.structs.replace(mine, identity="EvoSts - other", application_identifier="", domain_name=())
    assert causes(AUTH_SERVER, healthy.put(second)) == []


def test_without_graph_the_link_is_made_by_hand(look: Look, heal: Heal, healthy: Organization) -> None:
    unlinked = healthy.edit(r.AuthServer, entra, application_identifier="")
    sayings = look(AUTH_SERVER, unlinked, unseen=((r.EntraApplication, ONLINE),))
    assert [type(one) for one in sayings] == [Unseen, Finding]
    without = unlinked.drop(the_application(unlinked).address)
    cure = heal(sayings[1], without)
    assert isinstance(cure, Manual) and DOMAIN in cure.steps[1]


def test_no_domain_is_guessed(look: Look, heal: Heal, healthy: Organization) -> None:
    bare = healthy.edit(r.AuthServer, entra, domain_name=())
    bare = bare.edit(r.IntraOrganizationConnector, enabled=False).edit(r.OrganizationRelationship, enabled=False)
    finding = found_by(look, AUTH_SERVER, bare, domain="")
    assert finding.cause == "domain-missing"
    assert isinstance(heal(finding, bare), Manual)


def test_the_tenants_initial_domain_is_left_out(healthy: Organization) -> None:
    wide = healthy.edit(r.OrganizationRelationship, domain_names=("contoso.onmicrosoft.com", "Fabrikam.com"))
    assert hybrid.cloud_domains(seen(wide)) == (DOMAIN, ROUTING_DOMAIN, "fabrikam.com")


# The setting ----------------------------------------------------------------------------------------------------------


def off(healthy: Organization) -> Organization:
    return healthy.drop(*(one.address for one in healthy.all(r.SettingOverride)))


def test_another_override_is_not_ours(look: Look, changed: Changed, healthy: Organization) -> None:
    """Not even when it has the name ours is to have."""
    other = r.SettingOverride(
        premises=ON, identity=terms.OVERRIDE_NAME, component_name="OwaServer", section_name="IMSettings"
    )
    organization = off(healthy).put(other)
    finding = found_by(look, SETTING, organization)
    mended = changed(finding, organization)
    assert {one.identity for one in mended.all(r.SettingOverride)} == {terms.OVERRIDE_NAME, f"{terms.OVERRIDE_NAME}2"}
    assert look(SETTING, mended) == []


@pytest.mark.parametrize(
    "broken",
    [
        lambda one: one.edit(r.AuthServer, application_identifier=""),
        lambda one: one.drop(*(given.address for given in one.all(r.AppRoleAssignment))),
        lambda one: one.drop(the_application(one).address),
    ],
    ids=["not linked", "no consent", "no application"],
)
def test_what_the_setting_needs_comes_first(
    causes: Causes, healthy: Organization, broken: Callable[[Organization], Organization]
) -> None:
    assert causes(SETTING, broken(off(healthy))) == ["not-applicable"]
    assert causes(SETTING, broken(healthy)) == []


@pytest.mark.parametrize("kind", [r.EntraApplication, r.AppRoleAssignment])
def test_unknown_consent_leaves_the_switch_to_a_person(
    look: Look, heal: Heal, healthy: Organization, kind: type[Record]
) -> None:
    finding = found_by(look, SETTING, off(healthy), unseen=((kind, ONLINE),))
    cure = heal(finding, off(healthy))
    assert isinstance(cure, Manual) and "New-SettingOverride" in cure.steps[-1]


def test_without_a_connector_the_switch_is_left_to_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    for organization in (
        off(healthy).edit(r.IntraOrganizationConnector, enabled=False),
        off(healthy).edit(r.IntraOrganizationConnector, discovery_endpoint="https://autodiscover.fabrikam.com/a.svc"),
    ):
        assert isinstance(heal(found_by(look, SETTING, organization), organization), Manual)


# Relationships --------------------------------------------------------------------------------------------------------


def probe(**fields: Any) -> ServerLocationProbe:
    told: dict[str, Any] = {
        "status": 200,
        "url": "https://outlook.office365.com/EWS/Exchange.asmx",
        "server_location": "Exchange Online",
    }
    return ServerLocationProbe(premises=ONLINE, identity="contoso.onmicrosoft.com", **(told | fields))


@pytest.mark.parametrize(
    ("place", "url"),
    [
        (None, "https://outlook.office365.com/EWS/Exchange.asmx"),
        (probe(), "https://outlook.office365.com/EWS/Exchange.asmx"),
        (probe(url="https://outlook.office365.us/EWS/Exchange.asmx"), "https://outlook.office365.us/EWS/Exchange.asmx"),
        (probe(server_location=""), ""),
        (probe(url="https://mail.contoso.com/EWS/Exchange.asmx"), ""),
        (probe(url="https://outlook.office365.com.evil.example/EWS/Exchange.asmx"), ""),
        (probe(status=404, url="", server_location=""), ""),
    ],
)
def test_the_address_is_the_one_autodiscover_tells(
    healthy: Organization, heal: Heal, place: ServerLocationProbe | None, url: str
) -> None:
    broken = healthy.edit(r.OrganizationRelationship, target_sharing_epr="")
    evidence = seen(broken.put(place)) if place else seen(broken)
    (finding,) = check_named(RELATIONSHIP).find(evidence, ORGANIZATION)
    assert isinstance(finding, Finding)
    assert finding.facts["url"] == url
    assert isinstance(heal(finding, broken), tuple if url else Manual)


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": False},
        {"target_autodiscover_epr": ""},
        {"target_autodiscover_epr": "https://autodiscover.fabrikam.com/autodiscover/autodiscover.svc"},
        {"target_autodiscover_epr": "https://autodiscover-s.outlook.com.fabrikam.com/autodiscover/autodiscover.svc"},
    ],
)
def test_relationships_that_lead_elsewhere_are_left_alone(
    causes: Causes, healthy: Organization, fields: dict[str, Any]
) -> None:
    elsewhere = healthy.edit(r.OrganizationRelationship, target_sharing_epr="", **fields)
    assert causes(RELATIONSHIP, elsewhere) == ["not-applicable"]


@pytest.mark.parametrize(
    ("host", "ews"),
    [
        ("autodiscover-s.outlook.com", "outlook.office365.com"),
        ("Autodiscover-S.Office365.us", "outlook.office365.us"),
        ("autodiscover-s-dod.office365.us", "outlook-dod.office365.us"),
        ("autodiscover-s.partner.outlook.cn", "partner.outlook.cn"),
        ("autodiscover-s.outlook.sovcloud.fr", "outlook.sovcloud.fr"),
        ("autodiscover-s.outlook.sovcloud.de", "outlook.sovcloud.de"),
        ("outlook.office365.com", "outlook.office365.com"),
        ("notoutlook.com", ""),
        ("", ""),
    ],
)
def test_the_clouds_and_their_ews(host: str, ews: str) -> None:
    assert terms.ews_host_of(host) == ews


# Builds ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "knows"),
    [
        ((15, 2, 2562, 17), True),
        ((15, 2, 2562, 41), True),
        ((15, 2, 3000, 1), True),
        ((15, 2, 1748, 24), True),
        ((15, 2, 1748, 10), None),
        ((15, 2, 1544, 25), True),
        ((15, 2, 1544, 4), None),
        ((15, 1, 2507, 55), True),
        ((15, 1, 2507, 6), None),
        ((15, 2, 1258, 12), False),
        ((15, 1, 2375, 7), False),
        ((15, 2, 1600, 1), False),
    ],
)
def test_which_builds_know_the_application(version: tuple[int, int, int, int], knows: bool | None) -> None:
    assert knows_the_application(version) is knows


def of_build(healthy: Organization, printed: str, role: str = "Mailbox") -> Organization:
    return healthy.edit(r.ExchangeServer, admin_display_version=printed, server_role=role)


def test_a_hotfix_update_that_cannot_be_seen(look: Look, causes: Causes, healthy: Organization) -> None:
    """The AuthServer names an application only where some server has the update."""
    unknown = of_build(healthy, "Version 15.2 (Build 1748.10)")
    assert causes(BUILD, unknown) == []
    sayings = look(BUILD, unknown.edit(r.AuthServer, application_identifier=""))
    assert [type(one) for one in sayings] == [Unseen, Unseen]
    assert all(isinstance(one, Unseen) and "ExSetup" in one.how for one in sayings)


@pytest.mark.parametrize(
    ("printed", "role"),
    [("Version 15.0 (Build 1497.2)", "Mailbox"), ("Version 15.2 (Build 1258.12)", "Edge"), ("?", "Mailbox")],
)
def test_servers_that_are_judged_elsewhere(causes: Causes, healthy: Organization, printed: str, role: str) -> None:
    assert causes(BUILD, of_build(healthy, printed, role)) == []


# The shared application -----------------------------------------------------------------------------------------------


def with_shared_keys(healthy: Organization) -> Organization:
    key = the_application(healthy).key_credentials
    return healthy.edit(r.ServicePrincipal, lambda one: one.identity == apps.EXCHANGE_ONLINE, key_credentials=key)


def test_keys_of_the_shared_application_are_advice_for_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    left = with_shared_keys(healthy)
    cure = heal(found_by(look, SHARED, left), left)
    assert isinstance(cure, Manual)
    assert any("-ResetFirstPartyServicePrincipalKeyCredentials" in step for step in cure.steps)


def test_while_they_are_needed_nothing_is_said_of_them(causes: Causes, healthy: Organization) -> None:
    left = with_shared_keys(healthy)
    assert causes(SHARED, off(left)) == ["not-applicable"]
    assert causes(SHARED, left.edit(r.AuthServer, application_identifier="")) == ["not-applicable"]
    shared = left.one(r.ServicePrincipal, ONLINE, apps.EXCHANGE_ONLINE)
    assert shared is not None
    assert causes(SHARED, left.drop(shared.address)) == ["unseen"]
