"""What of an item lies within a window: the item itself, or the occurrences of its series."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from hybridge.lab.mail.items import Item, Occurrence
from hybridge.lab.mail.series import DAY, lasts, starts
from hybridge.wire.ews.calendar_items import item_id
from hybridge.wire.ews.windows_zones import zone_of

STAMP = "%Y%m%dT%H%M%SZ"
"""How the original start is written into the identity of an occurrence: ``<mailbox>/<number>/<stamp>``."""

EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
ROOM = timedelta(days=2)
"""What clocks that change, and days that begin elsewhere earlier, can make of a length."""


def within(item: Item, start_at: datetime, end_at: datetime) -> Iterator[Occurrence]:
    """Occurrences of ``item`` that overlap the window, whole; one that only touches it does not.

    An entry of no length lies in the window its instant lies in.
    """
    if item.recurrence is None:
        one = single(item)
        if _overlaps(one, start_at, end_at):
            yield one
        return
    longest = item.end_at - item.start_at + ROOM
    for one in occurrences(item, end_at, since=max(start_at, EARLIEST + longest) - longest):
        if _overlaps(one, start_at, end_at):
            yield one


def _overlaps(one: Occurrence, start_at: datetime, end_at: datetime) -> bool:
    if one.start_at == one.end_at:
        return start_at <= one.start_at < end_at
    return one.start_at < end_at and one.end_at > start_at


def single(item: Item) -> Occurrence:
    """``item`` as the one entry it makes."""
    return Occurrence(
        item=item,
        item_id=item.opaque_id,
        change_key=item.change_key,
        start_at=item.start_at,
        end_at=item.end_at,
    )


def occurrences(master: Item, until: datetime, since: datetime = EARLIEST) -> Iterator[Occurrence]:
    """Occurrences of a series whose original start lies before ``until``, and its exceptions wherever they were put.

    Those on days before ``since`` may be left out.
    """
    exceptions = {one.original_start: one.item for one in master.exceptions}
    yield from (occurrence(master, at) for at in exceptions)
    for at in originals(master, since):
        if at >= until:
            return
        if at not in exceptions and at not in master.deleted:
            yield occurrence(master, at)


def originals(master: Item, since: datetime = EARLIEST) -> Iterator[datetime]:
    """Starts of every occurrence of a series as its pattern has them, changed and deleted ones too.

    Those on days before ``since`` may be left out.
    """
    if master.recurrence is not None:
        day = since.date() - DAY if since > EARLIEST else date.min
        yield from starts(master.recurrence, master.start_at, zone_of(master.zone), day)


def occurrence(master: Item, original: datetime) -> Occurrence:
    """The occurrence of ``master`` at ``original``, changed or not."""
    changed = next((one.item for one in master.exceptions if one.original_start == original), None)
    identity = f"{master.identity}/{original.astimezone(UTC).strftime(STAMP)}"
    end_at = lasts(master.start_at, master.end_at, zone_of(master.zone), original)
    return Occurrence(
        item=changed or master,
        item_id=item_id(identity),
        change_key=master.change_key,
        start_at=changed.start_at if changed else original,
        end_at=changed.end_at if changed else end_at,
        kind="Exception" if changed else "Occurrence",
        series_id=master.opaque_id,
        original_start=original,
    )


def named(master: Item, stamp: str) -> Occurrence | None:
    """The occurrence whose identity ends in ``stamp``; None when the series has none there (any more)."""
    try:
        at = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return occurrence(master, at) if at in alive(master, at) else None


def alive(master: Item, until: datetime) -> tuple[datetime, ...]:
    """Original starts up to and with ``until`` that were not deleted."""
    found = []
    for at in originals(master):
        if at > until:
            break
        if at not in master.deleted:
            found.append(at)
    return tuple(found)
