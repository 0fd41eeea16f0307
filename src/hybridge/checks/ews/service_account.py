"""The account hybridge signs in with must be let into other people's calendars, or most of what it asks is refused.

## How it is decided

* **Impersonation** is seen in every run: each question about a mailbox is asked acting as its owner. Exchange refuses
  it with `ErrorImpersonateUserDenied` (or `ErrorImpersonationDenied`, by the server) where the account lacks the
  management role ApplicationImpersonation, or the role's scope leaves the mailbox out.
* **The rights on one calendar** are tried only when it is asked for (`hybridge doctor --test ews-access`), because the
  test writes: it opens the calendar, makes an appointment, reads it and removes it for good. The appointment lies on
  the first of January 2000, is free and private, has no reminder and no attendees, and says in its subject what it is.
  What a run that was killed left is removed by the next one. The test goes by impersonation, or by the rights the
  account itself has on the calendar.

Where the test was not asked for and nothing was refused, the check does not apply.

## How to cure it by hand

For impersonation, limited to those who need it:

```powershell
New-ManagementScope -Name "Teams people" -RecipientRestrictionFilter "CustomAttribute1 -eq 'Teams'"
New-ManagementRoleAssignment -Name "hybridge" -Role ApplicationImpersonation -User "svc-hybridge" `
  -CustomRecipientWriteScope "Teams people"
```

For one calendar without impersonation:

```powershell
Add-MailboxFolderPermission -Identity "ada@contoso.com:\\Calendar" -User "svc-hybridge@contoso.com" -AccessRights Editor
```

The name of the calendar follows the mailbox's language. Where the account has an entry already, it is `Set-`.

## How hybridge cures it

It does not: it gives its own account no rights. It prints the steps.

## How to undo

```powershell
Remove-ManagementRoleAssignment -Identity "hybridge"
Remove-MailboxFolderPermission -Identity "ada@contoso.com:\\Calendar" -User "svc-hybridge@contoso.com"
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import EwsAccessProbe, EwsCallerProbe
from hybridge.org.records import Mailbox, MailboxFolderPermission, ManagementRoleAssignment
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
OK = "NoError"
IMPERSONATION_CODES = ("ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed")
_ROLE = "ApplicationImpersonation"
_ACCOUNT = "svc-hybridge@contoso.com"
_STEPS = (("cannot-open", "open_code", "open"), ("cannot-create", "create_code", "make an appointment in"))
_DELETING = ("cannot-delete", "delete_code", "remove its own appointment from")


def _take_role(organization: Organization) -> Organization:
    gone = (one.address for one in organization.all(ManagementRoleAssignment, ON) if one.role == _ROLE)
    return organization.drop(*gone)


def _entry(*rights: str) -> Callable[[Organization], Organization]:
    """The account has an entry with ``rights`` on the calendar of the first person."""

    def breaks(organization: Organization) -> Organization:
        box = organization.all(Mailbox, ON)[0].identity
        return organization.put(
            MailboxFolderPermission(
                premises=ON,
                identity=f"{box}:\\Calendar/{_ACCOUNT}",
                mailbox=box,
                user=_ACCOUNT,
                access_rights=rights,
            )
        )

    return breaks


def _give(what: str, rights: str) -> tuple[str, ...]:
    return (
        f"Give hybridge's account the right to {what} the calendar of <mailbox>.",
        'Get-MailboxFolderPermission -Identity "<mailbox>:\\Calendar" shows the rights the account has now.',
        'Add-MailboxFolderPermission -Identity "<mailbox>:\\Calendar" -User <account> '
        f"-AccessRights {rights} (Set- where there is an entry).",
        "Or let the account impersonate: New-ManagementRoleAssignment -Role ApplicationImpersonation -User <account>",
    )


class ServiceAccount(Check):
    """Judges what hybridge's own account was let do."""

    title = "Is hybridge's own account let into this person's calendar?"
    why = "Delegates, automatic replies and calendars are read as their owner; without that most checks stay open."
    scope = Scope.MAILBOX
    needs = ((EwsAccessProbe, ON), (EwsCallerProbe, ON), *MAILBOX_NEEDS)
    symptom = True
    sources = (sources.IMPERSONATION, sources.DELEGATE_ACCESS, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="impersonation-denied",
            says="The account may not act as the owner of the mailbox.",
            breaks=_take_role,
            heals=steps(
                "Let hybridge's account impersonate <mailbox>.",
                "Get-ManagementRoleAssignment -Role ApplicationImpersonation -GetEffectiveUsers shows who may, and for "
                "whom.",
                "New-ManagementRoleAssignment -Role ApplicationImpersonation -User <account>",
                "Limit it with -CustomRecipientWriteScope to those who need it.",
                verify="hybridge doctor <mailbox> no longer finds ews/service-account.",
            ),
            healable=False,
            covers=("MRCA-42",),
        ),
        Cause(
            slug="cannot-open",
            says="The account cannot open the calendar.",
            breaks=_entry("None"),
            heals=steps(
                *_give("open", "Editor"),
                verify="hybridge doctor --test ews-access <mailbox> passes.",
            ),
            healable=False,
            covers=("MRCA-3",),
        ),
        Cause(
            slug="cannot-create",
            says="The account cannot make an appointment in the calendar.",
            breaks=_entry("Reviewer"),
            heals=steps(
                *_give("make appointments in", "Editor"),
                verify="hybridge doctor --test ews-access <mailbox> passes.",
            ),
            healable=False,
            covers=("MRCA-1",),
        ),
        Cause(
            slug="cannot-delete",
            says="The account cannot remove its own appointment from the calendar.",
            breaks=_entry("CreateItems", "ReadItems", "FolderVisible"),
            heals=steps(
                *_give("remove appointments from", "Editor"),
                verify="hybridge doctor --test ews-access <mailbox> passes.",
            ),
            healable=False,
            covers=("MRCA-2",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding: the first step that was refused."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        callers = evidence.all(EwsCallerProbe, ON, subject.mailbox)
        if isinstance(callers, Unseen):
            yield callers
            return
        denied = next((one.fault for one in callers.records if one.fault in IMPERSONATION_CODES), "")
        if denied:
            yield self._found("impersonation-denied", subject, "act as the owner of", denied, "", callers.origin)
            return
        tried = evidence.all(EwsAccessProbe, ON, subject.mailbox)
        if isinstance(tried, Unseen):
            yield _NOT_ASKED if tried.reason == "not-asked" else tried
        elif tried.first is not None:
            yield from self._judged(tried.first, tried.origin, subject)

    def _judged(self, probe: EwsAccessProbe, origin: Origin, subject: Subject) -> Iterator[Saying]:
        if probe.open_code in IMPERSONATION_CODES:
            yield self._found(
                "impersonation-denied", subject, "act as the owner of", probe.open_code, probe.says, origin
            )
            return
        for slug, step, what in (*_STEPS, _DELETING):
            code = getattr(probe, step)
            if code not in (OK, ""):
                left = f" The appointment '{probe.left_behind}' is still there: remove it." if probe.left_behind else ""
                yield self._found(slug, subject, what, code, probe.says + left, origin)
                return

    def _found(self, slug: str, subject: Subject, what: str, code: str, says: str, origin: Origin) -> Finding:
        detail = f": {says}" if says else "."
        return self.finding(
            slug,
            subject,
            f"hybridge's account may not {what} {subject.mailbox}; EWS answered {code}{detail}",
            facts={"mailbox": subject.mailbox, "code": code, "account": "<the account>"},
            origins=(origin,),
        )


_NOT_ASKED = NotApplicable(
    "The test of EWS access was not asked for: it makes an appointment in the calendar and removes it "
    "(hybridge doctor --test ews-access)."
)
