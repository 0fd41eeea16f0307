"""A lab that runs: name server, HTTPS listener and control API opened together and closed together."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridge.lab import contoso
from hybridge.lab.estate import ADMINISTRATOR, ENTRA_CLIENT, Estate
from hybridge.lab.serve.ca import Authority
from hybridge.lab.serve.configuration import Addresses, Secrets, Subjects, details, write_toml
from hybridge.lab.serve.control import Control
from hybridge.lab.serve.dns import NameServer
from hybridge.lab.serve.listener import Listener
from hybridge.lab.serve.notifications import Notifier
from hybridge.lab.serve.plain import PlainListener
from hybridge.lab.serve.site import Site
from hybridge.lab.serve.verbs import ControlVerbs
from hybridge.lab.serve.zone import Zone
from hybridge.org.records import Mailbox, PublishedService
from hybridge.terms.premises import Premises


@dataclass(frozen=True)
class RunningLab:
    """Where a running lab is met. ``toml`` is the hybridge.toml that reaches it; ``info`` is what /details shows.

    ``zone`` may be changed to break DNS; ``control.verbs`` may be set once the addresses are known.
    """

    estate: Estate = field(repr=False)
    zone: Zone = field(repr=False)
    control: Control = field(repr=False)
    https_port: int
    refusing_port: int
    """A port at which every connection is refused."""
    dns_port: int
    control_url: str
    token: str = field(repr=False)
    ca_file: Path
    connect_to: dict[str, str] = field(repr=False)
    toml: str = field(repr=False)
    info: dict[str, Any] = field(repr=False)


@asynccontextmanager
async def running_lab(
    estate: Estate,
    folder: Path,
    site: Site,
    *,
    port: int = 0,
    verbs: ControlVerbs | None = None,
    mailboxes: tuple[str, ...] = tuple(person.address for person in contoso.PEOPLE),
    delegations: tuple[tuple[str, str], ...] = contoso.DELEGATIONS,
) -> AsyncIterator[RunningLab]:
    """Serve ``estate`` on 127.0.0.1 until the block ends; raises ``OSError`` with a sentence when ``port`` is taken.

    The CA file and the files of secrets are written into ``folder`` (made when absent) and taken away at the end;
    two labs must not share one. ``mailboxes`` and ``delegations`` go into the printed configuration.
    """
    zone = Zone(site.hosts, lambda: estate.organization.all(PublishedService), estate.facing)
    authority = Authority(estate.now() - estate.offset)
    token = secrets.token_urlsafe(32)
    async with AsyncExitStack() as opened:
        written = opened.enter_context(_state_folder(folder))
        files = Secrets(
            password=written.secret("exchange-password", estate.users[ADMINISTRATOR]),
            client_secret=written.secret("entra-client-secret", estate.entra_clients[ENTRA_CLIENT]),
            token=written.secret("control-token", token),
        )
        ca_file = written.secret("lab-ca.pem", authority.root_pem.decode())
        names = await opened.enter_async_context(NameServer(zone))
        listener = await opened.enter_async_context(Listener(estate, site, authority, port))
        plain = await opened.enter_async_context(PlainListener(estate))
        await opened.enter_async_context(Notifier(estate))
        shown: dict[str, Any] = {}
        control = Control(estate, verbs, token=token, hosts=site.hosts, details=lambda: shown)
        await opened.enter_async_context(control)
        addresses = Addresses(
            listener.port,
            names.port,
            f"http://127.0.0.1:{control.port}",
            ca_file,
            plain.port,
            listener.refusing_port,
        )
        online = (one.identity for one in estate.organization.all(Mailbox, Premises.ONLINE))
        subjects = Subjects(mailboxes, delegations, tuple(online))
        shown.update(details(addresses, zone, site, estate, files, subjects))
        yield RunningLab(
            estate=estate,
            zone=zone,
            control=control,
            https_port=listener.port,
            refusing_port=listener.refusing_port,
            dns_port=names.port,
            control_url=addresses.control_url,
            token=token,
            ca_file=ca_file,
            connect_to=addresses.connect_to(zone),
            toml=write_toml(addresses, zone, site, files, subjects, estate.cloud),
            info=shown,
        )


@dataclass(frozen=True)
class _StateFolder:
    """Writes files only their owner can read, and remembers them."""

    path: Path
    files: list[Path]

    def secret(self, name: str, text: str) -> Path:
        """Write ``text`` to a new file ``name`` of mode 0600."""
        path = self.path / name
        path.unlink(missing_ok=True)  # of a lab that was killed; never write through a link someone put here
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        self.files.append(path)
        return path


@contextmanager
def _state_folder(folder: Path) -> Iterator[_StateFolder]:
    """``folder``, made when absent; at the end its files of ours are gone, and the folder too when we made it."""
    made = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = _StateFolder(folder.resolve(), [])
    try:
        yield state
    finally:
        for path in state.files:
            path.unlink(missing_ok=True)
        if made and not any(state.path.iterdir()):
            state.path.rmdir()
