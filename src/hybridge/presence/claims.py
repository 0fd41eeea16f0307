"""Claims: who says what of a person, from when, until when; and what all of them come to.

A person's state is never computed from a change: it is what the claims in force come to at an instant. The calendar is
one claim an event, and one more for the whole window that was read: *free, unless something stronger is said*. Outside
of it nothing is claimed, and nothing claimed is UNKNOWN.

``merged`` and ``timeline`` look at the same runs. A run is made in three passes: at every edge the strongest claim in
force; then pauses of at most ``rules.gap`` between two stretches of one state are closed where nothing stronger
interrupts; then neighbours of the same state become one. So an ``until`` is always the end of everything that keeps
the state, and two meetings back to back are one. A run AVAILABLE that ends where nothing is claimed has no ``until``:
the edge of a window is nothing that happens to the person, and moves with every read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter

import msgspec

from hybridge.presence.calendar import AutomaticReplies, CalendarEvent, ReplyState, Response, ShowAs, Window
from hybridge.presence.observations import Subject
from hybridge.presence.rules import Rules
from hybridge.presence.states import PresenceState as State

CALENDAR = Subject.CALENDAR.value
REPLIES = Subject.REPLIES.value
MANUAL = "manual"
CALL = "call"
"""Sources of claims. Any other source counts by the strength of its state."""

FAR = datetime.max.replace(tzinfo=UTC)
PAST = datetime.min.replace(tzinfo=UTC)
"""The end of what has none, and the start."""

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_CHOSEN = 100
_NOTHING = 99

Run = tuple[State | None, datetime, datetime]
"""State (None: nothing is claimed), start (``PAST`` without one), end (``FAR`` without one)."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """``source`` says that the person is in ``state`` from ``from_at`` until ``until`` (None: no end is known).

    ``identity`` tells claims of one source apart (an event's id). ``because`` are names of rules, never a subject.
    """

    source: str
    state: State
    from_at: datetime
    until: datetime | None = None
    identity: str = ""
    because: tuple[str, ...] = ()


class Effective(msgspec.Struct, frozen=True):
    """What the claims come to at an instant, until when (None: unknown), and the claims that make it so."""

    state: State
    until: datetime | None
    because: tuple[Claim, ...] = ()


class Stretch(msgspec.Struct, frozen=True):
    """One piece of a timeline: ``state`` from ``from_at`` to ``until_at``, made by ``because``."""

    state: State
    from_at: datetime
    until_at: datetime
    because: tuple[Claim, ...] = ()


def reading(event: CalendarEvent, rules: Rules) -> tuple[State | None, tuple[str, ...]]:
    """The state an event claims (None: none), and the names of the rules that say so."""
    state, because = _read(event, rules)
    return state, (*because, "private") if event.private else because


def claims_of(
    window: Window | None, replies: AutomaticReplies | None, rules: Rules, now: datetime
) -> tuple[Claim, ...]:
    """What a calendar and automatic replies claim. What ended before ``now`` and cannot matter any more is left out."""
    claims: list[Claim] = []
    if window is not None:
        since = now - rules.gap
        claims.append(Claim(CALENDAR, State.AVAILABLE, window.start_at, window.end_at, "", ("free",)))
        for event in window.events:
            if event.end_at < since:
                continue
            state, because = reading(event, rules)
            if state is not None:
                claims.append(Claim(CALENDAR, state, event.start_at, event.end_at, event.identity, because))
    if replies is not None and rules.replies is not None:
        claims += _of_replies(replies, rules.replies, rules, now)
    return tuple(claims)


def believed(window: Window, failed_at: datetime | None, rules: Rules, now: datetime) -> tuple[Claim, ...]:
    """What a calendar claims though it could not be read again since ``failed_at`` (None: it could).

    It is followed for ``rules.trust`` after it was read, and no shorter than to the failure; then the state that stands
    is kept until its own end, and nothing is known of what comes after.
    """
    if failed_at is None:
        return claims_of(window, None, rules, now)
    last = max(window.read_at + rules.trust, failed_at)
    found = claims_of(window, None, rules, min(last, now))
    (_, _, end), _ = standing(runs(found, rules), last)
    kept = [
        msgspec.structs.replace(claim, until=min(claim.until or FAR, end), because=(*claim.because, "not-read"))
        for claim in found
        if claim.from_at < end
    ]
    if end < window.end_at:
        kept.append(Claim(CALENDAR, State.UNKNOWN, end, None, "", ("not-read",)))
    return tuple(kept)


def merged(claims: Sequence[Claim], at: datetime, rules: Rules) -> Effective:
    """What the claims come to at ``at``."""
    run, follows = standing(runs(claims, rules), at)
    return Effective(shown_state(run), shown_until(run, follows), _makers(claims, run, at))


def timeline(claims: Sequence[Claim], from_at: datetime, until_at: datetime, rules: Rules) -> tuple[Stretch, ...]:
    """The states from ``from_at`` to ``until_at``, without a hole: UNKNOWN where nothing is claimed."""
    stretches = []
    at = from_at
    everything = runs(claims, rules)
    while at < until_at:
        run, _ = standing(everything, at)
        stretches.append(Stretch(shown_state(run), at, min(run[2], until_at), _makers(claims, run, at)))
        at = run[2]
    return tuple(stretches)


def runs(claims: Sequence[Claim], rules: Rules) -> list[Run]:
    """The states the claims come to, in order and without a hole, from ``PAST`` to ``FAR``."""
    strengths = _strengths(rules.rank)
    edges: list[tuple[datetime, int, int]] = []
    for claim in _one_choice(claims):
        until = claim.until or FAR
        if until > claim.from_at:
            slot = strengths[claim.state] - (_CHOSEN if claim.source == MANUAL else 0)
            edges.append((claim.from_at, slot, 1))
            edges.append((until, slot, -1))
    edges.sort(key=itemgetter(0))
    return _joined(_closed(_strongest(edges), rules), rules)


def standing(everything: Sequence[Run], at: datetime) -> tuple[Run, State | None]:
    """The run in force at ``at``, and what follows it (None: nothing that is claimed)."""
    for position, run in enumerate(everything):
        if at < run[2]:
            follows = everything[position + 1][0] if position + 1 < len(everything) else None
            return run, follows
    return (None, PAST, FAR), None


def shown_state(run: Run) -> State:
    """A run's state as it is published."""
    return run[0] or State.UNKNOWN


def shown_until(run: Run, follows: State | None) -> datetime | None:
    """The end of a run as it is published: None where there is none, and where only our knowledge ends."""
    state, _, end = run
    if end == FAR or (state is State.AVAILABLE and follows is None):
        return None
    return end


def fills_days(event: CalendarEvent) -> bool:
    """Whether an event is all-day: as the source says, else by its length, give or take a change of DST."""
    if event.all_day is not None:
        return event.all_day
    length = event.end_at - event.start_at
    if length < _DAY - _HOUR:
        return False
    rest = length % _DAY
    return rest <= _HOUR or rest >= _DAY - _HOUR


def _read(event: CalendarEvent, rules: Rules) -> tuple[State | None, tuple[str, ...]]:
    shows = event.shows
    if event.cancelled:
        return None, ("cancelled",)
    if event.response is Response.DECLINED:
        return None, ("declined",)
    if event.end_at <= event.start_at:
        return None, ("zero-length",)
    if shows is ShowAs.FREE:
        return rules.free, ("free",)
    if shows is ShowAs.NO_DATA:
        return State.UNKNOWN, ("no-data",)
    if event.response is Response.NOT_RESPONDED:
        return _weak(event, rules.not_responded, "not-responded", rules)
    if shows is ShowAs.BUSY:
        return _busy(event, rules)
    if shows is ShowAs.TENTATIVE:
        return _weak(event, rules.tentative, "tentative", rules)
    return (rules.oof, ("oof-event",)) if shows is ShowAs.OOF else (rules.working_elsewhere, ("working-elsewhere",))


def _weak(event: CalendarEvent, state: State | None, name: str, rules: Rules) -> tuple[State | None, tuple[str, ...]]:
    """A tentative state; an all-day one where all-day events count at all."""
    if rules.all_day is None and fills_days(event):
        return None, (name, "all-day")
    return state, (name,)


def _busy(event: CalendarEvent, rules: Rules) -> tuple[State | None, tuple[str, ...]]:
    if fills_days(event):
        return rules.all_day, ("all-day",)
    if event.focus:
        return rules.focus, ("focus-time",)
    if event.meeting is None:
        return rules.busy, ("company-unknown",)
    return (rules.meeting, ("busy",)) if event.meeting else (rules.appointment, ("appointment",))


def _of_replies(replies: AutomaticReplies, state: State, rules: Rules, now: datetime) -> Iterable[Claim]:
    """Replies without an end are believed until a grid line behind ``replies_hold``, so that an unchanged answer to
    the next poll moves the end once in half that time and not with every poll; afterwards they are unknown.
    """
    if replies.state is ReplyState.DISABLED:
        return
    begins = min(replies.read_at, now)
    if replies.state is ReplyState.SCHEDULED:
        begins = replies.start_at or begins
        if replies.end_at is not None:
            yield Claim(REPLIES, state, begins, replies.end_at, "", ("replies-scheduled",))
            return
    line = rules.replies_hold / 2
    ends = replies.read_at - (replies.read_at - _EPOCH) % line + rules.replies_hold
    name = "replies-enabled" if replies.state is ReplyState.ENABLED else "replies-scheduled"
    yield Claim(REPLIES, state, begins, ends, "", (name,))
    yield Claim(REPLIES, State.UNKNOWN, max(begins, ends), None, "", (name, "not-read"))


@lru_cache(maxsize=64)
def _strengths(rank: tuple[State, ...]) -> dict[State, int]:
    return {state: place for place, state in enumerate(rank)}


def _one_choice(claims: Sequence[Claim]) -> Sequence[Claim]:
    """The claims, a person's own choices cut so that at any instant only the latest made of them is left."""
    chosen = [claim for claim in claims if claim.source == MANUAL and (claim.until or FAR) > claim.from_at]
    if len(chosen) < 2:
        return claims
    rest = [claim for claim in claims if claim.source != MANUAL]
    later: list[Claim] = []
    for claim in sorted(chosen, key=lambda claim: (claim.from_at, claim.identity, claim.state), reverse=True):
        pieces = [claim]
        for other in later:
            pieces = [piece for whole in pieces for piece in _without(whole, other)]
        later.append(claim)
        rest += pieces
    return rest


def _without(claim: Claim, other: Claim) -> Iterable[Claim]:
    """What is left of ``claim`` outside of ``other``."""
    before = min(claim.until or FAR, other.from_at)
    if claim.from_at < before:
        yield msgspec.structs.replace(claim, until=before)
    if other.until is not None and other.until < (claim.until or FAR):
        yield msgspec.structs.replace(claim, from_at=max(claim.from_at, other.until))


def _strongest(edges: Sequence[tuple[datetime, int, int]]) -> list[tuple[int, datetime, datetime]]:
    """Slot (the strength of the strongest claim in force, the least first), start, end: between every two edges."""
    stretches: list[tuple[int, datetime, datetime]] = []
    active: dict[int, int] = {}
    start = PAST
    for at, changed, delta in edges:
        if at != start:
            stretches.append((min(active, default=_NOTHING), start, at))
            start = at
        count = active.get(changed, 0) + delta
        if count:
            active[changed] = count
        else:
            del active[changed]
    if start != FAR:
        stretches.append((_NOTHING, start, FAR))
    return stretches


def _closed(stretches: Sequence[tuple[int, datetime, datetime]], rules: Rules) -> list[tuple[int, datetime, datetime]]:
    """The stretches, short pauses within a state closed where only something weaker lies in them.

    Nothing is worth keeping over a pause from UNKNOWN on.
    """
    gap, weakest, count = rules.gap, _strengths(rules.rank)[State.UNKNOWN], len(stretches)
    closed = []
    position = 0
    while position < count:
        slot, start, end = stretches[position]
        position += 1
        if slot < weakest:
            ahead = position
            while ahead < count:
                other, begins, ends = stretches[ahead]
                if other < slot or begins - end > gap:
                    break
                ahead += 1
                if other == slot:
                    end, position = ends, ahead
        closed.append((slot, start, end))
    return closed


def _joined(stretches: Iterable[tuple[int, datetime, datetime]], rules: Rules) -> list[Run]:
    """Neighbours of the same state as one; what is unknown and what is not claimed at all are shown the same."""
    joined: list[Run] = []
    for slot, start, end in stretches:
        state = None if slot == _NOTHING else rules.rank[slot + _CHOSEN if slot < 0 else slot]
        if joined and (joined[-1][0] or State.UNKNOWN) is (state or State.UNKNOWN):
            joined[-1] = (joined[-1][0], joined[-1][1], end)
        else:
            joined.append((state, start, end))
    return joined


def _makers(claims: Sequence[Claim], run: Run, at: datetime) -> tuple[Claim, ...]:
    """The claims that make a run what it is from ``at`` on, each with the rule that joined it to the others."""
    state, start, end = shown_state(run), run[1], run[2]
    within = sorted(
        (c for c in claims if c.state is state and c.from_at < end and (c.until or FAR) > max(start, at)),
        key=lambda claim: (claim.from_at, claim.until or FAR, claim.source, claim.identity),
    )
    makers: list[Claim] = []
    last = at
    for claim in within:
        joined: tuple[str, ...] = ()
        if (makers or claim.from_at > last) and state is not State.AVAILABLE:
            joined = ("overlaps",) if claim.from_at < last else ("back-to-back",)
        makers.append(msgspec.structs.replace(claim, because=claim.because + joined))
        last = max(last, claim.until or FAR)
    return tuple(makers)
