"""An app permission policy can block the calendar app, which is then not there, pinned or not.

## How it is decided

The app permission policy of the person (`Get-CsOnlineUser`, empty means `Global`) has a list of Microsoft's own apps.
As a list of blocked apps (`BlockedAppList`) it must not hold the calendar app `ef56c0de-36fc-4ef8-b417-3d82ba9d073c`;
as a list of allowed apps (`AllowedAppList`) it must.

## How to cure it by hand

In the Teams admin centre: **Teams apps** > **Permission policies**, choose the policy, and under *Microsoft apps* let
**Calendar** be allowed, **Save**. Tenants that manage apps one by one: **Teams apps** > **Manage apps** > **Calendar**.
Or, for a list of blocked apps:

```powershell
Connect-MicrosoftTeams
$policy = Get-CsTeamsAppPermissionPolicy -Identity "Global"
$left = @($policy.DefaultCatalogApps | Where-Object { $_.Id -ne "ef56c0de-36fc-4ef8-b417-3d82ba9d073c" })
Set-CsTeamsAppPermissionPolicy -Identity "Global" -DefaultCatalogApps $left
```

It takes up to some hours to reach everybody.

## How hybridge cures it

It takes the calendar app off the list of blocked apps, or puts it last on the list of allowed ones. What the list means
stays as it is, and so do all other apps. This concerns everybody who has the policy.

## How to undo

`hybridge repair undo` puts the former list back.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.checks.teams.policies import GLOBAL, listed_policy
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import CsOnlineUser, TeamsAppPermissionPolicy
from hybridge.plan import Change, Risk
from hybridge.terms.applications import TEAMS_CALENDAR_APP
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ONLINE = Premises.ONLINE


def _block(organization: Organization) -> Organization:
    return organization.edit(
        TeamsAppPermissionPolicy,
        lambda one: one.identity == GLOBAL,
        default_catalog_apps_type="BlockedAppList",
        default_catalog_apps=(TEAMS_CALENDAR_APP,),
    )


def _permit(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    policy = organization.at(finding.address) if finding.address else None
    if not isinstance(policy, TeamsAppPermissionPolicy) or policy.permits(TEAMS_CALENDAR_APP):
        return ()
    apps = tuple(app for app in policy.default_catalog_apps if app.lower() != TEAMS_CALENDAR_APP)
    if policy.default_catalog_apps_type.lower() == "allowedapplist":
        apps = (*apps, TEAMS_CALENDAR_APP)
    after = msgspec.structs.replace(policy, default_catalog_apps=apps)
    says = f"Let the app permission policy {policy.identity} permit the calendar app, for everybody who has it."
    return put(finding, organization, after, says, Risk.MEDIUM)


class CalendarAppPermitted(Check):
    """Judges whether a person's app permission policy permits the calendar app."""

    title = "Is the person permitted to use the calendar app?"
    why = "An app that is blocked does not show, although it is pinned."
    scope = Scope.MAILBOX
    needs = ((CsOnlineUser, ONLINE), (TeamsAppPermissionPolicy, ONLINE))
    sources = (sources.APP_PERMISSION, sources.RESOLVE)
    covers = ("CAL-02",)
    causes = (
        Cause(
            slug="blocked",
            says="The app permission policy of the person blocks the calendar app.",
            breaks=_block,
            heals=_permit,
            symptoms=(Symptom.CALENDAR_MISSING,),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the app is blocked."""
        found = listed_policy(
            evidence, subject.mailbox, TeamsAppPermissionPolicy, lambda user: user.teams_app_permission_policy
        )
        if isinstance(found, Unseen):
            yield found
            return
        policy, origins = found
        if not policy.permits(TEAMS_CALENDAR_APP):
            blocked = policy.default_catalog_apps_type.lower() != "allowedapplist"
            how = "is on its list of blocked apps" if blocked else "is not on its list of allowed apps"
            yield self.finding(
                "blocked",
                subject,
                f"The app permission policy {policy.identity} of {subject.mailbox} blocks the calendar app: it {how}.",
                address=policy.address,
                facts={"policy": policy.identity},
                origins=origins,
            )
