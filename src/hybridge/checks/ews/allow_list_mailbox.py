"""A mailbox can have EWS settings of its own, which shut Teams out of that mailbox alone.

## How it is decided

`Get-CASMailbox` on-premises is read. `EwsEnabled` set to `False` shuts EWS for the mailbox. A policy of the mailbox
counts only while its `EwsEnabled` is `True`; then every known service of Teams is matched against its own list,
exactly as for the organization (see `ews/allow-list-organization`). A mailbox without a policy has nothing to judge
here. For a delegation the delegator's mailbox and the delegate's are both judged. A mailbox that is online is not:
EWS is being retired in Exchange Online, so that switching it off there is no error by itself.

## How to cure it by hand

Look first, and use only the line for the policy that is in force:

```powershell
$mailbox = "ada@contoso.com"
$missing = "*SchedulingService*", "*SkypeSpaces/*", "*Microsoft.Skype.Presence.App/*"
Get-CASMailbox -Identity $mailbox | Format-List Ews*
Set-CASMailbox -Identity $mailbox -EwsEnabled $true
Set-CASMailbox -Identity $mailbox -EwsApplicationAccessPolicy EnforceAllowList -EwsAllowList @{Add=$missing}
Set-CASMailbox -Identity $mailbox -EwsApplicationAccessPolicy EnforceBlockList -EwsBlockList @{Remove="*Teams*"}
```

## How hybridge cures it

As for the organization: it adds the missing entries behind those that are there, removes only block-list entries that
match a service of Teams, or sets `EwsEnabled` to `True`. It never gives a mailbox a policy.

## How to undo

`hybridge repair undo` puts the former list or value back. By hand:

```powershell
Set-CASMailbox -Identity $mailbox -EwsApplicationAccessPolicy EnforceAllowList -EwsAllowList @{Remove=$missing}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hybridge.checks import sources
from hybridge.checks.base import Check, Saying
from hybridge.checks.ews import policy
from hybridge.checks.location import MAILBOX_NEEDS, no_record, on_premises_mailbox
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import CasMailbox, Mailbox
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_ONLINE = "EWS is being retired there, so that switching it off is no error by itself."


def _spoil(organization: Organization, values: dict[str, Any]) -> Organization:
    first = organization.all(CasMailbox, ON)[0].identity
    return organization.edit(CasMailbox, lambda one: one.identity == first, **values)


class AllowListMailbox(Check):
    """Judges the EWS access policy of one on-premises mailbox."""

    title = "Does the mailbox let the services of Teams use EWS?"
    why = "A mailbox can refuse Teams on its own: its owner loses delegation, calendar or presence, others do not."
    scope = Scope.MAILBOX
    needs = ((CasMailbox, ON), *MAILBOX_NEEDS)
    sources = (sources.RESOLVE, sources.CONTROL_EWS, sources.SET_CAS_MAILBOX)
    covers = ("EWS-03", "EWS-04", "PRES-05", "DEL-09")
    causes = policy.policy_causes("the mailbox", _spoil)

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding for EwsEnabled, or one per feature refused."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if isinstance(place, NotApplicable):
            yield NotApplicable(f"{place.reason} {_ONLINE}")
            return
        if not isinstance(place, Mailbox):
            yield place
            return
        reading = evidence.one(CasMailbox, ON, place.identity, place.identity)
        if isinstance(reading, Unseen):
            yield reading
            return
        cas = reading.first
        if cas is None:
            yield no_record(CasMailbox, place.identity)
            return
        if cas.ews_enabled is False:
            said = f"EWS is switched off for the mailbox {cas.identity} (EwsEnabled is False)."
            yield self.finding("disabled", subject, said, address=cas.address, origins=(reading.origin,))
        if cas.ews_enabled is not True:
            return
        for refusal in policy.refusals(cas, evidence.rules.callers.callers):
            yield self.finding(
                refusal.slug,
                subject,
                policy.says(refusal, cas.identity),
                address=cas.address,
                facts=policy.facts(refusal),
                symptoms=policy.symptoms(refusal),
                origins=(reading.origin,),
            )
