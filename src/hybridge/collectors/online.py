"""One mailbox in Exchange Online: itself, its client access settings, its calendar's permissions.

Delegates need no reading of their own: online they are entries of the calendar with the flag Delegate
(``org.delegations``). Exchange Online prints people by their names; ``resolve_names`` puts addresses in their place
where one of the mailboxes that were read has that name, and asks for those who may send on behalf.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from hybridge.collectors.calendars import calendar_permissions
from hybridge.collectors.reading import Reading, Readings, key, read_cmdlet
from hybridge.evidence import Key, Origin, Seen, Unseen
from hybridge.org import records as r
from hybridge.org.probes import MailboxLocation
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer

ONLINE = Premises.ONLINE
_ASKED_FOR = 20
"""People of one GrantSendOnBehalfTo whose address is asked for at most."""

R = TypeVar("R", bound=r.Record)


async def collect_online(answerer: Answerer, box: str, *, elsewhere_known: bool) -> Readings:
    """What Exchange Online keeps about ``box``.

    ``elsewhere_known`` tells that Autodiscover and Teams know it online: where Exchange Online cannot be read, that is
    kept as its location. A mailbox Exchange Online does not have is asked nothing more.
    """
    mailbox = _one(box, await read_cmdlet(answerer, r.Mailbox, cmdlets.ask_mailbox(ONLINE, box)))
    readings = {key(r.Mailbox, ONLINE, box): mailbox}
    if isinstance(mailbox, Unseen):
        if elsewhere_known:
            origin = Origin(source="Autodiscover V2 and Microsoft Graph")
            there = MailboxLocation(premises=ONLINE, identity=box)
            readings[key(MailboxLocation, ONLINE, box)] = Seen((there,), origin)
        return readings
    if mailbox.records:
        cas, permissions = await asyncio.gather(
            read_cmdlet(answerer, r.CasMailbox, cmdlets.ask_cas_mailbox(ONLINE, box)),
            calendar_permissions(answerer, ONLINE, box),
        )
        readings[key(r.CasMailbox, ONLINE, box)] = _one(box, cas)
        readings[key(r.MailboxFolderPermission, ONLINE, box)] = permissions
    return readings


def _one(box: str, reading: Reading) -> Reading:
    """The one record asked for goes by the address it was asked by: not every door shows the primary address."""
    if isinstance(reading, Unseen) or len(reading.records) != 1:
        return reading
    return Seen((msgspec.structs.replace(reading.records[0], identity=box),), reading.origin)


async def resolve_names(answerer: Answerer, readings: Readings) -> Readings:
    """``readings`` with the people Exchange Online printed by name under their addresses, where these are known."""
    known = _addresses(readings)
    boxes = [reading for at, reading in readings.items() if at.kind == r.Mailbox.__name__ and at.premises is ONLINE]
    unknown = {
        name
        for reading in boxes
        for box in _of(reading, r.Mailbox)
        for name in box.grant_send_on_behalf_to[:_ASKED_FOR]
        if "@" not in name and name.lower() not in known
    }
    found = await asyncio.gather(*(_address(answerer, name) for name in sorted(unknown)))
    known |= {name.lower(): address for name, address in zip(sorted(unknown), found, strict=True) if address}
    return {at: _named(at, reading, known) for at, reading in readings.items()}


async def _address(answerer: Answerer, name: str) -> str:
    reading = await read_cmdlet(answerer, r.Mailbox, cmdlets.ask_mailbox(ONLINE, name))
    found = _of(reading, r.Mailbox)
    return found[0].identity if len(found) == 1 else ""


def _addresses(readings: Readings) -> dict[str, str]:
    """Addresses by display name in lower case; a name two people share is nobody's."""
    people: dict[str, set[str]] = {}
    for reading in readings.values():
        for box in _of(reading, r.Mailbox):
            if box.display_name:
                people.setdefault(box.display_name.lower(), set()).add(box.identity)
    return {name: next(iter(addresses)) for name, addresses in people.items() if len(addresses) == 1}


def _of(reading: Reading, kind: type[R]) -> tuple[R, ...]:
    return tuple(one for one in reading.records if isinstance(one, kind)) if isinstance(reading, Seen) else ()


def _named(at: Key, reading: Reading, known: Mapping[str, str]) -> Reading:
    if at.premises is not ONLINE or isinstance(reading, Unseen):
        return reading
    return Seen(tuple(_with_addresses(one, known) for one in reading.records), reading.origin)


def _with_addresses(record: r.Record, known: Mapping[str, str]) -> r.Record:
    if isinstance(record, r.Mailbox):
        granted = tuple(known.get(name.lower(), name) for name in record.grant_send_on_behalf_to)
        return msgspec.structs.replace(record, grant_send_on_behalf_to=granted)
    if isinstance(record, r.MailboxFolderPermission) and record.user.lower() in known:
        user = known[record.user.lower()]
        return msgspec.structs.replace(record, user=user, identity=f"{record.mailbox}:\\{record.folder}/{user}")
    return record
