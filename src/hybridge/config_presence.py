"""The ``[presence]`` part of ``hybridge.toml``: servers, sinks, people. Read by ``hybridge.config`` alone.

Durations are seconds unless a setting says hours. Names of servers and sinks are the reader's own; a group of people
(``[[presence.people]]``) names the source that reads its mailboxes and the sinks that show them.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

LISTEN = "127.0.0.1:9465"
STATE = ".hybridge/presence.sqlite"


class Table(BaseModel):
    """A table of the file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Table):
    """A server or a sink: it has a name."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="A name of your own.")


class PresenceExchange(Named):
    """One Exchange on-premises (a server, or several that share their mailboxes), with an account of its own."""

    hosts: tuple[str, ...] = Field(min_length=1, description="The only hosts the account is ever sent to.")
    username: str = Field(min_length=1, description="An account with the ApplicationImpersonation role.")
    password: SecretStr = Field(default=SecretStr(""), description="Better kept in password_file.")
    password_file: str = Field(default="", description="A file holding the password, readable by you alone.")
    auth: Literal["basic", "ntlm", "negotiate"] = Field(default="negotiate", description="How to sign in.")
    notifications: bool = Field(default=True, description="Listen to streaming notifications beside the sweeps.")
    autodiscover: bool = Field(default=True, description="Ask Autodiscover where each mailbox is.")


class PresenceGraph(Named):
    """Mailboxes in Exchange Online, read by the application of ``[entra]``."""

    notification_url: str = Field(default="", description="The https address Graph reaches us at; empty polls.")
    resource: Literal["calendar-view", "schedule"] = Field(default="schedule", description="What is read.")


class PresenceXmpp(Named):
    """An XMPP server with our module, reached as an external component (XEP-0114)."""

    component: str = Field(min_length=1, description="The component's name, such as presence.contoso.com.")
    secret: SecretStr = Field(default=SecretStr(""), description="Better kept in secret_file.")
    secret_file: str = Field(default="", description="A file holding the component's secret, readable by you alone.")
    host: str = Field(default="127.0.0.1", description="Where the XMPP server listens for components.")
    port: int = Field(default=5347, ge=1, le=65535, description="Its port.")
    domain: str = Field(min_length=1, description="The domain of the accounts.")
    ttl: float = Field(default=900.0, ge=5, description="Seconds a state is shown without being told again.")
    meeting_show: Literal["dnd", "away"] = Field(default="dnd", description="What a meeting looks like.")
    allow_plaintext: bool = Field(default=False, description="Allow a component connection to another machine.")
    jid: str = Field(default="{local}@{domain}", description="How an account is named after an address.")


class PresenceTeams(Named):
    """Presence in Teams through Graph, by the application of ``[entra]``."""

    lease: float = Field(default=1800.0, ge=300, le=14400, description="Seconds a state outlives the gateway at most.")
    presenting: bool = Field(default=False, description="Show Do not disturb as Presenting (Graph's beta version).")
    status_messages: bool = Field(default=False, description="Also write a status message where the person has none.")


class PresenceWebhook(Named):
    """CloudEvents, signed, sent to an address."""

    url: str = Field(min_length=8, description="Where events are sent, such as https://hooks.contoso.com/presence.")
    secret: SecretStr = Field(default=SecretStr(""), description="Better kept in secret_file.")
    secret_file: str = Field(default="", description="A file holding the key events are signed with.")
    interval: float = Field(default=300.0, ge=60, description="Seconds after which a state is told again, about.")


class PresenceFile(Named):
    """A file for scripts, or stdout."""

    path: str = Field(min_length=1, description="The file, beside this one; - for stdout.")
    style: Literal["lines", "state"] = Field(
        default="lines", description="Append a line of JSON for each change, or replace one object of everybody."
    )


class PresenceCisco(Named):
    """Cisco IM and Presence."""

    hosts: tuple[str, ...] = Field(min_length=1, description="The nodes of IM and Presence, the first asked first.")
    domain: str = Field(min_length=1, description="The presence domain of the people.")
    experimental: bool = Field(default=False, description="Try it though nobody has seen it with a real server.")
    username: str = Field(min_length=1, description="An application user of it.")
    password: SecretStr = Field(default=SecretStr(""), description="Better kept in password_file.")
    password_file: str = Field(default="", description="A file holding the password, readable by you alone.")


class PresencePeople(Named):
    """A group of people: addresses here or in a file (one a line, or CSV with a column ``address``)."""

    source: str = Field(min_length=1, description="The [[presence.exchange]] or [[presence.graph]] that reads them.")
    addresses: tuple[str, ...] = Field(default=(), description="Primary SMTP addresses.")
    file: str = Field(default="", description="A file of addresses: one a line, or CSV (address, user, jid).")
    sinks: tuple[str, ...] = Field(default=(), description="The sinks that show them; empty for all.")


SOURCE_KINDS = ("exchange", "graph")
SINK_KINDS = ("xmpp", "teams", "webhook", "file", "cisco")


class PresenceSection(Table):
    """The gateway."""

    rules: Literal["teams", "cisco", "custom"] = Field(default="teams", description="teams, cisco or custom.")
    custom: dict[str, Any] = Field(default={}, description="With rules = custom: what differs from teams, by name.")
    window: float = Field(default=26.0, gt=0, le=1440, description="Hours of calendar that are read ahead.")
    sweep: float = Field(default=300.0, gt=0, description="Seconds between two reads of every calendar.")
    replies: float = Field(default=300.0, gt=0, description="Seconds between two reads of automatic replies.")
    expiry: float = Field(default=900.0, ge=5, description="Seconds a state outlives a dead gateway at a sink.")
    state: str = Field(default=STATE, description="Where the gateway keeps what it must find again.")
    listen: str = Field(default=LISTEN, description="Health and metrics; empty for none.")
    subjects: bool = Field(default=False, description="Let subjects of meetings appear in why and the board.")
    exchange: tuple[PresenceExchange, ...] = ()
    graph: tuple[PresenceGraph, ...] = ()
    xmpp: tuple[PresenceXmpp, ...] = ()
    teams: tuple[PresenceTeams, ...] = ()
    webhook: tuple[PresenceWebhook, ...] = ()
    file: tuple[PresenceFile, ...] = ()
    cisco: tuple[PresenceCisco, ...] = ()
    people: tuple[PresencePeople, ...] = ()

    @property
    def sources(self) -> tuple[tuple[str, Named], ...]:
        """Every source with its kind."""
        return tuple((kind, table) for kind in SOURCE_KINDS for table in getattr(self, kind))

    @property
    def sinks(self) -> tuple[tuple[str, Named], ...]:
        """Every sink with its kind."""
        return tuple((kind, table) for kind in SINK_KINDS for table in getattr(self, kind))

    @model_validator(mode="after")
    def consistent(self) -> Self:
        sources = _once("source", [table.name for _, table in self.sources])
        sinks = _once("sink", [table.name for _, table in self.sinks])
        _once("group of people", [group.name for group in self.people])
        for group in self.people:
            if group.source not in sources:
                raise ValueError(
                    f"people '{group.name}': source '{group.source}' is not configured; {_choice(sources, 'source')}"
                )
            for name in group.sinks:
                if name not in sinks:
                    raise ValueError(
                        f"people '{group.name}': sink '{name}' is not configured; {_choice(sinks, 'sink')}"
                    )
        if self.custom and self.rules != "custom":
            raise ValueError('custom is set, but rules is not "custom"; set rules = "custom" or leave custom out')
        return self


def _once(what: str, names: list[str]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the name '{twice[0]}' is given to more than one {what}; rename one")
    return tuple(names)


def _choice(names: tuple[str, ...], what: str) -> str:
    return f"use one of: {', '.join(names)}" if names else f"no {what} is configured at all"


EXAMPLES: dict[str, str] = {
    "exchange": 'name = "hq"\nhosts = ["mail.contoso.com"]\nusername = "CONTOSO\\\\svc-presence"\n'
    'password_file = "presence.password"\nauth = "negotiate"',
    "graph": 'name = "online"\nresource = "schedule"',
    "xmpp": 'name = "chat"\ncomponent = "presence.contoso.com"\nsecret_file = "presence.secret"\n'
    'host = "127.0.0.1"\nport = 5347\ndomain = "contoso.com"\njid = "{local}@{domain}"',
    "teams": 'name = "teams"',
    "webhook": 'name = "hook"\nurl = "https://hooks.contoso.com/presence"\nsecret_file = "hook.secret"',
    "file": 'name = "log"\npath = "presence.jsonl"',
    "cisco": 'name = "jabber"\nhosts = ["imp.contoso.com"]\ndomain = "contoso.com"\nusername = "presence"\n'
    'password_file = "imp.password"\nexperimental = true',
    "people": 'name = "staff"\nsource = "hq"\naddresses = ["ada@contoso.com"]\nfile = "staff.csv"\nsinks = ["log"]',
}
"""What ``hybridge config show`` prints of each kind of table, commented out."""
