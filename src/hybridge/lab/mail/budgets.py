"""How much an account may ask of Exchange, and how Exchange misbehaves when a test or a person wants it to.

Limits are those of Exchange 2019: ten hanging connections, 5000 subscriptions; they are charged to the mailbox acted
for. A manner is something a server does that is not in its documentation: it repeats or drops notifications, is late,
says nothing, or is too busy in one of the ways that were seen. Manners that refuse wear out after some requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field

HANGING_CONNECTIONS = 10
SUBSCRIPTIONS = 5000
BACK_OFF_MILLISECONDS = 297_749
"""What one busy server was seen to ask for."""
RETRY_SECONDS = 30
LATE_SECONDS = 60
"""How long late notifications are held back, in seconds of the lab's time."""
REFUSED_TIMES = 2
"""Requests a refusing manner refuses unless told otherwise."""

MANNERS = {
    "duplicates": "Every notification is sent twice.",
    "late": f"Notifications are held back for {LATE_SECONDS} seconds of the lab's time.",
    "missing": "Connections live, but nothing of what happens is told.",
    "half-missing": "Every second change is not told.",
    "silent": "Nothing is written into connections, not even a heartbeat, and they do not end.",
    "few-connections": "An account may have one hanging connection.",
    "few-subscriptions": "A mailbox may have two subscriptions.",
    "busy": "The next EWS requests are refused as ErrorServerBusy with BackOffMilliseconds.",
    "busy-without-wait": "The next EWS requests are refused as ErrorServerBusy with a back-off of 0 ms.",
    "busy-inside": "The next EWS requests are answered 200 with an ErrorServerBusy inside an ErrorInternalServerError.",
    "unavailable": "The next EWS requests are answered 503 with Retry-After.",
    "challenged": "The next EWS requests are answered 401 though the password is right.",
}
"""Every manner by name, and what it does."""

REFUSING = ("busy", "busy-without-wait", "busy-inside", "unavailable", "challenged")
"""Manners that refuse requests, and wear out."""


class UnknownManner(LookupError):
    """There is no manner of that name. Its text is one sentence that names it."""


@dataclass
class Budgets:
    """The manners in force, and how many requests the refusing ones still refuse (0: without end)."""

    manners: dict[str, int] = field(default_factory=dict)

    def take_up(self, *names: str) -> None:
        """Let exactly these be in force; ``busy:5`` refuses five requests, ``busy:0`` all. Raises ``UnknownManner``."""
        wanted: dict[str, int] = {}
        for name in names:
            known, colon, times = name.partition(":")
            if known not in MANNERS or (colon and not (times.isascii() and times.isdigit() and known in REFUSING)):
                raise UnknownManner(f'The lab has no manner "{name}"; hybridge lab manners lists them.')
            wanted[known] = int(times) if colon else REFUSED_TIMES * (known in REFUSING)
        self.manners = wanted

    def clear(self) -> None:
        """Good manners again."""
        self.manners = {}

    def __contains__(self, name: str) -> bool:
        return name in self.manners

    def refusal(self) -> str:
        """The manner the next request is refused by, "" when it is not; counts it."""
        name = next((one for one in REFUSING if one in self.manners), "")
        if name and self.manners[name]:
            self.manners[name] -= 1
            if not self.manners[name]:
                del self.manners[name]
        return name

    @property
    def connections(self) -> int:
        """Hanging connections one account may have."""
        return 1 if "few-connections" in self.manners else HANGING_CONNECTIONS

    @property
    def subscriptions(self) -> int:
        """Subscriptions one mailbox may have."""
        return 2 if "few-subscriptions" in self.manners else SUBSCRIPTIONS
