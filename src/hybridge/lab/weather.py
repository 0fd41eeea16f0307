"""Weather: how the services of the lab misbehave though nothing is wrong with the organization.

Fine weather answers every request once, at once and truly. A rule says which requests meet something else, how often,
and what: the answer takes long, is refused, never comes although the work was or was not done, is done twice, or is
not seen for a while afterwards. Rules are values; ``Weather`` holds those that blow now and what readers still see of
the past. Listeners and the in-process answerer call ``http`` around the apps, and both ways of running cmdlets call
``cmdlet``, so that the same weather is met however one asks. ``weathers`` has a table of them by name.

Two rules of fairness. An answer 401 passes untouched and wears nothing out: who signs in sends a request several times,
and only the one that counts meets the weather. And nothing here waits: a slow answer moves the lab's clock.

The work is done first and put back where the weather forbids it, which an immutable organization makes easy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

import msgspec

from hybridge.lab.apps import base
from hybridge.lab.apps.base import Request
from hybridge.lab.cmdlets.outcome import ConnectionCut
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.records import Address, Record
from hybridge.wire.ask import CmdletAsk, Failure, FailureReason, HttpAnswer
from hybridge.wire.graph.errors import write_error

READS = ("GET", "HEAD")
WRITES = ("POST", "PUT", "PATCH", "DELETE")
READING_CMDLETS = ("get-", "test-")
CHANGING_CMDLETS = ("Add-", "New-", "Remove-", "Set-")

_T = TypeVar("_T")


class Does(StrEnum):
    """What happens to a request."""

    SLOW = "slow"
    """The answer takes ``seconds`` of the lab's time."""
    REFUSE = "refuse"
    """Nothing is done; the answer is ``status`` (HTTP only)."""
    DROP_BEFORE = "drop-before"
    """Nothing is done, and the connection ends without an answer."""
    DROP_AFTER = "drop-after"
    """It is done, and the connection ends without an answer."""
    TWICE = "twice"
    """It is done twice, and the second answer is given: somebody on the way repeated the request."""
    LATE = "late"
    """It is done, and the next ``reads`` which would show it still show what was before."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What happens, and how often: the first ``skip`` requests that fit pass, the next ``times`` meet it (0: all)."""

    does: Does
    skip: int = 0
    times: int = 0
    seconds: int = 0
    reads: int = 0


class HttpRule(Rule, frozen=True, kw_only=True, tag="http"):
    """Weather over HTTP requests to one of ``hosts`` (none: any) by ``methods`` below ``path`` (case ignored).

    ``REFUSE`` answers ``status``: an error in Graph's form when there is a ``code``, else a line of text; with
    ``Retry-After: seconds`` when there are any.
    """

    hosts: tuple[str, ...] = ()
    methods: tuple[str, ...] = WRITES
    path: str = "/"
    status: int = 503
    code: str = ""
    message: str = "The service is not available."

    def covers(self, request: Request) -> bool:
        """Whether the request goes where this blows, whatever its method."""
        here = not self.hosts or request.host in self.hosts
        return here and request.path.lower().startswith(self.path.lower())

    def fits(self, request: Request) -> bool:
        """Whether the request meets this."""
        return request.method in self.methods and self.covers(request)


class CmdletRule(Rule, frozen=True, kw_only=True, tag="cmdlet"):
    """Weather over cmdlets whose names begin with one of ``names`` (case ignored). It cannot ``REFUSE``."""

    names: tuple[str, ...] = CHANGING_CMDLETS

    def fits(self, ask: CmdletAsk) -> bool:
        """Whether the cmdlet meets this."""
        return ask.name.lower().startswith(tuple(name.lower() for name in self.names))


AnyRule = HttpRule | CmdletRule


class Lab(Protocol):
    """What is needed of an ``Estate``."""

    organization: Organization

    def move_clock(self, delta: timedelta) -> None: ...


@dataclass
class _Blowing:
    """A rule and how many requests fitted it so far."""

    rule: AnyRule
    fitted: int = 0

    def meets(self) -> bool:
        """Count one more request; whether it meets the rule."""
        self.fitted += 1
        rule = self.rule
        return rule.skip < self.fitted and (not rule.times or self.fitted <= rule.skip + rule.times)


@dataclass
class _Late:
    """The ``past`` of one record, which ``left`` more readers see."""

    rule: AnyRule
    past: Record | None
    left: int


@dataclass
class Weather:
    """What blows now. ``name`` is what it was called up by, "" for fine weather or rules of one's own."""

    name: str = ""
    _blowing: list[_Blowing] = field(default_factory=list)
    _late: dict[Address, _Late] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[AnyRule, ...]:
        """The rules that blow, worn out or not."""
        return tuple(one.rule for one in self._blowing)

    def turn(self, *rules: AnyRule, name: str = "") -> None:
        """Let ``rules`` blow in place of those before; none is fine weather. What is late stays late."""
        self.name = name
        self._blowing = [_Blowing(rule) for rule in rules]

    def clear(self) -> None:
        """Fine weather, and nothing late any more."""
        self.turn()
        self._late.clear()

    def http(self, lab: Lab, request: Request, do: Callable[[], HttpAnswer]) -> HttpAnswer:
        """The answer of ``do``, an app's, to ``request`` under this weather."""
        if not self._blowing and not self._late:
            return do()
        before, answer = lab.organization, do()
        if answer.status == 401:
            return answer
        met = self._met(lambda rule: isinstance(rule, HttpRule) and rule.fits(request))
        refusal = next((rule for rule in met if isinstance(rule, HttpRule) and rule.does is Does.REFUSE), None)
        if refusal is not None:
            lab.organization = before
            self._pass_time(lab, met)
            return _refused(refusal)
        try:
            answer = self._meet(lab, before, met, answer, do)
        except ConnectionCut:
            return _cut(request)
        if request.method not in READS:
            return answer
        late = {
            address: one
            for address, one in self._late.items()
            if isinstance(one.rule, HttpRule) and one.rule.covers(request)
        }
        return self._as_seen(
            lab, late, answer, do, lambda one, other: (one.status, one.body) != (other.status, other.body)
        )

    def cmdlet(self, lab: Lab, ask: CmdletAsk, do: Callable[[], _T]) -> _T:
        """What ``do`` gives, which runs ``ask``, under this weather. Raises ``ConnectionCut``."""
        if not self._blowing and not self._late:
            return do()
        before, outcome = lab.organization, do()
        met = self._met(lambda rule: isinstance(rule, CmdletRule) and rule.fits(ask))
        outcome = self._meet(lab, before, met, outcome, do)
        if not ask.name.lower().startswith(READING_CMDLETS):
            return outcome
        late = {address: one for address, one in self._late.items() if isinstance(one.rule, CmdletRule)}
        return self._as_seen(lab, late, outcome, do, lambda one, other: one != other)

    def _met(self, fits: Callable[[AnyRule], bool]) -> list[AnyRule]:
        return [one.rule for one in self._blowing if fits(one.rule) and one.meets()]

    def _meet(self, lab: Lab, before: Organization, met: list[AnyRule], done: _T, do: Callable[[], _T]) -> _T:
        """What is given of what was ``done`` from ``before``. Raises ``ConnectionCut`` where nothing is given."""
        self._pass_time(lab, met)
        does = {rule.does: rule for rule in met}
        if Does.DROP_BEFORE in does:
            lab.organization = before
            raise ConnectionCut
        if Does.TWICE in does:
            done = do()
        if Does.LATE in does:
            self._remember(before, lab.organization, does[Does.LATE])
        if Does.DROP_AFTER in does:
            raise ConnectionCut
        return done

    def _pass_time(self, lab: Lab, met: Iterable[AnyRule]) -> None:
        seconds = sum(rule.seconds for rule in met if rule.does is Does.SLOW)
        if seconds:
            lab.move_clock(timedelta(seconds=seconds))

    def _remember(self, before: Organization, after: Organization, rule: AnyRule) -> None:
        """Keep for the next readers what each changed record was; one that is late already stays what it was."""
        for address in before.difference(after) if after is not before else ():
            known = self._late.pop(address, None)
            past = known.past if known else before.at(address)
            if past != after.at(address):
                self._late[address] = _Late(rule, past, rule.reads)

    def _as_seen(
        self,
        lab: Lab,
        late: dict[Address, _Late],
        true: _T,
        do: Callable[[], _T],
        differs: Callable[[_T, _T], bool],
    ) -> _T:
        """What a reader sees who would see ``true``: of the ``late`` records still their past."""
        present = lab.organization
        try:
            seen: dict[Address, _Late] = {}
            for address, one in late.items():
                lab.organization = _past(present, {address: one})
                if differs(do(), true):
                    seen[address] = one
            lab.organization = _past(present, seen)
            shown = do() if seen else true
        finally:
            lab.organization = present
        for address, one in seen.items():
            one.left -= 1
            if one.left <= 0:
                del self._late[address]
        return shown


def _past(present: Organization, late: dict[Address, _Late]) -> Organization:
    """``present`` with the ``late`` records as they were."""
    gone = [address for address, one in late.items() if one.past is None]
    return present.drop(*gone).put(*(one.past for one in late.values() if one.past is not None))


def _refused(rule: HttpRule) -> HttpAnswer:
    headers = (("retry-after", str(rule.seconds)),) if rule.seconds else ()
    if not rule.code:
        return base.text(rule.message, rule.status, headers)
    answer = write_error(rule.status, rule.code, rule.message)
    return msgspec.structs.replace(answer, headers=(*answer.headers, *headers))


def _cut(request: Request) -> HttpAnswer:
    says = f"{request.host} closed the connection without an answer."
    return HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says=says))


def weather_of(estate: Estate) -> Weather:
    """The weather of ``estate``; resetting the estate clears it."""
    return estate.own(Weather, Weather, Weather.clear)
