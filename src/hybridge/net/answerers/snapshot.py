"""Answers from an offline snapshot: a folder of exports an administrator made, or one a recorder saved.

What a recorder saved (``http.json``, ``dns.json``, ``tls.json``, ``cmdlets/*.json``) is replayed exactly. Any other
cmdlet is answered from the export named after it, narrowed down to the ask's parameters (see ``export_files`` and
``narrowing``).
A snapshot reads: cmdlets that change something are refused. What is not there is a Failure NOT_EXPORTED with the
PowerShell line that exports it; a file that cannot be read is a Failure MALFORMED that names it. Nothing here opens a
connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from hybridge.net.answerers.configuration_files import ConfigurationFiles
from hybridge.net.answerers.export_files import ExportFiles, ExportUnreadable
from hybridge.net.answerers.export_pages import pages_of
from hybridge.net.answerers.exports import command_for
from hybridge.net.answerers.narrowing import Listing, narrow
from hybridge.net.answerers.replay import (
    CMDLETS_FOLDER,
    DNS_FILE,
    HTTP_FILE,
    TLS_FILE,
    Exchanges,
    SnapshotProblem,
)
from hybridge.net.redact import redact_cmdlet, redact_http
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import (
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    Stopped,
    TlsAnswer,
    TlsAsk,
)
from hybridge.wire.cmdlets.servers import server_name, server_of

__all__ = ["SnapshotAnswerer", "SnapshotProblem"]

_READING_VERBS = ("get-", "test-")
_RECORD_AGAIN = "Keep it from a live run: hybridge snapshot save DIR"


class SnapshotAnswerer:
    """An Answerer over a snapshot folder. Raises ``SnapshotProblem`` when ``folder`` is no readable folder."""

    def __init__(self, folder: Path) -> None:
        self._exports = ExportFiles(folder)
        self._configuration = ConfigurationFiles(folder)
        self._listings: dict[Path, Listing | str] = {}
        self._http = _Saved(Exchanges(HttpAsk, HttpAnswer), (folder / HTTP_FILE,))
        self._dns = _Saved(Exchanges(DnsAsk, DnsAnswer), (folder / DNS_FILE,))
        self._tls = _Saved(Exchanges(TlsAsk, TlsAnswer), (folder / TLS_FILE,))
        saved = tuple(sorted((folder / CMDLETS_FOLDER).glob("*.json")))
        self._cmdlets = _Saved(Exchanges(CmdletAsk, CmdletAnswer), saved)

    @property
    def recorded(self) -> bool:
        """Whether it holds exchanges kept from a live run, and not exports alone."""
        return bool(self._http.answers())

    @property
    def taken_at(self) -> datetime | None:
        """When the latest recorded answer was given; None for exports made by hand, which carry no time."""
        answers = [answer for saved in (self._http, self._cmdlets) for answer in saved.answers()]
        return max((answer.answered_at for answer in answers if answer.answered_at is not None), default=None)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """The recorded answer to ``ask``."""
        ask, _ = redact_http(ask, HttpAnswer())
        found = self._http.get(ask)
        if found is None:
            return HttpAnswer(failure=_not_recorded(f"{ask.method} {ask.url}"))
        return HttpAnswer(failure=found) if isinstance(found, Failure) else found

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """The recorded answer to ``ask``."""
        found = self._dns.get(ask)
        if found is None:
            return DnsAnswer(failure=_not_recorded(f"the DNS question {ask.rdtype} {ask.name}"))
        return DnsAnswer(failure=found) if isinstance(found, Failure) else found

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """What was recorded of TLS of ``ask.host``."""
        found = self._tls.get(ask)
        if isinstance(found, TlsAnswer):
            return found
        failure = found or _not_recorded(f"the look at TLS of {ask.host}")
        return TlsAnswer(failure=failure, stopped=Stopped.NOT_ASKED)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """The recorded answer to ``ask``, else what the export of its cmdlet says."""
        if not ask.name.lower().startswith(_READING_VERBS):
            says = f"A snapshot can only be read: {ask.name} is not run."
            return CmdletAnswer(failure=Failure(reason=FailureReason.REFUSED, says=says))
        found = self._cmdlets.get(redact_cmdlet(ask))
        if isinstance(found, CmdletAnswer):
            return found
        paths = self._exports.find(ask.name, ask.premises)
        if paths:
            return self._from_export(ask, paths)
        taken = self._configuration.find(ask.name, ask.premises)
        if taken is not None:
            return self._from_configuration(ask, *taken)
        return CmdletAnswer(failure=found or _not_exported(ask))

    async def pages(self, ask: CmdletAsk) -> AsyncIterator[CmdletAnswer]:
        """The answer to an ask for all objects of a cmdlet, a page at a time; the export may be of any size."""
        saved = self._cmdlets.get(redact_cmdlet(ask))
        paths = self._exports.find(ask.name, ask.premises)
        taken = None if paths else self._configuration.find(ask.name, ask.premises)
        if taken is not None and not isinstance(saved, CmdletAnswer):
            yield self._from_configuration(ask, *taken)
            return
        if isinstance(saved, CmdletAnswer) or not paths:
            yield saved if isinstance(saved, CmdletAnswer) else CmdletAnswer(failure=saved or _not_exported(ask))
            return
        try:
            for page in pages_of(paths[0]):
                yield CmdletAnswer(objects=page)
        except ExportUnreadable as unreadable:
            yield CmdletAnswer(failure=_malformed(ask, str(unreadable)))

    def _from_export(self, ask: CmdletAsk, paths: tuple[Path, ...]) -> CmdletAnswer:
        path = paths[0]
        listing = self._listing(ask, path)
        if isinstance(listing, str):
            return CmdletAnswer(failure=_malformed(ask, listing))
        narrowed = narrow(ask, self._placed(ask, listing))
        if narrowed.uncovered:
            return CmdletAnswer(failure=_not_exported(ask, path))
        warnings = tuple(f"The snapshot ignores the parameter {name} of {ask.name}." for name in narrowed.ignored)
        if len(paths) > 1:
            others = ", ".join(f"'{other.name}'" for other in paths[1:])
            warnings += (f"{ask.name} was read from '{path.name}'; other exports of it were not: {others}.",)
        if narrowed.missing:
            named = cmdlets.about(ask) or "the object"
            missing = (f"'{named}' is not in the export '{path.name}' of {ask.name}.",)
            return CmdletAnswer(errors=missing, warnings=warnings, not_found=True)
        return CmdletAnswer(objects=narrowed.objects, warnings=warnings)

    def _from_configuration(self, ask: CmdletAsk, path: Path, objects: tuple[dict[str, Any], ...]) -> CmdletAnswer:
        """The answer a snapshot of the tenant's configuration gives."""
        if says := cmdlets.problem(ask.name, objects):
            return CmdletAnswer(failure=_malformed(ask, f"'{path}' does not show what {ask.name} gives. {says}"))
        narrowed = narrow(ask, Listing(objects))
        if narrowed.missing:
            missing = (f"'{cmdlets.about(ask) or 'the object'}' is not in '{path.name}'.",)
            return CmdletAnswer(errors=missing, not_found=True)
        return CmdletAnswer(objects=narrowed.objects)

    def _listing(self, ask: CmdletAsk, path: Path) -> Listing | str:
        """What the export at ``path`` holds, or one sentence when that cannot be an answer to ``ask``."""
        if path not in self._listings:
            try:
                objects = self._exports.objects(path)
            except ExportUnreadable as unreadable:
                self._listings[path] = str(unreadable)
            else:
                says = cmdlets.problem(ask.name, objects)
                strange = f"'{path}' holds something else than its name says. {says}"
                self._listings[path] = strange if says else Listing(objects)
        return self._listings[path]

    def _placed(self, ask: CmdletAsk, listing: Listing) -> Listing:
        """Certificates that do not say where they lie belong to the only server there is, when there is only one."""
        wanted = dict(ask.parameters).get("Server")
        if ask.name.lower() != "get-exchangecertificate" or not wanted:
            return listing
        if any(server_of(one) for one in listing.objects):
            return listing
        paths = self._exports.find("Get-ExchangeServer", Premises.ON_PREMISES)
        try:
            servers = cmdlets.read("Get-ExchangeServer", self._exports.objects(paths[0]), ask.premises) if paths else ()
        except ExportUnreadable:
            return listing
        if isinstance(servers, Failure) or len(servers) != 1:
            return listing
        only = servers[0].identity
        if server_name(str(wanted)).lower() != only.lower():
            return listing
        return Listing(tuple({**one, "Server": only} for one in listing.objects))


class _Saved:
    """Recorded exchanges of one kind, loaded when first asked; a damaged file becomes the Failure of every ask."""

    def __init__(self, exchanges: Exchanges[Any, Any], paths: tuple[Path, ...]) -> None:
        self._exchanges, self._paths = exchanges, paths
        self._problem: Failure | None = None
        self._loaded = False

    def get(self, ask: Any) -> Any:
        """The answer, the Failure when the files are damaged, or None."""
        self._load()
        return self._exchanges.get(ask) or self._problem

    def answers(self) -> list[Any]:
        """Every recorded answer."""
        self._load()
        return [answer for _, answer in self._exchanges.pairs()]

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for path in self._paths:
            if not path.exists():
                continue
            try:
                self._exchanges.load(path)
            except SnapshotProblem as problem:
                self._problem = Failure(reason=FailureReason.MALFORMED, says=str(problem), next_step=_RECORD_AGAIN)


def _not_recorded(what: str) -> Failure:
    says = f"The snapshot holds no answer to {what}."
    return Failure(reason=FailureReason.NOT_EXPORTED, says=says, next_step=_RECORD_AGAIN)


def _not_exported(ask: CmdletAsk, path: Path | None = None) -> Failure:
    says = f"The snapshot holds no export of {ask.name}."
    if path is not None:
        says = f"The snapshot holds no export of {ask.name} for '{cmdlets.about(ask)}': '{path.name}' does not name it."
    step = f"Run, and add the file to the snapshot: {command_for(ask.name, ask.premises)}"
    return Failure(reason=FailureReason.NOT_EXPORTED, says=says, next_step=step)


def _malformed(ask: CmdletAsk, says: str) -> Failure:
    step = f"Export it again: {command_for(ask.name, ask.premises)}"
    return Failure(reason=FailureReason.MALFORMED, says=says, next_step=step)
