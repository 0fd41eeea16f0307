"""In two coexistence modes meetings belong to Skype for Business, and Teams has neither calendar nor scheduling.

## How it is decided

The upgrade policy of the person (`Get-CsOnlineUser`, empty means the organization's setting) gives the mode; where an
export says which mode is really in force (`TeamsUpgradeEffectiveMode`), that one counts. `SfBOnly`
and `SfBWithTeamsCollab` have no meetings in Teams. `Islands`, `SfBWithTeamsCollabAndMeetings` and `TeamsOnly` do.

## How to cure it by hand

For a person with a mode of their own:

```powershell
Connect-MicrosoftTeams
Get-CsOnlineUser -Identity "ada@contoso.com" | Format-List TeamsUpgradePolicy, TeamsUpgradeEffectiveMode
Grant-CsTeamsUpgradePolicy -Identity "ada@contoso.com" -PolicyName "UpgradeToTeams"
```

For the whole organization: Teams admin centre, **Teams** > **Teams upgrade settings**, *Coexistence mode*: choose
**Teams only** (or **Skype for Business with Teams collaboration and meetings**), **Save**. Or:

```powershell
Grant-CsTeamsUpgradePolicy -PolicyName "UpgradeToTeams" -Global
```

## How hybridge cures it

It gives a person with such a mode of their own `UpgradeToTeams`. The organization's mode it leaves to you, because it
moves everybody's calls and chats: it prints the steps.

## How to undo

`hybridge repair undo` gives the former policy back. By hand:

```powershell
Grant-CsTeamsUpgradePolicy -Identity "ada@contoso.com" -PolicyName "SfBOnly"
```
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.checks.teams.policies import GLOBAL, InForce, not_listed, policy_name, policy_of, teams_user
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import CsOnlineUser, TeamsUpgradePolicy
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ONLINE = Premises.ONLINE
TEAMS_ONLY = "UpgradeToTeams"
"""Name of the instance whose mode is TeamsOnly."""

WITHOUT_MEETINGS = frozenset({"sfbonly", "sfbwithteamscollab"})
"""Modes in lower case in which Teams has no meetings."""


def _on_its_own(organization: Organization) -> Organization:
    first = organization.all(CsOnlineUser, ONLINE)[0].identity
    return organization.edit(CsOnlineUser, lambda one: one.identity == first, teams_upgrade_policy="SfBOnly")


def _everywhere(organization: Organization) -> Organization:
    return organization.edit(TeamsUpgradePolicy, lambda one: one.identity == GLOBAL, mode="SfBWithTeamsCollab")


def _wait(finding: Finding) -> Manual:
    return by_hand(
        finding,
        "The person has the right policy already; Teams did not follow it yet.",
        "Wait some hours, then look again.",
        "If it stays: look for an account in Skype for Business Server, which keeps the mode (Get-CsUser).",
        verify="Get-CsOnlineUser shows TeamsUpgradeEffectiveMode TeamsOnly.",
    )


def _upgrade(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    user = organization.at(finding.address) if finding.address else None
    if not isinstance(user, CsOnlineUser):
        return ()
    if user.teams_upgrade_policy == TEAMS_ONLY:
        return _wait(finding) if user.teams_upgrade_effective_mode.lower() in WITHOUT_MEETINGS else ()
    if "assigned_by_hand_in" in finding.facts:
        return by_hand(
            finding,
            f"Give {user.identity} the upgrade policy {TEAMS_ONLY}; in {finding.facts['assigned_by_hand_in']} Graph "
            "assigns no policies, so that Teams PowerShell must.",
            f'Grant-CsTeamsUpgradePolicy -Identity "{user.identity}" -PolicyName {TEAMS_ONLY}',
            verify=f'Get-CsOnlineUser -Identity "{user.identity}" | Format-List TeamsUpgradeEffectiveMode',
        )
    effective = "TeamsOnly" if user.teams_upgrade_effective_mode else ""
    after = msgspec.structs.replace(user, teams_upgrade_policy=TEAMS_ONLY, teams_upgrade_effective_mode=effective)
    says = f"Give {user.identity} the upgrade policy {TEAMS_ONLY} in place of {user.teams_upgrade_policy}."
    return put(finding, organization, after, says, Risk.MEDIUM)


def mode_of(found: InForce[TeamsUpgradePolicy]) -> str:
    """The mode in force; "" when it is not known. Built-in instances are named as their mode, or with "WithNotify"."""
    if found.policy is not None:
        return found.policy.mode
    if found.name.lower() == TEAMS_ONLY.lower():
        return "TeamsOnly"
    return "" if found.name == GLOBAL else found.name.removesuffix("WithNotify")


class CoexistenceMode(Check):
    """Judges whether a person's coexistence mode has meetings in Teams."""

    title = "Does the coexistence mode have meetings in Teams?"
    why = "In a mode without meetings Teams hides the calendar, and the add-in for Outlook makes no Teams meeting."
    scope = Scope.MAILBOX
    needs = ((CsOnlineUser, ONLINE), (TeamsUpgradePolicy, ONLINE))
    sources = (sources.RESOLVE, sources.UPGRADE_POLICY)
    covers = ("CAL-03",)
    causes = (
        Cause(
            slug="user-mode",
            says="The person has a coexistence mode of their own that has no meetings in Teams.",
            breaks=_on_its_own,
            heals=_upgrade,
            symptoms=(Symptom.CALENDAR_MISSING,),
        ),
        Cause(
            slug="organization-mode",
            says="The organization's coexistence mode has no meetings in Teams.",
            breaks=_everywhere,
            heals=steps(
                "Change the organization's coexistence mode from <mode>; it concerns everybody without a mode of "
                "their own, their calls and chats included.",
                "Open the Teams admin centre as a Teams administrator.",
                "Choose Teams > Teams upgrade settings.",
                "Set Coexistence mode to Teams only (or to Skype for Business with Teams collaboration and meetings).",
                "Choose Save. It can take some hours until everybody has it.",
                verify='Get-CsTeamsUpgradePolicy -Identity "Global" shows a mode with meetings.',
            ),
            symptoms=(Symptom.CALENDAR_MISSING,),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the mode in force has no meetings."""
        user = teams_user(evidence, subject.mailbox)
        if isinstance(user, Unseen):
            yield user
            return
        assert user.first is not None
        found = policy_of(evidence, TeamsUpgradePolicy, user, user.first.teams_upgrade_policy)
        effective = user.first.teams_upgrade_effective_mode
        if isinstance(found, Unseen) and effective:
            found = InForce(user.first, policy_name(user.first.teams_upgrade_policy), None, (user.origin,))
        if isinstance(found, Unseen):
            yield found
            return
        mode = effective or mode_of(found)
        if not mode:
            yield not_listed(TeamsUpgradePolicy, found.name)
        elif mode.lower() in WITHOUT_MEETINGS:
            yield self._found(found, mode, subject, evidence.cloud)

    def _found(self, found: InForce[TeamsUpgradePolicy], mode: str, subject: Subject, cloud: Cloud) -> Finding:
        own = found.name.lower() != GLOBAL.lower()
        by = f"policy {found.name}" if own else "the organization's setting"
        says = f"{subject.mailbox} is in coexistence mode {mode} ({by}): it has no meetings in Teams."
        shared = found.policy.address if found.policy else None
        return self.finding(
            "user-mode" if own else "organization-mode",
            subject,
            says,
            address=found.user.address if own else shared,
            facts={"mode": mode, "policy": found.name}
            | ({} if cloud.assigns_teams_policies else {"assigned_by_hand_in": cloud.title}),
            origins=found.origins,
        )
