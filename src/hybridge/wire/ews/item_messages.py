"""The response messages of operations on items: one per item, with the item or the error that stands in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hybridge.wire.ews.calendar_items import CalendarItem, ItemError
from hybridge.wire.ews.reading import child, children, expect, status
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element


def write_messages(
    operation: str, said: Iterable[CalendarItem | ItemError | None], inside: Callable[[CalendarItem | None], str]
) -> str:
    """The body of an answer to ``operation``; ``inside`` writes what a message holds beside its status, for its item or
    for None (an error, or nothing to show)."""
    messages = "".join(_write_message(operation, one, inside) for one in said)
    return f"<m:{operation}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response>"


def _write_message(
    operation: str, said: CalendarItem | ItemError | None, inside: Callable[[CalendarItem | None], str]
) -> str:
    kind = "Error" if isinstance(said, ItemError) else "Success"
    words = written_status(said.code, said.message) if isinstance(said, ItemError) else written_status("NoError", "")
    holds = inside(None if isinstance(said, ItemError) else said)
    return f'<m:{operation}ResponseMessage ResponseClass="{kind}">{words}{holds}</m:{operation}ResponseMessage>'


def read_messages(
    operation: str, answer: Element, read: Callable[[Element], CalendarItem]
) -> Iterator[CalendarItem | ItemError]:
    """Every item of an answer to ``operation``, or the error in its place; a message without items is an empty item."""
    expect(answer, f"m:{operation}Response")
    for message in children(child(answer, "m:ResponseMessages"), f"m:{operation}ResponseMessage"):
        said = status(message)
        if said.failed:
            yield ItemError(said.code, said.message)
            continue
        found = child(message, "m:Items")
        if found is None or len(found) == 0:
            yield CalendarItem()
        yield from (read(item) for item in (() if found is None else found))
