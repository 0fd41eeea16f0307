"""``hybridge lab``: a hybrid organization in a box, broken and healed at will."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hybridge.cli import lab_graph, lab_mail
from hybridge.cli.exits import Stop
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, FormatOption, QuietOption, one_of, out, say

app = typer.Typer(
    help="A hybrid organization in a box: serve it, break it, see what people would notice.",
    add_completion=False,
    no_args_is_help=True,
)
Causes = Annotated[list[str], typer.Argument(metavar="CAUSE...", help="As in ews/allow-list-mailbox:disabled.")]
SERVED_CLOUDS = ("worldwide", "gcc-high")
Some = Annotated[list[str] | None, typer.Argument(metavar="[CAUSE]...", show_default=False)]


@app.command("up")
def up(
    port: Annotated[int, typer.Option("--port", help="HTTPS port; 0 takes a free one.")] = 0,
    mailboxes: Annotated[int, typer.Option("--mailboxes", min=6, help="How many people work at Contoso.")] = 6,
    config_out: Annotated[
        Path, typer.Option("--config-out", metavar="FILE", help="Write the hybridge.toml that reaches the lab here.")
    ] = DEFAULT_CONFIG,
    kind: Annotated[str, typer.Option("--kind", help="classic, modern, on-premises or online.")] = "classic",
    cloud: Annotated[str, typer.Option("--cloud", help="worldwide or gcc-high.")] = "worldwide",
    quiet: QuietOption = False,
) -> None:
    """Serve Contoso on loopback under its real host names until stopped."""
    import asyncio

    from hybridge.cli.lab_running import serve
    from hybridge.terms.clouds import CLOUDS
    from hybridge.terms.hybrid_kinds import CHOICES, HybridKind

    shape = HybridKind(one_of(kind, CHOICES[1:], "--kind"))
    served = CLOUDS[one_of(cloud, SERVED_CLOUDS, "--cloud")]

    try:
        asyncio.run(serve(port, mailboxes, config_out, served, shape, quiet))
    except OSError as error:
        raise Stop(f"The lab could not start: {error}.", "try another --port or --config-out") from error


@app.command("break")
def break_(causes: Causes, config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> None:
    """Break the running lab by one or more causes."""
    _state(_control(config).post("/break", {"causes": causes}), format)


@app.command("heal")
def heal(causes: Some = None, config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> None:
    """Take causes back; without any, all of them."""
    _state(_control(config).post("/heal", {"causes": causes or []}), format)


@app.command("reset")
def reset(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> None:
    """Back to the healthy organization, good certificates and the real time."""
    _state(_control(config).post("/reset", {}), format)


@app.command("faults")
def faults(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> None:
    """Every cause the lab can be broken by; needs no running lab."""
    from hybridge.lab.faults import faults as known

    one_of(format, ("text", "json"), "--format")
    rows = [
        {"cause": fault.name, "healable": fault.healable, "symptoms": list(fault.symptoms), "says": fault.says}
        for fault in known()
    ]
    if format == "json":
        _json(rows)
        return
    for row in rows:
        cured = "" if row["healable"] else "  (cured by hand)"
        out(f"{row['cause']}{cured}\n    {row['says']}")


@app.command("symptoms")
def symptoms(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> None:
    """What the people of the lab would notice now."""
    seen = _control(config).get("/symptoms")
    if one_of(format, ("text", "json"), "--format") == "json":
        _json(seen)
        return
    for one in seen:
        out(f"{one['who']}: {one['says']}\n    {one['symptom']} ({one['service']}): {one['because']}")
    if not seen:
        out("Nobody notices anything.")


@app.command("clock")
def clock(
    move: Annotated[str, typer.Argument(metavar="+2h", help="How far: a number and s, m, h or d.")],
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Let time pass in the lab."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    try:
        seconds = float(move[:-1]) * units[move[-1:]]
    except (ValueError, KeyError):
        raise Stop(f"'{move}' is not a time to pass.", "write it as +2h, +30m or +1d") from None
    _state(_control(config).post("/clock", {"seconds": seconds}), format)


@app.command("weather")
def weather(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...|clear", show_default=False, help="As in graph-late; clear ends all of it."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Let services answer late, twice, not at all or with errors; without a name, list every weather."""
    if names:
        wanted = [name for name in names if name != "clear"]
        _state(_control(config).post("/weather", {"names": wanted}), format)
        return
    now = _control(config).get("/weather")
    if one_of(format, ("text", "json"), "--format") == "json":
        _json(now)
        return
    out(f"weather: {now['weather'] or 'fine'}")
    for name, says in now["known"].items():
        out(f"{name}\n    {says}")


@app.command("rights")
def rights(
    without: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WITHOUT]...|all", show_default=False, help="As in 'Role Management'; all gives everything back."
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Take rights away from the accounts hybridge uses: roles, cmdlets, permissions; without a name, list them."""
    if without:
        wanted = [name for name in without if name != "all"]
        _state(_control(config).post("/rights", {"without": wanted}), format)
        return
    now = _control(config).get("/rights")
    if one_of(format, ("text", "json"), "--format") == "json":
        _json(now)
        return
    out(f"without: {', '.join(now['without']) or 'nothing'}")
    out("can be taken away, beside any cmdlet and any parameter (Set-MailUser:Identity):")
    for name in now["known"]:
        out(f"    {name}")


@app.command("certificate")
def certificate(
    host: Annotated[str, typer.Argument(metavar="HOST")],
    variant: Annotated[str, typer.Argument(metavar="VARIANT", help="good, expired, wrong-name, untrusted ...")],
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Let a host show another certificate."""
    _state(_control(config).post("/certificate", {"host": host, "variant": variant}), format)


@app.command("info")
def info(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> None:
    """Addresses, CA file, host map, users and passwords: what any foreign client needs."""
    details = _control(config).get("/details")
    if one_of(format, ("text", "json"), "--format") == "json":
        _json(details)
        return
    for name, value in details.items():
        if isinstance(value, dict):
            out(f"{name}:")
            for key, inner in value.items():
                out(f"    {key}: {inner}")
        else:
            out(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


def _control(config: Path) -> Any:
    from hybridge.cli.lab_control import LabControl

    return LabControl(config)


def _state(state: dict[str, Any], format: str) -> None:
    if one_of(format, ("text", "json"), "--format") == "json":
        _json(state)
        return
    faults = state.get("faults") or []
    out(f"faults: {', '.join(faults) if faults else 'none'}")
    if state.get("weather"):
        out(f"weather: {state['weather']}")
    if state.get("without"):
        out(f"without: {', '.join(state['without'])}")
    say(f"the lab's time is {state.get('now')}")


def _json(value: object) -> None:
    import msgspec

    out(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


lab_mail.mount(app)
lab_graph.mount(app)
