"""The procedure as a decision: which edition is in place, what stands in the way, what would be done and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.loop.walk import NOW, certificate
from tests.repair.generations import GENERATIONS, first_edition, nothing, oldest, today, without_keys

from hybridge.checks.oauth import certificates
from hybridge.checks.partner_apps import integration
from hybridge.checks.registry import all_checks
from hybridge.evidence import Evidence, complete
from hybridge.lab.contoso import DOMAIN, TENANT_ID, contoso
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.plan import Plan, Risk
from hybridge.repair.hands.script import script
from hybridge.repair.plan_file import PlanProblem, read_plan, right_id, unedited, write_plan
from hybridge.repair.procedures.generations import Generation, detect
from hybridge.repair.procedures.preconditions import NEEDS, gaps
from hybridge.repair.procedures.teams_partner_apps import NAME, Drafted, Options, draft, strict
from hybridge.repair.rules import refusal
from hybridge.repair.waiting import Verified
from hybridge.repair.what_if import what_if
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
Break = Callable[[Organization], Organization]
HEALTHY = contoso(NOW, certificate())
KEY_OF_OTHERS = r.KeyCredential(key_id="theirs", key=b"0theirs", end_at=NOW + timedelta(days=9))


def evidence(organization: Organization, domain: str = DOMAIN, tenant_id: str = TENANT_ID) -> Evidence:
    return complete(organization, NEEDS, NOW, domain=domain, tenant_id=tenant_id)


def drafted(organization: Organization, options: Options | None = None) -> Drafted:
    return draft(evidence(organization), options or Options())


def plan(organization: Organization, options: Options | None = None) -> Plan:
    found = drafted(organization, options)
    assert found.plan is not None, found.refused
    return found.plan


def refused(organization: Organization, **about: str) -> list[tuple[str, str]]:
    found = draft(evidence(organization, **about), Options())
    assert found.plan is None
    return [(one.says, one.next_step) for one in found.refused]


# Which edition --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GENERATIONS)
def test_each_edition_is_told_with_the_facts(name: str) -> None:
    detected = detect(GENERATIONS[name](HEALTHY), NOW)
    assert detected.generation == name
    assert all(fact.endswith(".") and fact.isascii() for fact in detected.facts)


def test_the_facts_name_what_was_seen() -> None:
    facts = "\n".join(detect(first_edition(HEALTHY), NOW).facts)
    assert "TeamsScheduler (7557eb47-c689-4224-abcf-aef9bd7573df) is enabled and linked to TeamsScheduler-App" in facts
    assert "CloudVoicemail (db7de2b5-2149-435e-8043-e080dd50afae) is enabled and linked to no account." in facts
    assert "There is no partner application for Skype for Business Online (legacy)" in facts
    assert "is hidden from address lists and holds TeamsSchedulerRole." in facts
    assert "The role TeamsSchedulerRole keeps GetDelegate." in facts
    assert "The service principal of Cloud Voicemail holds the authentication certificate in use." in facts
    oldest_facts = "\n".join(detect(oldest(HEALTHY), NOW).facts)
    assert "holds ArchiveApplication, UserApplication." in oldest_facts
    assert "The tenant has no service principal of Teams scheduler" in oldest_facts
    assert "A and B leave the same objects" in oldest_facts


def legacy() -> r.PartnerApplication:
    return integration.application_record(apps.SKYPE_FOR_BUSINESS_ONLINE, apps.LEGACY_NAME, apps.LEGACY_ACCOUNT)


@pytest.mark.parametrize(
    ("break_", "generation"),
    [
        (lambda o: o.put(legacy()), Generation.D),
        (lambda o: nothing(o).put(integration.role_record()), Generation.D),
        (lambda o: nothing(o).put(legacy(), integration.account_record(DOMAIN)), Generation.D),
        (lambda o: nothing(o).put(integration.account_record(DOMAIN, apps.LEGACY_ACCOUNT)), Generation.A_OR_B),
        (lambda o: nothing(o).put(integration.account_record(DOMAIN, apps.FIRST_EDITION_ACCOUNT)), Generation.C),
        (lambda o: o.edit(r.PartnerApplication, enabled=False), Generation.D),
        (lambda o: o.edit(r.PartnerApplication, linked_account="contoso.com/Users/Elsewhere"), Generation.C),
        (
            lambda o: o.edit(r.PartnerApplication, linked_account=f"contoso.com/Users/{apps.INTEGRATION_ACCOUNT}"),
            Generation.D,
        ),
    ],
)
def test_mixtures_are_told_by_their_applications_first(break_: Break, generation: Generation) -> None:
    assert detect(break_(HEALTHY), NOW).generation is generation


# The plan -------------------------------------------------------------------------------------------------------------


def test_todays_edition_needs_nothing() -> None:
    found = plan(HEALTHY)
    assert found.changes == () and found.empty
    assert found.procedure == NAME


@pytest.mark.parametrize("name", GENERATIONS)
@pytest.mark.parametrize("options", [Options(), Options(legacy_sfb=True, archive_role=True)])
def test_after_the_plan_nothing_is_left_to_do(name: str, options: Options) -> None:
    organization = GENERATIONS[name](HEALTHY)
    found = plan(organization, options)
    for change in found.changes:
        assert refusal(change, NOW) == ""
        assert change.after is not None, "nothing is deleted"
        organization = change.applied_to(organization)
    assert plan(organization, options).changes == ()
    back = organization
    for change in reversed(found.changes):
        back = change.inverse.applied_to(back)
    assert back == GENERATIONS[name](HEALTHY)


def test_every_change_says_what_it_ends() -> None:
    said = {str(change.address): change.why for change in plan(oldest(HEALTHY)).changes}
    scheduler = "PartnerApplication 'teamsscheduler' (on-premises)"
    assert said[scheduler] == (
        "partner_apps/teams-applications:legacy-only",
        "partner_apps/teams-applications:scheduler-missing",
    )
    known = {f"{check.name}:{cause.slug}" for check in all_checks() for cause in check.causes}
    assert {name for why in said.values() for name in why} <= known


def test_relinking_says_what_the_old_account_lacked() -> None:
    (scheduler,) = [
        change for change in plan(first_edition(HEALTHY)).changes if change.address.identity == "teamsscheduler"
    ]
    assert scheduler.why == ("partner_apps/application-account:entry-missing",)
    assert scheduler.says == (
        f"Link the partner application TeamsScheduler ({apps.TEAMS_SCHEDULER}) to {apps.INTEGRATION_ACCOUNT} instead "
        f"of {apps.FIRST_EDITION_ACCOUNT}."
    )
    assert scheduler.risk is Risk.MEDIUM


def test_other_keys_are_kept_and_expired_ones_left_out() -> None:
    expired = msgspec.structs.replace(KEY_OF_OTHERS, key_id="old", key=b"0old", end_at=NOW - timedelta(days=1))
    organization = HEALTHY.edit(r.ServicePrincipal, key_credentials=(expired, KEY_OF_OTHERS))
    for change in plan(organization).changes:
        assert isinstance(change.after, r.ServicePrincipal)
        assert [key.key for key in change.after.key_credentials] == [b"0theirs", certificate().der]
        assert "leave out 1 that have expired" in change.says


def test_an_expired_next_certificate_is_not_uploaded() -> None:
    current = HEALTHY.all(r.ExchangeCertificate, ON)[0]
    der = certificates.redated(current.raw_data, NOW - timedelta(days=9), NOW - timedelta(days=1))
    thumbprint = certificates.thumbprint_of(der)
    old = msgspec.structs.replace(
        current,
        identity=f"EX1/{thumbprint}",
        thumbprint=thumbprint,
        raw_data=der,
        not_after=NOW - timedelta(days=1),
    )
    assert plan(HEALTHY.put(old).edit(r.AuthConfig, next_certificate_thumbprint=thumbprint)).changes == ()


def test_a_plan_with_a_domain_controller_says_so_everywhere() -> None:
    found = plan(nothing(HEALTHY), Options(domain_controller="dc1.contoso.com"))
    assert "Every on-premises cmdlet reads and writes at the domain controller dc1.contoso.com." in what_if(found)
    printed = script(found).splitlines()
    verbs = ("New-", "Set-", "Add-", "Remove-", "(Get-ManagementRoleEntry")
    lines = [line for line in printed if line.startswith(verbs)]
    assert len(lines) == 7
    assert all("-DomainController 'dc1.contoso.com'" in line for line in lines)
    (narrowing,) = [line for line in lines if line.startswith("(")]
    assert narrowing.count("-DomainController 'dc1.contoso.com'") == 2
    assert "give every Exchange line the same" not in script(found)


def test_the_id_holds_the_procedure_and_the_domain_controller() -> None:
    one = plan(nothing(HEALTHY), Options(domain_controller="dc1.contoso.com"))
    other = plan(nothing(HEALTHY))
    assert one.id != other.id
    assert one.id == right_id(one) and other.id == right_id(other)


def test_an_edited_domain_controller_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write_plan(plan(nothing(HEALTHY), Options(domain_controller="dc1.contoso.com")), file)
    assert read_plan(file).domain_controller == "dc1.contoso.com"
    file.write_text(file.read_text(encoding="utf-8").replace("dc1.contoso.com", "dc9.contoso.com"), encoding="utf-8")
    with pytest.raises(PlanProblem, match="was edited"):
        read_plan(file)
    with pytest.raises(PlanProblem, match="was edited"):
        unedited(msgspec.structs.replace(plan(HEALTHY), procedure="other"), file)


# Preconditions --------------------------------------------------------------------------------------------------------


def test_everything_it_needs_must_have_been_read() -> None:
    assert gaps(evidence(HEALTHY)) == ()
    empty = Evidence(now=NOW)
    assert {gap.what for gap in gaps(empty)} == {kind.__name__ for kind, _ in NEEDS}


def expired(organization: Organization) -> Organization:
    ended = NOW - timedelta(days=3)
    return certificates.recertified(organization, ended - timedelta(days=1800), ended)


def absent_on_one(organization: Organization) -> Organization:
    return organization.drop(organization.all(r.ExchangeCertificate, ON)[-1].address)


def unreturned(organization: Organization) -> Organization:
    theirs = msgspec.structs.replace(KEY_OF_OTHERS, key=None)
    return organization.edit(
        r.ServicePrincipal, lambda one: one.identity == apps.CLOUD_VOICEMAIL, key_credentials=(theirs,)
    )


@pytest.mark.parametrize(
    ("break_", "says", "next_step"),
    [
        (expired, "expired on 2026-11-17.", "Replace the expired authentication certificate."),
        (absent_on_one, "The server EX2 does not hold the authentication certificate", "from EX1 to EX2"),
        (lambda o: o.edit(r.AuthConfig, current_certificate_thumbprint=""), "No authentication certificate", "Make an"),
        (lambda o: o.drop(*(c.address for c in o.all(r.ExchangeCertificate))), "but no server holds it.", "is gone"),
        (
            lambda o: o.edit(r.AuthConfig, next_certificate_thumbprint="AB" * 20),
            "as the next authentication certificate, but no server shows it.",
            "-PublishCertificate",
        ),
        (lambda o: o.edit(r.AuthConfig, realm="contoso.com"), "AuthConfig has the realm 'contoso.com'", "-Realm $null"),
        (
            lambda o: o.edit(r.AuthServer, enabled=False),
            f"not hybrid: Get-AuthServer shows no enabled authorization server of the tenant {TENANT_ID}.",
            "Run the Hybrid Configuration Wizard.",
        ),
        (
            lambda o: o.edit(r.AuthServer, realm="00000000-0000-0000-0000-000000000000"),
            "no enabled authorization server of the tenant",
            "Run the Hybrid Configuration Wizard.",
        ),
        (
            lambda o: o.edit(r.PartnerApplication, lambda one: one.identity == "Exchange Online", enabled=False),
            f"not hybrid: the partner application of Exchange Online ({apps.EXCHANGE_ONLINE}) is disabled.",
            "Run the Hybrid Configuration Wizard.",
        ),
        (
            lambda o: o.drop(integration.application_record("", "Exchange Online").address),
            "the partner application of Exchange Online (00000002-0000-0ff1-ce00-000000000000) does not exist.",
            "Run the Hybrid Configuration Wizard.",
        ),
        (
            lambda o: o.edit(r.PartnerApplication, lambda one: one.identity == "CloudVoicemail", use_auth_server=False),
            "CloudVoicemail (db7de2b5-2149-435e-8043-e080dd50afae) does not use the authorization server",
            'Remove-PartnerApplication -Identity "CloudVoicemail"',
        ),
        (
            lambda o: o.edit(
                r.ManagementRole,
                lambda one: one.identity == apps.INTEGRATION_ROLE,
                parent=apps.ARCHIVE_ROLE,
                role_entries=(),
            ),
            "is derived from ArchiveApplication, not from UserApplication",
            "Remove its assignments and the role",
        ),
        (
            unreturned,
            "Graph returned no bytes for key theirs of Cloud Voicemail (db7de2b5-2149-435e-8043-e080dd50afae), which "
            "has not expired: writing the list of keys would lose it.",
            "Ask whose key it is",
        ),
    ],
)
def test_each_precondition_refuses_with_its_reason(break_: Break, says: str, next_step: str) -> None:
    ((told, step),) = refused(break_(HEALTHY))
    assert says in told and told.endswith(".")
    assert next_step in step and step.endswith(".")


def test_a_refused_procedure_still_tells_the_edition() -> None:
    found = drafted(expired(first_edition(HEALTHY)))
    assert found.plan is None and found.refused
    assert found.detected.generation is Generation.C


def test_several_reasons_are_all_told() -> None:
    broken = expired(HEALTHY).edit(r.AuthConfig, realm="x").edit(r.AuthServer, enabled=False)
    assert len(refused(broken)) == 3


def test_a_certificate_that_ends_soon_refuses_nothing() -> None:
    end = NOW + timedelta(days=20)
    soon = certificates.recertified(HEALTHY, end - timedelta(days=1800), end)
    assert plan(soon).changes == ()


def test_a_key_that_is_there_needs_no_bytes() -> None:
    """Graph may hide a key's bytes: where nothing has to be written, nothing can be lost."""

    def hidden(organization: Organization) -> Organization:
        keys = tuple(
            msgspec.structs.replace(key, key=None)
            for one in organization.all(r.ServicePrincipal, ONLINE)
            if one.identity == apps.CLOUD_VOICEMAIL
            for key in one.key_credentials
        )
        return organization.edit(
            r.ServicePrincipal, lambda one: one.identity == apps.CLOUD_VOICEMAIL, key_credentials=keys
        )

    assert plan(hidden(HEALTHY)).changes == ()


def test_without_a_tenant_id_any_tenant_will_do_and_without_a_domain_no_account_is_made() -> None:
    assert draft(evidence(HEALTHY, tenant_id=""), Options()).plan is not None
    assert draft(evidence(HEALTHY, domain=""), Options()).plan is not None, "nothing has to be made"
    ((says, _),) = refused(nothing(HEALTHY), domain="")
    assert "The domain of the organization is not known" in says


# Afterwards -----------------------------------------------------------------------------------------------------------

OTHERS = ("oauth/hybrid-application-setting:absent", "teams/coexistence-mode:x")
DONE = Verified(healed=True, says="Verified.", others=("oauth/bearer-challenge:oauth-off", *OTHERS))


def test_what_the_procedure_builds_on_must_be_right_afterwards() -> None:
    judged = strict(plan(without_keys(HEALTHY)), DONE)
    assert not judged.healed
    assert judged.left == ("oauth/bearer-challenge:oauth-off",)
    assert judged.others == OTHERS
    assert judged.says == ("The procedure is done, but not all it needs is right: oauth/bearer-challenge:oauth-off.")


def test_warnings_and_other_plans_are_judged_as_ever() -> None:
    warned = Verified(healed=True, says="", others=("partner_apps/service-principal-key-lasting:ends-early",))
    assert strict(plan(today(HEALTHY)), warned) == warned
    cures = msgspec.structs.replace(plan(HEALTHY), procedure="")
    assert strict(cures, DONE) == DONE


def test_made_and_never_enabled_is_todays_edition_to_be_finished() -> None:
    """As in a published export: the pair disabled and linked, the legacy application enabled and linked to nobody."""
    alone = msgspec.structs.replace(legacy(), identity="SfBLegacy", linked_account="")
    export = HEALTHY.edit(r.PartnerApplication, lambda one: one.identity != "Exchange Online", enabled=False).put(alone)
    detected = detect(export, NOW)
    assert detected.generation is Generation.D
    facts = "\n".join(detected.facts)
    assert facts.count("is disabled and linked to TeamsIntegration-ApplicationAccount.") == 2
    assert "SfBLegacy (00000004-0000-0ff1-ce00-000000000000) is enabled and linked to no account." in facts
    assert [change.address.identity for change in plan(export).changes] == ["teamsscheduler", "cloudvoicemail"]
    asked = {change.address.identity for change in plan(export, Options(legacy_sfb=True)).changes}
    assert {"sfblegacy", apps.LEGACY_ACCOUNT.lower()} <= asked
