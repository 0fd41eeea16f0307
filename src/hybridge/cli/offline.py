"""Opens an offline export: its answerer, and what it says of itself.

A snapshot saved by hybridge carries ``snapshot.json`` (when it was taken, of whom). An export made by hand has none:
its domain is the default accepted domain, its mailboxes those in the Get-Mailbox export.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from hybridge.net.answerers.snapshot import SnapshotAnswerer, SnapshotProblem
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import CmdletAsk, Failure

ABOUT = "snapshot.json"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a saved snapshot says of itself."""

    hybridge: str
    taken_at: datetime
    domain: str
    tenant_id: str = ""
    mailboxes: tuple[str, ...] = ()
    delegations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """An opened export."""

    folder: Path
    answerer: SnapshotAnswerer
    domain: str = ""
    tenant_id: str = ""
    mailboxes: tuple[str, ...] = ()
    delegations: tuple[tuple[str, str], ...] = ()
    taken_at: datetime | None = None


def open_snapshot(folder: Path) -> Snapshot:
    """Open ``folder``. Raises ``SnapshotProblem`` with one sentence when it cannot be used."""
    answerer = SnapshotAnswerer(folder)
    about = folder / ABOUT
    if about.is_file():
        try:
            said = msgspec.json.decode(about.read_bytes(), type=About)
        except (OSError, msgspec.MsgspecError) as error:
            raise SnapshotProblem(f"'{about}' cannot be read: {error}.") from error
        return Snapshot(
            folder=folder,
            answerer=answerer,
            domain=said.domain,
            tenant_id=said.tenant_id,
            mailboxes=said.mailboxes,
            delegations=said.delegations,
            taken_at=said.taken_at,
        )
    domain, mailboxes = asyncio.run(_look(answerer))
    return Snapshot(folder=folder, answerer=answerer, domain=domain, mailboxes=mailboxes)


async def _look(answerer: SnapshotAnswerer) -> tuple[str, tuple[str, ...]]:
    domains = await answerer.cmdlet(CmdletAsk(premises=Premises.ON_PREMISES, name="Get-AcceptedDomain"))
    boxes = await answerer.cmdlet(CmdletAsk(premises=Premises.ON_PREMISES, name="Get-Mailbox"))
    default = next((one for one in domains.objects if one.get("Default") is True), None)
    domain = clixml.text(default.get("DomainName")) if default else ""
    records = cmdlets.read("Get-Mailbox", boxes.objects, Premises.ON_PREMISES) if boxes.objects else ()
    if isinstance(records, Failure):
        return domain, ()
    return domain, tuple(record.identity for record in records if isinstance(record, Mailbox))
