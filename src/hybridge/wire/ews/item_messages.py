"""The response messages of operations on items: one per item, with the item or the error that stands in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hybridge.wire.ews.calendar_items import CalendarItem, ItemError
from hybridge.wire.ews.reading import child, children, expect, status
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element

_WITH_ITEMS = ("CreateItem", "GetItem", "UpdateItem", "MoveItem", "CopyItem")
"""Operations whose messages hold items, be they none."""
_IN_ERRORS = {
    "SyncFolderItems": "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>",
    "SyncFolderHierarchy": "<m:SyncState/><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>",
}
"""What Exchange puts into messages that are errors."""


def write_messages(operation: str, said: Iterable[str | ItemError]) -> str:
    """The body of an answer to ``operation``: for every message what it holds beside its status, or its error."""
    messages = "".join(_write_message(operation, one) for one in said)
    return f"<m:{operation}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response>"


def _write_message(operation: str, said: str | ItemError) -> str:
    name = f"m:{operation}ResponseMessage"
    if isinstance(said, ItemError):
        inside = "<m:Items/>" if operation in _WITH_ITEMS else _IN_ERRORS.get(operation, "")
        return f'<{name} ResponseClass="Error">{written_status(said.code, said.message)}{inside}</{name}>'
    return f'<{name} ResponseClass="Success">{written_status("NoError", "")}{said}</{name}>'


def items(*written: str) -> str:
    """What a message holds that shows items."""
    return f"<m:Items>{''.join(written)}</m:Items>"


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
