"""``hybridge demo``: the whole story in one go, on the embedded lab, over real protocols on loopback.

``hybridge demo presence`` tells the other one (``cli.demo_presence``).

It uses nothing an administrator could not: it starts a lab, writes the configuration that reaches it, breaks the three
stories, and from there on runs the same code as ``doctor`` and ``repair``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import QuietOption, colour_wanted, one_of, out, write_file

if TYPE_CHECKING:
    from hybridge.cli.lab_running import OpenLab
    from hybridge.repair.executor import Applied
    from hybridge.report.model import Report

STORIES_TOLD = ("repair", "presence")
STORIES = (
    (
        "A delegate cannot schedule a Teams meeting for a delegator",
        (
            "partner_apps/teams-applications:legacy-only",
            "partner_apps/service-principal-key:key-missing",
            "delegation/calendar-permission:looks-higher",
        ),
    ),
    (
        "The Teams calendar app is missing or cannot get meeting details",
        ("teams/calendar-app-pinned:not-pinned", "ews/allow-list-mailbox:disabled"),
    ),
    (
        "Presence is stuck on Out of Office, or never shows In a meeting",
        ("ews/allow-list-organization:caller-misspelt",),
    ),
)
"""What people say, and the causes the demo breaks Contoso with."""


def demo(
    which: Annotated[str, typer.Argument(metavar="[repair|presence]", show_default=False)] = "repair",
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where report.html is left.")] = Path(),
    seconds: Annotated[float, typer.Option("--seconds", min=5, help="How long the day of presence takes.")] = 60,
    quiet: QuietOption = False,
) -> int:
    """Show hybridge at work on an embedded lab.

    repair: break, explain, heal and verify the three classic failures; leaves report.html. presence: a small office
    lives through a day in a minute.
    """
    import asyncio
    import tempfile

    one_of(which, STORIES_TOLD, "story")
    if not folder.is_dir():
        raise Stop(f"'{folder}' is not a folder.", "name an existing folder with --out")
    with tempfile.TemporaryDirectory(prefix="hybridge-demo-") as scratch:
        if which == "presence":
            from hybridge.cli.demo_presence import office

            return asyncio.run(office(Path(scratch), seconds, quiet))
        return asyncio.run(story(folder, Path(scratch) / "hybridge.toml", quiet))


async def story(folder: Path, config: Path, quiet: bool) -> Exit:
    """The acts of the story; 0 when the symptoms came and went."""
    from hybridge.cli.doctor import examined
    from hybridge.cli.lab_running import open_lab
    from hybridge.cli.plans import apply_plan, read, shown_end
    from hybridge.cli.rendering import render
    from hybridge.cli.session import open_session
    from hybridge.repair.plan_file import write_plan
    from hybridge.repair.what_if import what_if

    async with open_lab(config) as lab:
        _act(1, f"A hybrid organization: Contoso, served on 127.0.0.1:{lab.running.https_port}", quiet)
        _tell(f"{len(await lab.verbs.symptoms())} symptoms; everybody is content.", quiet)
        _act(2, "Three stories are broken into it", quiet)
        for says, causes in STORIES:
            _tell(says, quiet)
            for cause in causes:
                _tell(f"    lab break {cause}", quiet)
            await lab.verbs.break_(causes)
        _act(3, "What people notice", quiet)
        broken = await _notice(lab, quiet)
        _act(4, "hybridge doctor", quiet)
        report = await examined(open_session(config, None, [], [], [], ""))
        if not quiet:
            out(render(report, "text", colour_wanted()))
        write_file(folder / "report.html", render(report, "html"))
        write_file(folder / "report.json", render(report, "json"))
        if report.plan is None:
            raise Stop("The demo found no plan.", "This is a defect of hybridge; please report it.", Exit.DEFECT)
        _act(5, "hybridge repair plan", quiet)
        write_plan(report.plan, config.with_name("plan.json"))
        plan = read(config.with_name("plan.json"))
        _tell("\n".join(what_if(plan)), quiet)
        _act(6, "hybridge repair apply", quiet)
        ended = await apply_plan(plan, config, quiet=True)
        _tell(shown_end(ended, "text", colour_wanted()), quiet)
        _act(7, "hybridge doctor again, and what people notice now", quiet)
        after = await examined(open_session(config, None, [], [], [], ""))
        _tell(f"{after.tally.failed} failed, {after.tally.warnings} warnings, {after.tally.passed} passed", quiet)
        left = await _notice(lab, quiet)
    return _verdict(folder, report, ended, after, (broken, left))


async def _notice(lab: OpenLab, quiet: bool) -> int:
    """Tell what people notice; returns how much."""
    seen = await lab.verbs.symptoms()
    for one in seen:
        _tell(f"{one['who']}: {one['says']}", quiet)
    if not seen:
        _tell("Nobody notices anything.", quiet)
    return len(seen)


def _verdict(folder: Path, report: Report, ended: Applied, after: Report, noticed: tuple[int, int]) -> Exit:
    broken, left = noticed
    stories = sum(1 for symptom, _ in report.by_symptom() if symptom)
    healed = broken > 0 and left == 0 and stories == len(STORIES) and ended.complete and not after.standing
    out(
        f"\n{stories} of {len(STORIES)} stories explained, {len(ended.steps)} changes applied, "
        f"{broken} symptoms before, {left} after."
    )
    out(f"The report of the broken organization: {(folder / 'report.html').resolve()}")
    out("Next: hybridge lab up, then hybridge doctor in another terminal; hybridge --help shows everything.")
    return Exit.OK if healed else Exit.FINDINGS


def _act(number: int, title: str, quiet: bool) -> None:
    if not quiet:
        out(f"\n--- {number}. {title}")


def _tell(text: str, quiet: bool) -> None:
    if not quiet:
        out("\n".join("  " + line for line in text.splitlines()))
