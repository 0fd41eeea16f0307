r"""Exchange must know two services of Teams as partner applications, or it refuses their tokens.

## How it is decided

`Get-PartnerApplication` on-premises is read. Two applications must be there, enabled and linked to an account:

| application | identifier | without it |
| --- | --- | --- |
| Teams scheduler | `7557eb47-c689-4224-abcf-aef9bd7573df` | delegates cannot schedule |
| Cloud Voicemail | `db7de2b5-2149-435e-8043-e080dd50afae` | greetings and voicemail fail |

To exist is not enough: an application with `Enabled` False refuses as if it were absent, and one with `UseAuthServer`
False (or an `AuthMetadataUrl`) trusts tokens of a server of its own, which Teams never shows. The legacy application
`00000004-0000-0ff1-ce00-000000000000` of older procedures alone is one finding of its own; beside the pair it is left
alone, because greetings during automatic replies still use it.

## How to cure it by hand

```powershell
$account = "TeamsIntegration-ApplicationAccount"
New-MailUser -Name $account -ExternalEmailAddress "$account@contoso.com"
Set-MailUser -Identity $account -HiddenFromAddressListsEnabled $true
New-ManagementRole -Name "TeamsIntegrationRole" -Parent "UserApplication"
$keep = "GetDelegate", "FindItem", "GetUserOofSettings", "DeleteItem", "UpdateItem", "GetAttachment", "ConvertId"
$extra = Get-ManagementRoleEntry "TeamsIntegrationRole\*" | Where-Object { $keep -notcontains $_.Name }
$extra | ForEach-Object { Remove-ManagementRoleEntry -Identity "TeamsIntegrationRole\$($_.Name)" -Confirm:$false }
New-ManagementRoleAssignment -Role "TeamsIntegrationRole" -User $account
$scheduler = "7557eb47-c689-4224-abcf-aef9bd7573df"
New-PartnerApplication -Name "TeamsScheduler" -ApplicationIdentifier $scheduler -Enabled $true -LinkedAccount $account
$voicemail = "db7de2b5-2149-435e-8043-e080dd50afae"
New-PartnerApplication -Name "CloudVoicemail" -ApplicationIdentifier $voicemail -Enabled $true -LinkedAccount $account
```

With several domain controllers give every line the same `-DomainController`. One that exists is enabled or linked by:

```powershell
Set-PartnerApplication -Identity "TeamsScheduler" -Enabled $true -LinkedAccount $account
```

`UseAuthServer` cannot be set: `Set-PartnerApplication` has no parameter for it. Such an application is removed by you
with `Remove-PartnerApplication` and made again as above.

Afterwards the authentication certificate belongs on the service principals: see `partner_apps/service-principal-key`.

## How hybridge cures it

It makes the parts of this procedure that are absent and leaves the parts that are present as they are. It needs the
organization's domain for the account's address. It never deletes an application: the legacy one stays, and one that
does not use the authorization server is left to you. The whole procedure, from whatever an older edition left, is
`hybridge repair plan --procedure teams-partner-apps`.

## How to undo

`hybridge repair undo` removes what was created, in the opposite order, and disables or unlinks what it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.checks.partner_apps import integration
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import (
    MailUser,
    PartnerApplication,
)
from hybridge.plan import Change, Manual
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
_DELEGATION = (Symptom.DELEGATE_CANNOT_SCHEDULE,)
_WORDS = {apps.TEAMS_SCHEDULER: "scheduler", apps.CLOUD_VOICEMAIL: "voicemail"}


# Cures ----------------------------------------------------------------------------------------------------------------


def _complete(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    """Make what is absent for the applications the finding names."""
    domain = finding.facts.get("domain", "")
    records = integration.missing_records(organization, domain, finding.facts["applications"].split(" "))
    if not records:
        return ()
    unread = finding.facts.get("unread", "")
    if unread or (not domain and any(isinstance(record, MailUser) for record in records)):
        lacks = unread or "the organization's domain"
        return by_hand(
            finding,
            f"hybridge cannot plan this without {lacks}. By hand, leaving out what is there already:",
            *integration.procedure(domain),
            verify="Get-PartnerApplication lists both applications with Enabled True and a LinkedAccount.",
        )
    return tuple(
        change
        for record in records
        for change in put(finding, organization, record, *integration.told(record, organization))
    )


# Faults ---------------------------------------------------------------------------------------------------------------


def _without(app_id: str) -> Callable[[Organization], Organization]:
    def breaks(organization: Organization) -> Organization:
        gone = integration.with_id(organization.all(PartnerApplication, ON), app_id)
        return organization.drop(*(one.address for one in gone))

    return breaks


def _with(app_id: str, **values: object) -> Callable[[Organization], Organization]:
    def breaks(organization: Organization) -> Organization:
        return organization.edit(PartnerApplication, lambda one: one.application_identifier.lower() == app_id, **values)

    return breaks


def _only_legacy(organization: Organization) -> Organization:
    """As the oldest procedure leaves it: one application, one account with the whole built-in role."""
    account = integration.account_record("contoso.com", apps.LEGACY_ACCOUNT)
    gone = (
        *(
            one
            for app_id in apps.TEAMS_PAIR
            for one in integration.with_id(organization.all(PartnerApplication, ON), app_id)
        ),
        integration.account_record("", apps.INTEGRATION_ACCOUNT),
        integration.role_record(),
        integration.assignment_record(),
    )
    return organization.drop(*(record.address for record in gone)).put(
        account,
        integration.assignment_record(apps.INTEGRATION_ROLE_PARENT, apps.LEGACY_ACCOUNT),
        integration.assignment_record(apps.ARCHIVE_ROLE, apps.LEGACY_ACCOUNT),
        PartnerApplication(
            premises=ON,
            identity=apps.LEGACY_NAME,
            application_identifier=apps.SKYPE_FOR_BUSINESS_ONLINE,
            linked_account=apps.LEGACY_ACCOUNT,
        ),
    )


class TeamsApplications(Check):
    """Judges today's pair of partner applications, and the legacy one where it is alone."""

    title = "Does Exchange know the services of Teams as partner applications?"
    why = "Exchange refuses tokens of an application it does not know: delegates cannot connect to the server."
    scope = Scope.ORGANIZATION
    needs = integration.NEEDS
    sources = (sources.TEAMS_OAUTH, sources.HEALTH_CHECKER, sources.DELEGATES_BLOG)
    covers = ("PA-01", "PA-03", "PA-04", "DEL-08")
    causes = (
        Cause(
            slug="scheduler-missing",
            says="The partner application of the Teams scheduler does not exist.",
            breaks=_without(apps.TEAMS_SCHEDULER),
            heals=_complete,
            symptoms=_DELEGATION,
        ),
        Cause(
            slug="voicemail-missing",
            says="The partner application of Cloud Voicemail does not exist.",
            breaks=_without(apps.CLOUD_VOICEMAIL),
            heals=_complete,
        ),
        Cause(
            slug="scheduler-disabled",
            says="The partner application of the Teams scheduler exists but is disabled.",
            breaks=_with(apps.TEAMS_SCHEDULER, enabled=False),
            heals=_complete,
            symptoms=_DELEGATION,
        ),
        Cause(
            slug="voicemail-disabled",
            says="The partner application of Cloud Voicemail exists but is disabled.",
            breaks=_with(apps.CLOUD_VOICEMAIL, enabled=False),
            heals=_complete,
        ),
        Cause(
            slug="legacy-only",
            says="Only the legacy application is enabled; neither the Teams scheduler nor Cloud Voicemail is.",
            breaks=_only_legacy,
            heals=_complete,
            symptoms=_DELEGATION,
            covers=("X-20",),
        ),
        Cause(
            slug="not-linked",
            says="A partner application is enabled but linked to no account, so that it may do nothing.",
            breaks=_with(apps.TEAMS_SCHEDULER, linked_account=""),
            heals=_complete,
            symptoms=_DELEGATION,
        ),
        Cause(
            slug="not-by-auth-server",
            says="A partner application does not take tokens of the authorization server, which are those Teams shows.",
            breaks=_with(apps.TEAMS_SCHEDULER, use_auth_server=False),
            heals=steps(
                "Remove the partner application <record> and let hybridge make it again.",
                'Remove-PartnerApplication -Identity "<record>"',
                "hybridge repair plan",
                verify='Get-PartnerApplication shows UseAuthServer True and no AuthMetadataUrl for "<record>".',
            ),
            symptoms=_DELEGATION,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per application, or one for the legacy application alone."""
        reading = evidence.all(PartnerApplication, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        unread = [gap for kind, side in self.needs[1:] if isinstance(gap := evidence.all(kind, side), Unseen)]
        shared = {"domain": evidence.domain, "unread": ", ".join(gap.what for gap in unread)}
        facts = {name: value for name, value in shared.items() if value}
        found = tuple(self._judge(reading, subject))
        for finding in found:
            yield msgspec.structs.replace(finding, facts={**finding.facts, **facts})
        yield from unread
        if found and not evidence.domain and _needs_account(evidence):
            yield Unseen(
                what="domain",
                reason="not-configured",
                says="The domain of the organization is not known, and the integration account needs an address in it.",
                how="set organization.domain in hybridge.toml",
            )

    def _judge(self, reading: Seen[PartnerApplication], subject: Subject) -> Iterator[Finding]:
        mine = {app_id: integration.with_id(reading.records, app_id) for app_id in apps.TEAMS_PAIR}
        legacy = integration.with_id(reading.records, apps.SKYPE_FOR_BUSINESS_ONLINE)
        if legacy and legacy[0].enabled and not any(one.enabled for found in mine.values() for one in found):
            says = (
                f"Only the legacy partner application {legacy[0].identity} ({apps.SKYPE_FOR_BUSINESS_ONLINE}) is "
                "enabled; the Teams scheduler and Cloud Voicemail are not."
            )
            yield self._found("legacy-only", subject, says, legacy[0], reading, tuple(apps.TEAMS_PAIR))
            return
        for app_id, found in mine.items():
            yield from self._judge_one(app_id, found, reading, subject)

    def _judge_one(
        self, app_id: str, found: Sequence[PartnerApplication], reading: Seen[PartnerApplication], subject: Subject
    ) -> Iterator[Finding]:
        name = f"{integration.NAMES[app_id]} ({app_id})"
        if not found:
            says = f"There is no partner application for the {name}."
            yield self._found(f"{_WORDS[app_id]}-missing", subject, says, None, reading, (app_id,))
        elif not found[0].enabled:
            says = f"The partner application {found[0].identity} for the {name} is disabled."
            yield self._found(f"{_WORDS[app_id]}-disabled", subject, says, found[0], reading, (app_id,))
        elif not any(one.enabled and one.linked_account for one in found):
            says = f"The partner application {found[0].identity} for the {name} is linked to no account."
            yield self._found("not-linked", subject, says, found[0], reading, (app_id,))
        elif not any(_works(one) for one in found):
            url = f", AuthMetadataUrl {found[0].auth_metadata_url}" if found[0].auth_metadata_url else ""
            says = (
                f"The partner application {found[0].identity} for the {name} does not use the authorization server "
                f"(UseAuthServer {found[0].use_auth_server}{url})."
            )
            yield self._found("not-by-auth-server", subject, says, found[0], reading, (app_id,))

    def _found(
        self,
        slug: str,
        subject: Subject,
        says: str,
        record: PartnerApplication | None,
        reading: Seen[PartnerApplication],
        app_ids: tuple[str, ...],
    ) -> Finding:
        felt = apps.TEAMS_SCHEDULER in app_ids
        return self.finding(
            slug,
            subject,
            says,
            address=record.address if record else None,
            facts={"applications": " ".join(app_ids), **({"record": record.identity} if record else {})},
            symptoms=_DELEGATION if felt else (),
            origins=(reading.origin,),
        )


def _works(one: PartnerApplication) -> bool:
    return one.enabled and bool(one.linked_account) and integration.by_auth_server(one)


def _needs_account(evidence: Evidence) -> bool:
    users = evidence.all(MailUser, ON)
    account = integration.leaf(apps.INTEGRATION_ACCOUNT)
    return isinstance(users, Seen) and not any(integration.leaf(one.identity) == account for one in users.records)
