"""Subscribe, GetEvents and Unsubscribe of the lab: whose, where, how long, and what is told."""

import msgspec
import pytest
from tests.lab.notify.office import ADA, ALAN, GRACE, ON, Office

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.exchange import answer
from hybridge.lab.contoso import MAIL_HOST
from hybridge.lab.estate import ADMINISTRATOR
from hybridge.lab.mail.affinity import server_of
from hybridge.lab.mail.failover import bring_up, move, take_down
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire.ews import subscribe
from hybridge.wire.ews.distinguished_folders import folder_id
from hybridge.wire.ews.faults import EwsFault
from hybridge.wire.ews.get_folder import FolderRef

CREATED = ["CreatedEvent", "FreeBusyChangedEvent", "ModifiedEvent"]


def kinds(answer: object) -> list[str]:
    return [event.kind for event in answer.notification.events]  # type: ignore[attr-defined]


def test_an_id_names_its_server(office: Office) -> None:
    assert [server_of(office.subscribe(mailbox).subscription_id) for mailbox in (ADA, ALAN)] == [
        "ex1.contoso.com",
        "ex2.contoso.com",
    ]


def test_ids_differ_and_have_no_watermark(office: Office) -> None:
    one, two = office.subscribe(), office.subscribe()
    assert one.subscription_id != two.subscription_id
    assert (one.watermark, one.code) == ("", "NoError")


@pytest.mark.parametrize(
    ("folders", "code"),
    [
        ((FolderRef("calendar", ADA), FolderRef("calendar", GRACE)), "ErrorInvalidSubscriptionRequest"),
        ((FolderRef("calendar", ADA), FolderRef("inbox")), "NoError"),
        ((FolderRef("calendar", GRACE),), "ErrorSubscriptionDelegateAccessNotSupported"),
        ((FolderRef("calendar", "nobody@contoso.com"),), "ErrorNonExistentMailbox"),
        ((FolderRef("voicemail"),), "ErrorFolderNotFound"),
        ((FolderRef(folder_id="AAMkmadeup"),), "ErrorInvalidIdMalformed"),
        ((FolderRef(folder_id=folder_id(ADA, "calendar")),), "NoError"),
        ((), "NoError"),
    ],
)
def test_a_subscription_is_to_folders_of_ones_own_mailbox(
    office: Office, folders: tuple[FolderRef, ...], code: str
) -> None:
    assert office.subscribe(ADA, request=subscribe.Request(folders=folders)).code == code


def test_an_account_without_a_mailbox_must_act_for_one(office: Office) -> None:
    assert office.subscribe(ADA, acting="").code == "ErrorSubscriptionDelegateAccessNotSupported"
    assert office.subscribe(ADA, acting="", request=subscribe.Request()).code == "ErrorMissingEmailAddress"


def test_nothing_is_pushed(office: Office) -> None:
    request = subscribe.Request(kind=subscribe.PUSH, url="https://gateway.contoso.com/")
    assert office.subscribe(request=request).code == "ErrorInvalidPushSubscriptionUrl"


def test_pulling_tells_what_happened_since_the_watermark(office: Office) -> None:
    made = office.pull()
    nothing = office.get_events(made.subscription_id, made.watermark)
    assert kinds(nothing) == ["StatusEvent"]
    item = office.put()
    told = office.get_events(made.subscription_id, nothing.watermark)
    assert kinds(told) == CREATED
    assert {event.at for event in told.notification.events} == {office.estate.now()}
    assert [event.item_id for event in told.notification.events] == [item, item, ""]
    assert told.notification.events[2].folder_id == folder_id(ADA, "calendar")
    assert told.notification.previous_watermark == nothing.watermark
    assert told.notification.more_events is False
    assert kinds(office.get_events(made.subscription_id, told.watermark)) == ["StatusEvent"]
    assert kinds(office.get_events(made.subscription_id, made.watermark)) == CREATED, "an old watermark reads again"


def test_events_of_others_and_of_other_folders_are_not_told(office: Office) -> None:
    made = office.pull()
    office.put(GRACE)
    assert kinds(office.get_events(made.subscription_id, made.watermark)) == ["StatusEvent"]


def test_moves_and_deletions_are_told(office: Office) -> None:
    made = office.pull()
    item = office.store.get("ada@contoso.com/100001") or office.store.get(_identity(office))
    assert item is not None
    before = office.known.watermark
    office.store.remove(item, for_good=False)
    told = office.get_events(made.subscription_id, before)
    moved = told.notification.events[0]
    assert (moved.kind, moved.old_item_id) == ("MovedEvent", item.opaque_id)
    assert moved.old_parent_folder_id == folder_id(ADA, "calendar")
    assert "FreeBusyChangedEvent" in kinds(told)


def _identity(office: Office) -> str:
    office.put()
    return office.store.items(ON, ADA)[-1].identity


def test_many_events_come_in_parts(office: Office) -> None:
    made = office.pull()
    for _ in range(40):
        office.put()
    mark, found, more = made.watermark, 0, True
    while more:
        told = office.get_events(made.subscription_id, mark)
        found += kinds(told).count("CreatedEvent")
        mark, more = told.watermark, told.notification.more_events
    assert found == 40


def test_a_watermark_must_be_known(office: Office) -> None:
    made = office.pull()
    for strange in ("AAAA", "not base64", "AAAAAP//////////AQ=="):
        assert office.get_events(made.subscription_id, strange).code == "ErrorInvalidWatermark"
    assert office.pull(watermark="AAAA").code == "ErrorInvalidWatermark"


def test_a_new_subscription_goes_on_from_an_old_watermark(office: Office) -> None:
    made = office.pull()
    office.put()
    again = office.pull(watermark=made.watermark)
    assert kinds(office.get_events(again.subscription_id, again.watermark)) == CREATED


def test_a_pull_subscription_nobody_asks_for_expires(office: Office) -> None:
    made = office.pull(minutes=10)
    office.passes(minutes=10)
    assert office.get_events(made.subscription_id, made.watermark).code == "NoError"
    office.passes(minutes=10, seconds=1)
    assert office.get_events(made.subscription_id, made.watermark).code == "ErrorExpiredSubscription"


def test_only_the_owner_may_use_a_subscription(office: Office) -> None:
    made = office.pull()
    assert office.get_events(made.subscription_id, made.watermark, acting="", account=ADA).code == (
        "ErrorSubscriptionAccessDenied"
    )
    assert office.unsubscribe(made.subscription_id, acting="", account=ADA).code == "ErrorSubscriptionAccessDenied"
    assert office.unsubscribe(made.subscription_id).code == "NoError"
    assert office.unsubscribe(made.subscription_id).code == "ErrorSubscriptionNotFound"
    assert office.unsubscribe("bm8gaWQ=").code == "ErrorInvalidSubscription"


def test_a_streaming_subscription_is_not_pulled(office: Office) -> None:
    made = office.subscribe()
    assert office.get_events(made.subscription_id, office.known.watermark).code == "ErrorInvalidSubscription"


def test_without_affinity_a_group_of_two_servers_is_lost(office: Office) -> None:
    made = office.subscribe(ADA)
    assert office.unsubscribe(made.subscription_id, acting=ALAN).code == "ErrorSubscriptionNotFound"
    assert office.unsubscribe(made.subscription_id, acting=ALAN, anchor=ADA).code == "NoError"


def test_the_cookie_keeps_a_group_at_its_server(office: Office) -> None:
    first = office.subscribe(ADA, sticky=True)
    assert office.cookie.startswith("X-BackEndOverrideCookie=ex1.contoso.com~")
    kept, office.cookie = office.cookie, ""
    assert server_of(first.subscription_id) == "ex1.contoso.com"
    office.cookie = kept
    second = office.subscribe(ALAN, sticky=True)
    assert server_of(second.subscription_id) == "ex1.contoso.com"
    assert office.cookie == kept, "only the first answer sets it"
    assert office.unsubscribe(second.subscription_id, acting=ALAN).code == "ErrorSubscriptionNotFound"
    assert office.unsubscribe(second.subscription_id, acting=ALAN, sticky=True).code == "NoError"


def test_without_the_header_no_cookie_is_set(office: Office) -> None:
    office.subscribe(ADA)
    assert office.cookie == ""


def test_the_subscriptions_of_a_mailbox_are_counted(office: Office) -> None:
    office.known.budgets.take_up("few-subscriptions")
    assert [office.subscribe().code for _ in range(2)] == ["NoError", "NoError"]
    refused = office.subscribe()
    assert isinstance(refused, EwsFault) and refused.code == "ErrorExceededSubscriptionCount"
    assert office.subscribe(GRACE).code == "NoError", "charged to the mailbox acted for"


def test_a_recycled_server_forgets(office: Office) -> None:
    here, there = office.subscribe(ADA), office.subscribe(ALAN)
    assert office.known.lose("ex1") == 1
    assert office.unsubscribe(here.subscription_id).code == "ErrorSubscriptionNotFound"
    assert office.unsubscribe(there.subscription_id, acting=ALAN).code == "NoError"


def test_a_move_kills_the_subscriptions_of_the_mailbox(office: Office) -> None:
    made, other = office.subscribe(ADA), office.subscribe(GRACE)
    move(office.estate, ADA, "EX2")
    assert office.unsubscribe(made.subscription_id, anchor=GRACE).code == "ErrorSubscriptionNotFound"
    assert office.unsubscribe(other.subscription_id, acting=GRACE).code == "NoError"
    assert server_of(office.subscribe(ADA).subscription_id) == "ex2.contoso.com"


def test_a_server_goes_down_and_comes_back(office: Office) -> None:
    made = office.subscribe(ADA, sticky=True)
    take_down(office.estate, "EX1")
    assert office.unsubscribe(made.subscription_id, sticky=True).code == "ErrorSubscriptionNotFound"
    away = office.subscribe(ADA, sticky=True)
    assert server_of(away.subscription_id) == "ex2.contoso.com", "the cookie of a server that is down counts not"
    assert office.post("<m:GetDelegate/>", host="ex1.contoso.com").failure is not None
    bring_up(office.estate, "ex1.contoso.com")
    assert office.estate.organization == office.estate.healthy
    assert office.unsubscribe(away.subscription_id, anchor=ALAN).code == "ErrorSubscriptionNotFound"
    assert server_of(office.subscribe(ADA).subscription_id) == "ex1.contoso.com"


def test_a_reset_forgets_everything(office: Office) -> None:
    made = office.pull()
    office.known.budgets.take_up("busy")
    office.estate.reset()
    assert office.known.all == ()
    assert office.get_events(made.subscription_id, made.watermark).code == "ErrorSubscriptionNotFound"


def test_ids_survive_as_text(office: Office) -> None:
    made = office.subscribe()
    assert msgspec.json.decode(msgspec.json.encode(made), type=subscribe.Response) == made


def test_autodiscover_groups_mailboxes_by_their_server_and_follows_a_move(office: Office) -> None:
    def groups() -> list[str]:
        found = []
        for mailbox in (ADA, GRACE, ALAN):
            body = soap.write_request(
                soap.Request((mailbox,), ("GroupingInformation",)), "https://mail.contoso.com/autodiscover.svc"
            )
            answered = answer(
                office.estate,
                Request(method="POST", host=MAIL_HOST, path=soap.PATH, body=body.encode(), principal=ADMINISTRATOR),
            )
            said = soap.read_answer(answered)
            assert isinstance(said, soap.Response)
            found.append(said.users[0].setting("GroupingInformation"))
        return found

    assert groups() == ["CONTOSO-EX1", "CONTOSO-EX1", "CONTOSO-EX2"]
    move(office.estate, ADA, "EX2")
    assert groups() == ["CONTOSO-EX2", "CONTOSO-EX1", "CONTOSO-EX2"]
