"""Every sink keeps the contract, over its real wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.presence.cisco.stage import cisco
from tests.presence.sinks import stages
from tests.presence.sinks.contract import CONTRACT, Stage
from tests.presence.teams.stage import teams

STAGES: dict[str, Callable[[Path], AbstractAsyncContextManager[Stage]]] = {
    "xmpp": stages.xmpp,
    "webhook": stages.webhook,
    "state file": stages.state_file,
    "lines": stages.lines,
    "teams": teams,
    "cisco": cisco,
}
"""One line a sink."""


@pytest.mark.wire
@pytest.mark.parametrize("clause", CONTRACT, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("name", STAGES)
async def test_contract(name: str, clause: Callable[[Stage], Awaitable[None]], tmp_path: Path) -> None:
    async with STAGES[name](tmp_path) as stage:
        await clause(stage)
