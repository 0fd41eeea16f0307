"""The presence machine: rule by rule, command by command, and under whatever a bad day does to it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from tests.presence.watched import LITERAL, Watched, at, event, failed, read, replied

from hybridge.presence.calendar import ReplyState, Response, ShowAs
from hybridge.presence.claims import CALL, MANUAL
from hybridge.presence.diagram import mermaid
from hybridge.presence.machine import (
    MOVES,
    TABLE,
    Known,
    Phase,
    Publish,
    Refresh,
    RulesChanged,
    Trigger,
    WakeAt,
    Withdraw,
    Woke,
    step,
)
from hybridge.presence.observations import CalendarRead, Claimed, Hinted, NotRead, Subject, Unclaimed
from hybridge.presence.rules import CISCO, TEAMS
from hybridge.presence.states import PresenceState as State

# --- rule by rule: what a rule of time and failure does to a person


def test_not_read() -> None:
    watched = Watched(LITERAL)
    watched.step(read(at(8), event(at(9), at(10)), event(at(11), at(12))), at(8))
    watched.until(at(9, 30))
    assert watched.step(failed(at(9, 30)), at(9, 30)) == []
    assert (watched.known.phase, watched.shows()) == (Phase.STALE, (State.IN_A_MEETING, at(10)))
    watched.step(failed(at(9, 45)), at(9, 45))
    watched.until(at(10))
    assert (watched.known.phase, watched.shows()) == (Phase.UNKNOWN, (State.UNKNOWN, None))
    watched.until(at(11, 30))
    assert watched.shows() == (State.UNKNOWN, None)
    watched.step(read(at(11, 30), event(at(11), at(12))), at(11, 30))
    assert (watched.known.phase, watched.shows()) == (Phase.KNOWN, (State.IN_A_MEETING, at(12)))


def test_not_read_for_a_while_the_calendar_is_followed() -> None:
    watched = Watched()
    watched.step(
        read(at(8, 50), event(at(9), at(9, 15)), event(at(9, 30), at(10)), event(at(10, 30), at(11))), at(8, 50)
    )
    watched.step(failed(at(8, 55)), at(8, 55))
    watched.until(at(9, 15))
    assert watched.shows() == (State.AVAILABLE, at(9, 30))
    watched.until(at(9, 30))
    assert watched.shows() == (State.IN_A_MEETING, at(10)), "trusted until 9:50; what stands then, to its end"
    watched.until(at(10))
    assert watched.shows() == (State.UNKNOWN, None)


def test_not_read_is_nothing_to_tell() -> None:
    """A server that fails must not make a thousand people's presence be published anew."""
    watched = Watched()
    watched.step(read(at(9), event(at(14), at(15))), at(9))
    assert watched.step(failed(at(9, 5)), at(9, 5)) == []
    assert watched.shows() == (State.AVAILABLE, at(14))
    watched.until(at(14))
    assert (watched.known.phase, watched.shows()) == (Phase.UNKNOWN, (State.UNKNOWN, None))
    idle = Watched()
    idle.step(read(at(9)), at(9))
    assert idle.step(failed(at(9, 5)), at(9, 5)) == []


def test_not_read_at_all_says_nothing() -> None:
    watched = Watched()
    watched.step(failed(at(9)), at(9))
    watched.until(at(20))
    assert (watched.known.phase, watched.told) == (Phase.UNSEEN, [])


def test_replies_that_are_not_read_leave_the_calendar_alone() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(10))), at(9))
    assert watched.step(NotRead(Subject.REPLIES, "No.", at(9, 1), gone=True), at(9, 1)) == []
    assert watched.known.phase is Phase.KNOWN


def test_no_data_keeps_the_last_known_state_until_its_end() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(10))), at(9))
    blank = event(at(8), at(12), ShowAs.NO_DATA)
    assert watched.step(read(at(9, 30), blank), at(9, 30)) == []
    watched.step(read(at(9, 45), blank), at(9, 45))
    assert watched.shows() == (State.IN_A_MEETING, at(10))
    watched.until(at(10))
    assert watched.shows() == (State.UNKNOWN, at(12))
    watched.until(at(12))
    assert watched.shows() == (State.AVAILABLE, None)


def test_no_data_keeps_a_state_no_longer_than_there_is_no_data() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(11))), at(9))
    watched.step(read(at(9, 30), event(at(9), at(10), ShowAs.NO_DATA)), at(9, 30))
    assert watched.shows() == (State.IN_A_MEETING, at(10))
    watched.until(at(10))
    assert watched.shows() == (State.AVAILABLE, None)
    watched.step(read(at(10, 30), event(at(9), at(11), ShowAs.NO_DATA)), at(10, 30))
    assert watched.shows() == (State.AVAILABLE, None), "what is free counts as known too"


def test_mailbox_gone() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(10))), at(9))
    assert watched.step(failed(at(9, 10), gone=True), at(9, 10)) == [Withdraw()]
    assert (watched.known.phase, watched.known.window, watched.shows()) == (Phase.GONE, None, None)
    assert watched.step(failed(at(9, 20), gone=True), at(9, 20)) == []
    watched.step(failed(at(9, 25)), at(9, 25))
    watched.step(read(at(9, 5), event(at(9), at(10))), at(9, 25))
    assert watched.known.phase is Phase.GONE, "a read from before does not bring it back"
    watched.until(at(9, 30))
    watched.step(read(at(9, 30), event(at(9), at(10))), at(9, 30))
    assert watched.shows() == (State.IN_A_MEETING, at(10))


def test_late_read() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(10))), at(9))
    assert watched.step(read(at(8, 59)), at(9, 1)) == []
    assert watched.step(failed(at(8, 59), gone=True), at(9, 1)) == []
    assert watched.step(failed(at(8, 58)), at(9, 1)) == []
    assert (watched.known.phase, watched.shows()) == (Phase.KNOWN, (State.IN_A_MEETING, at(10)))
    watched.step(replied(at(9, 5), ReplyState.DISABLED), at(9, 5))
    assert watched.step(replied(at(9, 4), ReplyState.ENABLED), at(9, 6)) == []
    assert watched.shows() == (State.IN_A_MEETING, at(10))


def test_manual_choice() -> None:
    watched = Watched()
    watched.step(read(at(8), event(at(9), at(10))), at(8))
    watched.step(Claimed(MANUAL, State.AVAILABLE, at(9, 10), at(9, 40)), at(9, 10))
    assert watched.shows() == (State.AVAILABLE, at(9, 40))
    watched.step(Claimed(CALL, State.IN_A_CALL, at(9, 15)), at(9, 15))
    assert watched.shows() == (State.AVAILABLE, at(9, 40)), "stronger than a call"
    watched.step(Unclaimed(CALL, at(9, 20)), at(9, 20))
    watched.until(at(9, 40))
    assert (watched.shows(), watched.known.others) == ((State.IN_A_MEETING, at(10)), ())
    watched.step(Claimed(MANUAL, State.DO_NOT_DISTURB, at(9, 45)), at(9, 45))
    watched.until(at(20))
    assert watched.shows() == (State.DO_NOT_DISTURB, None), "until it is withdrawn"
    watched.step(Claimed(MANUAL, State.BUSY, at(9, 44)), at(20))
    watched.step(Unclaimed(MANUAL, at(9, 44)), at(20))
    assert watched.shows() == (State.DO_NOT_DISTURB, None), "nothing older counts"
    watched.step(Unclaimed(MANUAL, at(20)), at(20))
    assert watched.shows() == (State.AVAILABLE, None)


def test_manual_choice_until_the_next_boundary_where_the_rules_say_so() -> None:
    watched = Watched(replace(TEAMS, manual_until_boundary=True))
    watched.step(read(at(8), event(at(9), at(10)), event(at(9, 30), at(11))), at(8))
    watched.until(at(9, 10))
    watched.step(Claimed(MANUAL, State.AVAILABLE, at(9, 10)), at(9, 10))
    assert watched.shows() == (State.AVAILABLE, at(9, 30))
    watched.until(at(9, 30))
    assert (watched.shows(), watched.known.others) == ((State.IN_A_MEETING, at(11)), ())


def test_a_choice_that_has_expired_changes_nothing() -> None:
    watched = Watched()
    watched.step(read(at(9)), at(9))
    assert watched.step(Claimed(MANUAL, State.BUSY, at(8), at(8, 30)), at(9)) == []
    assert watched.known.others == ()


# --- commands


def test_a_day() -> None:
    watched = Watched()
    assert watched.step(read(at(8), event(at(9), at(10)), event(at(10), at(11))), at(8)) == [
        Publish(State.AVAILABLE, at(9)),
        WakeAt(at(9)),
    ]
    assert watched.step(Woke(), at(9)) == [Publish(State.IN_A_MEETING, at(11)), WakeAt(at(11))]
    extended = read(at(9, 30), event(at(9), at(10)), event(at(10), at(12)))
    assert watched.step(extended, at(9, 30)) == [Publish(State.IN_A_MEETING, at(12))], "the timer is early enough"
    assert watched.step(Woke(), at(11)) == [WakeAt(at(12))]
    assert watched.step(Woke(), at(12))[0] == Publish(State.AVAILABLE, None)


def test_a_read_that_changes_nothing_commands_nothing() -> None:
    watched = Watched()
    for minutes in range(0, 120, 5):
        commands = watched.step(read(at(8, minutes), event(at(12), at(13))), at(8, minutes))
        assert (commands == []) == (minutes > 0)
    idle = Watched()
    for minutes in range(0, 120, 5):
        commands = idle.step(read(at(8, minutes)), at(8, minutes))
        assert (commands == []) == (minutes > 0), "the window rolls on, and nothing happens"


def test_a_meeting_that_is_shortened_is_told() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(11))), at(9))
    commands = watched.step(read(at(9, 30), event(at(9), at(10))), at(9, 30))
    assert commands == [Publish(State.IN_A_MEETING, at(10)), WakeAt(at(10))]


def test_a_hint_is_a_reason_to_read() -> None:
    watched = Watched()
    assert Refresh(Subject.CALENDAR) in watched.step(Hinted(Subject.CALENDAR, at(8)), at(8))
    watched.step(read(at(9)), at(9))
    assert watched.step(Hinted(Subject.CALENDAR, at(8, 30)), at(9, 1)) == [], "known already"
    assert watched.step(Hinted(Subject.CALENDAR, at(9, 1)), at(9, 1)) == [Refresh(Subject.CALENDAR)]
    assert watched.step(Hinted(Subject.CALENDAR, at(9, 2)), at(9, 2)) == [Refresh(Subject.CALENDAR)]
    assert watched.step(Hinted(Subject.REPLIES, at(9, 2)), at(9, 2)) == [Refresh(Subject.REPLIES)]
    assert watched.shows() == (State.AVAILABLE, None), "and never a fact"


def test_a_window_that_ends_is_read_again_in_time() -> None:
    watched = Watched()
    watched.step(read(at(8), hours=8), at(8))
    assert watched.known.wake_at == at(15)
    assert watched.step(Woke(), at(15)) == [Refresh(Subject.CALENDAR), WakeAt(at(15, 5))]
    assert Refresh(Subject.CALENDAR) in watched.step(Woke(), at(15, 5)), "and again while nobody reads it"
    watched.until(at(16))
    assert (watched.known.phase, watched.shows()) == (Phase.UNKNOWN, (State.UNKNOWN, None))
    watched.step(read(at(16, 2)), at(16, 2))
    assert watched.shows() == (State.AVAILABLE, None)


def test_replies_without_an_end_are_polled() -> None:
    watched = Watched()
    watched.step(read(at(9)), at(9))
    watched.step(replied(at(9), ReplyState.ENABLED), at(9))
    assert watched.shows() == (State.OUT_OF_OFFICE, at(9, 30))
    assert watched.step(Woke(), at(9, 5)) == [Refresh(Subject.REPLIES), WakeAt(at(9, 10))]
    assert watched.step(replied(at(9, 6), ReplyState.ENABLED), at(9, 6)) == []
    watched.step(replied(at(9, 16), ReplyState.ENABLED), at(9, 16))
    assert watched.shows() == (State.OUT_OF_OFFICE, at(9, 45))
    assert watched.step(replied(at(9, 20), ReplyState.DISABLED), at(9, 20)) == [Publish(State.AVAILABLE, None)]


def test_replies_that_cannot_be_polled_are_unknown_after_a_while() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(10), at(11))), at(9))
    watched.step(replied(at(9), ReplyState.ENABLED), at(9))
    watched.until(at(9, 30))
    assert watched.shows() == (State.UNKNOWN, at(10))
    watched.until(at(10))
    assert watched.shows() == (State.IN_A_MEETING, at(11))


def test_other_rules_are_applied_to_what_is_known() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(12), ShowAs.OOF), event(at(9), at(10), meeting=False)), at(9))
    watched.rules = CISCO
    assert watched.step(RulesChanged(), at(9, 1)) == [Publish(State.AWAY, at(12))]
    assert watched.step(RulesChanged(), at(9, 1)) == []


def test_a_restart_tells_only_differences() -> None:
    watched = Watched()
    watched.step(read(at(8), event(at(9), at(10))), at(8))
    known = msgspec.msgpack.decode(msgspec.msgpack.encode(watched.known), type=Known)
    assert step(known, Woke(), at(8, 30), TEAMS)[1] == (WakeAt(at(9)),)
    assert step(known, Woke(), at(9, 30), TEAMS)[1] == (Publish(State.IN_A_MEETING, at(10)), WakeAt(at(10)))


def test_what_is_kept_of_an_event_is_everything_but_a_private_subject() -> None:
    secret = event(at(9), at(10), private=True, subject="Canary", response=Response.ACCEPTED, focus=False)
    plain = event(at(11), at(12), subject="Standup", all_day=False)
    seen = replace(read(at(8), secret, plain).window, zone="Nepal Standard Time", source="exchange mail.contoso.com")
    watched = Watched()
    watched.step(CalendarRead(seen), at(8))
    assert watched.known.window == replace(seen, events=(replace(secret, subject=""), plain))
    assert b"Canary" not in msgspec.msgpack.encode(watched.known)


# --- clocks


def test_a_clock_set_forward_and_back() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(10)), hours=4), at(9))
    watched.step(Woke(), at(24))
    assert (watched.known.phase, watched.shows()) == (Phase.UNKNOWN, (State.UNKNOWN, None))
    watched.step(read(at(24)), at(24))
    assert watched.shows() == (State.AVAILABLE, None)
    commands = watched.step(Woke(), at(9, 30))
    assert Refresh(Subject.CALENDAR) in commands, "what is known was read in the future"
    watched.step(read(at(9, 31), event(at(9), at(10))), at(9, 31))
    assert watched.shows() == (State.IN_A_MEETING, at(10)), "and does not win for ever"


def test_a_clock_set_back_into_what_is_known() -> None:
    watched = Watched()
    watched.step(read(at(9), event(at(9), at(10)), hours=4), at(9))
    watched.step(Woke(), at(13))
    assert watched.known.phase is Phase.UNKNOWN
    watched.step(Woke(), at(9, 30))
    assert (watched.known.phase, watched.shows()) == (Phase.STALE, (State.IN_A_MEETING, at(10)))


def test_replies_read_in_the_future_are_read_again() -> None:
    watched = Watched()
    watched.step(replied(at(20), ReplyState.ENABLED), at(20))
    assert Refresh(Subject.REPLIES) in watched.step(Woke(), at(9))
    assert watched.known.published is not None and watched.known.published.state is State.OUT_OF_OFFICE
    watched.step(replied(at(9, 1), ReplyState.DISABLED), at(9, 1))
    assert watched.shows() == (State.UNKNOWN, None)


# --- the table


def test_the_table_knows_every_phase_and_trigger() -> None:
    assert {trigger for _, trigger in MOVES} == set(Trigger) - {Trigger.OTHER}
    assert {phase for phase, _ in MOVES} == set(Phase)
    assert {move.to for move in TABLE} == set(Phase)
    assert len(MOVES) == sum(len(move.of) for move in TABLE), "no pair twice"
    assert {
        phase for phase in Phase if (phase, Trigger.READ) not in MOVES or (phase, Trigger.LOST) not in MOVES
    } == set()


def test_the_diagram_is_drawn_from_the_table() -> None:
    lines = mermaid().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> unseen"]
    assert "    known --> stale: calendar not read" in lines
    assert len(lines) - 2 == len([1 for (of, _), to in MOVES.items() if of is not to])
