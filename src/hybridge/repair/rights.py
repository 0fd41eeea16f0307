"""Whether the running accounts may do what a plan holds, and take it back, judged before it begins. Pure.

A plan that stops half-way because a right is missing leaves more work than one that never began. So every hand says
what its changes need (``hands.base.Rights``), and what can be asked is compared with what the accounts have: cmdlets
and parameters with those of our own PowerShell session, application permissions with those in our own token. The rights
to undo are part of it: a change nobody may take back is not made.

What cannot be asked (whether the configuration service of Teams lets us write, whether a role in Exchange Online covers
a mailbox) is told as such and does not hold the plan up: the service decides when it is met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from hybridge.evidence import Evidence, Unseen
from hybridge.org.probes import AvailableCmdlet, GrantedPermissions
from hybridge.plan import Plan
from hybridge.repair.hands.base import Entitled, Hand, Rights, hand_for
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
_CONTROLLER = "DomainController"


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the sentences name: the Exchange account, and the client id of the Entra application."""

    exchange: str
    application: str


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan needs. ``cmdlets`` maps a name to its parameters.

    ``permissions`` maps a service to what it must permit, each told as permissions of which one is enough. ``rights``
    are the distinct rights the hands named, for people.
    """

    rights: tuple[Rights, ...]
    cmdlets: dict[str, tuple[str, ...]]
    permissions: dict[str, tuple[tuple[str, ...], ...]]


class Lack(msgspec.Struct, frozen=True, kw_only=True):
    """A right that is missing: a sentence that names it and the account, and what ends it."""

    says: str
    next_step: str


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing, and sentences about what could not be asked."""

    lacks: tuple[Lack, ...] = ()
    unasked: tuple[str, ...] = ()


def needed(plan: Plan, hands: Sequence[Hand]) -> Needed:
    """What the hands say ``plan`` needs. A change that no hand writes is left out: it is refused elsewhere."""
    rights: list[Rights] = []
    for change in plan.changes:
        hand = hand_for(hands, change.address)
        if isinstance(hand, Entitled):
            rights.append(hand.rights(change))
    extra = (_CONTROLLER,) if plan.domain_controller else ()
    cmdlets: dict[str, set[str]] = {}
    permissions: dict[str, set[tuple[str, ...]]] = {}
    for one in rights:
        for name, parameters in one.cmdlets:
            cmdlets.setdefault(name, set()).update((*parameters, *extra))
        if one.permissions:
            permissions.setdefault(one.service, set()).add(one.permissions)
    return Needed(
        rights=_distinct(rights),
        cmdlets={name: tuple(sorted(cmdlets[name])) for name in sorted(cmdlets)},
        permissions={service: tuple(sorted(permissions[service])) for service in sorted(permissions)},
    )


def _distinct(rights: Iterable[Rights]) -> tuple[Rights, ...]:
    """One of each sentence, without what differs from change to change."""
    return tuple({one.says: msgspec.structs.replace(one, cmdlets=()) for one in rights}.values())


def judge(wanted: Needed, evidence: Evidence, accounts: Accounts) -> Judged:
    """Compare what is ``wanted`` with what ``evidence`` (of ``collectors.rights``) shows the accounts have."""
    lacks: list[Lack] = []
    unasked: list[str] = []
    for says in (*_cmdlets(wanted, evidence, accounts), *_permissions(wanted, evidence, accounts)):
        if isinstance(says, Lack):
            lacks.append(says)
        else:
            unasked.append(says)
    unasked += [f"It cannot be asked beforehand: {one.says}" for one in wanted.rights if not _askable(one)]
    return Judged(lacks=tuple(lacks), unasked=tuple(unasked))


def _askable(rights: Rights) -> bool:
    return bool(rights.permissions) or not rights.service


def _cmdlets(wanted: Needed, evidence: Evidence, accounts: Accounts) -> Iterator[Lack | str]:
    if not wanted.cmdlets:
        return
    reading = evidence.all(AvailableCmdlet, ON)
    if isinstance(reading, Unseen):
        yield f"Which cmdlets {accounts.exchange} may run could not be asked: {reading.says}"
        return
    if not reading.records:  # the plan was made with some of them: such a session does not tell what it has
        yield f"Which cmdlets {accounts.exchange} may run could not be asked: the session lists none at all."
        return
    had = {one.identity.lower(): one for one in reading.records}
    absent = [name for name in wanted.cmdlets if name.lower() not in had]
    if absent:
        yield _lack_of(accounts.exchange, absent)
    for name, parameters in wanted.cmdlets.items():
        known = had.get(name.lower())
        if known is None or known.parameters is None:
            continue
        usable = {one.lower() for one in known.parameters}
        if missing := [f"-{one}" for one in parameters if one.lower() not in usable]:
            yield _lack_of(accounts.exchange, [f"{name} with {', '.join(missing)}"])


def _lack_of(account: str, what: Iterable[str]) -> Lack:
    return Lack(
        says=f"The account {account} may not run {', '.join(what)} in Exchange.",
        next_step="Make it a member of the role group Organization Management, or give it a role that holds these.",
    )


def _permissions(wanted: Needed, evidence: Evidence, accounts: Accounts) -> Iterator[Lack | str]:
    if not wanted.permissions:
        return
    reading = evidence.all(GrantedPermissions, ONLINE)
    if isinstance(reading, Unseen):
        yield f"Which permissions the application {accounts.application} has could not be asked: {reading.says}"
        return
    held = {one.identity: set(one.roles) for one in reading.records}
    for service, permissions in wanted.permissions.items():
        for enough in permissions:
            if not held.get(service, set()) & set(enough):
                missing = " or ".join(enough)
                step = f"Give it the application permission {missing} in Entra, with an administrator's consent."
                says = f"The application {accounts.application} lacks the permission {missing} of {service}."
                yield Lack(says=says, next_step=step)
