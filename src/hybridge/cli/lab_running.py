"""Opens a whole lab: the estate, its listeners, its Teams services. Used by ``lab up`` and ``demo`` alike."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hybridge.cli.exits import Stop
from hybridge.cli.options import out, say, write_file
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import DELEGATIONS, PEOPLE, Person, contoso, people
from hybridge.lab.contoso_kinds import as_kind
from hybridge.lab.estate import Estate
from hybridge.lab.serve.calls import open_calls
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site
from hybridge.lab.verbs import Verbs
from hybridge.net.clock import SystemClock
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.terms.hybrid_kinds import HybridKind

NAMED = 100
"""Mailboxes the configuration names; of more, only Contoso's own people: the rest is for ``doctor --tenant``."""


@dataclass(frozen=True)
class OpenLab:
    """A lab in operation, its verbs, and the configuration file that reaches it."""

    running: RunningLab
    verbs: Verbs
    config: Path


@asynccontextmanager
async def open_lab(
    config_out: Path,
    port: int = 0,
    mailboxes: int = 6,
    cloud: Cloud = WORLDWIDE,
    kind: HybridKind = HybridKind.CLASSIC,
) -> AsyncIterator[OpenLab]:
    """Serve a lab of ``kind`` in ``cloud`` until the block ends and write its configuration to ``config_out``."""
    _must_be_ours(config_out)
    config_out.parent.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    staff = people(mailboxes)
    certificate = make_auth_certificate(clock.now())
    healthy = as_kind(contoso(clock.now(), certificate, staff, cloud), kind)
    estate = Estate(healthy, clock=clock.now, certificate=certificate, cloud=cloud)
    state = config_out.parent / f".{config_out.stem}-lab"
    async with (
        running_lab(
            estate,
            state,
            contoso_site(estate),
            port=port,
            mailboxes=_addresses(staff if mailboxes <= NAMED else PEOPLE, kind),
            delegations=tuple(pair for pair in DELEGATIONS if set(pair) <= set(_addresses(staff, kind))),
        ) as running,
        open_calls(running) as calls,
    ):
        verbs = running.control.verbs = Verbs(estate, calls)
        write_file(config_out, _for_kind(running.toml, kind))
        yield OpenLab(running, verbs, config_out)


def _addresses(staff: tuple[Person, ...], kind: HybridKind) -> tuple[str, ...]:
    """Whom the doctor looks at: everybody, or those of the one side there is."""
    absent = {HybridKind.ON_PREMISES: False, HybridKind.ONLINE: True}.get(kind)
    return tuple(person.address for person in staff if bool(person.server) is not absent)


def _for_kind(toml: str, kind: HybridKind) -> str:
    """The configuration of an organization on one side says so; any other is told by what is read."""
    if kind in (HybridKind.ON_PREMISES, HybridKind.ONLINE):
        return toml.replace("[organization]\n", f'[organization]\nhybrid = "{kind}"\n', 1)
    return toml


def _must_be_ours(config_out: Path) -> None:
    """Never write over a configuration of a real organization."""
    if config_out.exists() and "\n[lab]\n" not in config_out.read_text(encoding="utf-8", errors="replace"):
        raise Stop(
            f"'{config_out}' is there already and is not a lab's.",
            "name another file: hybridge lab up --config-out FILE",
        )


async def serve(port: int, mailboxes: int, config_out: Path, cloud: Cloud, kind: HybridKind, quiet: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with open_lab(config_out, port, mailboxes, cloud, kind) as lab:
        out(f"Contoso is served on 127.0.0.1:{lab.running.https_port}; its configuration is '{config_out}'.")
        option = "" if str(config_out) == "hybridge.toml" else f" --config {config_out}"
        say(f"  hybridge doctor{option}", quiet)
        say(f"  hybridge lab faults, then: hybridge lab break{option} CAUSE, hybridge lab symptoms{option}", quiet)
        say("  stop it with Ctrl-C", quiet)
        await stopped.wait()
    say("the lab is closed", quiet)
