"""The watched people of a configuration: from its tables and from files of addresses.

A file has an address a line (``#`` begins a comment), or is CSV whose first line names its columns: ``address`` and,
where wanted, ``user`` (the Entra user) and ``jid``. An address that two groups name belongs to the first.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hybridge.config import Config, ConfigProblem
from hybridge.config_presence import PresencePeople, PresenceSection
from hybridge.presence.people import Person

MOST = 500_000
"""People in one file at most: more is a wrong file."""


class Watched(NamedTuple):
    """A person, and the names of the sinks that show them."""

    person: Person
    sinks: tuple[str, ...]


class _Named(NamedTuple):
    address: str
    user: str
    jid: str


def watched_people(config: Config) -> dict[str, Watched]:
    """Everybody by address. Raises ``ConfigProblem`` naming the group and the line."""
    section = config.settings.presence
    every = tuple(table.name for _, table in section.sinks)
    template = _template(section)
    found: dict[str, Watched] = {}
    for group in section.people:
        for named in _members(config, group):
            person = Person(
                address=named.address,
                source=group.source,
                group=group.name,
                user=named.user or named.address,
                jid=named.jid or _jid(template, named.address),
            )
            found.setdefault(named.address, Watched(person, group.sinks or every))
    return found


def address_files(config: Config) -> tuple[Path, ...]:
    """The files whose change is a change of the configuration."""
    return tuple(config.beside(group.file) for group in config.settings.presence.people if group.file)


def _members(config: Config, group: PresencePeople) -> Iterator[_Named]:
    for text in group.addresses:
        yield _Named(_address(config, text, f"presence.people '{group.name}'"), "", "")
    if group.file:
        yield from _of_file(config, config.beside(group.file))


def _of_file(config: Config, path: Path) -> Iterator[_Named]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigProblem(
            f"{config.file}: presence.people file '{path}' cannot be read: {reason}.",
            "write the addresses into it, one a line, or correct the path",
        ) from error
    if len(lines) > MOST:
        raise ConfigProblem(f"'{path}' has {len(lines)} lines; at most {MOST} are read.", "split it into groups")
    header = next(csv.reader(lines[:1]), [])
    if "address" in [name.strip().lower() for name in header]:
        yield from _of_csv(config, path, lines, [name.strip().lower() for name in header])
        return
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if text:
            yield _Named(_address(config, text, f"'{path}' line {number}"), "", "")


def _of_csv(config: Config, path: Path, lines: list[str], header: list[str]) -> Iterator[_Named]:
    for number, row in enumerate(csv.reader(lines[1:]), start=2):
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        if any(cells.values()):
            address = _address(config, cells.get("address", ""), f"'{path}' line {number}")
            yield _Named(address, cells.get("user", ""), cells.get("jid", ""))


def _address(config: Config, text: str, where: str) -> str:
    local, at, domain = text.strip().partition("@")
    if not (local and at and domain) or "@" in domain or any(letter.isspace() or letter in ",;<>" for letter in text):
        raise ConfigProblem(f"{config.file}: {where}: '{text[:100]}' is not an address.", "write it as ada@contoso.com")
    return text.strip().lower()


def _template(section: PresenceSection) -> str:
    """How accounts are named: by the first XMPP server's template, else by Cisco's domain, else not at all."""
    if section.xmpp:
        return section.xmpp[0].jid.replace("{domain}", section.xmpp[0].domain)
    return f"{{local}}@{section.cisco[0].domain}" if section.cisco else ""


def _jid(template: str, address: str) -> str:
    """An account by a template of {local}, {domain} and {address}."""
    local, _, domain = address.partition("@")
    named = template
    for word, value in (("{local}", local), ("{domain}", domain), ("{address}", address)):
        named = named.replace(word, value)
    return named
