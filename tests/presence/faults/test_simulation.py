"""Calendars change, everything fails, time jumps, the gateway is restarted: whatever comes, it comes right again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.presence.faults.simulation import SimulatedOffice
from tests.presence.faults.warp import leaping
from tests.thorough import some_of

SEEDS = tuple(range(120))
ROUNDS, STEPS = 15, 12


@pytest.mark.parametrize("seed", some_of(SEEDS, each=12))
async def test_whatever_happens_comes_right(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TICK", "KEEP_EVERY"):
        monkeypatch.setattr(f"hybridge.presence.gateway.{name}", 600.0)
    with leaping(idle=0.0):
        office = SimulatedOffice(tmp_path, seed)
        async with office.serving():
            for _ in range(ROUNDS):
                for _ in range(STEPS):
                    await office.step()
                await office.settle()
    assert len(office.record.all) > ROUNDS
