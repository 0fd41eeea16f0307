"""What may still come after a change was made and read back, and until when: modelled, not slept away.

A hand reads back what it wrote, but that is one server's word. Another domain controller, another replica of Entra, a
cache of Exchange or of Teams may show the past for minutes or hours. So after a plan was applied the doctor looks again
a few times (``verify``); what is still found by then is either *expected*, because a lag of the changes that cure it is
not over, or it was not cured. Some lags cannot be seen from here at all: then nothing is found any more, and people
notice later. An ``Expected`` says which lag, since when, and the instant at which looking again is worth it.

How long a lag takes is what its ``source`` says; where nothing is documented it is our estimate, and ``says`` so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from hybridge.checks.base import Check
from hybridge.doctor.examine import unexplained
from hybridge.findings import CheckResult
from hybridge.org import records as r
from hybridge.org.records import Address
from hybridge.plan import Change
from hybridge.repair.hands.base import Clock, Sleep
from hybridge.terms.premises import Premises


class Lag(StrEnum):
    """Why a change that is made does not show everywhere at once."""

    DIRECTORY = "directory-replication"
    GRAPH = "graph-replication"
    EWS_POLICY = "ews-policy-cache"
    TEAMS_POLICY = "teams-policy"
    UNDISCOVERABLE = "undiscoverable"


class Lagging(msgspec.Struct, frozen=True, kw_only=True):
    """One lag: it is ``usually`` over after that time, and ``at_most`` after this. ``source`` is "" for an estimate."""

    says: str
    usually: timedelta
    at_most: timedelta
    source: str = ""


LAGS: dict[Lag, Lagging] = {
    Lag.DIRECTORY: Lagging(
        says="Active Directory replicates to the other domain controllers: within seconds inside a site, every three "
        "hours between sites unless that was changed.",
        usually=timedelta(minutes=1),
        at_most=timedelta(hours=3),
        source="Microsoft: Active Directory replication concepts (15 seconds within a site, 180 minutes between)",
    ),
    Lag.GRAPH: Lagging(
        says="Entra shows a write at once on one replica and a little later on the others (our estimate).",
        usually=timedelta(minutes=1),
        at_most=timedelta(minutes=15),
    ),
    Lag.EWS_POLICY: Lagging(
        says="Exchange's web processes keep what they read of a policy; recycling MSExchangeServicesAppPool ends it.",
        usually=timedelta(minutes=15),
        at_most=timedelta(hours=1),
        source="Microsoft, Exchange developer blog: policies are cached for 5 to 15 minutes; the rest is replication",
    ),
    Lag.TEAMS_POLICY: Lagging(
        says="Teams takes over a changed policy within hours; signing out and in may help.",
        usually=timedelta(hours=4),
        at_most=timedelta(hours=24),
        source="Microsoft: Get-CsTeamsUpgradePolicy and Manage Teams with policies (up to 24 hours)",
    ),
    Lag.UNDISCOVERABLE: Lagging(
        says="Teams remembers for a while that it could not reach a mailbox and calls it undiscoverable by its middle "
        "tier until it tries again (our estimate).",
        usually=timedelta(hours=1),
        at_most=timedelta(hours=24),
    ),
}
"""Every lag."""

_ON = Premises.ON_PREMISES
_ONLINE = Premises.ONLINE
_OF_KINDS: dict[tuple[type[r.Record], Premises], tuple[Lag, ...]] = {
    (r.OrganizationConfig, _ON): (Lag.DIRECTORY, Lag.EWS_POLICY, Lag.UNDISCOVERABLE),
    (r.OrganizationConfig, _ONLINE): (Lag.EWS_POLICY,),
    (r.CasMailbox, _ON): (Lag.DIRECTORY, Lag.EWS_POLICY, Lag.UNDISCOVERABLE),
    (r.WebServicesVirtualDirectory, _ON): (Lag.DIRECTORY, Lag.UNDISCOVERABLE),
    (r.PartnerApplication, _ON): (Lag.DIRECTORY, Lag.UNDISCOVERABLE),
    (r.AuthServer, _ON): (Lag.DIRECTORY, Lag.UNDISCOVERABLE),
    (r.MailboxFolderPermission, _ON): (),
    (r.DelegateUser, _ON): (),
    (r.MailboxFolderPermission, _ONLINE): (),
    (r.ServicePrincipal, _ONLINE): (Lag.GRAPH, Lag.UNDISCOVERABLE),
    (r.TeamsAppSetupPolicy, _ONLINE): (Lag.TEAMS_POLICY,),
    (r.TeamsAppPermissionPolicy, _ONLINE): (Lag.TEAMS_POLICY,),
    (r.TeamsMeetingPolicy, _ONLINE): (Lag.TEAMS_POLICY,),
    (r.CsOnlineUser, _ONLINE): (Lag.TEAMS_POLICY, Lag.GRAPH),
}
"""What may lag after a record of a kind was written. Rights and delegates lie in the mailbox itself and show at once;
of every other kind the directory of its side lags."""


def lags_of(address: Address) -> tuple[Lag, ...]:
    """What may lag after the record at ``address`` was written."""
    for (kind, premises), lags in _OF_KINDS.items():
        if (kind.__name__, premises) == (address.kind, address.premises):
            return lags
    return (Lag.DIRECTORY,) if address.premises is _ON else (Lag.GRAPH,)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A change that is made, since ``at``."""

    number: int
    change: Change
    at: datetime


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A lag that is not over for changes ``steps`` (their numbers). ``look_again_at`` is worth a look; ``at_latest``
    it must be over. ``causes`` are those still found because of it; none where only people notice it."""

    lag: Lag
    says: str
    steps: tuple[int, ...]
    causes: tuple[str, ...]
    look_again_at: datetime
    at_latest: datetime


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that stands for itself: its full name, and the checks whose causes might have explained it."""

    name: str
    explained_by: tuple[str, ...] = ()


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the organization: what was found, and the checks that could not be run, each with a reason."""

    found: tuple[Found, ...] = ()
    unseen: dict[str, str] = {}


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan came to. ``healed``: nothing it was to cure is found, and everything of that was seen.

    ``left`` is still found without an excuse; ``expected`` has one; ``unchecked`` could not be looked at; ``others``
    is found and was not the plan's to cure. ``look_again_at`` is set when a later look may say more.
    """

    healed: bool
    says: str
    left: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    unchecked: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    look_again_at: datetime | None = None
    looks: int = 1

    @property
    def waits_for(self) -> frozenset[str]:
        """Causes that are still found and may go by themselves."""
        return frozenset(cause for one in self.expected for cause in one.causes)


class Polling(msgspec.Struct, frozen=True, kw_only=True):
    """How long to look again: first after ``pause``, twice as long each time up to ``longest``, until ``limit``."""

    limit: timedelta = timedelta(minutes=2)
    pause: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(seconds=30)


def seen_in(results: Sequence[CheckResult], checks: Iterable[Check]) -> Seen:
    """What an examination saw, as far as ``judge`` needs it."""
    explainers = {check.name: check.explained_by for check in checks if check.symptom}
    found = {one.name: Found(name=one.name, explained_by=explainers.get(one.check, ())) for one in unexplained(results)}
    return Seen(
        found=tuple(found.values()),
        unseen={result.check: unseen.says for result in results for unseen in result.unseen},
    )


def judge(made: Sequence[Made], seen: Seen, now: datetime, later: Iterable[str] = ()) -> Verified:
    """What ``seen`` means for the changes that were ``made``. Pure; ``later`` are causes another part of the plan ends.

    A finding belongs to a change that cures it, or, when a server still shows it, to one that cures what brings it
    about.
    """
    still: dict[str, list[Made]] = {}
    others: list[str] = []
    cured = {cause for one in made for cause in one.change.why} - set(later)
    for found in seen.found:
        behind = [one for one in made if _cures(one.change, found)]
        if not behind or found.name in later:
            others.append(found.name)
        else:
            still[found.name] = behind
    expected = _expected(made, still, now)
    excused = {cause for one in expected for cause in one.causes}
    left = tuple(sorted(name for name in still if name not in excused))
    checks = {cause.partition(":")[0] for cause in cured}
    unchecked = tuple(sorted(checks & seen.unseen.keys()))
    instants = [one.look_again_at for one in expected if one.causes]
    healed = not still and not unchecked
    return Verified(
        healed=healed,
        says=_says(len(cured), left, tuple(sorted(excused)), tuple(seen.unseen[name] for name in unchecked)),
        left=left,
        expected=expected,
        unchecked=unchecked,
        others=tuple(sorted(others)),
        look_again_at=min(instants, default=None),
    )


def _cures(change: Change, found: Found) -> bool:
    return any(cause == found.name or cause.partition(":")[0] in found.explained_by for cause in change.why)


def _expected(made: Sequence[Made], still: dict[str, list[Made]], now: datetime) -> tuple[Expected, ...]:
    lagging: dict[Lag, list[Made]] = {}
    for one in made:
        for lag in lags_of(one.change.address):
            if now < one.at + LAGS[lag].at_most:
                lagging.setdefault(lag, []).append(one)
    return tuple(_expecting(lag, behind, still, now) for lag, behind in lagging.items())


def _expecting(lag: Lag, behind: Sequence[Made], still: dict[str, list[Made]], now: datetime) -> Expected:
    steps = {one.number for one in behind}
    since = max(one.at for one in behind)
    return Expected(
        lag=lag,
        says=LAGS[lag].says,
        steps=tuple(sorted(steps)),
        causes=tuple(sorted(name for name, cures in still.items() if any(one.number in steps for one in cures))),
        look_again_at=_look_again(lag, since, now),
        at_latest=since + LAGS[lag].at_most,
    )


def _look_again(lag: Lag, since: datetime, now: datetime) -> datetime:
    """When the lag is usually over; that long from now, once that has passed; but never after it must be over."""
    usually = LAGS[lag].usually
    soon = since + usually if now < since + usually else now + usually
    return min(soon, since + LAGS[lag].at_most)


def _says(cured: int, left: tuple[str, ...], excused: tuple[str, ...], unseen: tuple[str, ...]) -> str:
    if not (left or excused or unseen):
        return f"Verified: none of the {cured} cured causes is found any more."
    parts = []
    if left:
        parts.append(f"Still found: {', '.join(left)}.")
    if excused:
        parts.append(f"Still found, and may go by itself: {', '.join(excused)}.")
    if unseen:
        parts.append(f"Not verified, because not everything could be looked at: {unseen[0]}")
    return " ".join(parts)


async def verify(
    look: Callable[[], Awaitable[Seen]],
    made: Sequence[Made],
    clock: Clock,
    sleep: Sleep,
    *,
    polling: Polling,
    tell: Callable[[str], None],
    later: Iterable[str] = (),
) -> Verified:
    """Look, and look again while something is found that may go by itself, until ``polling.limit`` has passed.

    ``tell`` is given a sentence of progress before each pause.
    """
    later = tuple(later)
    started, pause, looks = clock.now(), polling.pause, 1
    verified = judge(made, await look(), clock.now(), later)
    while verified.waits_for and clock.now() + pause <= started + polling.limit:
        left = polling.limit - (clock.now() - started)
        wait = f"looking again in {pause.total_seconds():.0f} s, for {_minutes(left)} at most ..."
        tell(f"{len(verified.waits_for)} not yet seen as cured; {wait}")
        await sleep(pause.total_seconds())
        pause, looks = min(pause * 2, polling.longest), looks + 1
        verified = judge(made, await look(), clock.now(), later)
    return msgspec.structs.replace(verified, looks=looks)


def _minutes(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
