"""Who may send on behalf of an on-premises mailbox: Exchange prints directory names, a check needs addresses and kinds.

``contoso.com/Users/Grace Hopper`` says neither what her address is nor whether it is a group. Each of them is asked
for, all at once and at most ``ASKED_FOR`` of a mailbox.
"""

from __future__ import annotations

import asyncio

import msgspec

from hybridge.collectors.reading import Reading, joined, read_cmdlet
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer

ASKED_FOR = 20
"""People of one GrantSendOnBehalfTo who are asked for at most."""


async def resolve_grantees(answerer: Answerer, premises: Premises, box: Reading) -> tuple[Reading, Reading]:
    """``box`` (the reading of one mailbox) with addresses in place of names, and the recipients they belong to."""
    mailbox = box.records[0] if isinstance(box, Seen) and len(box.records) == 1 else None
    if not isinstance(box, Seen) or not isinstance(mailbox, r.Mailbox) or not mailbox.grant_send_on_behalf_to:
        return box, Seen((), Origin(source="GrantSendOnBehalfTo"))
    asked = mailbox.grant_send_on_behalf_to[:ASKED_FOR]
    found = await asyncio.gather(
        *(read_cmdlet(answerer, r.Recipient, cmdlets.ask_recipient(premises, name)) for name in asked)
    )
    known = {name: _address(reading) or name for name, reading in zip(asked, found, strict=True)}
    granted = tuple(known.get(name, name) for name in mailbox.grant_send_on_behalf_to)
    after = msgspec.structs.replace(mailbox, grant_send_on_behalf_to=granted)
    return Seen((after,), box.origin), joined(r.Recipient, found)


def _address(reading: Reading) -> str:
    """The address of the one recipient found; "" for none, for several, and for one without an address."""
    if isinstance(reading, Unseen) or len(reading.records) != 1:
        return ""
    return reading.records[0].identity if "@" in reading.records[0].identity else ""
