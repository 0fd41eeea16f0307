"""The calendar of Teams is an app, and an app setup policy decides whether it shows.

## How it is decided

The app setup policy of the person (`Get-CsOnlineUser`, empty means `Global`) must hold the calendar app
`ef56c0de-36fc-4ef8-b417-3d82ba9d073c` among its pinned apps. Where the policy lets people pin apps themselves
(`AllowUserPinning`), they can help themselves; it is found all the same, but explains nothing people notice.

## How to cure it by hand

In the Teams admin centre: **Teams apps** > **Setup policies**, choose the policy, **Add apps** under *Pinned apps*,
search **Calendar**, **Add**, **Save**. Or:

```powershell
Connect-MicrosoftTeams
$type = "Microsoft.Teams.Policy.Administration.Cmdlets.Core.PinnedApp"
$ids = @((Get-CsTeamsAppSetupPolicy -Identity "Global").PinnedAppBarApps.Id) + "ef56c0de-36fc-4ef8-b417-3d82ba9d073c"
$apps = @($ids | ForEach-Object { New-Object -TypeName $type -Property @{ Id = $_ } })
Set-CsTeamsAppSetupPolicy -Identity "Global" -PinnedAppBarApps $apps
```

It takes up to some hours to reach everybody.

## How hybridge cures it

It puts the calendar app last among the pinned apps of that policy. This concerns everybody who has the policy.

## How to undo

`hybridge repair undo` puts the former list of pinned apps back.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.checks.teams.policies import listed_policy
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import CsOnlineUser, TeamsAppSetupPolicy
from hybridge.plan import Change, Risk
from hybridge.terms.applications import TEAMS_CALENDAR_APP
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ONLINE = Premises.ONLINE


def _pinned(policy: TeamsAppSetupPolicy) -> bool:
    return TEAMS_CALENDAR_APP in {app.lower() for app in policy.pinned_app_bar_apps}


def _unpin(organization: Organization) -> Organization:
    policy = organization.one(TeamsAppSetupPolicy, ONLINE, "Global")
    left = tuple(app for app in policy.pinned_app_bar_apps if app != TEAMS_CALENDAR_APP) if policy else ()
    return organization.edit(TeamsAppSetupPolicy, lambda one: one is policy, pinned_app_bar_apps=left)


def _pin(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    policy = organization.at(finding.address) if finding.address else None
    if not isinstance(policy, TeamsAppSetupPolicy) or _pinned(policy):
        return ()
    after = msgspec.structs.replace(policy, pinned_app_bar_apps=(*policy.pinned_app_bar_apps, TEAMS_CALENDAR_APP))
    says = f"Pin the calendar app in the app setup policy {policy.identity}, for everybody who has it."
    return put(finding, organization, after, says, Risk.MEDIUM)


class CalendarAppPinned(Check):
    """Looks for the calendar app among the pinned apps of a person's policy."""

    title = "Does Teams show the calendar app?"
    why = "Where the app is not pinned, the calendar is simply not there."
    scope = Scope.MAILBOX
    needs = ((CsOnlineUser, ONLINE), (TeamsAppSetupPolicy, ONLINE))
    sources = (sources.RESOLVE, sources.APP_SETUP)
    covers = ("CAL-01",)
    causes = (
        Cause(
            slug="not-pinned",
            says="The app setup policy of the person does not pin the calendar app.",
            breaks=_unpin,
            heals=_pin,
            symptoms=(Symptom.CALENDAR_MISSING,),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the app is not pinned."""
        found = listed_policy(evidence, subject.mailbox, TeamsAppSetupPolicy, lambda user: user.teams_app_setup_policy)
        if isinstance(found, Unseen):
            yield found
            return
        policy, origins = found
        if not _pinned(policy):
            may_pin = policy.allow_user_pinning
            helps = "; people may pin it themselves" if may_pin else ", and people may not pin it themselves"
            yield self.finding(
                "not-pinned",
                subject,
                f"The app setup policy {policy.identity} of {subject.mailbox} does not pin the calendar app{helps}.",
                address=policy.address,
                facts={"policy": policy.identity},
                symptoms=() if may_pin else (Symptom.CALENDAR_MISSING,),
                origins=origins,
            )
