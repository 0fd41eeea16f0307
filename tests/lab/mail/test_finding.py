"""FindItem: views of a calendar and their limits; pages, orders and restrictions."""

from __future__ import annotations

from datetime import timedelta

from tests.lab.mail.bodies import GRACE, HOUR, ON, START, Client, code, create, found, texts, times, view

from hybridge.lab.estate import Estate
from hybridge.lab.mail.store import store_of
from hybridge.wire.ews.writing import instant
from hybridge.wire.xml import Element


def test_views_and_their_limits(ews: Client) -> None:
    for hour in range(3):
        ews(create(f"<t:Subject>{hour}</t:Subject>{times(START + hour * HOUR, START + (hour + 1) * HOUR)}"))
    some = ews(view(START, START + 3 * HOUR, 'MaxEntriesReturned="2"'))
    root = found(some, "m:RootFolder")[0]
    assert (root.get("TotalItemsInView"), root.get("IncludesLastItemInRange")) == ("3", "false")
    assert texts(some, "t:Subject") == ["0", "1"]
    assert found(some, "t:Body") == [], "FindItem never tells the body"
    assert code(ews(view(START, START + timedelta(days=800)))) == "ErrorCalendarViewRangeTooBig"
    assert code(ews(view(START, START - HOUR))) == "ErrorCalendarEndDateIsEarlierThanStartDate"
    inbox = view(START, START + HOUR).replace('Id="calendar"', 'Id="inbox"')
    assert code(ews(inbox)) == "ErrorCalendarFolderIsInvalidForCalendarView"


def test_pages_orders_and_restrictions(ews: Client, estate: Estate) -> None:
    for number in range(5):
        start = START + number * HOUR
        store_of(estate).put_simple(ON, GRACE, subject=f"p{number}", start_at=start, end_at=start + HOUR)

    def page(view: str, test: str = "", order: str = "") -> Element:
        return ews(
            '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>'
            f"<m:IndexedPageItemView {view}/>{test}{order}<m:ParentFolderIds>"
            '<t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>',
            user=GRACE,
        )

    def compared(kind: str, uri: str, value: str) -> str:
        constant = f'<t:FieldURIOrConstant><t:Constant Value="{value}"/></t:FieldURIOrConstant>'
        return f'<t:{kind}><t:FieldURI FieldURI="{uri}"/>{constant}</t:{kind}>'

    ours = (
        '<t:Contains ContainmentMode="Prefixed" ContainmentComparison="IgnoreCase">'
        '<t:FieldURI FieldURI="item:Subject"/><t:Constant Value="P"/></t:Contains>'
    )
    late = compared("IsGreaterThan", "calendar:Start", instant(START + HOUR))
    falling = (
        '<m:SortOrder><t:FieldOrder Order="Descending"><t:FieldURI FieldURI="calendar:Start"/></t:FieldOrder>'
        "</m:SortOrder>"
    )
    both = f"<m:Restriction><t:And>{ours}{late}</t:And></m:Restriction>"
    first = page('MaxEntriesReturned="2" Offset="0" BasePoint="Beginning"', both, falling)
    root = found(first, "m:RootFolder")[0]
    assert texts(first, "t:Subject") == ["p4", "p3"]
    assert (root.get("IndexedPagingOffset"), root.get("TotalItemsInView")) == ("2", "3")
    assert root.get("IncludesLastItemInRange") == "false"
    rest = page('MaxEntriesReturned="2" Offset="2" BasePoint="Beginning"', both, falling)
    assert texts(rest, "t:Subject") == ["p2"]
    assert found(rest, "m:RootFolder")[0].get("IncludesLastItemInRange") == "true"
    last = page('MaxEntriesReturned="1" Offset="0" BasePoint="End"', f"<m:Restriction>{ours}</m:Restriction>")
    assert texts(last, "t:Subject") == ["p4"]
    neither = f"<m:Restriction><t:Not><t:Or>{ours}{late}</t:Or></t:Not></m:Restriction>"
    everything = page('Offset="0" BasePoint="Beginning"', neither)
    assert {name[0] for name in texts(everything, "t:Subject")}.isdisjoint({"p"})
    none = page(
        'Offset="0" BasePoint="Beginning"',
        f"<m:Restriction>{compared('IsEqualTo', 'calendar:IsAllDayEvent', 'true')}</m:Restriction>",
    )
    assert texts(none, "t:Subject") == []
    there = '<m:Restriction><t:Exists><t:FieldURI FieldURI="calendar:Recurrence"/></t:Exists></m:Restriction>'
    assert texts(page('Offset="0" BasePoint="Beginning"', there), "t:Subject") == []
