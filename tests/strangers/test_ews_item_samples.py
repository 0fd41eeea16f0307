"""Microsoft's own samples of operations on items and folders: each is read, or refused for a reason we can name.

The samples are read from ``HYBRIDGE_CORPUS``; without it these tests are skipped. Those with ``https://`` namespaces
are read once that mistake is taken out.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybridge.wire.ews import (
    create_item,
    delete_item,
    find_item,
    get_item,
    move_item,
    sync_folder_hierarchy,
    sync_folder_items,
    update_item,
)
from hybridge.wire.ews.envelope import read_request
from hybridge.wire.ews.faults import RequestRefused
from hybridge.wire.xml import Element

CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the folder of foreign messages")

REQUESTS: dict[str, Callable[[Element], Any]] = {
    "CopyItem": move_item.read_request,
    "CreateItem": create_item.read_request,
    "DeleteItem": delete_item.read_request,
    "FindFolder": sync_folder_hierarchy.read_find,
    "FindItem": find_item.read_request,
    "GetItem": get_item.read_request,
    "MoveItem": move_item.read_request,
    "SyncFolderHierarchy": sync_folder_hierarchy.read_request,
    "SyncFolderItems": sync_folder_items.read_request,
    "UpdateItem": update_item.read_request,
}
NOT_KEPT = ("Contact", "Task", "AcceptSharingInvitation", "ForwardItem", "Item", "ContactsView", "GroupBy")
"""What the lab has not: other kinds of items, forwarding, and views of contacts or in groups."""


def samples() -> list[tuple[str, str]]:
    """File and operation of every request that is valid by the schema."""
    if not CORPUS:
        return []
    with (Path(CORPUS) / "ews" / "INDEX.tsv").open(encoding="utf-8", newline="") as index:
        return [
            (row["file"], row["operation"])
            for row in csv.DictReader(index, delimiter="\t")
            if (row["well_formed"], row["kind"], row["xsd_valid"]) == ("yes", "request", "yes")
            and row["operation"] in REQUESTS
        ]


@pytest.mark.parametrize(("file", "operation"), samples(), ids=lambda one: one.removeprefix("docs/"))
def test_a_valid_request_is_read_or_asks_for_what_the_lab_has_not(file: str, operation: str) -> None:
    body = (Path(CORPUS) / "ews" / file).read_bytes()
    body = body.replace(b"https://schemas.", b"http://schemas.").replace(b"https://www.w3", b"http://www.w3")
    try:
        incoming = read_request(body)
        assert incoming.operation == operation
        REQUESTS[operation](incoming.child)
    except RequestRefused as refused:
        version = refused.fault.code == "ErrorInvalidServerVersion"
        assert version or any(f"}}{name}'" in refused.fault.message for name in NOT_KEPT), refused.fault.message


def test_most_of_them_are_read() -> None:
    assert len(samples()) > 90
    assert {operation for _, operation in samples()} == REQUESTS.keys()
