"""A real prosody with hybridge's module, and XMPP accounts that look on.

The server gets a configuration and a data folder of its own and ephemeral ports on loopback; it is ready when a stream
could be opened on both, and ended by its own process. Accounts and rosters are written before it starts.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from slixmpp import JID, ClientXMPP

import hybridge.presence

MODULE = Path(hybridge.presence.__file__).parent / "prosody"
HOST, COMPONENT, SECRET = "corp.test", "cal.corp.test", "component-secret"
PASSWORD = "account-password"
PATIENCE = 20.0
"""Seconds after which something that must happen has not."""

_CONFIG = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
plugin_paths = {{ "{module}" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
component_ports = {{ {component_port} }}
component_interfaces = {{ "127.0.0.1" }}
s2s_ports = {{}}
modules_enabled = {{ "roster", "saslauth", "disco", "ping", "presence", "iq", "message", "c2s", "pep", "offline" }}
modules_disabled = {{ "s2s", "tls" }}
authentication = "internal_plain"
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
pep_service_cache_size = 100000
log = {{ {{ levels = {{ min = "{level}" }}, to = "file", filename = "{folder}/prosody.log" }} }}
VirtualHost "{host}"
{enabled}
Component "{component}"
  component_secret = "{secret}"
"""
_ENABLED = """  modules_enabled = {{ "hybridge_presence" }}
  hybridge_presence_component = "{component}"
  hybridge_presence_ttl = {ttl}
"""


class Prosody:
    """One server. ``accounts`` are user names; everybody may see everybody of ``watched``."""

    def __init__(self, folder: Path, *, ttl: int = 900, module: bool = True, level: str = "info") -> None:
        self.folder = folder
        self.c2s, self.component_port = _free_port(), _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir(parents=True)
        enabled = _ENABLED.format(component=COMPONENT, ttl=ttl) if module else ""
        (folder / "prosody.cfg.lua").write_text(
            _CONFIG.format(
                folder=folder,
                module=MODULE,
                c2s=self.c2s,
                component_port=self.component_port,
                host=HOST,
                component=COMPONENT,
                secret=SECRET,
                enabled=enabled,
                level=level,
            ),
            encoding="utf-8",
        )

    def add(self, user: str, contacts: Iterable[str] = ()) -> None:
        """An account whose roster holds ``contacts`` (user names), each seeing the other."""
        store = self.folder / "data" / HOST.replace(".", "%2e")
        for kind in ("accounts", "roster"):
            (store / kind).mkdir(parents=True, exist_ok=True)
        (store / "accounts" / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        items = "".join(
            f'["{contact}@{HOST}"] = {{ ["subscription"] = "both"; ["groups"] = {{}}; }};\n' for contact in contacts
        )
        (store / "roster" / f"{user}.dat").write_text(
            f'return {{ [false] = {{ ["version"] = 1; ["pending"] = {{}}; }};\n{items} }};\n'
        )

    def start(self) -> None:
        """Run, and return when streams can be opened."""
        assert self._process is None
        prosody = shutil.which("prosody")
        assert prosody is not None
        self._process = subprocess.Popen(
            [prosody, "--config", str(self.folder / "prosody.cfg.lua"), "-F"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        for port, to, kind in (
            (self.c2s, HOST, "jabber:client"),
            (self.component_port, COMPONENT, "jabber:component:accept"),
        ):
            while not _opens_stream(port, to, kind):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"prosody did not start:\n{self.log()}")

    def stop(self, *, kill: bool = False) -> None:
        """End it, politely or not."""
        process, self._process = self._process, None
        if process is not None:
            process.kill() if kill else process.terminate()
            process.wait(PATIENCE)

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What the server wrote."""
        path = self.folder / "prosody.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@contextmanager
def running(folder: Path, *, accounts: Mapping[str, Iterable[str]], ttl: int = 900, **more: Any) -> Iterator[Prosody]:
    """A running server. Without prosody the test is skipped, but fails where CI=true promises it."""
    if shutil.which("prosody") is None:
        reason = "prosody is not installed (apt-get install prosody)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    server = Prosody(folder, ttl=ttl, **more)
    for user, contacts in accounts.items():
        server.add(user, contacts)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _opens_stream(port: int, to: str, kind: str) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection:
        streams = "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'"
        connection.sendall(f"<stream:stream xmlns='{kind}' {streams} to='{to}'>".encode())
        return b"<stream:stream" in connection.recv(4096)
    time.sleep(0.02)
    return False


class Onlooker(ClientXMPP):
    """A second real account: an ordinary client that writes down what it is shown."""

    def __init__(self, user: str, resource: str = "onlooker", *, server: Prosody) -> None:
        super().__init__(f"{user}@{HOST}/{resource}", PASSWORD)
        self._server = server
        self.presences: list[tuple[str, str, str, int]] = []
        """(full JID, show or "available" or "unavailable", status, priority), in order."""
        self.activities: list[tuple[str, str]] = []
        """(bare JID, "general/specific" or ""), in order."""
        self.messages: list[str] = []
        self._changed = asyncio.Condition()
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0108")
        self.plugin["feature_mechanisms"].unencrypted_plain = True
        self.enable_plaintext, self.enable_starttls, self.enable_direct_tls = True, False, False
        for event in ("available", "unavailable", "dnd", "away", "xa", "chat"):
            self.add_event_handler(f"presence_{event}", self._saw_presence)
        self.add_event_handler("user_activity_publish", self._saw_activity)
        self.add_event_handler("message", self._saw_message)

    async def log_in(self) -> Onlooker:
        """Connect, sign in, announce an interest in activities, and become available."""
        self.plugin["xep_0163"].add_interest("http://jabber.org/protocol/activity")
        self.connect("127.0.0.1", self._server.c2s)
        await self.wait_until("session_start", PATIENCE)
        await self.plugin["xep_0115"].update_caps()
        await self.get_roster()
        self.send_presence()
        return self

    async def log_out(self) -> None:
        """Disconnect and leave nothing running."""
        await self.disconnect()
        if self._run_out_filters is not None:
            self._run_out_filters.cancel()

    async def ask_version(self, jid: str) -> None:
        """Ask that resource for its software's version; raises ``IqError`` when it refuses."""
        await self.make_iq_get(queryxmlns="jabber:iq:version", ito=JID(jid)).send(timeout=PATIENCE)  # type: ignore[no-untyped-call]

    async def sees(self, what: Callable[[Onlooker], bool]) -> None:
        """Wait until that is so."""
        async with self._changed, asyncio.timeout(PATIENCE):
            await self._changed.wait_for(lambda: what(self))

    def shown(self, user: str, resource: str = "calendar") -> tuple[str, str, int] | None:
        """The last show, status and priority of that resource; None before the first."""
        full = f"{user}@{HOST}/{resource}"
        return next((seen[1:] for seen in reversed(self.presences) if seen[0] == full), None)

    def shows(self, user: str) -> list[str]:
        """Every show of the user's calendar resource, in order."""
        return [show for jid, show, _, _ in self.presences if jid == f"{user}@{HOST}/calendar"]

    def activity(self, user: str) -> str | None:
        """The last activity of the user, "" for an empty one, None before the first."""
        return next((what for jid, what in reversed(self.activities) if jid == f"{user}@{HOST}"), None)

    async def _saw_presence(self, presence: Any) -> None:
        if presence["type"] in ("error", "probe"):
            return
        async with self._changed:
            self.presences.append(
                (str(presence["from"]), str(presence["type"]), str(presence["status"]), int(presence["priority"] or 0))
            )
            self._changed.notify_all()

    async def _saw_activity(self, message: Any) -> None:
        activity = message["pubsub_event"]["items"]["item"]["activity"]["value"]
        words = "/".join(word for word in activity or () if word)
        async with self._changed:
            self.activities.append((str(message["from"].bare), words))
            self._changed.notify_all()

    async def _saw_message(self, message: Any) -> None:
        async with self._changed:
            self.messages.append(str(message["body"]))
            self._changed.notify_all()
