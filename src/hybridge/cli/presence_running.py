"""Runs the gateway in the foreground, with signals and a log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import say
from hybridge.config import ConfigProblem
from hybridge.net.clock import SystemClock
from hybridge.presence.gateway import AlreadyRunning
from hybridge.presence.layout import Layout
from hybridge.presence.log import JsonLines, Plain, log_to
from hybridge.presence.parts import MAKERS
from hybridge.presence.reloading import Reloading
from hybridge.presence.service import CannotListen, Place, Service, serving
from hybridge.presence.store import NewerState


def run_gateway(config: Path, format: str, quiet: bool) -> int:
    """Serve until stopped; the exit code."""
    reloading = Reloading(config)
    try:
        layout = reloading.first()
    except ConfigProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem
    level = logging.WARNING if quiet else logging.INFO
    log_to(sys.stderr, Plain(layout.secrets) if format == "text" else JsonLines(layout.secrets), level)
    with _runner() as runner:
        return runner.run(_serve(config, layout, reloading, quiet))


def _runner() -> asyncio.Runner:
    """A loop of uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _serve(config: Path, layout: Layout, reloading: Reloading, quiet: bool) -> int:
    section = load_config(config).settings.presence
    place = Place(load_config(config).beside(section.state), section.listen)
    try:
        async with serving(layout, reloading, place, MAKERS, SystemClock()) as service:
            _on_signals(service)
            say(f"the presence gateway serves {len(layout.people)} people", quiet)
            if service.url:
                say(f"  health and metrics: {service.url}/readyz {service.url}/metrics", quiet)
            option = "" if str(config) == "hybridge.toml" else f" --config {config}"
            say(f"  hybridge presence board{option}, hybridge presence why USER{option}", quiet)
            complete = await service.run()
    except AlreadyRunning as error:
        raise Stop(str(error), "stop it first: hybridge presence drain") from error
    except NewerState as error:
        raise Stop(str(error), "use that version, or name another file in presence.state") from error
    except CannotListen as error:
        raise Stop(str(error), "choose another address, or presence.listen = '' for none") from error
    except OSError as error:
        raise Stop(f"The gateway could not start: {error}.", "correct presence.state or its folder") from error
    if service.gateway.lost.is_set():
        raise Stop("Another gateway took over the state file.", "run one gateway for a state file", Exit.INCOMPLETE)
    return Exit.OK if complete else Exit.INCOMPLETE


def _on_signals(service: Service) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, service.wishes.stop.set)
        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGHUP, service.wishes.reload.set)
