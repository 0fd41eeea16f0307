"""Every reader of hybridge that is handed bytes of strangers, found by its shape.

A reader is a function ``read...`` of a module in ``hybridge.wire`` whose first parameter is an ``HttpAnswer`` or
``bytes`` and whose others have defaults; a new codec is fuzzed without being listed here. Beside them stand the reader
of CLIXML and, for exports, the whole snapshot: a folder with one file in it.

An answer's reader must return a value for whatever came. A reader of requests or of files may refuse with a
``ValueError``, which the lab's listener and the snapshot turn into a sentence. Anything else is a crash.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hybridge.wire
from hybridge.collectors.configuration import ORGANIZATION_WIDE
from hybridge.net.answerers.snapshot import SnapshotAnswerer, SnapshotProblem
from hybridge.terms.premises import Premises
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import CmdletAsk, HttpAnswer
from hybridge.wire.ews.faults import RequestRefused
from hybridge.wire.xml import parse_xml

_SAMPLES = {"str": "ada@contoso.com", "Premises": Premises.ON_PREMISES}
"""What a reader's further parameters are given, by the name of their type."""

_OF_A_BODY = ("read_request", "read_response", "read_answer")
"""Readers of what a SOAP body holds; those of parts of it are met through these."""

STATUSES = (200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503)
"""Statuses of the answers that bodies come in, by their length: a blank behind a body gives it the next."""


@dataclass(frozen=True)
class Reader:
    """``read(body)`` returns whatever was read; raises ``refusals`` only."""

    name: str
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = ()


def readers() -> tuple[Reader, ...]:
    """Every reader, in the order of names."""
    return tuple(sorted((*_of_answers_and_bodies(), *_of_elements(), *_of_cmdlets()), key=lambda one: one.name))


def _modules() -> Iterator[object]:
    for found in pkgutil.walk_packages(hybridge.wire.__path__, "hybridge.wire."):
        yield importlib.import_module(found.name)


def _functions() -> Iterator[tuple[str, Callable[..., object], list[inspect.Parameter]]]:
    for module in _modules():
        place = str(getattr(module, "__name__", ""))
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("read") and function.__module__ == place:
                yield f"{place.removeprefix('hybridge.wire.')}.{name}", function, _parameters(function)


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


def _more(parameters: list[inspect.Parameter]) -> tuple[object, ...] | None:
    """Values for what a reader wants beside the body; None where we have none."""
    wanted = [one for one in parameters[1:] if one.default is inspect.Parameter.empty]
    if any(str(one.annotation) not in _SAMPLES or one.kind is not one.POSITIONAL_OR_KEYWORD for one in wanted):
        return None
    return tuple(_SAMPLES[str(one.annotation)] for one in wanted)


def _of_answers_and_bodies() -> Iterator[Reader]:
    for name, function, parameters in _functions():
        more = _more(parameters)
        kind = str(parameters[0].annotation) if parameters else ""
        if more is None or kind not in ("HttpAnswer", "bytes"):
            continue
        if kind == "HttpAnswer":
            yield Reader(name, _answered(function, more))
        else:
            yield Reader(name, _given(function, more), refusals=(ValueError, RequestRefused))


def _answered(function: Callable[..., object], more: tuple[object, ...]) -> Callable[[bytes], object]:
    """``function`` over an answer whose status and headers follow from the body, so that every branch is met."""

    def read(body: bytes) -> object:
        status = STATUSES[len(body) % len(STATUSES)]
        kind = "text/xml" if body.lstrip()[:1] == b"<" else "application/json"
        location = body[:60].decode("latin-1")
        headers = (("content-type", kind), ("location", location), ("retry-after", location[:4]))
        return function(HttpAnswer(status=status, headers=headers, body=body), *more)

    return read


def _given(function: Callable[..., object], more: tuple[object, ...]) -> Callable[[bytes], object]:
    return lambda body: function(body, *more)


def _of_elements() -> Iterator[Reader]:
    """Readers of EWS operations and their answers, each over the first element inside the SOAP body."""
    for name, function, parameters in _functions():
        of_a_body = name.startswith("ews.") and name.rpartition(".")[2] in _OF_A_BODY
        if of_a_body and parameters and str(parameters[0].annotation) == "Element":
            more = _more(parameters)
            if more is not None:
                yield Reader(name, _inside(function, more), refusals=(ValueError, RequestRefused))


def _inside(function: Callable[..., object], more: tuple[object, ...]) -> Callable[[bytes], object]:
    def read(body: bytes) -> object:
        root = parse_xml(body)
        bodies = [one for one in root if str(one.tag).endswith("}Body")]
        return function(bodies[0][0] if bodies and len(bodies[0]) else root, *more)

    return read


def _of_cmdlets() -> Iterator[Reader]:
    """CLIXML, and the records every cmdlet's objects become."""
    yield Reader("clixml.read", clixml.read, refusals=(ValueError,))
    for name in sorted(cmdlets.NOUNS):
        yield Reader(f"cmdlets.{name}", _exported(name), refusals=(ValueError,))


def _exported(cmdlet: str) -> Callable[[bytes], object]:
    def read(body: bytes) -> object:
        return cmdlets.read(cmdlet, clixml.read(body), Premises.ON_PREMISES, "ada@contoso.com")

    return read


def snapshot_reader(folder: Path) -> Reader:
    """The whole offline way: one export in ``folder``, asked for everything an examination asks."""

    def read(body: bytes) -> object:
        name = ("Get-OrganizationConfig.xml", "Get-CASMailbox.csv", "Get-ExchangeCertificate.json")[len(body) % 3]
        for old in folder.iterdir():
            old.unlink()
        (folder / name).write_bytes(body)
        answerer = SnapshotAnswerer(folder)
        return asyncio.run(_everything(answerer))

    return Reader("exports.snapshot", read, refusals=(SnapshotProblem,))


async def _everything(answerer: SnapshotAnswerer) -> tuple[object, ...]:
    premises = Premises.ON_PREMISES
    asks = [CmdletAsk(premises=premises, name=kind.cmdlet) for kind in ORGANIZATION_WIDE]
    asks += [
        CmdletAsk(premises=premises, name="Get-ExchangeCertificate"),
        CmdletAsk(premises=premises, name="Get-CASMailbox", parameters=(("Identity", "ada@contoso.com"),)),
    ]
    return tuple([await answerer.cmdlet(ask) for ask in asks])
