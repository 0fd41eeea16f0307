"""Items by bare EWS bodies: change keys, single properties, occurrences, answers, and what Exchange calls mistakes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.lab.mail.bodies import (
    ADA,
    ALAN,
    BERLIN,
    GRACE,
    HOUR,
    ON,
    ONLINE,
    START,
    WEEKLY,
    Client,
    answered,
    code,
    create,
    delete,
    found,
    get,
    ids,
    invited,
    named,
    put,
    subject,
    texts,
    times,
    update,
    view,
)

from hybridge.lab.estate import Estate
from hybridge.lab.mail.items import Change
from hybridge.lab.mail.store import store_of
from hybridge.org.records import CalendarEvent, Mailbox, MailboxFolderPermission
from hybridge.wire.ews.calendar_items import item_id
from hybridge.wire.ews.writing import instant
from hybridge.wire.xml import Element


def test_change_keys(ews: Client) -> None:
    first = ids(ews(create(f"<t:Subject>One</t:Subject>{times()}")))
    second = ids(ews(update(named(first), subject("Two"), "NeverOverwrite")))
    assert second[0] == first[0]
    assert second[1] != first[1]
    assert code(ews(update(named(first), subject("Late"), "NeverOverwrite"))) == "ErrorIrresolvableConflict"
    bare = f'<t:ItemId Id="{first[0]}"/>'
    assert code(ews(update(bare, subject("Bare")))) == "ErrorChangeKeyRequired"
    assert code(ews(update(bare, subject("Over"), "AlwaysOverwrite"))) == "NoError"
    assert code(ews(update(named(first), subject("Resolved")))) == "NoError"
    assert texts(ews(get(bare)), "t:Subject") == ["Resolved"]


def test_single_properties(ews: Client) -> None:
    one = ids(ews(create(f'<t:Subject>One</t:Subject><t:Body BodyType="Text">Hello</t:Body>{times()}')))
    more = put("item:Body", '<t:Body BodyType="Text"> there</t:Body>', "AppendToItemField")
    gone = '<t:DeleteItemField><t:FieldURI FieldURI="item:Subject"/></t:DeleteItemField>'
    kept = put("calendar:MeetingWorkspaceUrl", "<t:MeetingWorkspaceUrl>https://x</t:MeetingWorkspaceUrl>")
    assert code(ews(update(named(one), more + gone + kept))) == "NoError"
    read = ews(get(named(one)))
    assert texts(read, "t:Body") == ["Hello there"]
    assert texts(read, "t:Subject") == [""]
    assert texts(read, "t:MeetingWorkspaceUrl") == ["https://x"]
    no_start = '<t:DeleteItemField><t:FieldURI FieldURI="calendar:Start"/></t:DeleteItemField>'
    assert code(ews(update(named(one), no_start))) == "ErrorInvalidPropertyDelete"
    append = put("item:Subject", "<t:Subject>x</t:Subject>", "AppendToItemField")
    assert code(ews(update(named(one), append))) == "ErrorInvalidPropertyAppend"
    back = put("calendar:End", f"<t:End>{instant(START - HOUR)}</t:End>")
    assert code(ews(update(named(one), back))) == "ErrorCalendarEndDateIsEarlierThanStartDate"
    assert texts(ews(get(named(one))), "t:Start") == [instant(START)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (create(f"{times()}<t:Subject>Late</t:Subject>"), "ErrorSchemaValidation"),
        (create(f"<t:Subject>a</t:Subject>{times()}", send="ToAll"), "ErrorSchemaValidation"),
        (create(f"<t:Colour>red</t:Colour>{times()}"), "ErrorSchemaValidation"),
        (create(f"{times()}<t:IsMeeting>true</t:IsMeeting>"), "ErrorInvalidPropertySet"),
        (
            update('<t:ItemId Id="x"/>', put("item:Subject", "<t:Location>x</t:Location>")),
            "ErrorUpdatePropertyMismatch",
        ),
        (update('<t:ItemId Id="x"/>', subject("a"), "Sometimes"), "ErrorSchemaValidation"),
        (get('<t:ItemId ChangeKey="x"/>'), "ErrorSchemaValidation"),
        (view(START, START + HOUR, 'MaxEntriesReturned="0"'), "ErrorSchemaValidation"),
    ],
)
def test_requests_that_are_refused_whole(fault: Callable[[str], str], body: str, expected: str) -> None:
    assert fault(body) == expected


def test_what_must_be_said_of_calendar_items(ews: Client) -> None:
    silent = create(f"<t:Subject>a</t:Subject>{times()}").replace(' SendMeetingInvitations="SendToNone"', "")
    assert code(ews(silent)) == "ErrorSendMeetingInvitationsRequired"
    one = named(ids(ews(create(times()))))
    whom = ' SendMeetingInvitationsOrCancellations="SendToNone"'
    said = code(ews(update(one, subject("b")).replace(whom, "")))
    assert said == "ErrorSendMeetingInvitationsOrCancellationsRequired"
    silent = delete(one).replace(' SendMeetingCancellations="SendToNone"', "")
    assert code(ews(silent)) == "ErrorSendMeetingCancellationsRequired"
    assert code(ews(delete(one))) == "NoError"
    assert code(ews(delete(one))) == "ErrorItemNotFound"
    assert code(ews(get('<t:ItemId Id="AAMkNONSENSE"/>'))) == "ErrorInvalidIdMalformed"
    assert code(ews(create(times(START, START - HOUR)))) == "ErrorCalendarEndDateIsEarlierThanStartDate"


def test_occurrences_by_their_ids(ews: Client) -> None:
    master = ids(ews(create(f"<t:Subject>W</t:Subject>{times()}{WEEKLY}{BERLIN}")))
    single = ids(ews(create(times())))

    def nth(index: int, of: str = master[0]) -> str:
        return f'<t:OccurrenceItemId RecurringMasterId="{of}" InstanceIndex="{index}"/>'

    second = ews(get(nth(2)))
    assert texts(second, "t:Start") == [instant(START + timedelta(days=7))]
    assert texts(second, "t:CalendarItemType") == ["Occurrence"]
    assert code(ews(get(nth(6)))) == "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"
    assert code(ews(get(nth(0)))) == "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"
    assert code(ews(get(nth(1, single[0])))) == "ErrorCalendarCannotUseIdForOccurrenceId"
    whole = f'<t:RecurringMasterItemId OccurrenceId="{ids(second)[0]}"/>'
    assert texts(ews(get(whole)), "t:CalendarItemType") == ["RecurringMaster"]
    not_one = f'<t:RecurringMasterItemId OccurrenceId="{single[0]}"/>'
    assert code(ews(get(not_one))) == "ErrorCalendarCannotUseIdForRecurringMasterId"
    assert code(ews(delete(nth(2)))) == "NoError"
    assert code(ews(get(nth(2)))) == "ErrorCalendarOccurrenceIsDeletedFromRecurrence"
    third = ids(ews(get(nth(3))))
    assert code(ews(update(named(third), subject("Other")))) == "NoError"
    read = ews(get(named(third)))
    assert (texts(read, "t:CalendarItemType"), texts(read, "t:Subject")) == (["Exception"], ["Other"])
    told = ews(get(named(master)))
    assert len(found(told, "t:ModifiedOccurrences/t:Occurrence")) == 1
    assert len(found(told, "t:DeletedOccurrences/t:DeletedOccurrence")) == 1
    later = put("calendar:Start", f"<t:Start>{instant(START + HOUR / 2)}</t:Start>")
    assert code(ews(update(named(master), later, "AlwaysOverwrite"))) == "NoError"
    told = ews(get(named(master)))
    assert found(told, "t:ModifiedOccurrences") == [], "a series at another time forgets its exceptions"
    assert texts(told, "t:FirstOccurrence/t:Start") == [instant(START + HOUR / 2)]
    move = (
        '<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="deleteditems"/></m:ToFolderId>'
        f"<m:ItemIds>{nth(1)}</m:ItemIds></m:MoveItem>"
    )
    assert code(ews(move)) == "ErrorCalendarCannotMoveOrCopyOccurrence"


def test_times_without_a_zone(ews: Client) -> None:
    naive = "<t:Start>2027-03-01T09:00:00</t:Start><t:End>2027-03-01T10:00:00</t:End>"
    context = '<t:TimeZoneContext><t:TimeZoneDefinition Id="Eastern Standard Time"/></t:TimeZoneContext>'
    own = ews(create(f"{naive}{BERLIN}"), header=context)
    assert texts(ews(get(named(ids(own)))), "t:Start") == ["2027-03-01T08:00:00Z"]
    of_the_context = ews(get(named(ids(ews(create(naive), header=context)))))
    assert texts(of_the_context, "t:Start") == ["2027-03-01T14:00:00Z"]
    assert found(of_the_context, "t:StartTimeZone")[0].get("Id") == "Eastern Standard Time"
    assert texts(ews(get(named(ids(ews(create(naive)))))), "t:Start") == ["2027-03-01T09:00:00Z"]


def test_an_all_day_event_is_pushed_to_the_midnights_of_its_zone(ews: Client) -> None:
    noon = datetime(2027, 7, 1, 12, tzinfo=UTC)
    made = ews(create(f"{times(noon, noon + HOUR)}<t:IsAllDayEvent>true</t:IsAllDayEvent>{BERLIN}"))
    read = ews(get(named(ids(made))))
    assert (texts(read, "t:Start"), texts(read, "t:End")) == (["2027-06-30T22:00:00Z"], ["2027-07-01T22:00:00Z"])
    assert texts(read, "t:Duration") == ["P1D"]


def test_mime_content_has_the_rules_of_the_zone(ews: Client) -> None:
    made = ews(create(f"<t:Subject>Größe, {'x' * 90}</t:Subject>{times()}{WEEKLY}{BERLIN}{''}"))
    mime = base64.b64decode(texts(ews(get(named(ids(made)))), "t:MimeContent")[0]).decode()
    assert "TZID:W. Europe Standard Time" in mime
    assert "DTSTART:20270328T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT" in mime
    assert "RRULE:FREQ=WEEKLY;BYDAY=MO;WKST=SU;COUNT=5" in mime
    assert all(len(line.encode()) <= 75 for line in mime.split("\r\n"))
    assert "SUMMARY:Größe\\, xxx" in mime.replace("\r\n ", "")


def test_answers_to_invitations(ews: Client, estate: Estate) -> None:
    made = ids(ews(create(f"<t:Subject>M</t:Subject>{times()}{invited(ALAN, GRACE)}", "SendToAllAndSaveCopy")))
    assert code(ews(answered("AcceptItem", named(made)))) == "ErrorCalendarIsOrganizerForAccept"
    mine = ids(ews(view(START, START + HOUR), user=ALAN))
    silent = answered("AcceptItem", named(mine)).replace(' MessageDisposition="SendAndSaveCopy"', "")
    assert code(ews(silent, user=ALAN)) == "ErrorMessageDispositionRequired"
    quiet = answered("AcceptItem", named(mine)).replace("SendAndSaveCopy", "SaveOnly")
    assert code(ews(quiet, user=ALAN)) == "NoError"
    assert texts(ews(get(named(made))), "t:Attendee/t:ResponseType") == ["Unknown", "Unknown"], "nobody was told"
    assert code(ews(answered("TentativelyAcceptItem", named(mine)), user=ALAN)) == "NoError"
    assert texts(ews(get(named(made))), "t:Attendee/t:ResponseType") == ["Tentative", "Unknown"]
    assert code(ews(answered("CancelCalendarItem", named(mine)), user=ALAN)) == "ErrorCalendarIsNotOrganizer"
    assert code(ews(answered("CancelCalendarItem", named(made)))) == "NoError"
    assert code(ews(answered("AcceptItem", named(mine)), user=ALAN)) == "ErrorCalendarIsCancelledForAccept"
    off = [one for one in store_of(estate).items(ON, ALAN, "inbox") if one.kind == "MeetingCancellation"]
    assert code(ews(answered("RemoveItem", named((off[0].opaque_id, off[0].change_key))), user=ALAN)) == "NoError"
    assert found(ews(view(START, START + HOUR), user=ALAN), "t:CalendarItem") == []
    assert len(found(ews(view(START, START + HOUR), user=GRACE), "t:CalendarItem")) == 1
    inbox = (
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>'
    )
    kinds = [one.tag.rpartition("}")[2] for one in found(ews(inbox, user=GRACE), "t:Items/*")]
    assert kinds == ["MeetingRequest", "MeetingCancellation"]
    for one in store_of(estate).items(ON, ADA, "inbox"):
        assert code(ews(get(named((one.opaque_id, one.change_key))))) == "NoError"


def test_who_joins_and_who_leaves_a_meeting_is_told(ews: Client) -> None:
    made = ids(ews(create(f"<t:Subject>M</t:Subject>{times()}{invited(ALAN)}", "SendToAllAndSaveCopy")))
    others = put("calendar:RequiredAttendees", invited(GRACE))
    assert code(ews(update(named(made), others, send="SendToChangedAndSaveCopy"))) == "NoError"
    assert texts(ews(view(START, START + HOUR), user=GRACE), "t:Subject") == ["M"]
    assert texts(ews(view(START, START + HOUR), user=ALAN), "t:Subject") == ["Canceled: M"]


def test_somebody_elses_calendar(ews: Client, estate: Estate) -> None:
    owner = f"<t:Mailbox><t:EmailAddress>{ADA}</t:EmailAddress></t:Mailbox>"
    calendar = f'<t:DistinguishedFolderId Id="calendar">{owner}</t:DistinguishedFolderId>'
    body = create(f"<t:Subject>x</t:Subject>{times()}", folder=calendar)
    assert code(ews(body, user=ALAN)) == "ErrorFolderNotFound"
    reviewer = MailboxFolderPermission(
        premises=ON,
        identity=f"{ADA}:\\Calendar/{ALAN}",
        mailbox=ADA,
        user=ALAN,
        access_rights=("Reviewer",),
    )
    estate.organization = estate.organization.put(reviewer)
    assert code(ews(body, user=ALAN)) == "ErrorCreateItemAccessDenied"
    one = named(ids(ews(create(times()))))
    assert code(ews(get(one), user=ALAN)) == "NoError"
    assert code(ews(update(one, subject("a")), user=ALAN)) == "ErrorAccessDenied"
    assert code(ews(delete(one), user=ALAN)) == "ErrorAccessDenied"
    private = named(ids(ews(create(f"<t:Sensitivity>Private</t:Sensitivity>{times()}"))))
    assert code(ews(get(private), user=ALAN)) == "ErrorItemNotFound"
    assert len(found(ews(view(START, START + HOUR, owner=ADA), user=ALAN), "t:CalendarItem")) == 1
    inbox = calendar.replace('"calendar"', '"inbox"')
    sync = (
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>"
        f"{inbox}</m:SyncFolderId><m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>"
    )
    assert code(ews(sync, user=ALAN)) == "ErrorFolderNotFound"


def test_a_record_that_is_changed_moves_into_the_store(ews: Client, estate: Estate) -> None:
    record = next(one for one in estate.organization.all(CalendarEvent, ON, ADA) if one.subject == "Budget")
    one = (item_id(record.identity), "AQAAAA==")
    assert texts(ews(get(named(one))), "t:Subject") == ["Budget"]
    assert code(ews(update(named(one), subject("Budget 2"), send="SendToNone"))) == "NoError"
    assert estate.organization.one(CalendarEvent, ON, record.identity) is None
    day = view(record.start_at, record.end_at)
    assert texts(ews(day), "t:Subject") == ["Budget 2"]
    estate.reset()
    assert texts(ews(day), "t:Subject") == ["Budget"]


def test_everything_that_happens_is_told(ews: Client, estate: Estate) -> None:
    told: list[Change] = []
    stop = store_of(estate).watch(told.append)
    one = ids(ews(create(f"<t:Subject>M</t:Subject>{times()}{invited(ALAN)}", "SendToAllAndSaveCopy")))
    assert {(one.kind, one.mailbox) for one in told} >= {
        ("created", ADA),
        ("free-busy", ADA),
        ("created", ALAN),
        ("free-busy", ALAN),
        ("new-mail", ALAN),
    }
    told.clear()
    one = ids(ews(update(named(one), subject("N"))))
    assert [(one.kind, one.mailbox) for one in told] == [("modified", ADA)], "a subject changes no free/busy"
    told.clear()
    ews(delete(named(one), way="MoveToDeletedItems"))
    assert [one.kind for one in told] == ["moved", "free-busy"]
    assert told[0].old_item_id == one[0]
    stop()
    store_of(estate).put_simple(ONLINE, "linus@contoso.com", subject="s", start_at=START, end_at=START + HOUR)
    assert len(told) == 2
    assert len(store_of(estate).occurrences(ONLINE, "linus@contoso.com", START, START + HOUR)) == 1


def test_one_occurrence_is_answered_for_itself(ews: Client) -> None:
    people = invited(ALAN)
    weekly, zone = WEEKLY, BERLIN
    made = ids(ews(create(f"<t:Subject>W</t:Subject>{times()}{people}{weekly}{zone}", "SendToAllAndSaveCopy")))
    days = [START + timedelta(days=7 * week) for week in range(3)]

    def at(day: datetime, user: str) -> Element:
        return ews(view(day, day + HOUR), user=user)

    assert code(ews(answered("AcceptItem", named(ids(at(days[0], ALAN)))), user=ALAN)) == "NoError"
    assert texts(at(days[0], ALAN), "t:CalendarItemType") == ["Exception"]
    assert texts(at(days[0], ALAN), "t:LegacyFreeBusyStatus") == ["Busy"]
    assert texts(at(days[1], ALAN), "t:LegacyFreeBusyStatus") == ["Tentative"]
    assert code(ews(answered("DeclineItem", named(ids(at(days[1], ALAN)))), user=ALAN)) == "NoError"
    assert found(at(days[1], ALAN), "t:CalendarItem") == []

    def answers(day: datetime) -> list[str]:
        return texts(ews(get(named(ids(at(day, ADA))))), "t:Attendee/t:ResponseType")

    assert [answers(day) for day in days] == [["Accept"], ["Decline"], ["Unknown"]]
    assert texts(ews(get(named(made))), "t:Attendee/t:ResponseType") == ["Unknown"]


def test_somebody_online_is_invited_too(ews: Client, estate: Estate) -> None:
    [online, *_] = (one.identity for one in estate.organization.all(Mailbox, ONLINE))
    ews(create(f"<t:Subject>Both</t:Subject>{times()}{invited(online, 'x@elsewhere.example')}", "SendOnlyToAll"))
    [one] = store_of(estate).occurrences(ONLINE, online, START, START + HOUR)
    assert (one.subject, one.busy_type, one.response, one.item.organizer) == (
        "Both",
        "Tentative",
        "NoResponseReceived",
        ADA,
    )


def test_a_message_arrives(ews: Client, estate: Estate) -> None:
    to = f"<t:ToRecipients><t:Mailbox><t:EmailAddress>{ALAN}</t:EmailAddress></t:Mailbox></t:ToRecipients>"
    body = (
        '<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:Message><t:Subject>Hi</t:Subject>'
        f'<t:Body BodyType="Text">you</t:Body>{to}</t:Message></m:Items></m:CreateItem>'
    )
    assert code(ews(body)) == "NoError"
    [message] = store_of(estate).items(ON, ALAN, "inbox")
    read = ews(get(named((message.opaque_id, message.change_key))), user=ALAN)
    assert (texts(read, "t:Subject"), texts(read, "t:From/t:Mailbox/t:EmailAddress")) == (["Hi"], [ADA])
    assert [one.subject for one in store_of(estate).items(ON, ADA, "sentitems")] == ["Hi"]
    assert found(ews(body.replace("SendAndSaveCopy", "SendOnly")), "t:Message") == []
    assert len(store_of(estate).items(ON, ADA, "sentitems")) == 1


@pytest.mark.parametrize(
    "inside",
    [
        times(datetime(1, 1, 1, tzinfo=UTC), START),
        times(START, datetime(9999, 12, 31, 23, tzinfo=UTC)) + "<t:IsAllDayEvent>true</t:IsAllDayEvent>",
        times() + WEEKLY.replace("2027-03-01", "0001-01-01") + BERLIN,
    ],
)
def test_times_out_of_every_calendar(ews: Client, inside: str) -> None:
    assert code(ews(create(inside))) == "ErrorCalendarOutOfRange"


def test_ids_of_free_busy_lead_to_items(ews: Client) -> None:
    made = ids(ews(create(f"<t:Subject>Here</t:Subject>{times()}")))
    window = (
        f"<t:TimeWindow><t:StartTime>{instant(START)[:-1]}</t:StartTime><t:EndTime>{instant(START + HOUR)[:-1]}"
        "</t:EndTime></t:TimeWindow><t:RequestedView>Detailed</t:RequestedView>"
    )
    asked = (
        "<m:GetUserAvailabilityRequest><m:MailboxDataArray><t:MailboxData><t:Email>"
        f"<t:Address>{ADA}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"
        f"</m:MailboxDataArray><t:FreeBusyViewOptions>{window}</t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )
    [entry] = texts(ews(asked), "t:CalendarEventDetails/t:ID")
    source = f'<t:AlternateId Format="HexEntryId" Id="{entry}" Mailbox="{ADA}"/>'
    converted = ews(f'<m:ConvertId DestinationFormat="EwsId"><m:SourceIds>{source}</m:SourceIds></m:ConvertId>')
    assert found(converted, "m:AlternateId")[0].get("Id") == made[0]
