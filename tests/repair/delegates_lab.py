"""The lab in process for the EWS hand: what was asked is kept, and any ask may be lost on its way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from hybridge.collectors.routes import ews_address
from hybridge.lab.contoso import DOMAIN, EWS_URL, AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.clock import SetClock
from hybridge.org.organization import Organization
from hybridge.org.records import Address, DelegateUser, Mailbox, MailboxFolderPermission
from hybridge.plan import Change
from hybridge.repair.hands.debts import Debts
from hybridge.repair.hands.ews import EwsHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    Sign,
    TlsAnswer,
    TlsAsk,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ON = Premises.ON_PREMISES
ADA, GRACE, ALAN = "ada@contoso.com", "grace@contoso.com", "alan@contoso.com"
PAIR = Address(DelegateUser.__name__, ON, f"{ADA}/{GRACE}")
LISTED = DelegateUser(premises=ON, identity=f"{ADA}/{GRACE}", delegator=ADA, delegate=GRACE)
ADD = Change(address=PAIR, before=None, after=LISTED, says="Make Grace a delegate of Ada.")
DROPPED = Failure(reason=FailureReason.UNREACHABLE, says="The connection was dropped.")


class Lab:
    """The lab, with a log of what was asked. ``cut`` may lose an ask, before or after the lab has answered it."""

    def __init__(self, folder: Path) -> None:
        certificate = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
        self.clock = SetClock(NOW)
        self.estate = Estate(contoso(NOW, certificate), clock=self.clock.now, certificate=certificate)
        self.inner = InProcess(self.estate)
        self.asked: list[str] = []
        self.signs: set[Sign] = set()
        self.cut: Callable[[str], str] = lambda _: ""
        self.after: Callable[[str], None] = lambda _: None
        self.slept: list[float] = []
        self.folder = folder

    @property
    def hand(self) -> EwsHand:
        """A hand as the next process has it: it knows the disk, and nothing else."""
        find = partial(ews_address, cloud_host=WORLDWIDE.exchange, domain=DOMAIN)
        return EwsHand(find, "hybridge/test", PowerShellHand(), self.clock, Debts(self.folder), self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        name = operation(ask)
        self.asked.append(name)
        self.signs |= {ask.sign} if ask.url == EWS_URL else set()
        if self.cut(name) == "before":
            return HttpAnswer(failure=DROPPED)
        answer = await self.inner.http(ask)
        self.after(name)
        return HttpAnswer(failure=DROPPED) if self.cut(name) == "after" else answer

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        self.asked.append(ask.name)
        return CmdletAnswer(failure=DROPPED) if self.cut(ask.name) else await self.inner.cmdlet(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        raise AssertionError(ask.name)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)

    def break_(self, organization: Organization) -> Organization:
        self.estate.organization = organization
        return organization

    @property
    def wrote(self) -> list[str]:
        """Everything asked that changes something."""
        return [name for name in self.asked if name.startswith(("Add", "Remove", "Update", "Set", "New"))]

    @property
    def notes(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.exists() else []


def operation(ask: HttpAsk) -> str:
    """Name of the EWS operation, or the path."""
    _, found, rest = ask.body.decode().partition("<s:Body><m:")
    return rest.split(" ")[0].split(">")[0] if found else ask.url


def right(*rights: str, folder: str = "Calendar", user: str = GRACE) -> MailboxFolderPermission:
    identity = f"{ADA}:\\{folder}/{user}"
    return MailboxFolderPermission(
        premises=ON, identity=identity, mailbox=ADA, folder=folder, user=user, access_rights=rights
    )


def granting(organization: Organization, *granted: str) -> Organization:
    return organization.edit(
        Mailbox, lambda one: one.premises is ON and one.identity == ADA, grant_send_on_behalf_to=granted
    )


def unlisted(lab: Lab) -> Organization:
    return lab.estate.healthy.drop(PAIR)


CALENDAR = right().address
STATES = {
    "editor who sends on behalf": lambda lab: unlisted(lab),
    "author": lambda lab: unlisted(lab).put(right("Author")),
    "nothing at all": lambda lab: granting(unlisted(lab).drop(CALENDAR)),
    "an owner": lambda lab: unlisted(lab).put(right("Owner")),
    "single rights": lambda lab: unlisted(lab).put(right("ReadItems", "FolderVisible", "CreateItems")),
    "an entry without rights": lambda lab: granting(unlisted(lab).put(right("None")), ALAN),
    "rights elsewhere": lambda lab: unlisted(lab).put(right("Editor", folder="Inbox"), right("Owner", folder="Tasks")),
    "another grants": lambda lab: granting(unlisted(lab), ALAN),
    "availability only": lambda lab: granting(unlisted(lab).put(right("AvailabilityOnly")), ALAN, GRACE),
}
