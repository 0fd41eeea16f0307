"""A lab for each test of Graph."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from tests.presence.graph.graph_lab import Lab, graph_lab


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with graph_lab(tmp_path) as opened:
        yield opened
