"""A day in the lab from the command line: appointments, replies, servers, moves, bad manners."""

from __future__ import annotations

from typing import Any

ADA = "ada@contoso.com"


def test_an_appointment_is_put_and_listed(lab: Any) -> None:
    asked = ("--subject", "Planning", "--start", "+5m", "--for", "30m", "--busy", "oof", "--with", "grace@contoso.com")
    assert lab.run("lab", "calendar", "put", ADA, *asked).code == 0
    assert lab.run("lab", "calendar", "put", ADA, "--subject", "Secret", "--start", "+1h", "--private").code == 0
    (planned,) = [one for one in lab.json("lab", "calendar", "list", ADA, "--for", "1h") if one["busy"] == "OOF"]
    assert planned["subject"] == "Planning"
    shown = lab.run("lab", "calendar", "list", ADA, "--for", "2h").out
    assert "OOF              Planning" in shown
    assert "(private)" in shown and "Secret" not in shown
    assert [one["subject"] for one in lab.json("lab", "calendar", "list", "grace@contoso.com", "--for", "7m")][-1:] == [
        "Planning"
    ]
    assert lab.run("lab", "calendar", "remove", ADA, "Planning").out == "removed: 1\n"
    assert not [one for one in lab.json("lab", "calendar", "list", ADA, "--for", "1h") if one["busy"] == "OOF"]


def test_replies_are_turned_on_scheduled_and_off(lab: Any) -> None:
    assert "Disabled; not sent now" in lab.run("lab", "replies", ADA).out
    assert "Enabled; sent now" in lab.run("lab", "replies", ADA, "on", "--text", "Away").out
    assert "Scheduled" in lab.run("lab", "replies", ADA, "--from", "+1h", "--until", "+2h").out
    lab.run("lab", "clock", "+90m")
    said = lab.json("lab", "replies", ADA)
    assert (said["sent_now"], said["internal_reply"]) == (True, "Away")
    off = lab.json("lab", "replies", ADA, "off")
    assert (off["state"], off["sent_now"], bool(off["end_at"])) == ("Disabled", False, True)


def test_a_server_goes_down_and_mailboxes_move(lab: Any) -> None:
    assert "EX1: up, ada@contoso.com" in lab.run("lab", "servers").out
    assert "EX1: down, no mailbox" in lab.run("lab", "servers", "EX1", "down").out
    assert "EX1: up, ada@contoso.com" in lab.run("lab", "servers", "EX1", "up").out
    assert ADA in lab.json("lab", "move", ADA, "EX2")["EX2"]["mailboxes"]


def test_manners_are_listed_taken_up_and_cleared(lab: Any) -> None:
    shown = lab.run("lab", "manners").out
    assert shown.startswith("manners: good; 0 subscriptions, 0 open connections\n")
    assert "duplicates\n    Every notification is sent twice." in shown
    assert "manners: late, busy:5;" in lab.run("lab", "manners", "late", "busy:5").out
    assert lab.json("lab", "manners", "clear")["manners"] == {}
    assert lab.run("lab", "manners", "lose").out == "lost: 0\n"


REFUSED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("calendar", "put", "nobody@contoso.com"), 'no mailbox "nobody@contoso.com"'),
    (("calendar", "put", ADA, "--start", "soon"), "'soon' is not a time"),
    (("calendar", "put", ADA, "--for", "long"), "'long' is not a length of time"),
    (("calendar", "put", ADA, "--busy", "very"), "--busy 'very' is not known"),
    (("calendar", "remove", ADA, "nothing"), 'nothing called "nothing"'),
    (("replies", ADA, "on", "--until", "+1h"), "not two of these"),
    (("replies", ADA, "--from", "+1h"), "must end"),
    (("replies", ADA, "--from", "+2h", "--until", "+1h"), "must end after it begins"),
    (("servers", "EX9", "down"), 'no server "EX9"'),
    (("servers", "EX1"), "state '' is not known"),
    (("move", ADA, "EX9"), 'no server "EX9"'),
    (("manners", "rude"), 'no manner "rude"'),
)


def test_what_cannot_be_is_said_in_a_sentence(lab: Any) -> None:
    for arguments, says in REFUSED:
        refused = lab.run("lab", *arguments)
        assert refused.code == 2, arguments
        assert says in refused.err
