"""What Exchange Online does with an EWS call tells more than its settings, above all where its list is empty.

## How it is decided

hybridge asks EWS of Exchange Online for the calendar folder of a mailbox there, with its own Entra application, which
needs full_access_as_app. A refusal by policy is HTTP 403 with the header `X-EWS-Policy-Reason`: "EWS is disabled for
this user or tenant" (EwsEnabled of the organization or the mailbox), or "EWS is blocked by policy for this user or
tenant" (the list of applications, or the lists of user agents). A 403 without that header has another reason and says
nothing. With `EwsEnabled` `True` and no id on the list Microsoft's pages disagree whether everybody comes in or nobody:
this call decides. Without such a call that stays open. Where there are ids on the list, a refusal of hybridge's own
application says nothing: it need not be one of them. A mailbox whose own `EwsEnabled` is `False` is refused whatever
the organization says.

## How to cure it by hand

Put the applications that need EWS on the list, or open the mailbox:

```powershell
Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy | Format-List EwsEnabled, EwsAllowedAppIDs
Set-OrganizationConfig -EwsAllowedAppIDs "d3d1ca7e-0a11-4b0b-8a11-ca11ab1eca57"
Set-CASMailbox -Identity "linus@contoso.com" -EwsEnabled $true
```

## How hybridge cures it

It puts the dedicated hybrid application on the empty list; where there is none it prints the steps. For other refusals
the causes found beside this one have the cure.

## How to undo

`hybridge repair undo` empties the list again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps, symptom_of
from hybridge.checks.ews import online
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import OnlineEwsProbe
from hybridge.org.records import CasMailbox, Mailbox, OrganizationConfig
from hybridge.terms.premises import Premises

ONLINE = Premises.ONLINE


def _nobody(organization: Organization) -> Organization:
    configs = organization.all(OrganizationConfig, ONLINE)
    return organization.put(*(msgspec.structs.replace(one, ews_allowed_app_ids=()) for one in configs))


def _one_mailbox_off(organization: Organization) -> Organization:
    first = organization.all(Mailbox, ONLINE)[0].identity
    one = organization.one(CasMailbox, ONLINE, first)
    return organization.put(msgspec.structs.replace(one, ews_enabled=False)) if one else organization


class OnlineProbe(Check):
    """Judges what our own EWS call to Exchange Online got."""

    title = "Does an EWS call to Exchange Online really come through?"
    why = "Settings take up to a day to work, and an empty list can mean everybody or nobody: only a call tells."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    symptom = True
    explained_by = ("ews/online-access", "ews/online-applications")
    needs = ((OrganizationConfig, ONLINE), (OnlineEwsProbe, ONLINE), (CasMailbox, ONLINE))
    sources = (sources.CONTROL_EWS, sources.EWS_RETIREMENT)
    covers = ("EWS-05",)
    causes = (
        Cause(
            slug="list-empty",
            says="EWS of Exchange Online is on, its list of applications is empty, and it lets nobody in.",
            breaks=_nobody,
            heals=online.open_for,
            covers=("X-16",),
        ),
        Cause(
            slug="mailbox-off",
            says="EWS is on for the organization in Exchange Online and off for a mailbox.",
            breaks=_one_mailbox_off,
            heals=steps(
                "EWS of Exchange Online is off for <mailbox> by its own setting.",
                'If something needs it: Set-CASMailbox -Identity "<mailbox>" -EwsEnabled $true',
                verify='Get-CASMailbox -Identity "<mailbox>" | Format-List EwsEnabled shows True; hybridge doctor '
                "<mailbox> no longer finds it within an hour.",
            ),
            healable=False,
            covers=("X-16",),
        ),
        Cause(
            slug="refused",
            says="Exchange Online says that EWS is off, and its settings say otherwise.",
            breaks=None,
            heals=symptom_of,
            healable=False,
            covers=("X-16",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the call was refused; Unseen where only a call could tell and none was made.

        Where the settings leave no doubt they are judged by other checks, and a call is a bonus.
        """
        settings = online.settings_of(evidence)
        if not isinstance(settings, online.Settings):
            yield settings
            return
        undetermined = settings.config.ews_enabled is True and not settings.listed
        reading = evidence.all(OnlineEwsProbe, ONLINE)
        if isinstance(reading, Unseen):
            yield (
                reading if undetermined else NotApplicable(f"The settings decide it; no call was made: {reading.says}")
            )
            return
        for probe in reading.records:
            slug = _verdict(evidence, probe, settings, undetermined)
            if not slug:
                continue
            yield self.finding(
                slug,
                subject,
                f"EWS of Exchange Online answered our call about {probe.identity} with HTTP {probe.status}: "
                f"{probe.policy_reason}.",
                address=settings.config.address,
                facts=online.facts(evidence) | {"reason": probe.policy_reason, "mailbox": probe.identity},
                origins=(*settings.origins, reading.origin),
            )


def _verdict(evidence: Evidence, probe: OnlineEwsProbe, settings: online.Settings, undetermined: bool) -> str:
    """The cause an answer shows, "" for one that shows none."""
    if not probe.policy_reason:
        return ""
    mailbox = evidence.one(CasMailbox, ONLINE, probe.identity, probe.identity)
    off = isinstance(mailbox, Seen) and mailbox.first is not None and mailbox.first.ews_enabled is False
    if off and settings.config.ews_enabled is True:
        return "mailbox-off"
    if undetermined:
        return "list-empty"
    disabled = "disabled" in probe.policy_reason.lower()
    return "refused" if disabled or settings.config.ews_enabled is not True else ""
