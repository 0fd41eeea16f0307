"""Keeps what was asked and answered, without secrets, and saves it as a snapshot.

A saved folder holds

- ``http.json``, ``dns.json``, ``tls.json`` and ``cmdlets/<cmdlet>.json``: every exchange, failures too, for exact
  replay;
- beside them an ordinary export of every cmdlet that was asked for all it has, named as an administrator would name it
  (``GetAuthConfig.xml``, ``online/GetMailbox.xml``), for people and other tools. An ask for one object leaves no such
  file: an export of one mailbox would look like an organization of one mailbox.

Only cmdlets that read are kept; what a repair changed is in its journal. A later answer to the same ask replaces the
earlier one. The folder appears whole or not at all, and is readable for its owner only.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from hybridge.net.answerers.narrowing import is_narrow
from hybridge.net.answerers.replay import (
    CMDLETS_FOLDER,
    DNS_FILE,
    HTTP_FILE,
    TLS_FILE,
    Exchanges,
    SnapshotProblem,
)
from hybridge.net.redact import redact_cmdlet, redact_http, redact_text
from hybridge.net.secret import Secret
from hybridge.terms.premises import Premises
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

_KEPT_VERBS = ("get-", "test-")


class Recorder:
    """An Answerer that passes asks on to ``inner`` and keeps the exchanges; values of ``secrets`` are cut out."""

    def __init__(self, inner: Answerer, secrets: Iterable[Secret] = ()) -> None:
        self._inner = inner
        self._secrets = tuple(secrets)
        self._http = Exchanges(HttpAsk, HttpAnswer)
        self._cmdlets = Exchanges(CmdletAsk, CmdletAnswer)
        self._dns = Exchanges(DnsAsk, DnsAnswer)
        self._tls = Exchanges(TlsAsk, TlsAnswer)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """Ask ``inner`` and keep the exchange."""
        answer = await self._inner.http(ask)
        kept_ask, kept = redact_http(ask, answer, self._secrets)
        self._http.put(kept_ask, replace(kept, failure=self._failure(answer.failure)))
        return answer

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """Ask ``inner`` and keep the exchange."""
        answer = await self._inner.dns(ask)
        self._dns.put(ask, replace(answer, failure=self._failure(answer.failure)))
        return answer

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """Ask ``inner`` and keep what was seen."""
        answer = await self._inner.tls(ask)
        self._tls.put(ask, replace(answer, failure=self._failure(answer.failure)))
        return answer

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """Ask ``inner`` and keep the exchange when the cmdlet only reads."""
        answer = await self._inner.cmdlet(ask)
        if ask.name.lower().startswith(_KEPT_VERBS):
            kept = replace(
                answer,
                errors=tuple(redact_text(text, self._secrets) for text in answer.errors),
                warnings=tuple(redact_text(text, self._secrets) for text in answer.warnings),
                failure=self._failure(answer.failure),
            )
            self._cmdlets.put(redact_cmdlet(ask), kept)
        return answer

    def save(self, folder: Path, also: Mapping[str, bytes] = MappingProxyType({})) -> None:
        """Write the snapshot to ``folder``, which must not exist or be empty. Raises ``SnapshotProblem``.

        ``also`` are further files, by name. Everything is written beside the folder first and then renamed, so a folder
        that is there is complete.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SnapshotProblem(f"'{folder}' is there already and not empty: name a new folder for the snapshot.")
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            try:
                for name, content in (*self._files(), *also.items()):
                    path = draft / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                if folder.exists():
                    folder.rmdir()
                os.replace(draft, folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            raise SnapshotProblem(f"The snapshot cannot be written to '{folder}': {error.strerror}.") from None

    def files(self) -> dict[str, bytes]:
        """What ``save`` writes, by name."""
        return dict(self._files())

    @property
    def requests(self) -> tuple[tuple[HttpAsk, HttpAnswer], ...]:
        """Every HTTP exchange kept, in the order it was asked."""
        return tuple(self._http.pairs())

    def _failure(self, failure: Failure | None) -> Failure | None:
        if failure is None:
            return None
        says, step = (redact_text(text, self._secrets) for text in (failure.says, failure.next_step))
        return replace(failure, says=says, next_step=step)

    def _files(self) -> Iterable[tuple[str, bytes]]:
        yield HTTP_FILE, self._http.encoded()
        yield DNS_FILE, self._dns.encoded()
        yield TLS_FILE, self._tls.encoded()
        by_cmdlet: dict[str, list[tuple[CmdletAsk, CmdletAnswer]]] = {}
        for ask, answer in self._cmdlets.pairs():
            by_cmdlet.setdefault(ask.name, []).append((ask, answer))
        for name, pairs in by_cmdlet.items():
            yield f"{CMDLETS_FOLDER}/{name}.json", self._cmdlets.encoded(pairs)
            yield from _exports(name, pairs)


def _exports(name: str, pairs: list[tuple[CmdletAsk, CmdletAnswer]]) -> Iterable[tuple[str, bytes]]:
    """The human export of each side: the answer to the ask for everything, when it was one."""
    whole: dict[str, tuple[dict[str, Any], ...]] = {}
    for ask, answer in pairs:
        if not is_narrow(ask) and answer.failure is None and not answer.errors:
            below = "online/" if ask.premises is Premises.ONLINE else ""
            whole[f"{below}{name.replace('-', '')}.xml"] = answer.objects
    for path, objects in whole.items():
        yield path, clixml.write(objects, cmdlets.type_name(name))
