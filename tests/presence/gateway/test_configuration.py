"""The [presence] tables: what they make, and every mistake in one sentence with its next step."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest

from hybridge.config import ConfigProblem, example, load, shown
from hybridge.net.secret import Secret
from hybridge.presence.layout import served
from hybridge.presence.log import LOGGER, JsonLines, learn, log_to, told
from hybridge.presence.states import PresenceState

BASE = """
[organization]
domain = "contoso.com"
"""
EXCHANGE = """
[[presence.exchange]]
name = "hq"
hosts = ["mail.contoso.com"]
username = "svc"
password = "tell nobody"
"""
FILE = '[[presence.file]]\nname = "log"\npath = "out.jsonl"\n'
PEOPLE = '[[presence.people]]\nname = "staff"\nsource = "hq"\naddresses = ["Ada@Contoso.com"]\n'


def write(folder: Path, *parts: str) -> Path:
    file = folder / "hybridge.toml"
    file.write_text("".join((BASE, *parts)), encoding="utf-8")
    return file


def test_people_come_from_tables_lists_and_csv(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# the list\nbob@contoso.com\n\nADA@contoso.com # twice\n", encoding="utf-8")
    (tmp_path / "people.csv").write_bytes(
        b"\xef\xbb\xbfaddress,user,jid\ncarol@contoso.com,carol@corp.example,c@chat.example\n,,\n"
    )
    xmpp = '[[presence.xmpp]]\nname = "chat"\ncomponent = "p.chat.example"\n'
    xmpp += 'secret = "s3cret-s3cret"\ndomain = "chat.example"\n'
    groups = (
        '[[presence.people]]\nname = "list"\nsource = "hq"\nfile = "list.txt"\nsinks = ["log"]\n'
        '[[presence.people]]\nname = "csv"\nsource = "hq"\nfile = "people.csv"\n'
    )
    layout = served(load(write(tmp_path, EXCHANGE, FILE, xmpp, PEOPLE, groups)))
    ada, bob, carol = (layout.people[f"{name}@contoso.com"] for name in ("ada", "bob", "carol"))
    assert (ada.person.group, ada.person.jid, ada.sinks) == ("staff", "ada@chat.example", ("chat", "log"))
    assert (bob.person.group, bob.sinks) == ("list", ("log",))
    assert (carol.person.user, carol.person.jid) == ("carol@corp.example", "c@chat.example")
    assert layout.files[0].name == "hybridge.toml"
    assert {"list.txt", "people.csv"} <= {path.name for path in layout.files}


def test_rules_and_times_are_taken_over(tmp_path: Path) -> None:
    section = (
        '[presence]\nrules = "custom"\nwindow = 12\nsweep = 60\nexpiry = 120\n[presence.custom]\ntentative = "none"\n'
    )
    layout = served(load(write(tmp_path, section, EXCHANGE, FILE, PEOPLE)))
    assert (layout.rules.name, layout.rules.tentative, layout.rules.meeting) == (
        "custom",
        None,
        PresenceState.IN_A_MEETING,
    )
    part = layout.sources["hq"]
    assert (part.window, part.sweep, layout.expiry) == (timedelta(hours=12), timedelta(minutes=1), timedelta(minutes=2))
    assert part.secret == Secret("tell nobody")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ((EXCHANGE, FILE, PEOPLE.replace('"hq"', '"hqq"')), "source 'hqq' is not configured; use one of: hq"),
        ((EXCHANGE, FILE, PEOPLE + 'sinks = ["chat"]\n'), "sink 'chat' is not configured; use one of: log"),
        ((EXCHANGE, EXCHANGE, FILE, PEOPLE), "the name 'hq' is given to more than one source"),
        ((EXCHANGE, PEOPLE), "names no sink for the presence gateway"),
        ((EXCHANGE, FILE), "names no people for the presence gateway"),
        ((EXCHANGE.replace('password = "tell nobody"\n', ""), FILE, PEOPLE), "presence.exchange 'hq' has no password"),
        ((EXCHANGE, FILE, PEOPLE.replace("Ada@Contoso.com", "Ada Lovelace")), "'Ada Lovelace' is not an address"),
        ((EXCHANGE, FILE, PEOPLE + 'file = "none.csv"\n'), "none.csv' cannot be read"),
        ((EXCHANGE, FILE, '[[presence.teams]]\nname = "teams"\n', PEOPLE), "'teams' needs an Entra application"),
        (('[presence]\nrules = "sisco"\n', EXCHANGE), "presence.rules: Input should be 'teams', 'cisco' or 'custom'"),
        (("[presence]\nswep = 5\n", EXCHANGE), "presence.swep: there is no such setting"),
        (('[presence]\nrules = "custom"\n[presence.custom]\nlunch = "x"\n', EXCHANGE, FILE, PEOPLE), "lunch"),
        (("[presence]\n[presence.custom]\ntentative = 'none'\n", EXCHANGE), 'custom is set, but rules is not "custom"'),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, parts: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigProblem) as caught:
        served(load(write(tmp_path, *parts)))
    assert says in caught.value.says
    assert "\n" not in caught.value.says and caught.value.next_step
    assert "tell nobody" not in caught.value.says + caught.value.next_step


def test_a_bad_line_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("ada@contoso.com\nnobody\n", encoding="utf-8")
    with pytest.raises(ConfigProblem, match="line 2: 'nobody' is not an address"):
        served(load(write(tmp_path, EXCHANGE, FILE, PEOPLE + 'file = "list.txt"\n')))


def test_what_is_shown_keeps_secrets(tmp_path: Path) -> None:
    config = load(write(tmp_path, EXCHANGE, FILE, PEOPLE))
    assert "tell nobody" not in repr(shown(config)) + repr(served(config))
    assert shown(config)["presence"]["exchange"][0]["hosts"] == ["mail.contoso.com"]


def test_the_example_can_be_used_when_its_comments_are_taken_away(tmp_path: Path) -> None:
    text = example()
    start, end = text.index("# [[presence.exchange"), text.index("# A finding that is accepted")
    tables = "".join(line.removeprefix("# ") for line in text[start:end].splitlines(keepends=True))
    for name in ("presence.password", "presence.secret", "hook.secret", "imp.password"):
        (tmp_path / name).write_text("a secret of some length", encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "staff.csv").write_text("address\nbob@contoso.com\n", encoding="utf-8")
    entra = '[entra]\ntenant_id = "t"\nclient_id = "c"\nclient_secret = "x"\n'
    layout = served(load(write(tmp_path, entra, tables)))
    assert set(layout.sources) == {"hq", "online"}
    assert set(layout.sinks) == {"chat", "teams", "hook", "log", "jabber"}


def test_secrets_of_a_reload_are_kept_out_of_the_log() -> None:
    log = io.StringIO()
    destination = log_to(log, JsonLines([Secret("first one")]))
    try:
        learn([Secret("second one")])
        told("seen", says="first one, second one")
    finally:
        LOGGER.removeHandler(destination)
    assert "one" not in log.getvalue()
