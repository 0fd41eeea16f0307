r"""The procedure's role is stripped to seven entries; if that step was left out, Teams may do more than it needs.

## How it is decided

For every account of an enabled partner application of Teams the custom roles derived from `UserApplication` are read.
Each entry beside the seven Teams uses is too much. An account of an older procedure that holds the built-in role
`UserApplication` itself is not judged: that procedure asked for it.

## How to cure it by hand

```powershell
$keep = "GetDelegate", "FindItem", "GetUserOofSettings", "DeleteItem", "UpdateItem", "GetAttachment", "ConvertId"
$extra = Get-ManagementRoleEntry "TeamsIntegrationRole\*" | Where-Object { $keep -notcontains $_.Name }
$extra | ForEach-Object { Remove-ManagementRoleEntry -Identity "TeamsIntegrationRole\$($_.Name)" -Confirm:$false }
```

## How hybridge cures it

It removes the entries beside the seven from that role.

## How to undo

`hybridge repair undo` adds them again. By hand, for each:

```powershell
Add-ManagementRoleEntry "TeamsIntegrationRole\CreateItem"
```
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.checks.partner_apps import integration
from hybridge.checks.partner_apps.accounts import BUILT_IN, Accounts, accounts_in
from hybridge.evidence import Evidence
from hybridge.findings import Finding, NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ManagementRole
from hybridge.plan import Change, Risk
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _strip(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    role = organization.at(finding.address) if finding.address else None
    if not isinstance(role, ManagementRole):
        return ()
    extra = _extra(role)
    left = tuple(entry for entry in role.role_entries if entry not in extra)
    says = f"Remove {', '.join(extra)} from the management role {role.identity}."
    return put(finding, organization, msgspec.structs.replace(role, role_entries=left), says, Risk.MEDIUM)


def _extra(role: ManagementRole) -> tuple[str, ...]:
    return tuple(entry for entry in role.role_entries if entry not in apps.INTEGRATION_ROLE_ENTRIES)


def _never_stripped(organization: Organization) -> Organization:
    """As New-ManagementRole leaves it: every entry of its parent."""
    parent = organization.one(ManagementRole, ON, BUILT_IN)
    return organization.edit(
        ManagementRole,
        lambda one: one.identity == apps.INTEGRATION_ROLE,
        role_entries=parent.role_entries if parent else (*apps.INTEGRATION_ROLE_ENTRIES, "SendItem"),
    )


class ApplicationRoleWidth(Check):
    """Judges whether the custom role keeps only what Teams uses."""

    title = "May Teams do no more with mailboxes than it needs?"
    why = "Whoever gets hold of a token of that application could do everything the role still allows."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = integration.NEEDS
    needs_online = True
    sources = (sources.TEAMS_OAUTH,)
    covers = ("PA-02",)
    causes = (
        Cause(
            slug="entries-too-many",
            says="The custom role of a partner application's account keeps more entries than Teams uses.",
            breaks=_never_stripped,
            heals=_strip,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per role that keeps too much."""
        accounts = accounts_in(evidence)
        if not isinstance(accounts, Accounts):
            yield from accounts
            return
        if not accounts.all:
            yield NotApplicable("No partner application of Teams is enabled and linked to an account.")
        roles = {role.address: role for account in accounts.all for role in account.roles}
        for role in roles.values():
            extra = _extra(role)
            if extra and integration.leaf(role.identity) != BUILT_IN.lower():
                yield self.finding(
                    "entries-too-many",
                    subject,
                    f"The role {role.identity} keeps {', '.join(extra)}, which Teams does not use.",
                    address=role.address,
                    facts={"entries": ", ".join(extra)},
                    origins=accounts.origins,
                )
