"""How the lab's Graph notifies, from the command line."""

from __future__ import annotations

from typing import Any


def test_notifications_are_made_worse_and_better_again(lab: Any) -> None:
    assert "notifications: 3 a change, 0 s late, 0 of the next changes are lost" in lab.run("lab", "notifications").out
    worse = lab.run("lab", "notifications", "--copies", "5", "--delay", "30", "--lose", "-1").out
    assert worse.startswith("notifications: 5 a change, 30 s late, every change is lost\n")
    assert lab.json("lab", "notifications", "--lose", "0", "--forget-deltas")["lose"] == 0
    assert lab.json("lab", "notifications", "--lifecycle", "missed")["subscriptions"] == 0
    lab.run("lab", "reset")
    assert lab.json("lab", "notifications")["copies"] == 3


def test_a_lifecycle_event_that_is_none_is_refused(lab: Any) -> None:
    refused = lab.run("lab", "notifications", "--lifecycle", "bored")
    assert refused.code != 0 and "no lifecycle event 'bored'" in refused.err
