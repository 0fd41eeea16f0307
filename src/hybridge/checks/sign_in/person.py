"""Whoever has a mailbox on-premises must be a person of Entra too, or no service of Microsoft 365 knows them.

## How it is decided

Microsoft Graph is asked for the mailbox's `UserPrincipalName`. Nobody of that name means that directory synchronization
left the person out: at a federated domain they sign in at the organization's own service, and Entra then refuses them
as unknown. A `UserPrincipalName` that differs from the mail address is no fault, but people who sign in with their
address are told that the name or the password is wrong, and tools that take one for the other do not find them.

## How to cure it by hand

```powershell
Get-MgUser -UserId "ada@contoso.com" -Property UserPrincipalName, Mail, OnPremisesSyncEnabled
Get-ADUser -Identity ada -Properties UserPrincipalName, mail, proxyAddresses
Set-ADUser -Identity ada -UserPrincipalName "ada@contoso.com"
Start-ADSyncSyncCycle -PolicyType Delta
```

## How hybridge cures it

Not at all: who is synchronized and how people are named is decided in Active Directory. It prints these steps.

## How to undo

Nothing is done, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import RealmProbe
from hybridge.org.records import EntraUser, Mailbox
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def _first(organization: Organization) -> Mailbox:
    return organization.all(Mailbox, ON)[0]


def _left_out(organization: Organization) -> Organization:
    wanted = _first(organization).identity.lower()
    gone = [one.address for one in organization.all(EntraUser, ONLINE) if one.scope == wanted]
    return organization.drop(*gone)


def _renamed(organization: Organization) -> Organization:
    """Gives the first person another name to sign in with, on both sides."""
    box = _first(organization)
    name = f"a.{box.user_principal_name}"
    users = [one for one in organization.all(EntraUser, ONLINE) if one.scope == box.identity.lower()]
    organization = organization.drop(*(one.address for one in users))
    return organization.put(
        msgspec.structs.replace(box, user_principal_name=name),
        *(msgspec.structs.replace(one, identity=name) for one in users),
    )


class Person(Check):
    """Looks for the person behind a mailbox on-premises in Entra."""

    title = "Does Entra know the person behind the mailbox, by the name they sign in with?"
    why = "Somebody Entra does not know cannot sign in to Teams, whatever their mailbox is like."
    scope = Scope.MAILBOX
    severity = Severity.WARNING
    needs = ((EntraUser, ONLINE), (RealmProbe, ONLINE), *MAILBOX_NEEDS)
    sources = (sources.CONNECTIVITY_ANALYZER, sources.USER_PRINCIPAL_NAMES)
    causes = (
        Cause(
            slug="unknown-online",
            says="The person behind a mailbox on-premises is not known in Entra.",
            breaks=_left_out,
            heals=steps(
                "Let directory synchronization bring <name> to Entra.",
                "Put the account into the scope of Microsoft Entra Connect (organizational unit, filter, group).",
                "Look for errors: Microsoft 365 admin centre > Health > Directory sync status.",
                "Start-ADSyncSyncCycle -PolicyType Delta",
                verify='Get-MgUser -UserId "<name>" shows the person.',
            ),
            healable=False,
            covers=("MRCA-39",),
        ),
        Cause(
            slug="name-differs",
            says="A person signs in with another name than their mail address.",
            breaks=_renamed,
            heals=steps(
                "<mailbox> signs in as <name>.",
                "Tell the person to sign in as <name>, or make the two alike:",
                "Set-ADUser -Identity <account> -UserPrincipalName <mailbox>",
                "Start-ADSyncSyncCycle -PolicyType Delta",
                verify="hybridge doctor <mailbox> no longer finds it.",
            ),
            healable=False,
            covers=("MRCA-41",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the person is unknown, else one when their names differ."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        name = place.user_principal_name or place.identity
        reading = evidence.all(EntraUser, ONLINE, subject.mailbox)
        facts = {"mailbox": subject.mailbox, "name": name, "account": subject.mailbox.partition("@")[0]}
        if isinstance(reading, Unseen):
            yield reading
        elif reading.first is None:
            where = "The domain is federated, but " if _federated(evidence, name) else ""
            yield self.finding(
                "unknown-online",
                subject,
                f"{where}Entra knows nobody called {name}, whose mailbox {subject.mailbox} is on-premises.",
                address=place.address,
                facts=facts,
                origins=(reading.origin,),
            )
            return
        if name.lower() != subject.mailbox.lower():
            origins = (origin,) if (origin := evidence.origin_of(place.address)) else ()
            yield self.finding(
                "name-differs",
                subject,
                f"{subject.mailbox} signs in as {name}: with the mail address sign-in says that name or password is "
                "wrong.",
                address=place.address,
                facts=facts,
                origins=origins,
            )


def _federated(evidence: Evidence, name: str) -> bool:
    realm = evidence.one(RealmProbe, ONLINE, name.rpartition("@")[2])
    return isinstance(realm, Seen) and realm.first is not None and realm.first.name_space_type.lower() == "federated"
