"""Exchange Online is closing EWS: since October 2026 it is off unless a tenant opened it to named applications.

## How it is decided

`Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy` online. `EwsEnabled` `False` is what Microsoft sets since
October 2026. It is no error for Teams by itself: Teams reads mailboxes online in other ways, and EWS of Exchange Server
is not concerned. What breaks is named where it was seen: the dedicated hybrid application asks for free/busy of
mailboxes online by EWS. An empty value is turned to `False` tenant by tenant; it is never a thing to go back to. From
1 April 2027 EWS is off for everybody, and the setting means nothing any more.

## How to cure it by hand

Only where an application you can name needs it, and with the ids of those applications alone. The list is one text and
is replaced whole:

```powershell
Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy | Format-List EwsEnabled, EwsAllowedAppIDs
Set-OrganizationConfig -EwsEnabled $true -EwsAllowedAppIDs "d3d1ca7e-0a11-4b0b-8a11-ca11ab1eca57"
```

The switch takes about an hour, the list up to a day.

## How hybridge cures it

Where the dedicated hybrid application has full_access_as_app, it opens EWS to that application, beside the ids that are
on the list already. Otherwise it prints the steps. It never sets the empty value.

## How to undo

`hybridge repair undo` puts the former values back.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.ews import online
from hybridge.evidence import Evidence
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import AppRoleAssignment, AuthServer, EntraApplication, OrganizationConfig, PartnerApplication
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def _set_to(value: bool | None) -> Break:
    def breaks(organization: Organization) -> Organization:
        configs = organization.all(OrganizationConfig, ONLINE)
        return organization.put(*(msgspec.structs.replace(one, ews_enabled=value) for one in configs))

    return breaks


class OnlineAccess(Check):
    """Judges EwsEnabled of the organization online."""

    title = "Is EWS of Exchange Online still open to those who need it?"
    why = "Without it Exchange Server shows no free/busy of mailboxes online, until it asks by Microsoft Graph."
    scope = Scope.ORGANIZATION
    severity = Severity.ADVICE
    needs = (
        (OrganizationConfig, ONLINE),
        (EntraApplication, ONLINE),
        (AppRoleAssignment, ONLINE),
        (AuthServer, ON),
        (PartnerApplication, ON),
    )
    sources = (sources.EWS_RETIREMENT, sources.CONTROL_EWS, sources.SET_ORGANIZATION_CONFIG)
    covers = ("EWS-01",)
    causes = (
        Cause(
            slug="off",
            says="EWS is off in Exchange Online, as expected since October 2026; something still needs it or may.",
            breaks=_set_to(False),
            heals=online.open_for,
        ),
        Cause(
            slug="not-decided",
            says="Nobody decided whether EWS stays open in Exchange Online, so Microsoft switches it off.",
            breaks=_set_to(None),
            heals=online.open_for,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when EWS is off, or is being switched off."""
        settings = online.settings_of(evidence)
        if not isinstance(settings, online.Settings):
            yield settings
            return
        dates = evidence.rules.retirement
        enabled = settings.config.ews_enabled
        if enabled is True or (enabled is None and evidence.now.date() < dates.switched_off_unless_allowed):
            return
        facts = online.facts(evidence)
        breaks = (
            f"what breaks is free/busy of mailboxes online asked by Exchange Server as {facts['application']}"
            if facts["app_id"]
            else "nothing was seen that needs it"
        )
        says = (
            f"EWS of Exchange Online is off (expected since {dates.switched_off_unless_allowed}): {breaks}."
            if enabled is False
            else f"EwsEnabled of Exchange Online is not set, and Microsoft turns that to False since "
            f"{dates.switched_off_unless_allowed}: {breaks}."
        )
        yield self.finding(
            "off" if enabled is False else "not-decided",
            subject,
            says,
            address=settings.config.address,
            facts=facts,
            origins=settings.origins,
        )
