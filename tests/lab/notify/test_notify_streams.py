"""GetStreamingEvents of the lab by its clock: heartbeats, ends, deaths, and every bad manner."""

from datetime import timedelta

import pytest
from tests.lab.notify.office import ADA, ALAN, GRACE, Office, Reading

from hybridge.lab.apps.base import StreamedAnswer
from hybridge.lab.mail.failover import move, take_down
from hybridge.wire.ews.distinguished_folders import folder_id
from hybridge.wire.ews.faults import EwsFault
from hybridge.wire.ews.get_streaming_events import Response

OK, CLOSED = Response(connection_status="OK"), Response(connection_status="Closed")
CREATED = ["CreatedEvent", "FreeBusyChangedEvent", "ModifiedEvent"]


def test_a_change_is_told_at_once_as_captured(office: Office) -> None:
    made = office.subscribe()
    stream = office.stream(made.subscription_id)
    item = office.put()
    assert stream.woken
    (said,) = stream.now()
    assert isinstance(said, Response) and said.connection_status == "OK"
    (told,) = said.notifications
    assert told.subscription_id == made.subscription_id
    assert [event.kind for event in told.events] == CREATED
    assert len({event.at for event in told.events}) == 1
    assert [event.item_id for event in told.events] == [item, item, ""]
    assert {event.parent_folder_id for event in told.events[:2]} == {folder_id(ADA, "calendar")}
    assert stream.now() == []


def test_three_changes_make_one_envelope_with_one_change_of_the_folder(office: Office) -> None:
    stream = office.stream(office.subscribe().subscription_id)
    for _ in range(3):
        office.put()
    assert stream.events() == CREATED[:2] * 3 + CREATED[2:]


def test_several_subscriptions_share_an_envelope(office: Office) -> None:
    ada, grace = office.subscribe(ADA), office.subscribe(GRACE)
    stream = office.stream(ada.subscription_id, grace.subscription_id)
    office.put(ADA)
    office.put(GRACE)
    (said,) = stream.now()
    assert isinstance(said, Response)
    assert [one.subscription_id for one in said.notifications] == [ada.subscription_id, grace.subscription_id]


def test_a_heartbeat_comes_every_45_seconds_and_the_clock_wakes(office: Office) -> None:
    stream = office.stream(office.subscribe().subscription_id)
    office.passes(seconds=44)
    assert stream.now() == []
    assert stream.stream.next_at == office.estate.now() + timedelta(seconds=1)
    woken = stream.woken
    office.passes(seconds=1)
    assert stream.woken == woken + 1
    assert stream.now() == [OK]


def test_it_closes_after_its_minutes_and_goes_on_with_the_same_id(office: Office) -> None:
    made = office.subscribe()
    stream = office.stream(made.subscription_id, minutes=2)
    office.passes(minutes=2)
    assert stream.now() == [CLOSED]
    assert stream.stream.ended and not stream.stream.torn
    stream.stream.closed()
    again = office.stream(made.subscription_id)
    office.put()
    assert again.events() == CREATED
    assert office.known.hanging(ADA) == 1


def test_what_happened_between_two_connections_is_told(office: Office) -> None:
    made = office.subscribe()
    office.stream(made.subscription_id).stream.closed()
    office.put()
    answered = office.ask_stream(made.subscription_id)
    assert isinstance(answered, StreamedAnswer)
    assert Reading(answered.stream).events() == CREATED


@pytest.mark.parametrize(
    ("identities", "code"),
    [
        (("bm8gaWQ=",), "ErrorInvalidSubscription"),
        (("bm8gaWQ=", "lost"), "ErrorInvalidSubscription"),
        (("lost",), "ErrorSubscriptionNotFound"),
        (("lost", "good"), "ErrorSubscriptionNotFound"),
    ],
)
def test_bad_ids_are_named_and_the_good_get_nothing(office: Office, identities: tuple[str, ...], code: str) -> None:
    lost, good = office.subscribe(), office.subscribe()
    office.unsubscribe(lost.subscription_id)
    by_name = {"lost": lost.subscription_id, "good": good.subscription_id}
    asked = tuple(by_name.get(one, one) for one in identities)
    said = office.refusal(*asked)
    assert (said.code, said.connection_status) == (code, "Closed")
    assert said.error_subscription_ids == tuple(one for one in asked if one != good.subscription_id)
    assert office.known.hanging(ADA) == 0


def test_another_server_or_account_finds_nothing(office: Office) -> None:
    made = office.subscribe(ADA)
    assert office.refusal(made.subscription_id, acting=ALAN).code == "ErrorSubscriptionNotFound"
    assert office.refusal(made.subscription_id, acting="", account=ADA).code == "ErrorSubscriptionAccessDenied"


def test_a_pull_subscription_is_not_streamed(office: Office) -> None:
    assert office.refusal(office.pull().subscription_id).code == "ErrorInvalidSubscription"


def test_a_connection_takes_200_ids(office: Office) -> None:
    made = [office.subscribe().subscription_id for _ in range(201)]
    office.stream(*made[:200])
    refused = office.refusal(*made)
    assert isinstance(refused, EwsFault)


def test_hanging_connections_are_counted_by_the_mailbox_acted_for(office: Office) -> None:
    office.known.budgets.take_up("few-connections")
    first = office.stream(office.subscribe().subscription_id)
    refused = office.refusal(office.subscribe().subscription_id)
    assert isinstance(refused, EwsFault) and refused.code == "ErrorExceededConnectionCount"
    grace = office.subscribe(GRACE)
    office.stream(grace.subscription_id, acting=GRACE)
    first.stream.closed()
    office.stream(office.subscribe().subscription_id)


def test_ten_connections_are_taken_in_good_manners(office: Office) -> None:
    for _ in range(10):
        office.stream(office.subscribe().subscription_id)
    assert isinstance(office.refusal(office.subscribe().subscription_id), EwsFault)


def test_a_subscription_that_dies_ends_the_connection(office: Office) -> None:
    ada, grace = office.subscribe(ADA), office.subscribe(GRACE)
    stream = office.stream(ada.subscription_id, grace.subscription_id)
    woken = stream.woken
    move(office.estate, ADA, "EX2")
    assert stream.woken > woken
    (said,) = stream.now()
    assert isinstance(said, Response)
    assert (said.code, said.error_subscription_ids) == ("ErrorInvalidSubscription", (ada.subscription_id,))
    assert said.closed and stream.stream.ended


def test_a_server_that_goes_down_tears_its_streams_only(office: Office) -> None:
    here = office.stream(office.subscribe(ADA).subscription_id)
    there = office.stream(office.subscribe(ALAN).subscription_id, acting=ALAN)
    take_down(office.estate, "EX1")
    assert here.now() == [] and here.stream.torn
    office.put(ALAN)
    assert there.events() == CREATED


def test_duplicates(office: Office) -> None:
    office.known.budgets.take_up("duplicates")
    stream = office.stream(office.subscribe().subscription_id)
    office.put()
    assert stream.events() == CREATED * 2


def test_late(office: Office) -> None:
    office.known.budgets.take_up("late")
    stream = office.stream(office.subscribe().subscription_id)
    office.put()
    assert stream.events() == []
    office.passes(seconds=30)
    assert stream.events() == []
    assert stream.stream.next_at == office.estate.now() + timedelta(seconds=15)
    office.passes(seconds=30)
    assert stream.events() == CREATED


def test_missing(office: Office) -> None:
    office.known.budgets.take_up("missing")
    stream = office.stream(office.subscribe().subscription_id)
    office.put()
    assert stream.events() == []
    office.passes(seconds=45)
    assert stream.now() == [OK]


def test_half_missing(office: Office) -> None:
    office.known.budgets.take_up("half-missing")
    stream = office.stream(office.subscribe().subscription_id)
    for _ in range(4):
        office.put()
    assert stream.events().count("CreatedEvent") == 2


def test_silent(office: Office) -> None:
    stream = office.stream(office.subscribe().subscription_id, minutes=1)
    office.known.budgets.take_up("silent")
    office.put()
    office.passes(hours=1)
    assert stream.now() == []
    assert stream.stream.next_at > office.estate.now() + timedelta(days=1)
    office.known.budgets.clear()
    assert stream.now()[-1] == CLOSED


def test_a_later_connection_takes_a_subscription_over(office: Office) -> None:
    made = office.subscribe()
    first, second = office.stream(made.subscription_id), office.stream(made.subscription_id)
    office.put()
    assert (first.events(), second.events()) == ([], CREATED)


def test_a_reset_tears(office: Office) -> None:
    stream = office.stream(office.subscribe().subscription_id)
    office.estate.reset()
    assert stream.stream.torn
