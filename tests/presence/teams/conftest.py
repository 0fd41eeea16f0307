"""An office for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.loop.walk import NOW
from tests.presence.teams.office import Office, opened

from hybridge.net.clock import SetClock


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path, SetClock(NOW)) as office:
        yield office
