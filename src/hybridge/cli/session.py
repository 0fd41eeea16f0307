"""What a command works on: the configuration or the snapshot, the target, the answerer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hybridge import __version__
from hybridge.checks.base import Check
from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Stop
from hybridge.cli.firewall_list import firewall_list
from hybridge.cli.offline import Snapshot, open_snapshot
from hybridge.cli.rules_folder import rules_of
from hybridge.collectors.collect import Target
from hybridge.collectors.network import AllowList
from hybridge.config import Config, ConfigProblem, accepted_of, pair_of
from hybridge.doctor.accept import UnknownCause, known
from hybridge.doctor.diagnose import UnknownCheck, choose
from hybridge.doctor.named_tests import NamedTest
from hybridge.findings import Acceptance
from hybridge.net.answerers.at_domain_controller import AtDomainController
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.answerers.snapshot import SnapshotAnswerer, SnapshotProblem
from hybridge.net.answerers.with_exports import WithExports
from hybridge.net.clock import Clock, SystemClock
from hybridge.terms.symptoms import Symptom
from hybridge.wire.ask import Answerer

USER_AGENT = f"hybridge/{__version__}"


@dataclass(frozen=True)
class Session:
    """One examination to be made: what, of whom, with which checks, through which answerer."""

    target: Target
    delegations: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]
    symptom: str
    only: tuple[str, ...]
    clock: Clock
    config: Config | None = None
    snapshot: Snapshot | None = None
    domain_controller: str = ""
    """Where every on-premises cmdlet is sent, "" to leave it to Exchange."""
    acceptances: tuple[Acceptance, ...] = ()
    """Risks the configuration accepts."""
    whole: bool = True
    """False when the command line named mailboxes or delegations."""
    test: NamedTest | None = None
    """The test that is to be run; None for a plain examination."""

    @property
    def source(self) -> str:
        return str(self.snapshot.folder) if self.snapshot else "live"

    @property
    def title(self) -> str:
        where = f"the snapshot {self.snapshot.folder}" if self.snapshot else self.target.domain
        return f"{where} with {len(self.checks)} checks, {len(self.target.mailboxes)} mailboxes"

    def judged_at(self, started: datetime) -> datetime:
        """A snapshot is judged at the time it was taken, where it says so."""
        return (self.snapshot.taken_at if self.snapshot else None) or started

    @asynccontextmanager
    async def answerer(self) -> AsyncIterator[AskedOnce]:
        """The answerer of this session; asks nothing twice."""
        async with self.source_answerer() as source:
            yield AskedOnce(source)

    @asynccontextmanager
    async def source_answerer(self) -> AsyncIterator[Answerer]:
        """The answerer below: it asks again whenever it is told to."""
        if self.snapshot is not None:
            yield self.snapshot.answerer
            return
        from hybridge.net.answerers.live import open_live

        assert self.config is not None
        async with open_live(self.config.net, self.config.exchange, self.config.entra, self.clock) as live:
            source = self._beside_exports(live)
            yield AtDomainController(source, self.domain_controller) if self.domain_controller else source

    def _beside_exports(self, live: Answerer) -> Answerer:
        """``live``, with the exports the configuration names."""
        folder = self.config.settings.exchange.exports if self.config else ""
        if not folder or self.config is None:
            return live
        try:
            return WithExports(live, SnapshotAnswerer(self.config.beside(folder)))
        except SnapshotProblem as problem:
            raise Stop(f"{self.config.file}: exchange.exports: {problem}", "correct the path") from problem


def open_session(
    config: Path,
    snapshot: Path | None,
    mailboxes: list[str],
    delegations: list[str],
    only: list[str],
    symptom: str,
    *,
    tenant: bool = False,
    firewall: str = "",
) -> Session:
    """Everything the command line asked for, checked before anything is sent; of the whole ``tenant`` perhaps."""
    if tenant and (mailboxes or delegations):
        raise Stop("--tenant examines every mailbox.", "leave --tenant or the mailboxes out")
    for mailbox in mailboxes:
        if "@" not in mailbox:
            raise Stop(f"'{mailbox}' is not a mailbox.", "name it by its address, such as ada@contoso.com")
    try:
        pairs = tuple(pair_of(text) for text in delegations)
        checks = choose(only, _symptom(symptom))
    except ConfigProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem
    except UnknownCheck as unknown:
        raise Stop(str(unknown), "hybridge checks lists them all") from unknown
    if snapshot is not None:
        session = _offline(snapshot, mailboxes, pairs, checks, symptom, only, whole=tenant)
    else:
        session = _live(load_config(config), mailboxes, pairs, checks, symptom, only)
    saved = session.snapshot.allow_list if session.snapshot else AllowList()
    target = replace(
        session.target,
        rules=rules_of(config, session.config)[0],
        allow_list=firewall_list(firewall, session.config, saved),
    )
    whole = not (mailboxes or pairs)
    return replace(session, target=target, acceptances=_acceptances(session, config), whole=whole)


def _acceptances(session: Session, file: Path) -> tuple[Acceptance, ...]:
    try:
        return known(session.config.accepted if session.config else accepted_of(file, session.target.domain))
    except ConfigProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem
    except UnknownCause as unknown:
        raise Stop(f"{file}: {unknown}", unknown.next_step) from unknown


def _symptom(name: str) -> Symptom | None:
    if not name:
        return None
    try:
        return Symptom(name)
    except ValueError:
        raise Stop(f"The symptom '{name}' is not known.", f"choose one of: {', '.join(Symptom)}") from None


def _live(
    config: Config,
    mailboxes: list[str],
    pairs: tuple[tuple[str, str], ...],
    checks: tuple[Check, ...],
    symptom: str,
    only: list[str],
) -> Session:
    named = bool(mailboxes or pairs)
    try:
        delegations = pairs if named else config.delegations
    except ConfigProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem
    boxes = tuple(mailboxes) if named else config.settings.doctor.mailboxes
    section = config.settings.organization
    target = Target(
        domain=section.domain,
        tenant_id=section.tenant_id,
        cloud=config.cloud,
        mailboxes=_all_boxes(boxes, delegations),
        user_agent=USER_AGENT,
        hybrid=section.hybrid,
    )
    return Session(target, delegations, checks, symptom, tuple(only), SystemClock(), config=config)


def _offline(
    folder: Path,
    mailboxes: list[str],
    pairs: tuple[tuple[str, str], ...],
    checks: tuple[Check, ...],
    symptom: str,
    only: list[str],
    *,
    whole: bool = False,
) -> Session:
    try:
        snapshot = open_snapshot(folder, whole=whole)
    except SnapshotProblem as problem:
        raise Stop(str(problem), "hybridge snapshot commands prints how to make one") from problem
    named = bool(mailboxes or pairs)
    delegations = pairs if named else snapshot.delegations
    target = Target(
        domain=snapshot.domain,
        tenant_id=snapshot.tenant_id,
        cloud=snapshot.cloud,
        mailboxes=_all_boxes(tuple(mailboxes) if named else snapshot.mailboxes, delegations),
        user_agent=USER_AGENT,
        hybrid=snapshot.hybrid,
    )
    return Session(target, delegations, checks, symptom, tuple(only), SystemClock(), snapshot=snapshot)


def _all_boxes(mailboxes: tuple[str, ...], delegations: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Mailboxes named, and both sides of every delegation, each once."""
    return tuple(dict.fromkeys((*mailboxes, *(address for pair in delegations for address in pair))))
