r"""A mailbox online is found from on-premises by the routing address of the remote mailbox that stands for it there.

## How it is decided

For a mailbox that lies online, `Get-RemoteMailbox` on-premises must show an object with that address, and its
`RemoteRoutingAddress` must be at the tenant's routing domain (`<tenant>.mail.onmicrosoft.com`). Where it is missing or
elsewhere, free/busy of this person fails for everybody on-premises (error 5016), and mail goes astray.

## How to cure it by hand

```powershell
Get-RemoteMailbox -Identity linus@contoso.com | Format-List RemoteRoutingAddress
Set-RemoteMailbox -Identity linus@contoso.com -RemoteRoutingAddress linus@contoso.mail.onmicrosoft.com
Enable-RemoteMailbox -Identity linus -RemoteRoutingAddress linus@contoso.mail.onmicrosoft.com
```

The last line is for a person who has no remote mailbox at all. Directory synchronization takes half an hour.

## How hybridge cures it

It does not: which address is right, a person must say. It prints the steps.

## How to undo

Set the former address with the same cmdlet.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import ONLINE
from hybridge.checks.sharing.ways import routing_domain
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox, RemoteMailbox
from hybridge.terms.hybrid_application import is_routing_domain
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _last(organization: Organization) -> RemoteMailbox:
    return organization.all(RemoteMailbox, ON)[-1]


def _gone(organization: Organization) -> Organization:
    return organization.drop(_last(organization).address)


def _astray(organization: Organization) -> Organization:
    wanted = _last(organization).address
    return organization.edit(
        RemoteMailbox, lambda one: one.address == wanted, remote_routing_address="elsewhere@legacy.contoso.com"
    )


class RemoteRoutingAddress(Check):
    """Judges what stands on-premises for a mailbox online."""

    title = "Do people on-premises find this mailbox online?"
    why = "Free/busy and mail follow the routing address; where it is wrong, the calendar stays hatched."
    scope = Scope.MAILBOX
    needs = ((RemoteMailbox, ON), (Mailbox, ONLINE))
    symptom = True
    explained_by = ("autodiscover/classic-redirects",)
    sources = (sources.FREE_BUSY_CHECKER, sources.RESOLVE_FREE_BUSY)
    covers = ("FB-05",)
    needs_on_premises = True
    causes = (
        Cause(
            slug="remote-mailbox-missing",
            says="No remote mailbox stands on-premises for a mailbox online.",
            breaks=_gone,
            heals=steps(
                "Let a remote mailbox stand on-premises for <mailbox>.",
                "Enable-RemoteMailbox -Identity <mailbox> -RemoteRoutingAddress <wanted>",
                "Start-ADSyncSyncCycle -PolicyType Delta, on the server of Entra Connect",
                verify="Get-RemoteMailbox -Identity <mailbox> shows RemoteRoutingAddress <wanted>.",
            ),
            healable=False,
        ),
        Cause(
            slug="address-elsewhere",
            says="The routing address of a remote mailbox is not at the tenant's routing domain.",
            breaks=_astray,
            may_be_effect=True,
            heals=steps(
                "Route <mailbox> to the tenant.",
                "Set-RemoteMailbox -Identity <mailbox> -RemoteRoutingAddress <wanted>",
                verify="Get-RemoteMailbox -Identity <mailbox> shows RemoteRoutingAddress <wanted>.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Of a mailbox online only."""
        box = subject.mailbox
        online = evidence.one(Mailbox, ONLINE, box, box)
        if isinstance(online, Unseen):
            yield online
            return
        if online.first is None:
            yield NotApplicable(f"The mailbox {box} is not online.")
            return
        here = evidence.one(Mailbox, ON, box, box)
        if isinstance(here, Seen) and here.first is not None:
            yield NotApplicable(f"{box} has a mailbox on-premises too: no remote mailbox can stand beside it.")
            return
        remote = evidence.one(RemoteMailbox, ON, box, box)
        if isinstance(remote, Unseen):
            yield remote
            return
        domain = routing_domain(evidence) or "<tenant>.mail.onmicrosoft.com"
        facts = {"mailbox": box, "wanted": f"{box.partition('@')[0]}@{domain}"}
        if remote.first is None:
            says = f"On-premises nothing stands for the mailbox {box}, which is online."
            yield self.finding("remote-mailbox-missing", subject, says, facts=facts, origins=_origins(remote))
            return
        address = remote.first.remote_routing_address
        if not is_routing_domain(address.rpartition("@")[2]):
            says = f"The routing address of {box} is '{address}', which is not at the tenant's routing domain."
            yield self.finding(
                "address-elsewhere",
                subject,
                says,
                address=remote.first.address,
                facts=facts,
                origins=_origins(remote),
            )


def _origins(reading: Seen[RemoteMailbox]) -> tuple[Origin, ...]:
    return (reading.origin,)
