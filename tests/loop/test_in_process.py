"""The closed loop at depth (b): the wire and the lab in one process, for every cause."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.loop.walk import Walk, mailboxes_for

from hybridge.lab.faults import Fault, faults


async def test_the_healthy_lab_is_silent(walk_in_process: Walk) -> None:
    assert await walk_in_process.found() == set()
    assert await walk_in_process.verbs.symptoms() == []


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.name)
async def test_closed_loop(fault: Fault, walk_in_process: Walk) -> None:
    await replace(walk_in_process, mailboxes=mailboxes_for(fault)).whole(fault)
