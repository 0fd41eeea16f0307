"""Where EWS of Exchange Online is open, it is open to listed applications only, and to listed user agents only.

## How it is decided

`EwsEnabled` is `True`, and `EwsAllowedAppIDs` has entries: then only these applications come in. Two are looked for:
the dedicated hybrid application, where it has full_access_as_app, and the middle tier of Teams. Beside it the lists of
user agents hold (`EwsApplicationAccessPolicy`, `EwsAllowList`, `EwsBlockList`), judged as on-premises: every known
service of Teams is run through them. A caller must pass both. A list without entries cannot be judged from what is
written, because Microsoft's pages disagree: `ews/online-probe` decides.

## How to cure it by hand

The list of applications is one text and is replaced whole: read it, and give it all back with what is missing.

```powershell
$config = Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy
$ids = $config.EwsAllowedAppIDs + ",cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"
Set-OrganizationConfig -EwsAllowedAppIDs $ids
Set-OrganizationConfig -EwsApplicationAccessPolicy EnforceAllowList -EwsAllowList @{Add="*SkypeSpaces/*"}
```

## How hybridge cures it

It gives the whole list back with the missing id behind it; in a list of user agents it adds what is missing, or takes
out the entries that match. No policy is switched on or off.

## How to undo

`hybridge repair undo` puts the former list back.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.checks.ews import online, policy
from hybridge.evidence import Evidence
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AppRoleAssignment, AuthServer, EntraApplication, OrganizationConfig, PartnerApplication
from hybridge.plan import Change, Manual
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
TEAMS = "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"
"""The middle tier of Teams."""


def _without(position: int) -> Break:
    """Takes one id from the lab's list, in which the hybrid application is first and Teams second."""

    def breaks(organization: Organization) -> Organization:
        return organization.put(
            *(
                msgspec.structs.replace(
                    one,
                    ews_allowed_app_ids=tuple(
                        app_id for number, app_id in enumerate(one.ews_allowed_app_ids or ()) if number != position
                    ),
                )
                for one in organization.all(OrganizationConfig, ONLINE)
            )
        )

    return breaks


def _only_outlook(organization: Organization) -> Organization:
    return organization.put(
        *(
            msgspec.structs.replace(
                one, ews_application_access_policy=policy.ALLOW_LIST, ews_allow_list=("Outlook/*", "hybridge/*")
            )
            for one in organization.all(OrganizationConfig, ONLINE)
        )
    )


def _list(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    config = organization.at(finding.address) if finding.address else None
    if not isinstance(config, OrganizationConfig) or finding.facts["app_id"] in (config.ews_allowed_app_ids or ()):
        return ()
    ids = (*(config.ews_allowed_app_ids or ()), finding.facts["app_id"])
    after = msgspec.structs.replace(config, ews_allowed_app_ids=ids)
    return put(finding, organization, after, f"Add {finding.facts['application']} to those EWS online is open to.")


def _pass(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    config = organization.at(finding.address) if finding.address else None
    blocked = isinstance(config, OrganizationConfig) and policy.enforces(config, policy.BLOCK_LIST)
    return policy.unblock(finding, organization) if blocked else policy.allow(finding, organization)


class OnlineApplications(Check):
    """Judges the list of applications and the lists of user agents of the organization online."""

    title = "Does Exchange Online let the applications that need EWS through its lists?"
    why = "An application that is not listed is refused: no free/busy online for Exchange Server, no calendar in Teams."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = (
        (OrganizationConfig, ONLINE),
        (EntraApplication, ONLINE),
        (AppRoleAssignment, ONLINE),
        (AuthServer, ON),
        (PartnerApplication, ON),
    )
    sources = (sources.CONTROL_EWS, sources.EWS_RETIREMENT, sources.SET_ORGANIZATION_CONFIG)
    covers = ("EWS-01", "EWS-02")
    causes = (
        Cause(
            slug="hybrid-application-missing",
            says="EWS of Exchange Online is open to a list of applications without the dedicated hybrid application.",
            breaks=_without(0),
            heals=_list,
        ),
        Cause(
            slug="teams-missing",
            says="EWS of Exchange Online is open to a list of applications without the middle tier of Teams.",
            breaks=_without(1),
            heals=_list,
        ),
        Cause(
            slug="caller-refused",
            says="The lists of user agents of Exchange Online refuse a service of Teams.",
            breaks=_only_outlook,
            heals=_pass,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per application that is missing, and one per feature the lists of user agents refuse."""
        settings = online.settings_of(evidence)
        if not isinstance(settings, online.Settings):
            yield settings
            return
        config = settings.config
        if config.ews_enabled is True and settings.listed:
            for slug, app_id, name in _needed(evidence):
                if app_id not in settings.listed:
                    yield self.finding(
                        slug,
                        subject,
                        f"EwsAllowedAppIDs of Exchange Online does not hold {app_id}, which is {name}.",
                        address=config.address,
                        facts={"app_id": app_id, "application": name},
                        origins=settings.origins,
                    )
        for refusal in policy.refusals(config, evidence.rules.callers.callers):
            yield self.finding(
                "caller-refused",
                subject,
                policy.says(refusal, "Exchange Online"),
                address=config.address,
                facts=policy.facts(refusal),
                origins=settings.origins,
            )


def _needed(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    """Cause, id and name of each application that must be listed."""
    application = online.dependency(evidence)
    if application is not None:
        yield "hybrid-application-missing", application.application_id.lower(), application.display_name
    yield "teams-missing", TEAMS, "the middle tier of Teams"
