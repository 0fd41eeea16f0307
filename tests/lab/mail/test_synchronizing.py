"""Whoever synchronizes a folder has what is in it, whatever happened and however few changes come at a time."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lab.mail.bodies import ADA, HOUR, ON, START, Client, code, found, named, subject, texts, update

from hybridge.lab.estate import Estate
from hybridge.lab.mail.store import store_of


def sync(state: str, most: int) -> str:
    known = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    return (
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:SyncFolderId>"
        f'<t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId>{known}'
        f"<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
    )


class Copy:
    """A client's copy of a folder, kept by synchronizing."""

    def __init__(self, ews: Client, most: int) -> None:
        self._ews, self._most, self._state = ews, most, ""
        self.items: dict[str, str] = {}

    def catch_up(self) -> None:
        while not self._page():
            pass

    def _page(self) -> bool:
        said = self._ews(sync(self._state, self._most))
        self._state = texts(said, "m:SyncState")[0]
        changes = found(said, "m:Changes/*")
        assert len(changes) <= self._most
        for change in changes:
            key = str(found(change, "t:ItemId")[0].get("Id"))
            if change.tag.endswith("}Delete"):
                self.items.pop(key, None)
            else:
                self.items[key] = texts(change, "t:Subject")[0]
        return texts(said, "m:IncludesLastItemInRange") == ["true"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("cccuddms"), st.integers(0, 9)), max_size=25), st.sampled_from([1, 2, 512]))
def test_synchronizing_gives_the_folder(ews: Client, estate: Estate, steps: list[tuple[str, int]], most: int) -> None:
    estate.reset()
    store, copy = store_of(estate), Copy(ews, most)
    for number, (does, which) in enumerate(steps):
        items = store.items(ON, ADA)
        one = items[which % len(items)] if items else None
        if does == "s":
            copy.catch_up()
        elif does == "c" or one is None:
            store.put_simple(ON, ADA, subject=f"s{number}", start_at=START, end_at=START + HOUR)
        elif does == "u":
            ews(update(named((one.opaque_id, one.change_key)), subject(f"u{number}")))
        else:
            store.remove(one, for_good=does == "d")
    copy.catch_up()
    assert copy.items == {one.opaque_id: one.subject for one in store.items(ON, ADA)}
    before = dict(copy.items)
    copy.catch_up()
    assert copy.items == before


def test_a_state_that_is_none(ews: Client) -> None:
    for state in ("bm9uc2Vuc2U=", "?"):
        assert code(ews(sync(state, 10))) == "ErrorInvalidSyncStateData"
