"""The person behind a mailbox on both sides: what the cloud keeps of an on-premises mailbox, and Teams' name for them.

Of a mailbox on-premises the cloud keeps a mail user. Only where there is none it is asked for a mailbox, which would
be a second one; and only of an address no side knows it is asked whether its mailbox was deleted lately.
"""

from __future__ import annotations

import msgspec

from hybridge.collectors.cloud import collect_user
from hybridge.collectors.mailboxes import known
from hybridge.collectors.reading import Reading, Readings, key, read_cmdlet
from hybridge.evidence import Origin, Seen
from hybridge.org import records as r
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


async def collect_counterpart(answerer: Answerer, box: str) -> Readings:
    """What Exchange Online keeps of ``box``, whose mailbox is on-premises."""
    mail_user = await read_cmdlet(answerer, r.MailUser, cmdlets.ask_mail_user(ONLINE, box))
    nothing: Reading = Seen((), Origin(source="Get-Mailbox on-premises"))
    if isinstance(mail_user, Seen) and not mail_user.records:
        nothing = await read_cmdlet(answerer, r.Mailbox, cmdlets.ask_mailbox(ONLINE, box))
    return {key(r.MailUser, ONLINE, box): mail_user, key(r.Mailbox, ONLINE, box): nothing}


async def collect_deleted(answerer: Answerer, box: str, readings: Readings) -> Readings:
    """The soft-deleted mailbox ``box``, asked for when no side has a mailbox of that address."""
    places = [readings.get(key(r.Mailbox, premises, box)) for premises in Premises]
    if any(not isinstance(place, Seen) or place.records for place in places):
        return {}
    found = await read_cmdlet(answerer, r.Mailbox, cmdlets.ask_soft_deleted_mailbox(box))
    if isinstance(found, Seen):
        gone = (r.SoftDeletedMailbox(**msgspec.structs.asdict(one)) for one in found.records)
        found = Seen(tuple(gone), found.origin)
    return {key(r.SoftDeletedMailbox, ONLINE, box): found}


async def collect_by_user_name(answerer: Answerer, cloud: Cloud, box: str, readings: Readings) -> Readings:
    """Teams and Entra asked by the user principal name, where they do not know the address and the two differ."""
    user = readings.get(key(r.CsOnlineUser, ONLINE, box))
    names = [_user_principal_name(readings.get(key(r.Mailbox, premises, box))) for premises in Premises]
    name = next((one for one in names if one), "")
    if not isinstance(user, Seen) or known(user) or not name or name.lower() == box.lower():
        return {}
    asked = await collect_user(answerer, cloud, name)
    return {msgspec.structs.replace(at, scope=box.lower()): reading for at, reading in asked.items()}


def _user_principal_name(reading: Reading | None) -> str:
    found = reading.records[0] if isinstance(reading, Seen) and reading.records else None
    return found.user_principal_name if isinstance(found, r.Mailbox) else ""
