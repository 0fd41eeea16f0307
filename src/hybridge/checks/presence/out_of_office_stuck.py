"""Who is shown as out of office either still sends automatic replies, or Teams has not heard that they stopped.

## How it is decided

Automatic replies are read from the on-premises mailbox, what Teams shows from Microsoft Graph.

* `Enabled` has no end: replies go out until the person switches them off, and Teams shows Out of Office as long.
  Replies that are `Scheduled` end by themselves and are no finding.
* Replies are not being sent, no calendar entry says out of office now, and Teams shows it all the same: Teams has old
  news. For on-premises mailboxes an hour is normal; how long ago the replies were switched off is not known. If it
  stays, the presence service cannot read the mailbox, and the checks of the REST API and of EWS access say why.

It is a warning, because a person may well be away.

## How to cure it by hand

```powershell
Get-MailboxAutoReplyConfiguration -Identity "ada@contoso.com" | Format-List AutoReplyState, StartTime, EndTime
Set-MailboxAutoReplyConfiguration -Identity "ada@contoso.com" -AutoReplyState Disabled
```

Ask the person first. In Outlook: **File** > **Automatic Replies** > **Turn off**.

## How hybridge cures it

It does not: whether somebody is away is theirs to say. It prints the command.

## How to undo

```powershell
Set-MailboxAutoReplyConfiguration -Identity "ada@contoso.com" -AutoReplyState Enabled
```
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, no_record, of_person, on_premises_mailbox
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import TeamsPresence
from hybridge.org.records import CalendarEvent, Mailbox, UserOofSettings
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE


def _leave_on(organization: Organization) -> Organization:
    first = organization.all(UserOofSettings, ON)[0].identity
    return organization.edit(UserOofSettings, lambda one: one.identity == first, oof_state="Enabled")


class OutOfOfficeStuck(Check):
    """Compares automatic replies with what Teams shows."""

    title = "Does Teams stop showing Out of Office when the person is back?"
    why = "Colleagues believe that somebody is away who is not."
    scope = Scope.MAILBOX
    severity = Severity.WARNING
    needs = ((UserOofSettings, ON), (TeamsPresence, ONLINE), *MAILBOX_NEEDS)
    symptom = True
    explained_by = ("presence/rest-api-published", "ews/allow-list-organization", "ews/allow-list-mailbox")
    sources = (sources.RESOLVE, sources.PRESENCE_ADMINS, sources.AUTOMATIC_REPLIES)
    covers = ("PRES-07",)
    causes = (
        Cause(
            slug="automatic-replies-on",
            says="Automatic replies are on and have no end.",
            breaks=_leave_on,
            heals=steps(
                "If <mailbox> is back: let automatic replies be switched off.",
                "Ask the person to switch them off: Outlook, File > Automatic Replies > Turn off.",
                'Or do it for them: Set-MailboxAutoReplyConfiguration -Identity "<mailbox>" -AutoReplyState Disabled',
                verify="Teams shows the person without Out of Office within an hour.",
            ),
            symptoms=(Symptom.PRESENCE_STUCK,),
            healable=False,
        ),
        Cause(
            slug="stale-in-teams",
            says="Automatic replies are off, but Teams still shows Out of Office.",
            breaks=None,
            heals=steps(
                "Teams still shows <mailbox> as out of office, although nothing in the mailbox says so.",
                "Wait an hour after automatic replies were switched off: that is normal for on-premises mailboxes.",
                "Heal what presence/rest-api-published and ews/allow-list-organization or -mailbox find.",
                verify="Teams shows the person without Out of Office.",
            ),
            symptoms=(Symptom.PRESENCE_STUCK,),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        replies = evidence.one(UserOofSettings, ON, subject.mailbox, subject.mailbox)
        shown = of_person(evidence, TeamsPresence, subject.mailbox)
        yield from (one for one in (replies, shown) if isinstance(one, Unseen))
        if isinstance(replies, Unseen):
            return
        settings = replies.first
        if settings is None:
            yield no_record(UserOofSettings, subject.mailbox)
        elif settings.oof_state.lower() == "enabled":
            says = f"{subject.mailbox} sends automatic replies without an end; Teams shows Out of Office as long."
            yield self._found("automatic-replies-on", says, subject, replies)
        elif (
            not settings.active(evidence.now) and isinstance(shown, Seen) and shown.first and shown.first.out_of_office
        ):
            yield from self._stale(evidence, subject, replies, shown)

    def _stale(
        self, evidence: Evidence, subject: Subject, replies: Seen[UserOofSettings], shown: Seen[TeamsPresence]
    ) -> Iterator[Saying]:
        events = evidence.all(CalendarEvent, ON, subject.mailbox)
        entries = events.records if isinstance(events, Seen) else ()
        if any(one.busy_type.lower() == "oof" and one.start_at <= evidence.now < one.end_at for one in entries):
            return
        unless = "" if isinstance(events, Seen) else " Nor was the calendar read, where an entry may say so."
        says = (
            f"{subject.mailbox} sends no automatic replies, but Teams shows Out of Office. "
            f"Within the first hour after they were switched off this is normal.{unless}"
        )
        yield self._found("stale-in-teams", says, subject, replies, shown)

    def _found(
        self, slug: str, says: str, subject: Subject, *readings: Seen[UserOofSettings] | Seen[TeamsPresence]
    ) -> Finding:
        return self.finding(
            slug,
            subject,
            says,
            address=readings[0].records[0].address,
            facts={"mailbox": subject.mailbox},
            origins=tuple(reading.origin for reading in readings),
        )
