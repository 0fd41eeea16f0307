"""The permissions of a mailbox's one real calendar, whatever the owner's language calls it.

The folder is found by its type, not by its name: a mailbox whose calendar is called "Kalender" may have another folder
called "Calendar". Both are asked at once, so that the usual name costs no time; only another name is asked after.
"""

from __future__ import annotations

import asyncio

from hybridge.collectors.reading import Reading, read_cmdlet
from hybridge.evidence import Seen, Unseen
from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer

USUAL = "Calendar"
"""What the calendar is called in English, and what stands for every language in an export."""


async def calendar_permissions(answerer: Answerer, premises: Premises, box: str) -> Reading:
    """Entries of the calendar of ``box``. Every folder has some, so that none at all means that it was not found."""
    statistics, entries = await asyncio.gather(
        read_cmdlet(answerer, r.MailboxFolderStatistics, cmdlets.ask_mailbox_folder_statistics(premises, box)),
        _entries(answerer, premises, box, USUAL),
    )
    name = calendar_name(statistics)
    if name and name.lower() != USUAL.lower():
        entries = await _entries(answerer, premises, box, name)
    if isinstance(entries, Unseen) or entries.records:
        return entries
    return Unseen(
        what=r.MailboxFolderPermission.__name__,
        reason="not-found",
        says=f"The mailbox {box} has no folder called {name or USUAL}: the owner's language has another name for it.",
        how=f"Get-MailboxFolderStatistics -Identity '{box}' -FolderScope Calendar",
    )


def calendar_name(statistics: Reading) -> str:
    """The name of the folder whose type is Calendar; "" where it is not known."""
    folders = statistics.records if isinstance(statistics, Seen) else ()
    named = (one.name for one in folders if isinstance(one, r.MailboxFolderStatistics) and _is_calendar(one))
    return next(named, "")


def _is_calendar(folder: r.MailboxFolderStatistics) -> bool:
    return folder.folder_type.lower() == "calendar"


async def _entries(answerer: Answerer, premises: Premises, box: str, folder: str) -> Reading:
    ask = cmdlets.ask_mailbox_folder_permission(premises, box, folder)
    return await read_cmdlet(answerer, r.MailboxFolderPermission, ask)
