"""What to do about one change, judged from the record as it is now. Pure.

Undo is judged by what *we* did: of a service principal's keys only ours count, since others may have been added
between; everything else must be as we left it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from hybridge.org.records import Address, Record, ServicePrincipal
from hybridge.org.union import AnyRecord
from hybridge.plan import Change
from hybridge.repair.comparison import KEYED, Difference, between, differences, live_ders, live_keys, same


class Drifted(msgspec.Struct, frozen=True, kw_only=True):
    """The record is neither as expected nor as wanted: somebody changed it meanwhile."""

    address: Address
    differences: tuple[Difference, ...]

    @property
    def says(self) -> str:
        """One sentence that names what differs."""
        what = "; ".join(map(str, self.differences))
        return f"{self.address} was changed meanwhile and is left alone: {what}."


class Rest(Change, frozen=True, kw_only=True):
    """A change of keys of which a part is there already. It is made as a whole again, and is not taken for unseen."""


Verdict = Change | None | Drifted
"""The change to make now, None when it is already as wanted, or the drift that forbids it."""


def judge(
    change: Change, present: Record | None, now: datetime, *, unsure: bool = False, back: bool = False
) -> Verdict:
    """Compare ``present`` with ``change``.

    ``unsure``: a former run may have made the change in part, so a half-way state is completed from where it stands.
    ``back``: the change takes one of ours back.
    """
    address = change.address
    if unsure and back and _made_bare(change, present, now):
        return Rest(**msgspec.structs.asdict(change))
    seen = ours_only(present, change, now) if back else present
    before, after = (ours_only(one, change, now) if back else one for one in (change.before, change.after))
    if same(address, seen, after, now):
        return None
    if same(address, seen, before, now):
        return change
    if unsure and between(address, seen, before, after, now):
        # The keys of a principal are written as a whole and by our part of them: there the change stays as it is.
        keys = address.kind in (kind.__name__ for kind in KEYED)
        return Rest(**msgspec.structs.asdict(change)) if keys else msgspec.structs.replace(change, before=_any(present))
    return Drifted(address=address, differences=differences(address, before, seen, now))


def ours_only(record: Record | None, change: Change, now: datetime) -> Record | None:
    """A record with keys reduced to those that ``change`` adds or removes; any other record as it is.

    One that ``change`` removes, and that holds none of our keys any more, counts as gone: others may use it by now.
    """
    if not isinstance(record, KEYED):
        return record
    touched = set(live_ders(change.before, now)) ^ set(live_ders(change.after, now))
    ours = tuple(key for key in record.key_credentials if key.key in touched)
    if change.after is None and not ours and (touched or isinstance(record, ServicePrincipal)):
        return None
    return msgspec.structs.replace(record, key_credentials=ours)


def _made_bare(removal: Change, present: Record | None, now: datetime) -> bool:
    """Whether ``present`` is a service principal or application we made, and nobody has put a living key on it."""
    return removal.after is None and isinstance(present, KEYED) and not live_keys(present.key_credentials, now)


def _any(record: Record | None) -> AnyRecord | None:
    return record  # type: ignore[return-value]
