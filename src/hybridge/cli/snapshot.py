"""``hybridge snapshot``: keep what a live run sees, or print how an administrator exports it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, QuietOption, out, say

app = typer.Typer(help="Keep what was seen, or print the cmdlets of an offline export.", add_completion=False)


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Without a command: says which there are."""
    if context.invoked_subcommand is None:
        raise Stop("snapshot needs a command.", "hybridge snapshot save DIR, or hybridge snapshot commands")


@app.command("commands")
def commands() -> None:
    """Print the PowerShell that exports what hybridge doctor --snapshot reads."""
    from hybridge.net.answerers.exports import commands as lines

    out(lines())


@app.command("utcm")
def utcm(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of exports, or a new one.")],
    interval: Annotated[float, typer.Option("--interval", min=0.0, help="Seconds between two looks.")] = 10.0,
    config: ConfigOption = DEFAULT_CONFIG,
    quiet: QuietOption = False,
) -> int:
    """Let Graph take a snapshot of the tenant's configuration (UTCM) and keep it in DIR, beside exports made there."""
    import asyncio

    from hybridge.cli.session import open_session
    from hybridge.collectors.configuration_snapshot import Taken, take_snapshot
    from hybridge.wire.ask import Failure

    session = open_session(config, None, [], [], [], "")
    now = session.clock.now()

    async def taken() -> Taken | Failure:
        async with session.source_answerer() as source:
            name = f"hybridge {now:%Y%m%d %H%M%S}"
            return await take_snapshot(source, session.target.cloud, name, asyncio.sleep, interval)

    say(f"asking Graph for a snapshot of {session.target.domain} ...", quiet)
    found = asyncio.run(taken())
    if isinstance(found, Failure):
        raise Stop(found.says, found.next_step or "try again later", Exit.INCOMPLETE)
    for missing in found.missing:
        say(f"  not in it: {missing}", quiet)
    file = folder / f"configuration-{now:%Y%m%d-%H%M%S}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(found.body)
    except OSError as error:
        raise Stop(f"'{file}' cannot be written: {error.strerror}.", "name another folder") from error
    out(f"Kept {len(found.resources)} resources in '{file}'. Examine them with: hybridge doctor --snapshot {folder}")
    return Exit.OK


@app.command("save")
def save(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    mailboxes: Annotated[list[str] | None, typer.Argument(metavar="[MAILBOX]...", show_default=False)] = None,
    delegation: Annotated[list[str] | None, typer.Option("--delegation", metavar="DELEGATOR:DELEGATE")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    quiet: QuietOption = False,
) -> int:
    """Ask everything a doctor run asks and keep the answers in DIR, secrets removed."""
    import asyncio

    import msgspec

    from hybridge import __version__
    from hybridge.cli.firewall_list import SAVED
    from hybridge.cli.offline import ABOUT, About
    from hybridge.cli.session import open_session
    from hybridge.collectors.collect import collect
    from hybridge.net.answerers.once import AskedOnce
    from hybridge.net.answerers.recorder import Recorder

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Stop(f"'{folder}' is there already and not an empty folder.", "name a new folder")
    session = open_session(config, None, mailboxes or [], delegation or [], [], "")

    assert session.config is not None
    secrets = (session.config.exchange.password, session.config.entra.client_secret)

    async def keep() -> None:
        async with session.source_answerer() as source:
            recorder = Recorder(source, secrets)
            taken_at = session.clock.now()
            await collect(AskedOnce(recorder), session.target, taken_at)
        about = About(
            hybridge=__version__,
            taken_at=taken_at,
            domain=session.target.domain,
            tenant_id=session.target.tenant_id,
            cloud=session.target.cloud.name,
            hybrid=session.target.hybrid,
            allow_list=session.target.allow_list.where,
            mailboxes=session.target.mailboxes,
            delegations=session.delegations,
        )
        files = {ABOUT: msgspec.json.format(msgspec.json.encode(about), indent=2)}
        if session.target.allow_list.body is not None:
            files[SAVED] = session.target.allow_list.body
        recorder.save(folder, files)

    say(f"asking {session.target.domain} ...", quiet)
    asyncio.run(keep())
    out(f"Kept in '{folder}'. Examine it with: hybridge doctor --snapshot {folder}")
    return Exit.OK
