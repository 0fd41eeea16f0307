"""Sentences that differ in the mailboxes they name are said once."""

from __future__ import annotations

import pytest

from hybridge.org.folding import crowds, like_it, names_in, said_once, shape, some, spans


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("EWS is off for ada@contoso.com.", ("ada@contoso.com",)),
        ("'ada@contoso.com:grace@contoso.com'", ("ada@contoso.com", "grace@contoso.com")),
        ("ada.lovelace+x@mail.contoso.com, bo@x", ("ada.lovelace+x@mail.contoso.com", "bo@x")),
        ("https://host/v1?Email=ada@contoso.com&Protocol=Ews", ("ada@contoso.com",)),
        ("ada@contoso.com:\\calendar/grace@contoso.com", ("ada@contoso.com", "grace@contoso.com")),
        ("@{Add=...} and an @ alone", ()),
        ("nobody", ()),
    ],
)
def test_the_mailboxes_of_a_text(text: str, names: tuple[str, ...]) -> None:
    assert names_in(text) == names
    assert all(name not in shape(text) for name in names)


def test_the_shape_keeps_everything_else() -> None:
    assert shape("Give ada@contoso.com Editor.") == shape("Give grace@contoso.com Editor.")
    assert shape("Give ada@contoso.com Editor.") != shape("Give ada@contoso.com Owner.")


def test_few_texts_are_said_each_and_many_once() -> None:
    few = [f"EWS is off for box{number}@contoso.com." for number in range(3)]
    assert said_once(few) == tuple((text, 0) for text in few)
    assert said_once([*few, *few]) == said_once(few)
    many = [f"EWS is off for box{number}@contoso.com." for number in range(5)]
    assert said_once([*many, "Something else."]) == ((many[0], 4), ("Something else.", 0))
    assert like_it(4) == " (and 4 more like it)"
    assert like_it(0) == ""


def test_a_crowd_stands_where_its_first_stood_and_few_keep_their_places() -> None:
    assert crowds("abaaacb", str) == (("a", "a", "a", "a"), ("b",), ("c",), ("b",))


def test_names_and_numbers_in_short() -> None:
    names = [f"box{number}" for number in range(1204)]
    assert some(names) == "box0, box1, box2 and 1,201 more"
    assert some(names[:3]) == "box0, box1, box2"
    assert some([]) == ""
    assert spans([4]) == "4"
    assert spans(range(1, 9_999)) == "1-9,998"
    assert spans([1, 2, 5]) == "1-2, 5"
    assert spans([1, 3, 5, 7, 8, 9]) == "1, 3, 5 and 3 more"
