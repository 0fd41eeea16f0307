"""``hybridge checks``: what hybridge can find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridge.cli.exits import Stop
from hybridge.cli.options import FormatOption, one_of, out

if TYPE_CHECKING:
    from hybridge.checks.base import Check

app = typer.Typer(
    help="List the checks, or show one: what it asks, how it decides, how it is cured.", add_completion=False
)


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """List the checks when no command is given."""
    if context.invoked_subcommand is None:
        list_("text")


@app.command("list")
def list_(format: FormatOption = "text") -> None:
    """Every check with its causes."""
    import msgspec

    from hybridge.checks.registry import all_checks

    one_of(format, ("text", "json"), "--format")
    checks = all_checks()
    if format == "json":
        out(msgspec.json.format(msgspec.json.encode([_row(check) for check in checks]), indent=2).decode())
        return
    for check in checks:
        out(f"{check.name}\n    {check.title}")
        for cause in check.causes:
            out(f"      {cause.slug:<24} {cause.says}{'' if cause.healable else '  (by hand)'}")


@app.command("tests")
def tests(format: FormatOption = "text") -> None:
    """The named tests of hybridge doctor --test, with the question each answers."""
    import msgspec

    from hybridge.checks.registry import all_checks
    from hybridge.doctor.named_tests import TESTS, checks_for

    one_of(format, ("text", "json"), "--format")
    if format == "json":
        rows = [
            {
                "test": test.name,
                "question": test.question,
                "about": test.wants,
                "writes": test.writes,
                "checks": [check.name for check in checks_for(test, all_checks())],
            }
            for test in TESTS
        ]
        out(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    for test in TESTS:
        note = "  (makes an item in the mailbox and removes it)" if test.writes else ""
        out(f"{test.name:<28} {test.question}{note}")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="CHECK", help="A check such as ews/allow-list-mailbox.")],
    format: FormatOption = "text",
) -> None:
    """One check as its page: question, reason, decision, cure, undo, sources."""
    from difflib import get_close_matches

    from hybridge.checks.registry import all_checks, check_named
    from hybridge.docs import page, parts

    one_of(format, ("text", "json"), "--format")
    try:
        check = check_named(name.partition(":")[0])
    except KeyError:
        near = get_close_matches(name, [check.name for check in all_checks()], n=3, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else "hybridge checks lists all of them"
        raise Stop(f"There is no check '{name}'.", hint) from None
    if format == "text":
        out(page(check))
        return
    import msgspec

    shown = {
        **_row(check),
        "why": check.why,
        "parts": parts(check),
        "explained_by": check.explained_by,
        "covers": check.covers,
        "sources": check.sources,
    }
    out(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())


def _row(check: Check) -> dict[str, Any]:
    """What the list and the page in JSON share."""
    return {
        "check": check.name,
        "title": check.title,
        "scope": check.scope,
        "severity": check.severity,
        "symptom": check.symptom,
        "causes": [
            {
                "cause": cause.slug,
                "says": cause.says,
                "healable": cause.healable,
                "symptoms": cause.symptoms,
                "covers": cause.covers,
            }
            for cause in check.causes
        ],
    }
