"""``hybridge lab notifications``: how the lab's Graph notifies, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, FormatOption, one_of, out


def mount(lab: typer.Typer) -> None:
    """Put the command below ``hybridge lab``."""
    lab.command("notifications")(notifications)


def notifications(
    copies: Annotated[int | None, typer.Option("--copies", min=1, max=100, help="How often a change is told.")] = None,
    delay: Annotated[float | None, typer.Option("--delay", min=0, max=86_400, help="Seconds it is told late.")] = None,
    lose: Annotated[int | None, typer.Option("--lose", min=-1, help="Changes not told; -1 for every one.")] = None,
    lifecycle: Annotated[
        str, typer.Option("--lifecycle", help="missed, subscriptionRemoved or reauthorizationRequired.")
    ] = "",
    mailbox: Annotated[str, typer.Option("--mailbox", help="Whose subscriptions --lifecycle concerns; else all.")] = "",
    forget_deltas: Annotated[bool, typer.Option("--forget-deltas", help="Make every delta token unknown.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Let Graph notify twice, late or never, and tell lifecycle events; without an option, show how it notifies."""
    from hybridge.cli.lab_control import LabControl

    asked: dict[str, Any] = {"copies": copies, "delay_seconds": delay, "lose": lose}
    wanted = {name: value for name, value in asked.items() if value is not None}
    if lifecycle:
        wanted |= {"lifecycle": lifecycle, "mailbox": mailbox}
    if forget_deltas:
        wanted["forget_deltas"] = True
    control = LabControl(config)
    now = control.post("/notifications", wanted) if wanted else control.get("/notifications")
    if one_of(format, ("text", "json"), "--format") == "json":
        import msgspec

        out(msgspec.json.format(msgspec.json.encode(now), indent=2).decode())
        return
    lost = "every change is lost" if now["lose"] < 0 else f"{now['lose']} of the next changes are lost"
    out(f"notifications: {now['copies']} a change, {now['delay_seconds']:g} s late, {lost}")
    out(f"subscriptions: {now['subscriptions']}; waiting: {now['waiting']}, lost: {now['lost']}")
