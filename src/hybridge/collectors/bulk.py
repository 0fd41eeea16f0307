"""What is known of every mailbox at once: one paged call for all records of a kind, never one per mailbox.

``SOURCES`` is the table: a kind of record that belongs to a mailbox, the side it is read from, and the cmdlet that
gives all of it. A kind that exists only per mailbox when asked live (permissions, automatic replies) has no such cmdlet
and stands here for exports alone, which may hold it for everybody.

Pages are made into records as they come and forgotten, so that what is held is the records: a few hundred bytes for a
mailbox and kind. Texts that many records share (the address above all) are held once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast, runtime_checkable

import msgspec

from hybridge.collectors.reading import Reading, line, unseen
from hybridge.evidence import Key, Origin, Seen, Unseen
from hybridge.org import records as r
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)
from hybridge.wire.cmdlets.recipients import names_of_mailbox
from hybridge.wire.graph import user_configurations

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


@dataclass(frozen=True)
class Source:
    """All records of one kind on one side. ``exported`` tells that only an export gives them all."""

    kind: type[r.Record]
    premises: Premises
    exported: bool = False
    cmdlet: str = ""
    """The cmdlet, where it is not the kind's own."""

    @property
    def key(self) -> Key:
        """The reading it makes."""
        return Key(self.kind.__name__, self.premises)

    @property
    def ask(self) -> CmdletAsk:
        """The one call."""
        name = self.cmdlet or self.kind.cmdlet
        return CmdletAsk(premises=self.premises, name=name, parameters=(("ResultSize", "Unlimited"),))


SOURCES = (
    Source(r.Mailbox, ON),
    Source(r.Mailbox, ONLINE),
    Source(r.CasMailbox, ON),
    Source(r.CasMailbox, ONLINE),
    Source(r.RemoteMailbox, ON),
    Source(r.CsOnlineUser, ONLINE),
    Source(r.MailboxFolderPermission, ON, exported=True),
    Source(r.MailboxFolderPermission, ONLINE, exported=True),
    Source(r.UserOofSettings, ON, exported=True, cmdlet="Get-MailboxAutoReplyConfiguration"),
    Source(r.EntraUser, ONLINE, exported=True),
)
"""Every kind that is read in bulk. A new kind of records of mailboxes is read for whole tenants by a line here."""


@runtime_checkable
class GivesPages(Protocol):
    """An answerer that can give a long answer a page at a time."""

    def pages(self, ask: CmdletAsk) -> AsyncIterator[CmdletAnswer]: ...


@dataclass(frozen=True)
class Roll:
    """All records of one kind on one side, by the mailbox they belong to (lower case)."""

    key: Key
    origin: Origin
    by_scope: dict[str, r.Record | tuple[r.Record, ...]] = field(default_factory=dict)

    def of(self, scope: str) -> tuple[r.Record, ...]:
        """The records of one mailbox."""
        found = self.by_scope.get(scope)
        if found is None:
            return ()
        return found if isinstance(found, tuple) else (found,)

    def __iter__(self) -> Iterator[r.Record]:
        for found in self.by_scope.values():
            yield from found if isinstance(found, tuple) else (found,)

    def add(self, record: r.Record, scope: str) -> None:
        """One more record of ``scope``."""
        before = self.by_scope.get(scope)
        if before is None:
            self.by_scope[scope] = record
        else:
            self.by_scope[scope] = (*(before if isinstance(before, tuple) else (before,)), record)


Rolls = dict[Key, Roll | Unseen]
Tell = Callable[[str, int], None]
"""Hears what is being read, and how many objects of it were."""


class Pool:
    """Equal texts and tuples as one object. Texts nearly every record has for itself are left alone."""

    _OWN = frozenset({"display_name", "object_id"})

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def shared(self, value: str) -> str:
        """``value``, or the equal text that was seen first."""
        return cast(str, self._known.setdefault(value, value))

    def share(self, record: r.Record) -> None:
        """Let ``record`` hold what others hold."""
        for name in record.__struct_fields__:
            value = getattr(record, name)
            if name in self._OWN or not isinstance(value, str | tuple):
                continue
            try:
                same = self._known.setdefault(value, value)
            except TypeError:  # a tuple of what cannot be looked up
                continue
            if same is not value:
                msgspec.structs.force_setattr(record, name, same)


async def collect_bulk(
    answerer: Answerer, cloud: Cloud, tell: Tell = lambda _, __: None, *, offline: bool = False
) -> Rolls:
    """Everything of ``SOURCES``, one after the other; ``offline`` also what only an export gives."""
    rolls: Rolls = {}
    pool = Pool()
    for source in SOURCES:
        if source.kind is r.CsOnlineUser and not offline:
            rolls[source.key] = await read_users(answerer, cloud, source, pool, tell)
        elif offline or not source.exported:
            rolls[source.key] = await read_roll(answerer, source, pool, tell)
    return rolls


async def read_users(answerer: Answerer, cloud: Cloud, source: Source, pool: Pool, tell: Tell) -> Roll | Unseen:
    """The Teams policies of everybody, as Graph lists them."""
    first = user_configurations.ask_all(cloud.graph)
    roll = Roll(source.key, Origin(source=f"GET {first.url}"))
    ask: HttpAsk | None = first
    asked: set[str] = set()
    count = 0
    while ask is not None and ask.url not in asked:
        asked.add(ask.url)
        page = user_configurations.read_page(await answerer.http(ask))
        if isinstance(page, Failure):
            return unseen(source.kind.__name__, page, f"run: {line(source.ask)}", asked="GET userConfigurations")
        for record in page.users:
            pool.share(record)
            roll.add(record, pool.shared(record.scope))
        count += len(page.users)
        tell(f"GET {user_configurations.PATH}", count)
        if not page.next_link:
            return roll
        ask = user_configurations.ask_next(cloud.graph, page.next_link)
    says = "The pages of the users' Teams configurations lead to another place, or do not end."
    return Unseen(what=source.kind.__name__, reason=FailureReason.MALFORMED, says=says)


async def read_roll(answerer: Answerer, source: Source, pool: Pool, tell: Tell = lambda _, __: None) -> Roll | Unseen:
    """All records of ``source``, or why there are none."""
    ask = source.ask
    roll = Roll(source.key, Origin(source=line(ask)))
    names: dict[str, str] = {}
    count = 0
    async for answer in paged(answerer, ask):
        failure = _failure(ask, answer)
        if failure is not None:
            return unseen(source.kind.__name__, failure, f"run: {line(ask)}", asked=ask.name if count else "")
        found = cmdlets.read(ask.name, answer.objects, ask.premises)
        if isinstance(found, Failure):
            return unseen(source.kind.__name__, found, f"run: {line(ask)}")
        for record in found:
            pool.share(record)
            roll.add(record, pool.shared(record.scope))
        if source.kind is r.Mailbox:
            _remember_names(names, answer.objects, pool)
        count += len(found)
        tell(ask.name, count)
        await asyncio.sleep(0)
    if source.kind is r.Mailbox:
        _resolve(roll, names)
    excerpt = f"{count:,} objects"
    return Roll(roll.key, msgspec.structs.replace(roll.origin, excerpt=excerpt), roll.by_scope)


async def paged(answerer: Answerer, ask: CmdletAsk) -> AsyncIterator[CmdletAnswer]:
    """The answer to ``ask`` a page at a time, where the answerer can; else as a whole."""
    if isinstance(answerer, GivesPages):
        async for answer in answerer.pages(ask):
            yield answer
    else:
        yield await answerer.cmdlet(ask)


def _failure(ask: CmdletAsk, answer: CmdletAnswer) -> Failure | None:
    if answer.failure is not None:
        return answer.failure
    if answer.errors and not answer.objects and not answer.not_found:
        return Failure(reason=FailureReason.MALFORMED, says=f"{ask.name} reported an error: {answer.errors[0]}")
    return None


def _remember_names(names: dict[str, str], objects: Iterable[Mapping[str, Any]], pool: Pool) -> None:
    """Addresses by what others print of these mailboxes; "" for what two of them share."""
    for one in objects:
        address, printed = names_of_mailbox(one)
        address = pool.shared(address)
        for name in printed:
            if names.setdefault(name, address) != address:
                names[name] = ""


def _resolve(roll: Roll, names: Mapping[str, str]) -> None:
    """Put addresses in the place of names of those who may send on behalf; they may stand on another page."""
    for scope, found in roll.by_scope.items():
        if not isinstance(found, r.Mailbox) or all("@" in name for name in found.grant_send_on_behalf_to):
            continue
        granted = tuple(names.get(name.lower()) or name for name in found.grant_send_on_behalf_to)
        roll.by_scope[scope] = msgspec.structs.replace(found, grant_send_on_behalf_to=granted)


def delegations_of(rolls: Rolls, mailbox: str) -> tuple[str, ...]:
    """Whom ``mailbox`` (lower case) lets send on its behalf, as far as their addresses are known."""
    for premises in (ON, ONLINE):
        roll = rolls.get(Key(r.Mailbox.__name__, premises))
        for one in roll.of(mailbox) if isinstance(roll, Roll) else ():
            if isinstance(one, r.Mailbox):
                return tuple(name for name in one.grant_send_on_behalf_to if "@" in name)
    return ()


class FromRolls:
    """An answerer that answers what bulk data answer: an object of a roll asked for by its name. Else ``inner`` does.

    So whatever is asked about single mailboxes costs no cmdlet for what one paged call has given already.
    """

    def __init__(self, inner: Answerer, rolls: Rolls) -> None:
        self._inner = inner
        self._rolls = {
            (source.ask.name.lower(), source.premises): roll
            for source in SOURCES
            if isinstance(roll := rolls.get(source.key), Roll)
        }

    def __getattr__(self, name: str) -> Any:
        """What only some answerers can do."""
        return getattr(self._inner, name)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """As ``Answerer.http``."""
        return await self._inner.http(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """As ``Answerer.dns``."""
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """As ``Answerer.tls``."""
        return await self._inner.tls(ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """The answer to ``ask``."""
        roll = self._rolls.get((ask.name.lower(), ask.premises))
        named = {name.lower(): value for name, value in ask.parameters}
        if roll is None or set(named) != {"identity"} or "@" not in str(named["identity"]):
            return await self._inner.cmdlet(ask)
        mailbox, _, _ = str(named["identity"]).lower().partition(":")
        found = roll.of(mailbox)
        if not found:
            return CmdletAnswer(not_found=True, errors=(f"{mailbox} is not among what {ask.name} gave.",))
        return CmdletAnswer(objects=tuple({**cmdlets.write(one), **_owner(one)} for one in found))


def _owner(record: r.Record) -> dict[str, Any]:
    """What tells whose a record is, for objects that do not say it themselves."""
    return {"Mailbox": record.scope} if isinstance(record, r.MailboxFolderPermission | r.UserOofSettings) else {}


def reading_of_roll(found: Roll | Unseen) -> Reading:
    """All of a roll as one reading."""
    return found if isinstance(found, Unseen) else Seen(tuple(found), found.origin)
