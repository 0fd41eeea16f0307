"""Everybody the gateway decides for: what is known of each, and when each must be looked at again.

Synchronous and without a clock of its own: what was told goes in with ``now``, commands come out. One person whom the
rules cannot decide (a defect) is logged with the error's name and left as they were; nobody else notices.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

import msgspec

from hybridge.presence.log import told
from hybridge.presence.machine import Command, Event, Known, RulesChanged, Woke, step
from hybridge.presence.observations import CalendarRead, Observation
from hybridge.presence.rules import Rules
from hybridge.presence.timers import Timers


class Roster:
    """What is known of each address."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.known: dict[str, Known] = {}
        self.defects = 0
        self._timers = Timers()

    @property
    def next_at(self) -> datetime | None:
        """When somebody must be looked at next."""
        return self._timers.next_at

    def add(self, address: str, known: Known | None = None) -> None:
        """Decide for this person from now on."""
        self.known.setdefault(address, known or Known())

    def drop(self, address: str) -> None:
        """Forget this person."""
        self.known.pop(address, None)
        self._timers.drop(address)

    def see(self, address: str, event: Event, now: datetime) -> tuple[Command, ...]:
        """What follows from an event for one person."""
        known = self.known.get(address)
        if known is None:
            return ()
        try:
            self.known[address], commands = step(known, event, now, self.rules)
        except Exception as error:
            self.defects += 1
            told("defect", logging.ERROR, person=address, error=type(error).__name__, seen=type(event).__name__)
            return ()
        return commands

    def wake_at(self, address: str, at: datetime) -> None:
        """Look at this person again at an instant."""
        self._timers.set(address, at)

    def due(self, now: datetime) -> Iterable[str]:
        """Whom to look at now."""
        return self._timers.due(now)


WOKE = Woke()
CHANGED = RulesChanged()


def without_subjects(observation: Observation, *, but_public: bool = False) -> Observation:
    """The observation with no subject in it; with ``but_public`` only private events lose theirs."""
    if not isinstance(observation, CalendarRead):
        return observation
    window = observation.window
    if not any(event.subject and (event.private or not but_public) for event in window.events):
        return observation
    events = tuple(
        event if but_public and not event.private else msgspec.structs.replace(event, subject="")
        for event in window.events
    )
    return CalendarRead(msgspec.structs.replace(window, events=events))
