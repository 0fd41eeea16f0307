r"""A partner application may do what the roles of its account allow, so the account must be there and hold them.

## How it is decided

For every enabled partner application of Teams (today's pair and the legacy one) the linked account is looked at:

* the mail user must exist;
* it must be hidden from address lists, because it is nobody one could write to;
* it must hold, by an enabled assignment, the built-in role `UserApplication` or a role derived from it;
* that role must keep the seven entries Teams uses. `GetDelegate` alone decides over delegation.

The built-in role has all of them. Whether a role keeps *more* is asked by `partner_apps/application-role-width`.

## How to cure it by hand

```powershell
$account = "TeamsIntegration-ApplicationAccount"
New-MailUser -Name $account -ExternalEmailAddress "$account@contoso.com"
Set-MailUser -Identity $account -HiddenFromAddressListsEnabled $true
New-ManagementRoleAssignment -Role "TeamsIntegrationRole" -User $account
Set-ManagementRoleAssignment -Identity "TeamsIntegrationRole-$account" -Enabled $true
Add-ManagementRoleEntry "TeamsIntegrationRole\GetDelegate"
```

An account that was deleted and made again is another account to the directory: link it once more with
`Set-PartnerApplication -Identity "TeamsScheduler" -LinkedAccount $account`.

## How hybridge cures it

It creates the account of today's procedure when it is absent, hides it, enables a disabled assignment or makes the
procedure's own, and adds missing entries to the custom role. An absent account of another name is left to you: it
prints the steps.

## How to undo

`hybridge repair undo` removes what was created and takes back the rest, in the opposite order.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.checks.partner_apps import integration
from hybridge.checks.partner_apps.accounts import BUILT_IN, Account, Accounts, accounts_in, is_application_role
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import MailUser, ManagementRole, ManagementRoleAssignment
from hybridge.plan import Change, Manual, Risk
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
_DELEGATION = (Symptom.DELEGATE_CANNOT_SCHEDULE,)


# Cures ----------------------------------------------------------------------------------------------------------------


def _create(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    name, domain = finding.facts["account"], finding.facts.get("domain", "")
    if integration.has_account(organization, name):
        return ()
    ours = integration.leaf(name) == integration.leaf(apps.INTEGRATION_ACCOUNT)
    if not ours or not domain:
        address = f"{name}@{domain or '<your domain>'}"
        return by_hand(
            finding,
            f"Create the mail user {name} again, give it its role, and link the application to it."
            if not ours
            else f"hybridge cannot plan the mail user {name} without the organization's domain.",
            f'New-MailUser -Name "{name}" -ExternalEmailAddress "{address}"',
            f'Set-MailUser -Identity "{name}" -HiddenFromAddressListsEnabled $true',
            f'New-ManagementRoleAssignment -Role "{apps.INTEGRATION_ROLE_PARENT}" -User "{name}"'
            if not ours
            else f'New-ManagementRoleAssignment -Role "{apps.INTEGRATION_ROLE}" -User "{name}"',
            *(
                f'Set-PartnerApplication -Identity "{application}" -LinkedAccount "{name}"'
                for application in finding.facts["applications"].split(", ")
            ),
            verify=f'Get-MailUser -Identity "{name}" shows it, hidden from address lists.',
        )
    account = integration.account_record(domain, apps.INTEGRATION_ACCOUNT)
    return put(finding, organization, account, f"Create the hidden mail user {account.identity}.")


def _hide(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    user = organization.at(finding.address) if finding.address else None
    if not isinstance(user, MailUser):
        return ()
    after = msgspec.structs.replace(user, hidden_from_address_lists_enabled=True)
    return put(finding, organization, after, f"Hide {user.identity} from address lists.")


def _assign(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    """Enable an assignment that is switched off, else give the account the procedure's role."""
    name = finding.facts["account"]
    roles = {integration.leaf(one.identity) for one in organization.all(ManagementRole, ON) if is_application_role(one)}
    usable = [
        one
        for one in organization.all(ManagementRoleAssignment, ON)
        if integration.leaf(one.role_assignee) == integration.leaf(name)
        and integration.leaf(one.role) in {*roles, integration.leaf(BUILT_IN)}
    ]
    if any(one.enabled for one in usable):
        return ()
    if usable:
        after = msgspec.structs.replace(usable[0], enabled=True)
        return put(finding, organization, after, f"Enable the assignment of {after.role} to {name}.", Risk.MEDIUM)
    made: tuple[Change, ...] = ()
    if organization.one(ManagementRole, ON, apps.INTEGRATION_ROLE) is None:
        role = integration.role_record()
        made = put(finding, organization, role, f"Create the management role {role.identity} with its seven entries.")
    assignment = integration.assignment_record(account=name)
    return made + put(finding, organization, assignment, f"Assign the role {assignment.role} to {name}.", Risk.MEDIUM)


def _add_entries(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    role = organization.at(finding.address) if finding.address else None
    if not isinstance(role, ManagementRole):
        return ()
    missing = [entry for entry in finding.facts["missing"].split(", ") if entry not in role.role_entries]
    after = msgspec.structs.replace(role, role_entries=tuple(sorted({*role.role_entries, *missing})))
    return put(finding, organization, after, f"Add {', '.join(missing)} to the management role {role.identity}.")


# Faults ---------------------------------------------------------------------------------------------------------------


def _delete_account(organization: Organization) -> Organization:
    return organization.drop(integration.account_record("").address)


def _show_account(organization: Organization) -> Organization:
    return organization.edit(
        MailUser, lambda one: one.identity == apps.INTEGRATION_ACCOUNT, hidden_from_address_lists_enabled=False
    )


def _unassign(organization: Organization) -> Organization:
    return organization.drop(integration.assignment_record().address)


def _drop_get_delegate(organization: Organization) -> Organization:
    left = tuple(sorted(entry for entry in apps.INTEGRATION_ROLE_ENTRIES if entry != "GetDelegate"))
    return organization.edit(ManagementRole, lambda one: one.identity == apps.INTEGRATION_ROLE, role_entries=left)


class ApplicationAccount(Check):
    """Judges the accounts Teams' partner applications are linked to."""

    title = "Do the accounts of Teams' partner applications exist, hidden and with the right role?"
    why = "Exchange lets an application do what its account's roles allow: without them the scheduler is refused."
    scope = Scope.ORGANIZATION
    needs = integration.NEEDS
    sources = (sources.TEAMS_OAUTH, sources.RESOLVE, sources.HEALTH_CHECKER)
    covers = ("PA-02", "PA-06", "DEL-08")
    causes = (
        Cause(
            slug="account-missing",
            says="A partner application is linked to an account that does not exist.",
            breaks=_delete_account,
            heals=_create,
            symptoms=_DELEGATION,
        ),
        Cause(
            slug="visible",
            says="The account of a partner application is shown in address lists.",
            breaks=_show_account,
            heals=_hide,
        ),
        Cause(
            slug="role-missing",
            says="The account of a partner application holds no enabled application role.",
            breaks=_unassign,
            heals=_assign,
            symptoms=_DELEGATION,
        ),
        Cause(
            slug="entry-missing",
            says="The role of a partner application's account lacks an entry Teams uses.",
            breaks=_drop_get_delegate,
            heals=_add_entries,
            symptoms=_DELEGATION,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Findings per account."""
        accounts = accounts_in(evidence)
        if not isinstance(accounts, Accounts):
            yield from accounts
            return
        if not accounts.all:
            yield NotApplicable("No partner application of Teams is enabled and linked to an account.")
        for account in accounts.all:
            for finding in self._judge(account, subject):
                facts = {
                    "account": account.name,
                    "applications": ", ".join(one.identity for one in account.applications),
                    **({"domain": evidence.domain} if evidence.domain else {}),
                    **finding.facts,
                }
                yield msgspec.structs.replace(finding, facts=facts, origins=accounts.origins)
            if account.user is None and not evidence.domain:
                yield Unseen(
                    what="domain",
                    reason="not-configured",
                    says=f"The domain of the organization is not known, and {account.name} needs an address in it.",
                    how="set organization.domain in hybridge.toml",
                )

    def _judge(self, account: Account, subject: Subject) -> Iterator[Finding]:
        serves = ", ".join(one.identity for one in account.applications)
        if account.user is None:
            says = f"The account {account.name} of {serves} does not exist as a mail user."
            yield self.finding("account-missing", subject, says, address=account.applications[0].address)
            return
        if not account.user.hidden_from_address_lists_enabled:
            says = f"The account {account.name} of {serves} is shown in address lists."
            yield self.finding("visible", subject, says, address=account.user.address)
        if not account.roles and not account.built_in:
            switched_off = f"; {account.disabled[0].identity} is disabled" if account.disabled else ""
            says = f"The account {account.name} of {serves} holds no application role{switched_off}."
            yield self.finding("role-missing", subject, says, address=account.user.address)
            return
        missing = [entry for entry in apps.INTEGRATION_ROLE_ENTRIES if entry not in account.entries]
        if missing:
            role = account.roles[0]
            says = f"The role {role.identity} of {account.name} lacks {', '.join(missing)}."
            yield self.finding(
                "entry-missing",
                subject,
                says,
                address=role.address,
                facts={"missing": ", ".join(missing)},
                symptoms=_DELEGATION if "GetDelegate" in missing else (),
            )
