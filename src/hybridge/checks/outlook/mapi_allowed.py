r"""Outlook opens a mailbox by MAPI, which can be switched off for one person.

## How it is decided

`Get-CASMailbox` shows it: `MAPIEnabled` False keeps Outlook out altogether, and Autodiscover then leaves EXCH out of
its answer. `MapiHttpEnabled` False keeps the mailbox from MAPI over HTTP, whatever the organization says; Outlook falls
back to Outlook Anywhere, which newer clients no longer know. Blank means: as the organization says.

Where MAPI is switched off on purpose (a mailbox that must not be opened by Outlook), accept the finding in the
configuration.

## How to cure it by hand

```powershell
Get-CASMailbox -Identity "ada@contoso.com" | Format-List MAPIEnabled, MapiHttpEnabled
Set-CASMailbox -Identity "ada@contoso.com" -MAPIEnabled $true
Set-CASMailbox -Identity "ada@contoso.com" -MapiHttpEnabled $null
```

## How hybridge cures it

It switches MAPI on again for the mailbox, or lets it follow the organization.

## How to undo

`hybridge repair undo` switches it off again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.checks.location import MAILBOX_NEEDS, no_record, on_premises_mailbox
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import CasMailbox, Mailbox
from hybridge.plan import Change, Manual
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _first(**changes: bool) -> Callable[[Organization], Organization]:
    def breaks(organization: Organization) -> Organization:
        first = organization.all(CasMailbox, ON)[0]
        return organization.put(msgspec.structs.replace(first, **changes))

    return breaks


def _heal(field: str, value: bool | None, says: str) -> Callable[[Finding, Organization], tuple[Change, ...] | Manual]:
    def heals(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
        access = organization.at(finding.address) if finding.address else None
        if not isinstance(access, CasMailbox):
            return ()
        after = msgspec.structs.replace(access, **{field: value})
        return put(finding, organization, after, f"{says} {access.identity}.")

    return heals


class MapiAllowed(Check):
    """Judges whether Outlook may open one mailbox."""

    title = "May Outlook open this mailbox by MAPI?"
    why = "Outlook cannot open the mailbox at all, though everything else of it works."
    scope = Scope.MAILBOX
    severity = Severity.WARNING
    needs = ((CasMailbox, ON), *MAILBOX_NEEDS)
    sources = (sources.SET_CAS_MAILBOX, sources.MAPI_OVER_HTTP, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="mapi-disabled",
            says="MAPI is switched off for this mailbox.",
            breaks=_first(mapi_enabled=False),
            heals=_heal("mapi_enabled", True, "Let Outlook open the mailbox"),
            covers=("MRCA-32",),
        ),
        Cause(
            slug="mapi-over-http-disabled",
            says="MAPI over HTTP is switched off for this mailbox.",
            breaks=_first(mapi_http_enabled=False),
            heals=_heal("mapi_http_enabled", None, "Let the organization's setting for MAPI over HTTP hold for"),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding at most; MAPI switched off hides the rest."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        reading = evidence.one(CasMailbox, ON, subject.mailbox, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        if reading.first is None:
            yield no_record(CasMailbox, subject.mailbox)
            return
        access = reading.first
        slug = ""
        if access.mapi_enabled is False:
            slug, says = "mapi-disabled", f"MAPIEnabled is False for {subject.mailbox}."
        elif access.mapi_http_enabled is False:
            slug, says = "mapi-over-http-disabled", f"MapiHttpEnabled is False for {subject.mailbox}."
        if slug:
            yield self.finding(slug, subject, says, address=access.address, origins=(reading.origin,))
