"""EWS of Exchange Online as several checks see it: its settings today, and who still needs it.

Whoever is named here depends on it by what was read: the dedicated hybrid application, which Exchange Server asks for
free/busy of mailboxes online with. Nobody is taken to depend on it by guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from hybridge.checks.cures import by_hand, put
from hybridge.checks.oauth import hybrid
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import Finding, NotApplicable
from hybridge.org.organization import Organization
from hybridge.org.records import AppRoleAssignment, EntraApplication, OrganizationConfig
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.premises import Premises

ONLINE = Premises.ONLINE


@dataclass(frozen=True)
class Settings:
    """The EWS settings of the organization online."""

    config: OrganizationConfig
    origins: tuple[Origin, ...]

    @property
    def listed(self) -> tuple[str, ...]:
        """Ids of the applications EWS is open to, in lower case."""
        return tuple(one.lower() for one in self.config.ews_allowed_app_ids or ())


def settings_of(evidence: Evidence) -> Settings | NotApplicable | Unseen:
    """The settings; why they do not matter here or any more; or what could not be read."""
    reading = evidence.all(OrganizationConfig, ONLINE)
    if isinstance(reading, Unseen):
        return reading
    if reading.first is None:
        return NotApplicable("The tenant has no organization in Exchange Online.")
    gone = evidence.rules.retirement.gone
    if evidence.now.date() >= gone:
        return NotApplicable(f"EWS of Exchange Online ended for everybody on {gone}.")
    return Settings(reading.first, (reading.origin,))


def dependency(evidence: Evidence) -> EntraApplication | None:
    """The dedicated hybrid application, where it is seen to use EWS of Exchange Online."""
    trust = hybrid.trust_of(evidence)
    applications = evidence.all(EntraApplication, ONLINE)
    consents = evidence.all(AppRoleAssignment, ONLINE)
    if not isinstance(trust, hybrid.Trust) or isinstance(applications, Unseen) or isinstance(consents, Unseen):
        return None
    found = hybrid.dedicated(evidence, trust, applications.records)
    if not isinstance(found, EntraApplication) or not found.application_id:
        return None
    return found if hybrid.consented(consents.records, found) else None


def facts(evidence: Evidence) -> dict[str, str]:
    """Facts of a finding: the application that depends on EWS, and the day EWS ends."""
    needed = dependency(evidence)
    return {
        "application": needed.display_name if needed else "",
        "app_id": needed.application_id.lower() if needed else "",
        "gone": str(evidence.rules.retirement.gone),
    }


def open_for(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    """Open EWS to the application that depends on it, beside those listed; steps where nothing is known to."""
    config = organization.at(finding.address) if finding.address else None
    if not isinstance(config, OrganizationConfig):
        return ()
    app_id = finding.facts["app_id"]
    if not app_id:
        return by_hand(
            finding,
            "Nothing is known that needs EWS of Exchange Online, so it stays as it is.",
            "If something of yours needs it: find its application id in the sign-in logs of Entra.",
            "Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy | Format-List EwsEnabled, EwsAllowedAppIDs",
            'Set-OrganizationConfig -EwsEnabled $true -EwsAllowedAppIDs "<every id, with commas between them>"',
            verify="hybridge doctor no longer finds it; the list takes up to a day.",
        )
    ids = config.ews_allowed_app_ids or ()
    after = msgspec.structs.replace(
        config, ews_enabled=True, ews_allowed_app_ids=ids if app_id in ids else (*ids, app_id)
    )
    says = f"Open EWS of Exchange Online to {finding.facts['application']}, until {finding.facts['gone']}."
    return put(finding, organization, after, says, Risk.MEDIUM)
