"""What the gateway is to be: rules, sources, sinks, people, as values that can be compared.

A reload compares two layouts: a source or sink whose ``Part`` is equal is not touched. A part therefore holds
everything it is made of, secrets included (which no one can print).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hybridge.config import Config, ConfigProblem
from hybridge.config_presence import Named, PresenceSection
from hybridge.net.config import EntraConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.presence.people_list import Watched, address_files, watched_people
from hybridge.presence.rules import RULES, Rules, custom

NEEDS_ENTRA = frozenset({"graph", "teams"})
NEEDS_SECRET = {"exchange": "password", "xmpp": "secret", "webhook": "secret", "cisco": "password"}


@dataclass(frozen=True)
class Part:
    """One source or sink: its kind (``exchange``, ``file``), its table, its secret, and what all parts share."""

    kind: str
    name: str
    table: Named
    secret: Secret
    net: NetConfig
    entra: EntraConfig
    folder: Path
    """Relative paths of the table are beside the configuration."""
    state_folder: Path
    window: timedelta
    sweep: timedelta
    replies: timedelta
    subjects: bool


@dataclass(frozen=True)
class Layout:
    """Everything the gateway serves. ``people`` by address; ``files`` are watched for changes."""

    rules: Rules
    subjects: bool = False
    expiry: timedelta = timedelta(minutes=15)
    sources: Mapping[str, Part] = field(default_factory=dict)
    sinks: Mapping[str, Part] = field(default_factory=dict)
    people: Mapping[str, Watched] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    secrets: tuple[Secret, ...] = ()
    place: tuple[str, str] = ("", "")
    """State file and address to listen at: what a reload cannot change."""


def layout_of(config: Config) -> Layout:
    """The layout a configuration describes. Raises ``ConfigProblem``."""
    section = config.settings.presence
    sources = {table.name: _part(config, kind, table) for kind, table in section.sources}
    sinks = {table.name: _part(config, kind, table) for kind, table in section.sinks}
    parts = (*sources.values(), *sinks.values())
    return Layout(
        rules=_rules(config.file, section),
        subjects=section.subjects,
        expiry=timedelta(seconds=section.expiry),
        sources=sources,
        sinks=sinks,
        people=watched_people(config),
        files=(config.file, *address_files(config), *(file for part in parts for file in _secret_files(part))),
        place=(section.state, section.listen),
        secrets=(*(part.secret for part in parts if part.secret), config.entra.client_secret),
    )


def served(config: Config) -> Layout:
    """The layout, which must have people, a source and a sink. Raises ``ConfigProblem``."""
    layout = layout_of(config)
    for what, there in (("source", layout.sources), ("sink", layout.sinks), ("people", layout.people)):
        if not there:
            tables = {"source": "[[presence.exchange]]", "sink": "[[presence.file]]", "people": "[[presence.people]]"}
            raise ConfigProblem(
                f"'{config.file}' names no {what} for the presence gateway.",
                f"add {tables[what]} (hybridge config show prints an example)",
            )
    for part in (*layout.sources.values(), *layout.sinks.values()):
        _complete(config, part)
    return layout


def _complete(config: Config, part: Part) -> None:
    """Refuse a part that can only fail: one without its credential."""
    if part.kind in NEEDS_ENTRA and not part.entra.client_id:
        raise ConfigProblem(
            f"'{config.file}': presence.{part.kind} '{part.name}' needs an Entra application.",
            "set entra.tenant_id, entra.client_id and entra.client_secret_file or entra.certificate_file",
        )
    word = NEEDS_SECRET.get(part.kind, "")
    if word and not part.secret:
        raise ConfigProblem(
            f"'{config.file}': presence.{part.kind} '{part.name}' has no {word}.",
            f"write it into a file that you alone may read, and name that file in {word}_file",
        )


def _part(config: Config, kind: str, table: Named) -> Part:
    section = config.settings.presence
    return Part(
        kind=kind,
        name=table.name,
        table=table,
        secret=_secret(config, kind, table),
        net=config.net,
        entra=config.entra,
        folder=config.file.parent,
        state_folder=config.beside(section.state).parent,
        window=timedelta(hours=section.window),
        sweep=timedelta(seconds=section.sweep),
        replies=timedelta(seconds=section.replies),
        subjects=section.subjects,
    )


def _secret(config: Config, kind: str, table: Named) -> Secret:
    """The password or secret of a table, wherever it is kept."""
    for word in ("password", "secret"):
        inline = getattr(table, word, None)
        if inline is not None:
            return config.secret(f"presence.{kind}.{table.name}.{word}", getattr(table, f"{word}_file"), inline)
    return Secret()


def _secret_files(part: Part) -> tuple[Path, ...]:
    """A password that is changed in its file is a change of the configuration."""
    names = (getattr(part.table, word, "") for word in ("password_file", "secret_file"))
    return tuple(part.folder / Path(name).expanduser() for name in names if name)


def _rules(file: Path, section: PresenceSection) -> Rules:
    if section.rules != "custom":
        return RULES[section.rules]
    try:
        return custom(section.custom)
    except ValueError as error:
        raise ConfigProblem(f"'{file}': presence.custom: {error}", "correct that rule, or use rules = teams") from error
