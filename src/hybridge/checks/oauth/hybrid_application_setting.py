r"""Exchange servers use the dedicated hybrid application only where one setting override tells them to.

## How it is decided

`Get-SettingOverride` must show exactly one override with ComponentName `Global` and SectionName
`ExchangeOnpremAsThirdPartyAppId`, and it must say `Enabled=true`.

* none: Exchange goes on asking as the shared application, which is blocked since 31 October 2025;
* one that says otherwise: the same;
* several: which of them a server obeys cannot be told.

The setting is judged last: while the AuthServer names no application, or nobody consented to the permission of that
application, switching it on would help nobody, and the checks `oauth/hybrid-application-object` and
`oauth/hybrid-application-auth-server` say what comes first.

## How to cure it by hand

```powershell
New-SettingOverride -Name "EnableExchangeHybrid3PAppFeature" -Component "Global" `
  -Section "ExchangeOnpremAsThirdPartyAppId" -Parameters @("Enabled=true") `
  -Reason "Use the dedicated hybrid application"
Get-ExchangeDiagnosticInfo -Process Microsoft.Exchange.Directory.TopologyService `
  -Component VariantConfiguration -Argument Refresh
```

The second line lets a server take the setting up at once; else it does so within the hour. Of several overrides remove
all but one with `Remove-SettingOverride`.

## How hybridge cures it

It makes the override, or switches the one that is there on, as the last step of a plan. Several overrides are left to
you. It prints the steps, too, where it could not read from Entra whether the application has its permission, and where
no IntraOrganizationConnector to the cloud is enabled: then Exchange does not use OAuth at all yet.

## How to undo

`hybridge repair undo` removes the override again, or gives it back the parameters it had.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.checks.oauth import hybrid
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AppRoleAssignment, EntraApplication, IntraOrganizationConnector, SettingOverride
from hybridge.plan import Change, Manual, Risk
from hybridge.terms import hybrid_application as terms
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
_NEW = (
    f"New-SettingOverride -Name {terms.OVERRIDE_NAME} -Component {terms.OVERRIDE_COMPONENT} "
    f'-Section {terms.OVERRIDE_SECTION} -Parameters @("{terms.OVERRIDE_ON}") '
    '-Reason "Use the dedicated hybrid application"'
)
_SHOWN = f"Get-SettingOverride shows exactly one override of {terms.OVERRIDE_SECTION}, with {terms.OVERRIDE_ON}."


# Cures ----------------------------------------------------------------------------------------------------------------


def _switch_on(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    if hindrance := finding.facts.get("hindrance"):
        return by_hand(
            finding,
            f"Switch {terms.OVERRIDE_SECTION} on once it is clear that it helps: {hindrance}",
            "In the Entra admin center: App registrations, the dedicated hybrid application, API permissions: "
            "full_access_as_app is granted.",
            "Get-IntraOrganizationConnector shows an enabled connector to the tenant; else run the Hybrid "
            "Configuration Wizard.",
            _NEW if finding.cause == "not-configured" else f"{_SET} -Identity {finding.facts['override']}",
            verify=_SHOWN,
        )
    present = organization.at(finding.address) if finding.address else None
    if isinstance(present, SettingOverride):
        after = msgspec.structs.replace(present, parameters=(terms.OVERRIDE_ON,))
        return put(finding, organization, after, f"Switch the setting override {present.identity} on.", Risk.MEDIUM)
    if hybrid.overrides(organization.all(SettingOverride, ON)):
        return ()
    after = SettingOverride(
        premises=ON,
        identity=_free_name(organization),
        component_name=terms.OVERRIDE_COMPONENT,
        section_name=terms.OVERRIDE_SECTION,
        parameters=(terms.OVERRIDE_ON,),
        reason="Use the dedicated hybrid application",
    )
    says = f"Let every Exchange server use the dedicated hybrid application (setting override {after.identity})."
    return put(finding, organization, after, says, Risk.MEDIUM)


_SET = f'Set-SettingOverride -Parameters @("{terms.OVERRIDE_ON}")'


def _free_name(organization: Organization) -> str:
    taken = organization.one(SettingOverride, ON, terms.OVERRIDE_NAME) is not None
    return f"{terms.OVERRIDE_NAME}2" if taken else terms.OVERRIDE_NAME


# Faults ---------------------------------------------------------------------------------------------------------------


def _never_made(organization: Organization) -> Organization:
    mine = hybrid.overrides(organization.all(SettingOverride, ON))
    return organization.drop(*(one.address for one in mine))


def _made_twice(organization: Organization) -> Organization:
    mine = hybrid.overrides(organization.all(SettingOverride, ON))
    return organization.put(
        *(msgspec.structs.replace(one, identity=f"{one.identity}-old", parameters=("Enabled=false",)) for one in mine)
    )


def _switched_off(organization: Organization) -> Organization:
    return organization.edit(SettingOverride, lambda one: bool(hybrid.overrides((one,))), parameters=("Enabled=false",))


class HybridApplicationSetting(Check):
    """Judges the setting overrides that switch the dedicated hybrid application on."""

    title = "Are the Exchange servers told to use their own application?"
    why = (
        "Otherwise they ask as the shared application, which is blocked since 31 October 2025: no free/busy, MailTips "
        "or photos of people in the cloud."
    )
    scope = Scope.ORGANIZATION
    needs = (*hybrid.NEEDS, (SettingOverride, ON))
    covers = ("OAUTH-11", "FB-07")
    sources = (sources.DEDICATED_APPLICATION, sources.SETTING_OVERRIDE, sources.HEALTH_CHECKER)
    causes = (
        Cause(
            slug="not-configured",
            says="No setting override tells Exchange to use the dedicated hybrid application.",
            breaks=_never_made,
            heals=_switch_on,
            covers=("X-13",),
        ),
        Cause(
            slug="switched-off",
            says="The setting override for the dedicated hybrid application does not switch it on.",
            breaks=_switched_off,
            heals=_switch_on,
        ),
        Cause(
            slug="several-overrides",
            says="Several setting overrides say whether Exchange uses the dedicated hybrid application.",
            breaks=_made_twice,
            heals=steps(
                "Keep one of the setting overrides <overrides>, and let it say Enabled=true.",
                "Get-SettingOverride | Where-Object { $_.SectionName -eq "
                f'"{terms.OVERRIDE_SECTION}" }} | Format-List Name, Parameters, Server, Reason',
                "Remove all but one: Remove-SettingOverride -Identity <name>",
                f"{_SET} -Identity <name of the one that stays>",
                verify=_SHOWN,
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding."""
        trust = hybrid.trust_of(evidence)
        if isinstance(trust, tuple):
            yield from trust
            return
        if isinstance(trust, NotApplicable):
            yield trust
            return
        reading = evidence.all(SettingOverride, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        mine = hybrid.overrides(reading.records)
        if len(mine) > 1:
            yield self._several(mine, subject, reading)
        elif not mine or not hybrid.switches_on(mine[0]):
            yield from self._off(mine, subject, reading, trust, evidence)

    def _several(self, mine: tuple[SettingOverride, ...], subject: Subject, reading: Seen[SettingOverride]) -> Finding:
        names = ", ".join(one.identity for one in mine)
        says = f"{len(mine)} setting overrides decide about {terms.OVERRIDE_SECTION}: {names}."
        facts = {"overrides": names}
        return self.finding(
            "several-overrides", subject, says, address=mine[0].address, facts=facts, origins=(reading.origin,)
        )

    def _off(
        self,
        mine: tuple[SettingOverride, ...],
        subject: Subject,
        reading: Seen[SettingOverride],
        trust: hybrid.Trust,
        evidence: Evidence,
    ) -> Iterator[Saying]:
        """The finding, once what the setting needs is in place."""
        if reason := _comes_first(trust, evidence):
            yield NotApplicable(reason)
            return
        facts = {"hindrance": hindrance} if (hindrance := _hindrance(evidence)) else {}
        origins = (reading.origin, *trust.origins)
        if mine:
            said = ", ".join(mine[0].parameters) or "nothing"
            says = f"The setting override {mine[0].identity} says {said}, so Exchange asks as the shared application."
            facts |= {"override": mine[0].identity}
            address = mine[0].address
            yield self.finding("switched-off", subject, says, address=address, facts=facts, origins=origins)
        else:
            says = f"There is no setting override of {terms.OVERRIDE_SECTION}: Exchange asks as the shared application."
            yield self.finding("not-configured", subject, says, facts=facts, origins=origins)


def _comes_first(trust: hybrid.Trust, evidence: Evidence) -> str:
    """What is missing that the setting needs, as far as it was seen; "" when nothing is."""
    if not trust.identifiers:
        return "Exchange names no application of its own yet: see oauth/hybrid-application-auth-server."
    applications = evidence.all(EntraApplication, ONLINE)
    assignments = evidence.all(AppRoleAssignment, ONLINE)
    if isinstance(applications, Unseen) or isinstance(assignments, Unseen):
        return ""
    used = [one for one in applications.records if one.application_id.lower() in trust.identifiers]
    if not any(hybrid.consented(assignments.records, one) for one in used):
        return "The dedicated hybrid application is not ready yet: see oauth/hybrid-application-object."
    return ""


def _hindrance(evidence: Evidence) -> str:
    """Why a person should look before the setting is switched on; "" when there is no reason."""
    unseen = [
        one
        for one in (evidence.all(EntraApplication, ONLINE), evidence.all(AppRoleAssignment, ONLINE))
        if isinstance(one, Unseen)
    ]
    if unseen:
        return "whether the application has its permission was not read from Entra."
    connectors = evidence.all(IntraOrganizationConnector, ON)
    if isinstance(connectors, Unseen):
        return "the connectors to the tenant were not read."
    if not any(one.enabled and hybrid.ews_host(one.discovery_endpoint) for one in connectors.records):
        return "no IntraOrganizationConnector to the tenant is enabled, so Exchange does not use OAuth yet."
    return ""
