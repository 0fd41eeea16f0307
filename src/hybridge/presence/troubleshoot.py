"""Tries what the gateway needs, at every configured server and sink: each a named step with its next step.

Nothing is changed anywhere but one thing, which is taken back at once: a subscription is made and ended, because only
that shows whether there is room for it. Of each server are tried, in order and only as far as the one before holds:
reachability, certificate, sign-in, impersonation, Autodiscover, subscriptions, and how long an answer takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta

from hybridge.net.answerers.live import open_live
from hybridge.net.clock import Clock
from hybridge.net.config import EntraConfig, ExchangeConfig
from hybridge.presence.explained import Outcome, Step
from hybridge.presence.layout import Layout, Part
from hybridge.presence.parts import MAKERS, USER_AGENT, exchange_account
from hybridge.presence.people_list import Watched
from hybridge.presence.sinks.base import SinkDown
from hybridge.terms.clouds import CLOUDS
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk, Sign, TlsAsk, Verification
from hybridge.wire.ews import envelope, get_folder, get_user_availability, subscribe, unsubscribe
from hybridge.wire.ews.envelope import EwsFault
from hybridge.wire.graph import get_schedule

EWS = "/EWS/Exchange.asmx"
AUTODISCOVER = "/autodiscover/autodiscover.svc"
SLOW = 5.0
"""Seconds after which free/busy of one mailbox is called slow."""
LONGEST = 30.0
"""Seconds a sink may take to open."""
RIGHTS = "New-ManagementRoleAssignment -Role ApplicationImpersonation -User THE_ACCOUNT"


async def troubleshoot(layout: Layout, clock: Clock, only: tuple[str, ...] = ()) -> AsyncIterator[Step]:
    """Every step, as it is done. ``only`` names sources and sinks."""
    for name, part in layout.sources.items():
        if not only or name in only:
            people = [one for one in layout.people.values() if one.person.source == name]
            tries = _exchange(part, people, clock) if part.kind == "exchange" else _graph(part, people, clock)
            async for step in tries:
                yield step
    for name, part in layout.sinks.items():
        if not only or name in only:
            yield await _sink(part, clock, sum(name in one.sinks for one in layout.people.values()))


async def _exchange(part: Part, people: list[Watched], clock: Clock) -> AsyncIterator[Step]:
    account = exchange_account(part)
    async with open_live(part.net, account, EntraConfig(), clock) as answerer:
        for host in account.hosts:
            async for step in _Server(part, host, people, answerer, clock).steps():
                yield step


class _Server:
    """One Exchange server."""

    def __init__(self, part: Part, host: str, people: list[Watched], answerer: Answerer, clock: Clock) -> None:
        self.subject = f"exchange {part.name}: {host}"
        self._host = host
        self._hosts = frozenset(exchange_account(part).hosts)
        self._account = exchange_account(part).username
        self._mailboxes = _one_of_each_group(people)
        self._answerer = answerer
        self._clock = clock

    async def steps(self) -> AsyncIterator[Step]:
        """Reachability and certificate; then the sign-in; then everything that needs one."""
        reached = True
        async for step in self._tls():
            reached = reached and step.outcome == "passed"
            yield step
        if not reached:
            yield self._step("sign-in", "not tried", "The server must be reached over TLS first.")
            return
        if not self._mailboxes:
            yield self._step("sign-in", "not tried", "Nobody is read here.", "Add [[presence.people]] for this source.")
            return
        signed_in = await self._sign_in()
        yield signed_in
        if signed_in.outcome != "passed":
            return
        for mailbox in self._mailboxes:
            yield await self._impersonation(mailbox)
        yield await self._autodiscover(self._mailboxes[0])
        yield await self._subscription(self._mailboxes[0])
        yield await self._lag(self._mailboxes[0])

    async def _tls(self) -> AsyncIterator[Step]:
        host, _, port = self._host.partition(":")
        answer = await self._answerer.tls(TlsAsk(host=host, port=int(port or 443)))
        if answer.failure is not None:
            yield self._failed("reachability", answer.failure)
            return
        yield self._step("reachability", "passed", f"It answers, with TLS {answer.version or 'of an unknown version'}.")
        if answer.verification is Verification.GOOD:
            yield self._step("certificate", "passed", f"The certificate is valid for {host}.")
        else:
            says = answer.says or f"The certificate of {host} could not be verified."
            yield self._step("certificate", "failed", says, answer.next_step)

    async def _sign_in(self) -> Step:
        answer, read = await self._folder("")
        if answer.status == 401 or _is(read, FailureReason.SIGN_IN):
            next_step = "Check username, password and auth of this source; the account must not be locked."
            return self._step("sign-in", "failed", f"{self._account} was refused (HTTP 401).", next_step)
        if isinstance(read, Failure):
            return self._failed("sign-in", read)
        return self._step("sign-in", "passed", f"{self._account} is signed in.")

    async def _impersonation(self, mailbox: str) -> Step:
        _, read = await self._folder(mailbox)
        error = _error(read)
        if error is None:
            return self._step("impersonation", "passed", f"{self._account} may act as {mailbox}.")
        code, says, next_step = error
        if code in ("ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"):
            next_step = f"On Exchange: {RIGHTS}; mind the scope of an existing assignment."
        if code == "ErrorNonExistentMailbox":
            next_step = f"Check the address, or read {mailbox} by another source."
        return self._step("impersonation", "failed", f"{self._account} may not act as {mailbox}: {says}", next_step)

    async def _autodiscover(self, mailbox: str) -> Step:
        url = f"https://{self._host}{AUTODISCOVER}"
        answer = await self._answerer.http(soap.ask(url, mailbox, sign=Sign.EXCHANGE, user_agent=USER_AGENT))
        read = soap.read_answer(answer)
        if isinstance(read, Failure):
            return self._failed("autodiscover", read)
        if isinstance(read, soap.NotSoap) or not read.users or read.users[0].code != "NoError":
            says = f"Autodiscover does not tell where {mailbox} is (HTTP {answer.status})."
            return self._step("autodiscover", "failed", says, "hybridge doctor examines Autodiscover in depth.")
        found = [url for name in (soap.EXTERNAL_EWS_URL, soap.INTERNAL_EWS_URL) if (url := read.users[0].setting(name))]
        places = {url.split("/")[2].lower() for url in found if url.count("/") > 2}
        if places and not places & self._hosts:
            says = f"Autodiscover sends {mailbox} to {', '.join(sorted(places))}, which is not one of the hosts."
            return self._step("autodiscover", "failed", says, "If it is yours, add it to hosts of this source.")
        return self._step("autodiscover", "passed", f"{mailbox} is read at {', '.join(sorted(places)) or self._host}.")

    async def _subscription(self, mailbox: str) -> Step:
        body = subscribe.write_request(subscribe.calendar_of())
        answer = await self._answerer.http(self._ask(body, mailbox))
        read = subscribe.read_answer(answer)
        if not isinstance(read, subscribe.Response) or read.code != "NoError":
            code, says, next_step = _error(read) or ("", "", "")
            if code in ("ErrorExceededSubscriptionCount", "ErrorExceededConnectionCount"):
                next_step = "Raise EwsMaxSubscriptions in the throttling policy of the account; sweeps go on meanwhile."
            return self._step("subscriptions", "failed", f"No subscription for {mailbox}: {says}", next_step)
        ended = await self._answerer.http(
            self._ask(unsubscribe.write_request(unsubscribe.Request(read.subscription_id)), mailbox)
        )
        kept = "" if _error(unsubscribe.read_answer(ended)) is None else " It could not be ended; Exchange drops it."
        return self._step("subscriptions", "passed", f"There is room for a subscription of {mailbox}.{kept}")

    async def _lag(self, mailbox: str) -> Step:
        now = self._clock.now()
        request = get_user_availability.Request((mailbox,), now, now + timedelta(hours=24))
        answer = await self._answerer.http(self._ask(get_user_availability.write_request(request), ""))
        error = _error(get_user_availability.read_answer(answer))
        if error is not None:
            return self._step("lag", "failed", f"Free/busy of {mailbox} was not read: {error[1]}", error[2])
        seconds = answer.took_ms / 1000
        says = f"Free/busy of one mailbox took {seconds:.2f} s."
        if seconds > SLOW:
            return self._step("lag", "failed", says, "Look at the load of the server, or sweep less often.")
        return self._step("lag", "passed", says)

    async def _folder(self, impersonate: str) -> tuple[HttpAnswer, get_folder.Response | EwsFault | Failure]:
        body = get_folder.write_request(get_folder.Request((get_folder.FolderRef(distinguished="calendar"),), "IdOnly"))
        answer = await self._answerer.http(self._ask(body, impersonate))
        return answer, get_folder.read_answer(answer)

    def _ask(self, body: str, impersonate: str) -> HttpAsk:
        url = f"https://{self._host}{EWS}"
        return envelope.ask(url, body, user_agent=USER_AGENT, impersonate=impersonate, anchor=impersonate)

    def _step(self, name: str, outcome: Outcome, says: str, next_step: str = "") -> Step:
        return Step(subject=self.subject, name=name, outcome=outcome, says=says, next_step=next_step)

    def _failed(self, name: str, failure: Failure) -> Step:
        return self._step(name, "failed", failure.says, failure.next_step)


async def _graph(part: Part, people: list[Watched], clock: Clock) -> AsyncIterator[Step]:
    """The application signs in, and may read free/busy."""
    host = CLOUDS[part.entra.cloud].graph
    subject = f"graph {part.name}: {host}"
    if not people:
        yield Step(subject=subject, name="free/busy", outcome="not tried", says="Nobody is read here.")
        return
    async with open_live(part.net, ExchangeConfig(), part.entra, clock) as answerer:
        user, now = people[0].person.user, clock.now()
        ask = get_schedule.ask_schedules(host, user, (people[0].person.address,), now, now + timedelta(hours=24))
        answer = await answerer.http(ask)
    if answer.failure is not None:
        says, then = answer.failure.says, answer.failure.next_step
        yield Step(subject=subject, name="sign-in", outcome="failed", says=says, next_step=then)
        return
    yield Step(subject=subject, name="sign-in", outcome="passed", says="The Entra application is signed in.")
    if answer.status == 200:
        yield Step(subject=subject, name="free/busy", outcome="passed", says=f"Free/busy of {user} was read.")
        return
    read = get_schedule.read_schedules(answer)
    says = read.says if isinstance(read, Failure) else f"Free/busy of {user} was refused (HTTP {answer.status})."
    then = "Grant the application permissions Calendars.Read and MailboxSettings.Read, with admin consent."
    if answer.status == 404:
        then = f"Check the address; a mailbox on-premises is read by a [[presence.exchange]], not by '{part.name}'."
    yield Step(subject=subject, name="free/busy", outcome="failed", says=says, next_step=then)


async def _sink(part: Part, clock: Clock, people: int) -> Step:
    """Open it and close it again."""
    subject = f"{part.kind} {part.name}"
    try:
        async with asyncio.timeout(LONGEST), MAKERS.sink(part, clock) as sink:
            try:
                await sink.open()
            finally:
                await sink.close()
    except SinkDown as down:
        return Step(subject=subject, name="open", outcome="failed", says=down.says, next_step=down.next_step)
    except TimeoutError:
        says = f"It did not open within {LONGEST:g} seconds."
        return Step(subject=subject, name="open", outcome="failed", says=says, next_step="Check host and firewall.")
    except (ImportError, ValueError, OSError) as error:
        says = f"It cannot be made: {error}."
        return Step(subject=subject, name="open", outcome="failed", says=says, next_step="Correct its settings.")
    return Step(subject=subject, name="open", outcome="passed", says=f"It is open, for {people} people.")


def _one_of_each_group(people: Iterable[Watched]) -> tuple[str, ...]:
    """The first of each group: rights are usually given by group."""
    first: dict[str, str] = {}
    for watched in people:
        first.setdefault(watched.person.group, watched.person.address)
    return tuple(first.values())


def _is(read: object, reason: FailureReason) -> bool:
    return isinstance(read, Failure) and read.reason is reason


def _error(read: object) -> tuple[str, str, str] | None:
    """Code, sentence and next step of what went wrong; None when nothing did."""
    if isinstance(read, Failure):
        return "", read.says, read.next_step
    if isinstance(read, EwsFault):
        return read.code, f"{read.code}: {read.message[:200]}", ""
    code = getattr(read, "code", "NoError")
    parts = [*getattr(read, "folders", ()), *getattr(read, "answers", ())]
    for part in parts:
        if isinstance(part, get_folder.FolderError | get_user_availability.MailboxError):
            return part.code, f"{part.code}: {part.message[:200]}", ""
    if code not in ("NoError", ""):
        return code, f"{code}: {getattr(read, 'message', '')[:200]}", ""
    return None
