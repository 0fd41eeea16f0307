"""Commands for a day in the lab: ``hybridge lab calendar``, ``replies``, ``servers``, ``move`` and ``manners``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from hybridge.cli.exits import Stop
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, FormatOption, one_of, out

calendar = typer.Typer(help="Calendars of the lab's people.", no_args_is_help=True)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BUSY = {
    "free": "Free",
    "tentative": "Tentative",
    "busy": "Busy",
    "oof": "OOF",
    "elsewhere": "WorkingElsewhere",
}
MailboxArgument = Annotated[str, typer.Argument(metavar="MAILBOX", help="As in ada@contoso.com.")]
StartOption = Annotated[
    str, typer.Option("--start", metavar="WHEN", help="As in +5m, -1h or 2026-11-20T09:00Z (lab time).")
]


def mount(lab: typer.Typer) -> None:
    """Put the commands below ``hybridge lab``."""
    lab.add_typer(calendar, name="calendar")
    for name, command in (("replies", replies), ("servers", servers), ("move", move), ("manners", manners)):
        lab.command(name)(command)


@calendar.command("put")
def put(
    mailbox: MailboxArgument,
    subject: Annotated[str, typer.Option("--subject")] = "Meeting",
    start: StartOption = "+0m",
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="As in 30m or 2h.")] = "30m",
    busy: Annotated[str, typer.Option("--busy", help="free, tentative, busy, oof or elsewhere.")] = "busy",
    attendees: Annotated[list[str] | None, typer.Option("--with", metavar="ADDRESS", help="May be repeated.")] = None,
    all_day: Annotated[bool, typer.Option("--all-day")] = False,
    private: Annotated[bool, typer.Option("--private")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put an appointment into a calendar, as its owner would; whom it names is invited."""
    control = _control(config)
    body = {
        "mailbox": mailbox,
        "subject": subject,
        "start_at": _when(start, control),
        "minutes": _seconds(lasts) / 60,
        "busy": _BUSY[one_of(busy, tuple(_BUSY), "--busy")],
        "attendees": attendees or [],
        "is_all_day": all_day,
        "private": private,
    }
    out(control.post("/calendar", body)["id"])


@calendar.command("remove")
def remove(
    mailbox: MailboxArgument,
    item: Annotated[str, typer.Argument(metavar="ID|SUBJECT", help="A subject takes out everything called so.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take an appointment out of a calendar; a meeting is called off."""
    out(f"removed: {_control(config).post('/calendar/remove', {'mailbox': mailbox, 'item': item})['removed']}")


@calendar.command("list")
def list_(
    mailbox: MailboxArgument,
    ahead: Annotated[str, typer.Option("--for", metavar="TIME", help="How far to look, as in 8h or 7d.")] = "1d",
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """What stands in a calendar from now on; series are expanded."""
    from urllib.parse import quote

    found = _control(config).get(f"/calendar?mailbox={quote(mailbox)}&hours={_seconds(ahead) / 3600}")
    if _as_json(found, format):
        return
    for one in found:
        subject = "(private)" if one["private"] else one["subject"]
        out(f"{one['start_at'][:16]} to {one['end_at'][:16]}  {one['busy']:<16} {subject}")
    if not found:
        out("Nothing.")


def replies(
    mailbox: MailboxArgument,
    state: Annotated[str, typer.Argument(metavar="[on|off]", show_default=False)] = "",
    from_: Annotated[str, typer.Option("--from", metavar="WHEN", help="Scheduled from then, as in +1h.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="WHEN", help="Scheduled until then, as in +2d.")] = "",
    text: Annotated[str | None, typer.Option("--text", help="What they say.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Turn the automatic replies of a mailbox on or off, or schedule them; without anything more, show them."""
    from urllib.parse import quote

    control = _control(config)
    if state and (from_ or until):
        raise Stop("Replies are on, off or scheduled, not two of these.", "leave out on and off, or --from and --until")
    if not state and not from_ and not until:
        said = control.get(f"/replies?mailbox={quote(mailbox)}")
    else:
        body: dict[str, Any] = {"mailbox": mailbox, "internal_reply": text, "external_reply": text}
        if state:
            body["state"] = {"on": "Enabled", "off": "Disabled"}[one_of(state, ("on", "off"), "state")]
        else:
            if not until:
                raise Stop("Scheduled replies must end.", "add --until, as in --until +2d")
            body |= {
                "state": "Scheduled",
                "start_at": _when(from_ or "+0m", control),
                "end_at": _when(until, control),
            }
        said = control.post("/replies", body)
    if _as_json(said, format):
        return
    span = f", {said['start_at']} to {said['end_at']}" if said["start_at"] else ""
    out(f"{said['mailbox']}: {said['state']}{span}; {'sent' if said['sent_now'] else 'not sent'} now")


def servers(
    server: Annotated[str, typer.Argument(metavar="[SERVER]", show_default=False)] = "",
    state: Annotated[str, typer.Argument(metavar="[down|up]", show_default=False)] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Show the Exchange servers, or take one down (the other mounts its databases) and bring it up again."""
    control = _control(config)
    if server:
        up = one_of(state, ("down", "up"), "state") == "up"
        known = control.post("/servers", {"server": server, "up": up})
    else:
        known = control.get("/servers")
    _show_servers(known, format)


def move(
    mailbox: MailboxArgument,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="EX1 or EX2.")],
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Move a mailbox to another server; its subscriptions die."""
    _show_servers(_control(config).post("/move", {"mailbox": mailbox, "server": server}), format)


def manners(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...|clear|lose", show_default=False, help="As in late, or busy:5."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Let EWS notify late, twice or never, or be too busy; lose forgets every subscription; without a name, list."""
    control = _control(config)
    wanted = [name for name in names or () if name not in ("clear", "lose")]
    if "lose" in (names or ()):
        lost = control.post("/subscriptions/lose", {})["lost"]
        out(f"lost: {lost}")
        if not wanted:
            return
    now = control.post("/manners", {"manners": wanted}) if names else control.get("/manners")
    if _as_json(now, format):
        return
    in_force = ", ".join(f"{name}:{times}" if times else name for name, times in now["manners"].items())
    out(f"manners: {in_force or 'good'}; {now['subscriptions']} subscriptions, {now['connections']} open connections")
    for name, says in {} if names else now["known"].items():
        out(f"{name}\n    {says}")


def _show_servers(known: dict[str, Any], format: str) -> None:
    if _as_json(known, format):
        return
    for name, one in known.items():
        out(f"{name}: {'up' if one['up'] else 'down'}, {', '.join(one['mailboxes']) or 'no mailbox'}")


def _when(written: str, control: Any) -> str:
    """An instant of the lab as RFC 3339."""
    from datetime import datetime, timedelta

    now = datetime.fromisoformat(control.get("/state")["now"])
    try:
        if written[:1] in ("+", "-"):
            return (now + timedelta(seconds=_seconds(written[1:]) * (-1 if written[0] == "-" else 1))).isoformat()
        at = datetime.fromisoformat(written)
        return (at if at.tzinfo else at.replace(tzinfo=now.tzinfo)).isoformat()
    except (ValueError, OverflowError):
        raise Stop(f"'{written}' is not a time.", "write it as +5m, -1h or 2026-11-20T09:00Z") from None


def _seconds(written: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?[smhd]", written):
        raise Stop(f"'{written}' is not a length of time.", "write it as 30m, 2h or 1d")
    return float(written[:-1]) * _UNITS[written[-1]]


def _as_json(value: object, format: str) -> bool:
    """Write ``value`` as JSON when that is the format; whether it was."""
    if one_of(format, ("text", "json"), "--format") != "json":
        return False
    import msgspec

    out(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    return True


def _control(config: Path) -> Any:
    from hybridge.cli.lab_control import LabControl

    return LabControl(config)
