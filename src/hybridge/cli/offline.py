"""Opens an offline export: its answerer, and what it says of itself.

A snapshot saved by hybridge carries ``snapshot.json`` (when it was taken, of whom). An export made by hand has none:
its domain is the default accepted domain, its mailboxes those in the Get-Mailbox export.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from hybridge.cli.firewall_list import SAVED
from hybridge.collectors.network import AllowList
from hybridge.net.answerers.snapshot import SnapshotAnswerer, SnapshotProblem
from hybridge.org.records import Mailbox
from hybridge.terms.clouds import CLOUDS, WORLDWIDE, Cloud
from hybridge.terms.hybrid_kinds import AUTO, CHOICES
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
    cloud: str = WORLDWIDE.name
    hybrid: str = AUTO
    allow_list: str = ""
    """Where the firewall's list lay; the list itself lies beside this, unless it was asked for over the network."""
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
    cloud: Cloud = WORLDWIDE
    hybrid: str = AUTO
    allow_list: AllowList = AllowList()


def open_snapshot(folder: Path, *, whole: bool = False) -> Snapshot:
    """Open ``folder``; ``whole`` leaves the mailboxes of an export to be read in bulk.

    Raises ``SnapshotProblem`` with one sentence when it cannot be used.
    """
    answerer = SnapshotAnswerer(folder)
    about = folder / ABOUT
    if about.is_file():
        try:
            said = msgspec.json.decode(about.read_bytes(), type=About)
        except (OSError, msgspec.MsgspecError) as error:
            raise SnapshotProblem(f"'{about}' cannot be read: {error}.") from error
        if said.cloud not in CLOUDS:
            raise SnapshotProblem(f"'{about}' names the cloud '{said.cloud}', which hybridge does not know.")
        return Snapshot(
            folder=folder,
            answerer=answerer,
            domain=said.domain,
            tenant_id=said.tenant_id,
            mailboxes=said.mailboxes,
            delegations=said.delegations,
            taken_at=said.taken_at,
            cloud=CLOUDS[said.cloud],
            hybrid=said.hybrid if said.hybrid in CHOICES else AUTO,
            allow_list=_saved_list(folder, said.allow_list),
        )
    domain, cloud, mailboxes = asyncio.run(_look(answerer, whole=whole))
    return Snapshot(
        folder=folder,
        answerer=answerer,
        domain=domain,
        mailboxes=mailboxes,
        cloud=cloud,
        allow_list=_saved_list(folder, ""),
    )


def _saved_list(folder: Path, where: str) -> AllowList:
    """The list kept in ``folder``; else the answer recorded for ``where``, if that is an address."""
    path = folder / SAVED
    if path.is_file():
        try:
            return AllowList(where or str(path), path.read_bytes())
        except OSError as error:
            raise SnapshotProblem(f"'{path}' cannot be read: {error.strerror}.") from error
    return AllowList(where)


async def _look(answerer: SnapshotAnswerer, *, whole: bool) -> tuple[str, Cloud, tuple[str, ...]]:
    domains = await answerer.cmdlet(CmdletAsk(premises=Premises.ON_PREMISES, name="Get-AcceptedDomain"))
    default = next((one for one in domains.objects if one.get("Default") is True), None)
    domain = clixml.text(default.get("DomainName")) if default else ""
    cloud = cloud_of(clixml.text(one.get("DomainName")) for one in domains.objects)
    if whole:
        return domain, cloud, ()
    boxes = await answerer.cmdlet(CmdletAsk(premises=Premises.ON_PREMISES, name="Get-Mailbox"))
    records = cmdlets.read("Get-Mailbox", boxes.objects, Premises.ON_PREMISES) if boxes.objects else ()
    if isinstance(records, Failure):
        return domain, cloud, ()
    return domain, cloud, tuple(record.identity for record in records if isinstance(record, Mailbox))


def cloud_of(domains: Iterable[str]) -> Cloud:
    """The cloud of a tenant by the ending of its initial domain; worldwide where none tells.

    GCC High and DoD have one ending: the export of a DoD tenant is taken for one of GCC High.
    """
    names = [name.lower() for name in domains]
    for cloud in CLOUDS.values():
        if cloud.initial_domain and any(name.endswith(f".{cloud.initial_domain}") for name in names):
            return cloud
    return WORLDWIDE
