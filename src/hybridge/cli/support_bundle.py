"""``hybridge support-bundle``: everything a support case needs in one zip, shown before it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, QuietOption, out, say


def support_bundle(
    mailboxes: Annotated[list[str] | None, typer.Argument(metavar="[MAILBOX]...", show_default=False)] = None,
    delegation: Annotated[
        list[str] | None, typer.Option("--delegation", metavar="DELEGATOR:DELEGATE", help="Whom the case is about.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--from", metavar="REPORT", help="Take this JSON report; ask nothing.")
    ] = None,
    snapshot: Annotated[Path | None, typer.Option("--snapshot", metavar="DIR", help="Take an offline export.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    target: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help="Where the bundle is written.")] = Path(
        "hybridge-case.zip"
    ),
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When it was reproduced, such as 2026-11-20T09:00Z.")
    ] = "",
    add: Annotated[
        list[Path] | None, typer.Option("--add", metavar="FILE", help="A log of this machine that goes along.")
    ] = None,
    pseudonymize: Annotated[
        bool, typer.Option("--pseudonymize", help="Write other names for people and domains.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    quiet: QuietOption = False,
) -> int:
    """Gather what Microsoft asks for: who, when, evidence, request ids, where logs lie; write one zip and a case text.

    Nothing is sent anywhere. Secrets, cookies, subjects and bodies of mail are taken out, and the list of what is in
    the bundle is shown before it is written. Logs of Teams and Exchange are named, never read, unless --add names them.
    """
    import asyncio

    from hybridge.cli.bundling import Wish, gather, moment, old_report
    from hybridge.support import bundle

    wish = Wish(
        at=moment(at), added=tuple(add or ()), pseudonymize=pseudonymize, mailboxes=tuple(mailboxes or ()),
        delegations=tuple(delegation or ()), config=config, snapshot=snapshot,
    )  # fmt: skip
    gathered = old_report(report, wish) if report is not None else asyncio.run(gather(wish, quiet))
    content = bundle.zipped(gathered.files)
    _preview(target, gathered.files)
    _consent(target, yes)
    try:
        bundle.write(target, content)
        if gathered.key:
            _write_key(target, gathered.key)
    except OSError as error:
        raise Stop(f"'{target}' could not be written: {error.strerror}.", "choose another place with --out") from error
    out(gathered.files["case.md"].decode())
    say(f"written: {target} ({len(content):,} bytes). Look into it, then attach it to the case.", quiet)
    return Exit.OK


def _preview(target: Path, files: dict[str, bytes]) -> None:
    say(f"{target} will hold:")
    for name in sorted(files):
        say(f"  {len(files[name]):>12,}  {name}")


def _consent(target: Path, yes: bool) -> None:
    import sys

    if yes:
        return
    if not sys.stdin.isatty():
        raise Stop("Nobody is there to agree to what the bundle holds.", "look at the list above, then add --yes")
    if not typer.confirm(f"Write {target}?", default=False, err=True):
        raise Stop("Nothing was written.", "leave out what must not leave, or use --pseudonymize")


def _write_key(target: Path, key: dict[str, str]) -> None:
    """Who is who, beside the bundle and never in it."""
    import msgspec

    from hybridge.support import bundle

    path = target.with_name(target.stem + ".names.json")
    bundle.write(path, msgspec.json.format(msgspec.json.encode(key), indent=2) + b"\n")
    say(f"written: {path} (who is who; keep it, it is not in the bundle)")
