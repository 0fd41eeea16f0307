r"""A meeting policy can take scheduling away from people, in Teams itself or in their Outlook.

## How it is decided

The meeting policy of the person (`Get-CsOnlineUser`, empty means `Global`) is read. `AllowPrivateMeetingScheduling` set
to `False` lets the person schedule no meeting of their own; the calendar still shows. `AllowOutlookAddIn` set to
`False` takes the Teams Meeting button out of Outlook. Either may be meant: hence a warning.

## How to cure it by hand

```powershell
Connect-MicrosoftTeams
Get-CsTeamsMeetingPolicy -Identity "Global" | Format-List AllowPrivateMeetingScheduling, AllowOutlookAddIn
Set-CsTeamsMeetingPolicy -Identity "Global" -AllowPrivateMeetingScheduling $true -AllowOutlookAddIn $true
```

Where the policy lets the add-in show and the button is missing all the same, look on the computer: classic Outlook must
not have disabled the add-in (**File** > **Manage COM Add-ins**), and the value below must be 3. The new Outlook has no
such add-in: the button is its own.

```powershell
Get-ItemProperty "HKCU:\SOFTWARE\Microsoft\Office\Outlook\Addins\TeamsAddin.FastConnect" | Select-Object LoadBehavior
Set-ItemProperty "HKCU:\SOFTWARE\Microsoft\Office\Outlook\Addins\TeamsAddin.FastConnect" -Name LoadBehavior -Value 3
```

## How hybridge cures it

It sets the property of that policy to `True` and leaves the rest. This concerns everybody who has the policy. The
computers of people it does not reach.

## How to undo

`hybridge repair undo` sets the property back to `False`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.checks.teams.policies import GLOBAL, listed_policy
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import CsOnlineUser, TeamsMeetingPolicy
from hybridge.plan import Change, Risk
from hybridge.terms.premises import Premises

ONLINE = Premises.ONLINE
_PROPERTIES = {
    "scheduling-off": ("allow_private_meeting_scheduling", "AllowPrivateMeetingScheduling", "schedule meetings"),
    "add-in-off": ("allow_outlook_add_in", "AllowOutlookAddIn", "make Teams meetings in Outlook"),
}
"""Cause -> field, its property, and what people cannot do without it."""


def _off(slug: str) -> Callable[[Organization], Organization]:
    field = _PROPERTIES[slug][0]
    return lambda organization: organization.edit(
        TeamsMeetingPolicy, lambda one: one.identity == GLOBAL, **{field: False}
    )


def _on(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    policy = organization.at(finding.address) if finding.address else None
    field, name, _ = _PROPERTIES[finding.cause]
    if not isinstance(policy, TeamsMeetingPolicy) or getattr(policy, field):
        return ()
    after = msgspec.structs.replace(policy, **{field: True})
    says = f"Set {name} of the meeting policy {policy.identity} to True, for everybody who has it."
    return put(finding, organization, after, says, Risk.MEDIUM)


class MeetingPolicy(Check):
    """Judges whether a person's meeting policy lets them schedule."""

    title = "Does the meeting policy let the person schedule meetings, in Teams and in Outlook?"
    why = "Where it does not, the calendar shows but makes no meeting, or Outlook has no Teams Meeting button."
    scope = Scope.MAILBOX
    severity = Severity.WARNING
    needs = ((CsOnlineUser, ONLINE), (TeamsMeetingPolicy, ONLINE))
    sources = (sources.MEETING_POLICY, sources.MEETING_ADD_IN)
    covers = ("CAL-07", "CAL-08")
    causes = (
        Cause(
            slug="scheduling-off",
            says="The meeting policy of the person lets them schedule no private meetings.",
            breaks=_off("scheduling-off"),
            heals=_on,
        ),
        Cause(
            slug="add-in-off",
            says="The meeting policy of the person takes the Teams add-in out of Outlook.",
            breaks=_off("add-in-off"),
            heals=_on,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """A finding for each property that is off."""
        found = listed_policy(evidence, subject.mailbox, TeamsMeetingPolicy, lambda user: user.teams_meeting_policy)
        if isinstance(found, Unseen):
            yield found
            return
        policy, origins = found
        for slug, (field, name, loss) in _PROPERTIES.items():
            if not getattr(policy, field):
                yield self.finding(
                    slug,
                    subject,
                    f"The meeting policy {policy.identity} lets {subject.mailbox} not {loss} ({name} is False).",
                    address=policy.address,
                    facts={"policy": policy.identity},
                    origins=origins,
                )
