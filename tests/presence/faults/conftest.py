"""A lab with a gateway's configuration for each test, in time that leaps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.presence.faults.office import Office, open_office

LOOKS = (
    "hybridge.presence.gateway.TICK",
    "hybridge.presence.gateway.KEEP_EVERY",
    "hybridge.presence.sources.graph_jobs.LONGEST_WAIT",
    "hybridge.lab.serve.streaming.LOOK_SECONDS",
)
"""Seconds between looks that find nothing while clock and loop go together; each would cost a leap."""


@pytest.fixture(autouse=True)
def looks_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOOKS:
        monkeypatch.setattr(name, 60.0)


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path) as opened:
        yield opened
