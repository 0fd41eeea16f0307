"""Weathers by name: what ``hybridge lab weather`` can call up.

Codes and sentences are those Graph answers with; see its documents on throttling and on errors of directories.
"""

from __future__ import annotations

import msgspec

from hybridge.lab.contoso import AUTODISCOVER_HOST, MAIL_HOST, SERVERS
from hybridge.lab.weather import READS, WRITES, AnyRule, CmdletRule, Does, HttpRule, Weather
from hybridge.terms.clouds import GCC_HIGH, WORLDWIDE

_GRAPH = (WORLDWIDE.graph, GCC_HIGH.graph)
_TEAMS = (WORLDWIDE.teams_config, GCC_HIGH.teams_config)
_EXCHANGE = (MAIL_HOST, AUTODISCOVER_HOST, *SERVERS.values())


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A weather that can be called up by name; ``says`` is one sentence."""

    says: str
    rules: tuple[AnyRule, ...]


class UnknownWeather(LookupError):
    """There is no weather of that name. Its text is one sentence that names it."""


def _named(says: str, *rules: AnyRule) -> Named:
    return Named(says=says, rules=rules)


def _refusing(methods: tuple[str, ...], status: int, code: str, message: str, times: int = 0) -> HttpRule:
    return HttpRule(
        does=Does.REFUSE, hosts=_GRAPH, methods=methods, status=status, code=code, message=message, times=times
    )


def _throttled(methods: tuple[str, ...], hosts: tuple[str, ...] = _GRAPH) -> HttpRule:
    return HttpRule(
        does=Does.REFUSE,
        hosts=hosts,
        methods=methods,
        status=429,
        code="TooManyRequests",
        message="Too many requests. Try again later.",
        seconds=1,
        times=2,
    )


WEATHERS: dict[str, Named] = {
    "graph-slow": _named(
        "Every answer of Graph takes half a minute of the lab's time.",
        HttpRule(does=Does.SLOW, hosts=_GRAPH, methods=(*READS, *WRITES), seconds=30),
    ),
    "graph-throttled": _named(
        "Graph answers 429 to the next two reads and to the next two writes.", _throttled(READS), _throttled(WRITES)
    ),
    "graph-forbidden": _named(
        "Graph refuses every write with 403.",
        _refusing(WRITES, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    ),
    "graph-conflict": _named(
        "Graph answers 409 to the next write, because somebody else is writing.",
        _refusing(WRITES, 409, "Directory_ConcurrencyViolation", "Concurrent requests to the tenant; try again.", 1),
    ),
    "graph-unavailable": _named(
        "Graph answers 503 to the next write and 500 to the one after it.",
        _refusing(WRITES, 503, "ServiceUnavailable", "The service is temporarily unavailable.", 1),
        HttpRule(
            does=Does.REFUSE,
            hosts=_GRAPH,
            status=500,
            code="InternalServerError",
            message="The server failed.",
            skip=1,
            times=1,
        ),
    ),
    "graph-drops-before-write": _named(
        "The connection to Graph ends before the next write is done.",
        HttpRule(does=Does.DROP_BEFORE, hosts=_GRAPH, times=1),
    ),
    "graph-drops-after-write": _named(
        "The connection to Graph ends after the next write is done, without an answer.",
        HttpRule(does=Does.DROP_AFTER, hosts=_GRAPH, times=1),
    ),
    "graph-late": _named(
        "What is written to Graph is not seen by the next three who look.",
        HttpRule(does=Does.LATE, hosts=_GRAPH, reads=3),
    ),
    "graph-very-late": _named(
        "What is written to Graph is not seen by the next eight who look.",
        HttpRule(does=Does.LATE, hosts=_GRAPH, reads=8),
    ),
    "graph-late-and-drops": _named(
        "The connection to Graph ends after the next write, which is not seen by the next three who look.",
        HttpRule(does=Does.LATE, hosts=_GRAPH, reads=3),
        HttpRule(does=Does.DROP_AFTER, hosts=_GRAPH, times=1),
    ),
    "graph-twice": _named(
        "Every write reaches Graph twice, and the second answer comes back.",
        HttpRule(does=Does.TWICE, hosts=_GRAPH),
    ),
    "teams-throttled": _named(
        "The configuration service of Teams answers 429 to the next two reads and to the next two writes.",
        _throttled(READS, _TEAMS),
        _throttled(WRITES, _TEAMS),
    ),
    "teams-drops-after-write": _named(
        "The connection to the configuration service of Teams ends after the next write is done.",
        HttpRule(does=Does.DROP_AFTER, hosts=_TEAMS, times=1),
    ),
    "exchange-drops": _named(
        "The next five connections to Exchange's web services end without an answer.",
        HttpRule(does=Does.DROP_BEFORE, hosts=_EXCHANGE, methods=(*READS, *WRITES), times=5),
    ),
    "exchange-unavailable": _named(
        "Exchange's web services answer 503.",
        HttpRule(does=Does.REFUSE, hosts=_EXCHANGE, methods=(*READS, *WRITES), status=503),
    ),
    "powershell-slow": _named(
        "Every cmdlet takes a minute of the lab's time.", CmdletRule(does=Does.SLOW, names=("",), seconds=60)
    ),
    "powershell-drops-before-write": _named(
        "The PowerShell session ends before the next cmdlet that changes something has run.",
        CmdletRule(does=Does.DROP_BEFORE, times=1),
    ),
    "powershell-drops-after-write": _named(
        "The PowerShell session ends after the next cmdlet that changes something has run.",
        CmdletRule(does=Does.DROP_AFTER, times=1),
    ),
    "directory-late": _named(
        "What a cmdlet changes is not seen by the next three cmdlets that look: another domain controller answers.",
        CmdletRule(does=Does.LATE, reads=3),
    ),
}
"""Name -> weather."""


def weather_named(name: str) -> Named:
    """The weather called ``name``. Raises ``UnknownWeather``."""
    if name not in WEATHERS:
        raise UnknownWeather(f"There is no weather '{name}'; choose {', '.join(WEATHERS)}.")
    return WEATHERS[name]


def call_up(weather: Weather, names: tuple[str, ...]) -> None:
    """Let the weathers called ``names`` blow together, in place of those before; none is fine weather."""
    rules = tuple(rule for name in names for rule in weather_named(name).rules)
    if rules:
        weather.turn(*rules, name=", ".join(names))
    else:
        weather.clear()
