"""The organization's EWS settings can shut Teams out although every mailbox is in order.

## How it is decided

`Get-OrganizationConfig` on-premises is read. `EwsEnabled` set to `False` shuts EWS; `True` and an empty value do not.
Under `EnforceAllowList` every known service of Teams is matched against `EwsAllowList`, under `EnforceBlockList`
against `EwsBlockList`, the way Exchange does it: only `*` is special, the whole User-Agent must match, case is
ignored. Each feature that loses a service is a finding of its own (delegation, calendar, presence). An enforced list
without entries refuses everybody. Where an entry was clearly meant for a refused service, the finding says what is
wrong with it: a stray blank (`"* Microsoft.Skype.Presence.App/*"`), several patterns in one entry, no asterisk, or
typographic quotes. The lists hold for REST callers too. `EwsEnabled` is documented for EWS alone, but guidance asks for
it for presence as well (automatic replies), so that all three features count as lost.

| service | User-Agent | entry to add |
| --- | --- | --- |
| scheduler (delegation) | `SchedulingService/1.0` | `*SchedulingService*` |
| calendar | `... SkypeSpaces/1.0a$*+` in three forms | `*SkypeSpaces/*` |
| presence | `Microsoft.Skype.Presence.App/1.0` | `*Microsoft.Skype.Presence.App/*` |

The lists filter by a text any client can send. They are no protection.

## How to cure it by hand

Look first; use the line for the policy that is in force and never switch on one that is not, because
`EnforceAllowList` shuts out every client that is not on the list:

```powershell
Get-OrganizationConfig | Format-List Ews*
Set-OrganizationConfig -EwsEnabled $true
$missing = "*SchedulingService*", "*SkypeSpaces/*", "*Microsoft.Skype.Presence.App/*"
Set-OrganizationConfig -EwsApplicationAccessPolicy EnforceAllowList -EwsAllowList @{Add=$missing}
Set-OrganizationConfig -EwsApplicationAccessPolicy EnforceBlockList -EwsBlockList @{Remove="*Teams*"}
```

## How hybridge cures it

It adds the entries of the refused services behind those that are there, removes from a block list only the entries
that match a service of Teams, or sets `EwsEnabled` to `True`. The policy itself stays what it is, other entries and
their order are kept, misspelt ones too. After an empty list was filled, other clients (Outlook on the web add-ins,
telephony) still need their own entries.

## How to undo

`hybridge repair undo` puts the former list or value back. By hand:

```powershell
Set-OrganizationConfig -EwsApplicationAccessPolicy EnforceAllowList -EwsAllowList @{Remove=$missing}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hybridge.checks import sources
from hybridge.checks.base import Check, Saying
from hybridge.checks.ews import policy
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import OrganizationConfig
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _spoil(organization: Organization, values: dict[str, Any]) -> Organization:
    return organization.edit(OrganizationConfig, lambda one: one.premises is ON, **values)


class AllowListOrganization(Check):
    """Judges the EWS access policy of the on-premises organization."""

    title = "Does the Exchange organization let the services of Teams use EWS?"
    why = "A service of Teams that is refused here is refused for every mailbox: delegation, calendar or presence stop."
    scope = Scope.ORGANIZATION
    needs = ((OrganizationConfig, ON),)
    sources = (
        sources.RESOLVE,
        sources.CONTROL_EWS,
        sources.SET_ORGANIZATION_CONFIG,
    )
    covers = ("EWS-01", "EWS-02", "PRES-05", "X-10")
    causes = policy.policy_causes("the organization", _spoil)

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding for EwsEnabled, and one per feature refused."""
        reading = evidence.all(OrganizationConfig, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if reading.first is None:
            yield NotApplicable("There is no Exchange organization on-premises.")
            return
        config, origins = reading.first, (reading.origin,)
        if config.ews_enabled is False:
            said = f"EWS is switched off for the organization {config.identity} (EwsEnabled is False)."
            yield self.finding("disabled", subject, said, address=config.address, origins=origins)
        for refusal in policy.refusals(config, evidence.rules.callers.callers):
            yield self.finding(
                refusal.slug,
                subject,
                policy.says(refusal, config.identity),
                address=config.address,
                facts=policy.facts(refusal),
                symptoms=policy.symptoms(refusal),
                origins=origins,
            )
