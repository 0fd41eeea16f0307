"""The closed loop at depth (b): the wire and the lab in one process, for every cause."""

from __future__ import annotations

import pytest
from tests.loop.walk import Walk

from hybridge.lab.faults import Fault, faults


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.name)
async def test_closed_loop(fault: Fault, walk_in_process: Walk) -> None:
    await walk_in_process.whole(fault)
