"""The presence machine: ``step(known, event, now, rules)`` gives what is known then, and what is to be done.

It is level-triggered. An event only changes what is *known* of a person; what is *published* is then computed afresh
from everything known and ``now``, and told only where it differs from what was told before. So a lost, doubled, late
or reordered event can make presence late at worst: the next read, or the next boundary, puts it right.

What is known of the calendar is in one of a few phases (``TABLE`` says which event moves which):

* a read that is newer than what is known makes it KNOWN; an older one never wins, unless the clock was set back and
  what is known lies in the future. Of two of one instant the one told last counts;
* a failed read makes it STALE: the window is followed for ``rules.trust`` after its read, then the state that stands
  is kept until its own end, and then nothing is known any more (UNKNOWN). A window that ends does the same;
* a mailbox that is gone is withdrawn (GONE), and comes back with its next read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from hybridge.presence.calendar import ReplyState, ShowAs, Window
from hybridge.presence.claims import (
    CALENDAR,
    CALL,
    FAR,
    MANUAL,
    Claim,
    Effective,
    Run,
    believed,
    claims_of,
    merged,
    runs,
    shown_state,
    shown_until,
    standing,
)
from hybridge.presence.known import Known as Known
from hybridge.presence.known import Phase as Phase
from hybridge.presence.known import Publish as Publish
from hybridge.presence.known import packed_window
from hybridge.presence.observations import (
    CalendarRead,
    Claimed,
    Hinted,
    NotRead,
    Observation,
    RepliesRead,
    Subject,
    Unclaimed,
)
from hybridge.presence.rules import Rules
from hybridge.presence.states import PresenceState as State


class Trigger(StrEnum):
    """What an event means for the phase."""

    READ = "calendar read"
    OVERTAKEN = "calendar read before the last failure"
    FAILED = "calendar not read"
    LOST = "mailbox gone"
    LAPSED = "what is known does not cover this moment"
    RETURNED = "what is known covers this moment again"
    OTHER = "anything else"
    """Replies, claims, hints, timers, new rules and late reads: they may change what is published, never the phase."""


class Move(NamedTuple):
    """In any of the phases ``of``, ``trigger`` leads to ``to``."""

    of: tuple[Phase, ...]
    trigger: Trigger
    to: Phase


TABLE: tuple[Move, ...] = (
    Move(tuple(Phase), Trigger.READ, Phase.KNOWN),
    Move((Phase.UNSEEN, Phase.STALE, Phase.UNKNOWN), Trigger.OVERTAKEN, Phase.STALE),
    Move((Phase.KNOWN, Phase.STALE), Trigger.FAILED, Phase.STALE),
    Move((Phase.UNSEEN,), Trigger.FAILED, Phase.UNSEEN),
    Move((Phase.UNKNOWN,), Trigger.FAILED, Phase.UNKNOWN),
    Move((Phase.GONE,), Trigger.FAILED, Phase.GONE),
    Move(tuple(Phase), Trigger.LOST, Phase.GONE),
    Move((Phase.KNOWN, Phase.STALE), Trigger.LAPSED, Phase.UNKNOWN),
    Move((Phase.UNKNOWN,), Trigger.RETURNED, Phase.STALE),
)
"""Every move there is. What is not in it leaves the phase as it is."""

MOVES: dict[tuple[Phase, Trigger], Phase] = {(of, move.trigger): move.to for move in TABLE for of in move.of}


class Woke(msgspec.Struct, frozen=True, tag=True):
    """The timer the machine asked for went off; also what is told after ``Known`` was read back from a file."""


class RulesChanged(msgspec.Struct, frozen=True, tag=True):
    """``step`` is given other rules from now on."""


Event = Observation | Woke | RulesChanged


class Withdraw(msgspec.Struct, frozen=True, tag=True):
    """Show nothing any more."""


class WakeAt(msgspec.Struct, frozen=True, tag=True):
    """Send ``Woke`` at ``at``; it replaces the wake asked for before, which stands where there is no new one."""

    at: datetime


class Refresh(msgspec.Struct, frozen=True, tag=True):
    """Have this read soon."""

    subject: Subject


Command = Publish | Withdraw | WakeAt | Refresh

_REFRESH_CALENDAR = Refresh(Subject.CALENDAR)
_REFRESH_REPLIES = Refresh(Subject.REPLIES)
_IDLE = timedelta(hours=1)
"""Where nothing at all is to come, look again after this."""


def step(known: Known, event: Event, now: datetime, rules: Rules) -> tuple[Known, tuple[Command, ...]]:
    """What is known after ``event``, and what is to be done.

    Commands are few: nothing for what changes nothing, a ``WakeAt`` only where the timer set before would go off too
    late (after ``Woke`` there is always one).
    """
    known, trigger, window = _LEARN[type(event)](known, event, now, rules)
    known = _moved(known, trigger)
    if window is None:
        window = known.window
    known = _tidied(known, window, now, rules)
    found = _standing(known, window, now, rules)
    known = _lapsed_or_not(known, found, now)
    run, follows = standing(runs(found, rules), now)
    commands: list[Command] = []
    known = _told(known, run, follows, commands)
    known, ask_at = _asked(known, window, event, now, rules, commands)
    known = _woken(known, event, min(run[2], ask_at), now, commands)
    return known, tuple(commands)


def claims(known: Known, now: datetime, rules: Rules) -> tuple[Claim, ...]:
    """All claims that stand: what ``step`` decides by, for explanations and timelines."""
    return _standing(known, known.window, now, rules)


def effective(known: Known, now: datetime, rules: Rules) -> Effective:
    """What the person is to show at ``now``, and why."""
    return merged(claims(known, now, rules), now, rules)


Learned = tuple[Known, Trigger, Window | None]
"""What is known after an event, what that means for the phase, and the window where it was just read."""


def _calendar_read(known: Known, event: CalendarRead, now: datetime, rules: Rules) -> Learned:
    window = event.window
    last = known.failed_at if known.phase is Phase.GONE else known.read_at
    if _late(window.read_at, last, now):
        return known, Trigger.OTHER, None
    overtaken = known.phase is not Phase.GONE and _late(window.read_at, known.failed_at, now)
    kept = None
    if any(seen.shows is ShowAs.NO_DATA for seen in window.events):
        kept = _kept(known, window, now, rules)
    known = replace(
        known,
        read_at=window.read_at,
        read_by=window.source,
        packed=packed_window(window),
        kept=kept,
        failed_at=known.failed_at if overtaken else None,
        asked_calendar_at=None,
    )
    return known, Trigger.OVERTAKEN if overtaken else Trigger.READ, window


def _replies_read(known: Known, event: RepliesRead, now: datetime, rules: Rules) -> Learned:
    replies, before = event.replies, known.replies
    if before is not None and _late(replies.read_at, before.read_at, now):
        return known, Trigger.OTHER, None
    return replace(known, replies=replies, asked_replies_at=None), Trigger.OTHER, None


def _not_read(known: Known, event: NotRead, now: datetime, rules: Rules) -> Learned:
    if event.subject is not Subject.CALENDAR:
        return known, Trigger.OTHER, None
    if _late(event.at, known.read_at, now):
        return known, Trigger.OTHER, None
    if event.gone:
        return replace(known, packed=b"", kept=None, failed_at=event.at), Trigger.LOST, None
    if known.phase is not Phase.GONE and (known.failed_at is None or event.at < known.failed_at):
        known = replace(known, failed_at=event.at)
    return known, Trigger.FAILED, None


def _claimed(known: Known, event: Claimed, now: datetime, rules: Rules) -> Learned:
    rest = []
    for other in known.others:
        if (other.source, other.identity) != (event.source, event.identity):
            rest.append(other)
        elif _late(event.at, other.from_at, now):
            return known, Trigger.OTHER, None
    name = {MANUAL: "manual-choice", CALL: "call"}.get(event.source, "claimed-elsewhere")
    rest.append(Claim(event.source, event.state, event.at, event.until, event.identity, (name,)))
    rest.sort(key=lambda claim: (claim.source, claim.identity))
    return replace(known, others=tuple(rest)), Trigger.OTHER, None


def _unclaimed(known: Known, event: Unclaimed, now: datetime, rules: Rules) -> Learned:
    rest = tuple(
        other
        for other in known.others
        if (other.source, other.identity) != (event.source, event.identity) or _late(event.at, other.from_at, now)
    )
    return replace(known, others=rest), Trigger.OTHER, None


def _nothing_new(known: Known, event: Hinted | Woke | RulesChanged, now: datetime, rules: Rules) -> Learned:
    return known, Trigger.OTHER, None


_LEARN: dict[type, Callable[[Known, Any, datetime, Rules], Learned]] = {
    CalendarRead: _calendar_read,
    RepliesRead: _replies_read,
    NotRead: _not_read,
    Claimed: _claimed,
    Unclaimed: _unclaimed,
    Hinted: _nothing_new,
    Woke: _nothing_new,
    RulesChanged: _nothing_new,
}


def _late(at: datetime, last: datetime | None, now: datetime) -> bool:
    """Whether what was seen ``at`` is older than what is known; not where that lies in the future itself."""
    return last is not None and at < last <= now


def _kept(known: Known, window: Window, now: datetime, rules: Rules) -> Claim | None:
    """The state that was known before, while the new window has no data: until its end, or until there is data."""
    fresh, _ = standing(runs(claims_of(window, None, rules, now), rules), now)
    before, _ = standing(runs(_of_calendar(known, known.window, now, rules), rules), now)
    if shown_state(fresh) is not State.UNKNOWN or shown_state(before) is State.UNKNOWN:
        return None
    return Claim(CALENDAR, shown_state(before), now, min(before[2], fresh[2]), "", ("no-data",))


def _of_calendar(known: Known, window: Window | None, now: datetime, rules: Rules) -> tuple[Claim, ...]:
    """The claims of the calendar, as far as they are still believed; the kept state instead of no data."""
    if window is None:
        return ()
    found = believed(window, known.failed_at, rules, now)
    if known.kept is None or known.kept.until is None:
        return found
    data_at = known.kept.until
    found = tuple(
        replace(claim, from_at=max(claim.from_at, data_at)) if claim.state is State.UNKNOWN else claim
        for claim in found
    )
    return (*found, known.kept)


def _standing(known: Known, window: Window | None, now: datetime, rules: Rules) -> tuple[Claim, ...]:
    """All claims in force or to come. A mailbox that is gone has none."""
    if known.phase is Phase.GONE:
        return ()
    found = _of_calendar(known, window, now, rules)
    if known.replies is not None:
        found += claims_of(None, known.replies, rules, now)
    return found + known.others if known.others else found


def _moved(known: Known, trigger: Trigger) -> Known:
    to = MOVES.get((known.phase, trigger), known.phase)
    return known if to is known.phase else replace(known, phase=to)


def _tidied(known: Known, window: Window | None, now: datetime, rules: Rules) -> Known:
    """Without the claims that have ended; with an end for choices that last to the next boundary."""
    if known.kept is not None and (known.kept.until or FAR) <= now:
        known = replace(known, kept=None)
    if not known.others:
        return known
    others = known.others
    if rules.manual_until_boundary and window is not None:
        edges = sorted(
            edge
            for claim in claims_of(window, None, rules, window.start_at)
            if claim.identity
            for edge in (claim.from_at, claim.until or FAR)
        )
        others = tuple(
            replace(other, until=next((edge for edge in edges if edge > other.from_at), None))
            if other.source == MANUAL and other.until is None
            else other
            for other in others
        )
    return replace(known, others=tuple(other for other in others if (other.until or FAR) > now))


def _lapsed_or_not(known: Known, found: tuple[Claim, ...], now: datetime) -> Known:
    spans = [
        (claim.from_at, claim.until or FAR)
        for claim in found
        if claim.source == CALENDAR and claim.state is not State.UNKNOWN
    ]
    covers = bool(spans) and min(spans)[0] <= now < max(end for _, end in spans)
    return _moved(known, Trigger.RETURNED if covers else Trigger.LAPSED)


def _told(known: Known, run: Run, follows: State | None, commands: list[Command]) -> Known:
    """Publish what differs from what was told. Before anything is known there is nothing to tell."""
    if known.phase is Phase.GONE:
        if known.published is None:
            return known
        commands.append(Withdraw())
        return replace(known, published=None)
    wanted = Publish(shown_state(run), shown_until(run, follows))
    if wanted == known.published or (known.published is None and wanted.state is State.UNKNOWN):
        return known
    commands.append(wanted)
    return replace(known, published=wanted)


def _asked(
    known: Known, window: Window | None, event: Event, now: datetime, rules: Rules, commands: list[Command]
) -> tuple[Known, datetime]:
    """Ask for what is hinted at or will be needed soon; and when to look again whether something is."""
    hinted = event.subject if isinstance(event, Hinted) and _fresh(known, event, now) else None
    need = _calendar_needed_at(known, window, now, rules)
    ask_at = _ask_at(need, known.asked_calendar_at, now, rules)
    if ask_at <= now or hinted is Subject.CALENDAR:
        commands.append(_REFRESH_CALENDAR)
        known = replace(known, asked_calendar_at=now)
        ask_at = _ask_at(need, now, now, rules)
    need = _replies_needed_at(known, now, rules)
    replies_at = _ask_at(need, known.asked_replies_at, now, rules)
    if replies_at <= now or hinted is Subject.REPLIES:
        commands.append(_REFRESH_REPLIES)
        known = replace(known, asked_replies_at=now)
        replies_at = _ask_at(need, now, now, rules)
    return known, min(ask_at, replies_at)


def _fresh(known: Known, hint: Hinted, now: datetime) -> bool:
    """Whether the change hinted at may be newer than what was read."""
    if hint.subject is Subject.CALENDAR:
        return not _late(hint.at, known.read_at, now)
    return known.replies is None or not _late(hint.at, known.replies.read_at, now)


def _calendar_needed_at(known: Known, window: Window | None, now: datetime, rules: Rules) -> datetime:
    if window is None:
        return FAR
    if known.phase is Phase.UNKNOWN or window.read_at > now:
        return now
    return window.end_at - min(rules.ahead, (window.end_at - window.start_at) / 4)


def _replies_needed_at(known: Known, now: datetime, rules: Rules) -> datetime:
    replies = known.replies
    if replies is None or rules.replies is None or known.phase is Phase.GONE:
        return FAR
    if replies.state is ReplyState.DISABLED or (replies.state is ReplyState.SCHEDULED and replies.end_at is not None):
        return FAR
    return now if replies.read_at > now else replies.read_at + rules.replies_poll


def _ask_at(need: datetime, asked: datetime | None, now: datetime, rules: Rules) -> datetime:
    """When to ask: when it is needed, but not again so soon after the last time."""
    if need == FAR or asked is None or asked > now:
        return need
    return max(need, asked + rules.ask_again)


def _woken(known: Known, event: Event, boundary: datetime, now: datetime, commands: list[Command]) -> Known:
    """Set the timer, unless the one that is set goes off before the boundary anyway."""
    if not isinstance(event, Woke) and known.wake_at is not None and now < known.wake_at <= boundary:
        return known
    at = now + _IDLE if boundary == FAR else boundary
    commands.append(WakeAt(at))
    return replace(known, wake_at=at)
