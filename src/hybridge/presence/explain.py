"""Why people show what they show, told from a running gateway.

Everything is computed from what is known now, by the same functions that decide; nothing is a record of the past.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hybridge.presence.claims import Claim, Stretch, timeline
from hybridge.presence.explained import (
    Board,
    ClaimShown,
    Endpoint,
    Row,
    SinkShown,
    SinkStanding,
    SourceShown,
    Why,
)
from hybridge.presence.gateway import Gateway
from hybridge.presence.machine import Known, claims, effective
from hybridge.presence.people_list import Watched
from hybridge.presence.rules import NAMED_RULES
from hybridge.presence.running import RunningSource
from hybridge.presence.running_sink import RunningSink
from hybridge.presence.states import PresenceState

AHEAD = timedelta(hours=26)
"""How far the next boundary is looked for."""
LOOKED_AHEAD = 1000
"""With more people than this the board leaves the next boundary out."""


def why(gateway: Gateway, user: str) -> Why | None:
    """Why this person shows what they show; by address, Entra user or JID. None for a stranger."""
    address = _address(gateway, user)
    known = gateway.roster.known.get(address)
    if known is None:
        return None
    now, rules = gateway.clock.now(), gateway.roster.rules
    watched = gateway.layout.people[address]
    standing, now_shown = claims(known, now, rules), effective(known, now, rules)
    window, replies = known.window, known.replies
    subjects = _subjects(gateway, known)
    following = _next(standing, now, gateway)
    in_force = [(claim, True) for claim in now_shown.because]
    kept = {(claim.source, claim.identity, claim.from_at, claim.state) for claim in now_shown.because}
    rest = [(c, False) for c in standing if (c.source, c.identity, c.from_at, c.state) not in kept]
    return Why(
        address=address,
        group=watched.person.group,
        source=watched.person.source,
        at=now,
        state=str(known.published.state) if known.published else "",
        until=known.published.until if known.published else None,
        next_at=following.from_at if following else None,
        next_state=str(following.state) if following else "",
        rules=rules.name,
        because=tuple(dict.fromkeys(NAMED_RULES.get(name, name) for c in now_shown.because for name in c.because)),
        claims=tuple(_claim(claim, force, subjects) for claim, force in (*in_force, *sorted(rest, key=_start))),
        calendar_read_at=known.read_at,
        calendar_from=window.start_at if window else None,
        calendar_to=window.end_at if window else None,
        replies_read_at=replies.read_at if replies else None,
        replies=str(replies.state) if replies else "",
        trouble=gateway.troubles.get(address, ""),
        sinks=tuple(_standing(gateway.sinks[name], address) for name in watched.sinks if name in gateway.sinks),
    )


def board(gateway: Gateway, config_problem: str = "") -> Board:
    """Everything at once."""
    now = gateway.clock.now()
    ahead = len(gateway.layout.people) <= LOOKED_AHEAD
    return Board(
        at=now,
        started_at=gateway.started_at,
        rules=gateway.roster.rules.name,
        revision=gateway.revision,
        draining=gateway.draining,
        jumps=gateway.jumps,
        state_trouble=gateway.store.trouble,
        config_problem=config_problem,
        people=tuple(_row(gateway, address, watched, now, ahead) for address, watched in _in_order(gateway)),
        sources=tuple(_source(gateway, name, source) for name, source in gateway.sources.items()),
        sinks=tuple(_sink(name, sink) for name, sink in gateway.sinks.items()),
    )


def _in_order(gateway: Gateway) -> list[tuple[str, Watched]]:
    return sorted(gateway.layout.people.items())


def _address(gateway: Gateway, user: str) -> str:
    wanted = user.strip().lower()
    if wanted in gateway.layout.people:
        return wanted
    for address, watched in gateway.layout.people.items():
        if wanted in (watched.person.user.lower(), watched.person.jid.lower()):
            return address
    return wanted


def _start(one: tuple[Claim, bool]) -> datetime:
    return one[0].from_at


def _subjects(gateway: Gateway, known: Known) -> dict[str, str]:
    """Subjects by item; none unless the configuration wants them."""
    window = known.window
    if not gateway.layout.subjects or window is None:
        return {}
    return {event.identity: event.subject for event in window.events if not event.private}


def _claim(claim: Claim, in_force: bool, subjects: dict[str, str]) -> ClaimShown:
    return ClaimShown(
        source=claim.source,
        state=str(claim.state),
        from_at=claim.from_at,
        until=claim.until,
        item=claim.identity,
        rules=claim.because,
        says=tuple(NAMED_RULES.get(name, name) for name in claim.because),
        in_force=in_force,
        subject=subjects.get(claim.identity, ""),
    )


def _next(standing: tuple[Claim, ...], now: datetime, gateway: Gateway) -> Stretch | None:
    """What follows the present state; None where only what is known ends (it is read again before)."""
    stretches = timeline(standing, now, now + AHEAD, gateway.roster.rules)
    following = stretches[1] if len(stretches) > 1 else None
    return None if following is None or following.state is PresenceState.UNKNOWN else following


def _standing(sink: RunningSink, address: str) -> SinkStanding:
    standing, trouble = sink.standing(address), sink.trouble
    desired = standing.desired if standing else None
    shown = standing.shown if standing else None
    says = sink.defect or (trouble.says if trouble else "") or (standing.says if standing else "")
    return SinkStanding(
        sink=sink.part.name,
        kind=sink.part.kind,
        desired=str(desired.state or "") if desired else "",
        desired_until=desired.until if desired else None,
        shown=str(shown.state or "") if shown else "",
        expires_at=shown.expires_at if shown and shown.state else None,
        pending=standing.pending if standing else False,
        attempts=standing.attempts if standing else 0,
        again_at=standing.again_at if standing else None,
        trouble=says,
        next_step=(trouble.next_step if trouble else "") or (standing.next_step if standing else ""),
    )


def _row(gateway: Gateway, address: str, watched: Watched, now: datetime, ahead: bool) -> Row:
    known = gateway.roster.known[address]
    rules = gateway.roster.rules
    following = _next(claims(known, now, rules), now, gateway) if ahead else None
    shown = {}
    for name in watched.sinks:
        sink = gateway.sinks.get(name)
        standing = sink.standing(address) if sink else None
        shown[name] = str(standing.shown.state or "") if standing and standing.shown else ""
    return Row(
        address=address,
        group=watched.person.group,
        source=watched.person.source,
        state=str(known.published.state) if known.published else "",
        until=known.published.until if known.published else None,
        next_at=following.from_at if following else None,
        next_state=str(following.state) if following else "",
        read_at=known.read_at,
        shown=shown,
        trouble=gateway.troubles.get(address, ""),
        subject=_subject_now(gateway, known, now),
    )


def _subject_now(gateway: Gateway, known: Known, now: datetime) -> str:
    subjects = _subjects(gateway, known)
    if not subjects:
        return ""
    because = effective(known, now, gateway.roster.rules).because
    return next((subjects[c.identity] for c in because if c.from_at <= now and subjects.get(c.identity)), "")


def _source(gateway: Gateway, name: str, source: RunningSource) -> SourceShown:
    return SourceShown(
        name=name,
        kind=source.part.kind,
        people=sum(watched.person.source == name for watched in gateway.layout.people.values()),
        restarts=source.restarts,
        read_at=source.last_read_at,
        endpoints=tuple(
            Endpoint(place=h.place, at=h.at, trouble=h.trouble, next_step=h.next_step, figures=dict(h.figures))
            for h in source.health()
        ),
    )


def _sink(name: str, sink: RunningSink) -> SinkShown:
    figures, trouble = sink.figures(), sink.trouble
    return SinkShown(
        name=name,
        kind=sink.part.kind,
        people=figures.people,
        pending=figures.pending,
        published=figures.published,
        retried=figures.retried,
        refused=figures.refused,
        lag=figures.lag,
        restarts=sink.restarts,
        trouble=sink.defect or (trouble.says if trouble else ""),
        next_step=trouble.next_step if trouble else "",
        again_at=trouble.again_at if trouble else None,
    )
