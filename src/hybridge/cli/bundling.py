"""The work behind ``hybridge support-bundle``: examine once more with a recorder, or take a report that is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hybridge.cli.doctor import report_of
from hybridge.cli.exits import Stop
from hybridge.cli.options import say
from hybridge.cli.session import Session, open_session
from hybridge.config import ConfigProblem, pair_of
from hybridge.doctor.diagnose import Diagnosis, diagnose
from hybridge.evidence import Seen
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.answerers.recorder import Recorder
from hybridge.net.redact import redact_text
from hybridge.net.secret import Secret
from hybridge.org.records import Mailbox
from hybridge.report import json_
from hybridge.report.document import Document
from hybridge.support.bundle import each_text, evidence_files
from hybridge.support.case import Case, Person, case_text
from hybridge.support.content import clean_log, clean_report
from hybridge.support.pseudonyms import Pseudonyms
from hybridge.support.requests import Asked, asked, table
from hybridge.terms.premises import Premises

LARGEST_LOG = 20 * 1024 * 1024
_PERSON_FIELDS = ("Alias", "DisplayName", "SamAccountName", "FirstName", "LastName", "Name")
_PERSON_CMDLETS = ("mailbox", "mailuser", "recipient", "onlineuser", "casmailbox", "get-user")


@dataclass(frozen=True)
class Wish:
    """What the command line asked for."""

    at: datetime | None
    added: tuple[Path, ...]
    pseudonymize: bool
    mailboxes: tuple[str, ...]
    delegations: tuple[str, ...]
    config: Path
    snapshot: Path | None


@dataclass(frozen=True)
class Gathered:
    """The files of the bundle by name, and the key of its pseudonyms (empty without)."""

    files: dict[str, bytes]
    key: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Material:
    """What a bundle is made of, before anything is taken out."""

    document: Document
    people: tuple[Person, ...]
    tenant_id: str = ""
    recorded: Mapping[str, bytes] = field(default_factory=dict)
    requests: tuple[Asked, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    secrets: tuple[Secret, ...] = ()


def moment(text: str) -> datetime | None:
    """The instant a person wrote, in UTC; None for nothing. A time without its zone is refused."""
    if not text:
        return None
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise Stop(f"--at '{text}' is not a time.", "write it as 2026-11-20T09:00Z") from None
    if said.tzinfo is None:
        raise Stop(f"--at '{text}' does not say its zone.", f"write {text}Z for UTC, or {text}+01:00")
    return said.astimezone(UTC)


async def gather(wish: Wish, quiet: bool) -> Gathered:
    """Examine with a recorder in between, and make the files."""
    session = open_session(wish.config, wish.snapshot, list(wish.mailboxes), list(wish.delegations), [], "")
    secrets = (session.config.exchange.password, session.config.entra.client_secret) if session.config else ()
    say(f"examining {session.title} ...", quiet)
    async with session.source_answerer() as source:
        recorder = Recorder(source, secrets)
        once = AskedOnce(recorder)
        started = session.clock.now()
        diagnosis = await diagnose(
            once,
            session.target,
            session.judged_at(started),
            delegations=session.delegations,
            checks=session.checks,
            acceptances=session.acceptances,
        )
        report = report_of(session, diagnosis, started, sum(once.counts.values()))
    recorded = recorder.files()
    material = _Material(
        document=json_.as_document(report),
        people=tuple(_people(session, diagnosis)),
        tenant_id=session.target.tenant_id,
        recorded=recorded,
        requests=asked(recorder.requests),
        names=tuple(_names(recorded, diagnosis)),
        secrets=tuple(secrets),
    )
    return _gathered(material, wish)


def old_report(path: Path, wish: Wish) -> Gathered:
    """The files of a bundle made of the JSON report at ``path``, without evidence."""
    try:
        document = msgspec.json.decode(path.read_bytes(), type=Document)
    except OSError as error:
        raise Stop(
            f"The report '{path}' cannot be read: {error.strerror}.", "name a report written with --out"
        ) from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Stop(
            f"'{path}' is not a JSON report that this version of hybridge can read: {error}.",
            "leave --from out to examine again",
        ) from error
    pairs = [_pair(text) for text in wish.delegations or document.request.delegations]
    people = _roles(pairs, wish.mailboxes or document.request.mailboxes)
    return _gathered(_Material(document, tuple(Person(role=role, address=one) for one, role in people.items())), wish)


def _pair(text: str) -> tuple[str, str]:
    try:
        return pair_of(text)
    except ConfigProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem


def _gathered(material: _Material, wish: Wish) -> Gathered:
    files = dict(_logs(wish.added))
    files["report.json"] = _clean_document(material.document)
    files |= evidence_files(material.recorded)
    if material.requests:
        files["requests.csv"] = table(material.requests).encode()
    case = Case(
        report=material.document,
        people=material.people,
        at=wish.at,
        tenant_id=material.tenant_id,
        requests=material.requests,
        enclosed=tuple(sorted(files)),
    )
    files["case.md"] = case_text(case).encode("utf-8", "replace")
    files = each_text(files, lambda text: redact_text(text, material.secrets))
    if not wish.pseudonymize:
        return Gathered(files)
    first = ("case.md", *sorted(files.keys() - {"case.md"}))
    others = Pseudonyms(
        (files[name].decode() for name in first), material.names, (material.document.request.organization,)
    )
    return Gathered(each_text(files, others.apply), others.key)


def _clean_document(document: Document) -> bytes:
    cleaned: Any = clean_report(msgspec.to_builtins(document))
    return msgspec.json.format(msgspec.json.encode(cleaned), indent=2) + b"\n"


def _logs(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Text logs, cleaned; names that are there twice are told apart by a number."""
    used: set[str] = set()
    for number, path in enumerate(paths, start=1):
        name = path.name if path.name not in used else f"{number}-{path.name}"
        used.add(name)
        yield f"logs/{name}", clean_log(_log_text(path)).encode("utf-8", "replace")


def _log_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_LOG:
            raise Stop(f"'{path}' is larger than 20 MiB.", "cut out the time of the failure, or attach it yourself")
        content = path.read_bytes()
    except OSError as error:
        raise Stop(f"'{path}' cannot be read: {error.strerror}.", "name a log of this machine") from error
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Stop(f"'{path}' is no text, so that nothing can be taken out of it.", "attach it to the case yourself")
    return text


def _roles(pairs: Iterable[tuple[str, str]], mailboxes: Iterable[str]) -> dict[str, str]:
    roles: dict[str, str] = {}
    for delegator, delegate in pairs:
        roles.setdefault(delegator, "delegator")
        roles.setdefault(delegate, "delegate")
    for mailbox in mailboxes:
        roles.setdefault(mailbox, "mailbox")
    return roles


def _people(session: Session, diagnosis: Diagnosis) -> Iterator[Person]:
    for address, role in _roles(session.delegations, session.target.mailboxes).items():
        upn = place = ""
        for premises in (Premises.ON_PREMISES, Premises.ONLINE):
            reading = diagnosis.evidence.all(Mailbox, premises, address)
            if isinstance(reading, Seen) and reading.first is not None:
                upn = upn or reading.first.user_principal_name
                where = f"{premises}, {reading.first.server_name}" if reading.first.server_name else str(premises)
                place = place or where
        yield Person(role=role, address=address, upn=upn, place=place)


def _names(recorded: Mapping[str, bytes], diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    """Address and name of everybody the recorded cmdlets tell of."""
    for reading in diagnosis.evidence.readings.values():
        for record in reading.records if isinstance(reading, Seen) else ():
            if isinstance(record, Mailbox) and record.display_name:
                yield record.identity, record.display_name
    for name, content in recorded.items():
        if name.endswith(".json") and any(noun in name.lower() for noun in _PERSON_CMDLETS):
            for exchange in msgspec.json.decode(content)["exchanges"]:
                yield from _named(exchange.get("answer", {}).get("objects", ()))


def _named(objects: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for one in objects:
        address = (
            str(one.get("PrimarySmtpAddress") or one.get("UserPrincipalName") or "") if isinstance(one, dict) else ""
        )
        if "@" in address:
            yield from ((address, str(one[key])) for key in _PERSON_FIELDS if one.get(key))
