"""The plan as the PowerShell an administrator would type, for those who let no program write.

The Exchange part is printed from the very cmdlets the PowerShell hand runs. The Graph part computes at run time which
keys to keep, for a script may be run long after it was printed. Everything outside comments is ASCII, whatever the
values hold: other signs are written as ``[char]0x00FC``, because Windows PowerShell reads a file without a byte order
mark in the machine's own code page, and because it takes typographic quotes for quotes. A value with a line break is
refused.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from unicodedata import category

from hybridge.org import records as r
from hybridge.plan import Change, Manual, Plan
from hybridge.repair.comparison import live_ders, thumbprint
from hybridge.repair.hands.exchange_cmdlets import CMDLETS, commands
from hybridge.repair.rules import refusal
from hybridge.terms.clouds import WORLDWIDE
from hybridge.wire.ask import CmdletAsk


class ScriptRefused(ValueError):
    """The plan cannot be printed safely; one sentence says why."""


def script(plan: Plan, graph_host: str = WORLDWIDE.graph) -> str:
    """``plan`` as PowerShell. Raises ``ScriptRefused``."""
    for change in plan.changes:
        if reason := refusal(change, plan.evidence_at):
            raise ScriptRefused(reason)
    lines = [
        *_comment(f"Plan {plan.id} for {plan.organization or 'the organization'}."),
        *_comment(f"Made from evidence of {plan.evidence_at:%Y-%m-%d %H:%M} UTC. Read every line before you run it."),
        *_comment("Each part needs the shell named above it. The script stops at the first error."),
        *_comment("In a forest with several domain controllers give every Exchange line the same -DomainController."),
        "$ErrorActionPreference = 'Stop'",
    ]
    for title, belongs, written in _parts(graph_host, plan.evidence_at):
        changes = [(number, change) for number, change in enumerate(plan.changes, start=1) if belongs(change)]
        if changes:
            lines += ["", *_comment(f"==== {title} ====")]
        for number, change in changes:
            lines += ["", *_comment(f"{number}. {change.says}"), *written(change)]
    if plan.manual:
        lines += ["", *_comment("==== To do by hand ====")]
    for manual in plan.manual:
        lines += ["", *_manual(manual)]
    return "\n".join(lines) + "\n"


Part = tuple[str, Callable[[Change], bool], Callable[[Change], Iterator[str]]]


def _parts(graph_host: str, now: datetime) -> tuple[Part, ...]:
    def of(*kinds: type[r.Record]) -> Callable[[Change], bool]:
        names = {kind.__name__ for kind in kinds}
        return lambda change: change.address.kind in names

    return (
        ("Exchange Management Shell, on-premises", lambda change: change.address.kind in CMDLETS, _exchange),
        (
            "Microsoft Graph PowerShell: Connect-MgGraph -Scopes Application.ReadWrite.All",
            of(r.ServicePrincipal),
            lambda change: _keys(change, graph_host, now),
        ),
        (
            "Microsoft Teams PowerShell: Connect-MicrosoftTeams",
            of(r.TeamsAppSetupPolicy, r.CsOnlineUser),
            _teams,
        ),
    )


def line(ask: CmdletAsk) -> str:
    """One cmdlet as it is typed. Raises ``ScriptRefused`` for a value that cannot be."""
    return " ".join((ask.name, *(_parameter(name, value) for name, value in ask.parameters)))


def _parameter(name: str, value: object) -> str:
    return f"-{name}:{_value(value)}" if name == "Confirm" else f"-{name} {_value(value)}"


def _value(value: object) -> str:
    if value is None:
        return "$null"
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, dict):
        return "@{" + "; ".join(f"{key}={_value(entries)}" for key, entries in value.items()) + "}"
    if isinstance(value, tuple):
        return ",".join(_value(entry) for entry in value) if value else "@()"
    return str(value) if isinstance(value, int) else quoted(str(value))


def quoted(text: str) -> str:
    """``text`` as a PowerShell expression that is ASCII and means exactly it. Raises ``ScriptRefused``."""
    if any(category(sign) in ("Cc", "Zl", "Zp", "Cs") for sign in text):
        raise ScriptRefused(f"The value {text!r} holds a line break or control character and is not printed.")
    if text.isascii():
        return "'" + text.replace("'", "''") + "'"
    parts: list[str] = []
    plain = ""
    for sign in text:
        if sign.isascii():
            plain += sign
            continue
        if plain:
            parts.append(quoted(plain))
            plain = ""
        units = sign.encode("utf-16-be")
        parts += [f"[char]0x{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2)]
    if plain:
        parts.append(quoted(plain))
    return "(" + " + ".join(["''", *parts]) + ")"


_PLAIN = str.maketrans(
    {sign: "-" for sign in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"}
    | {sign: "'" for sign in "\u2018\u2019\u201a\u201b"}
    | {sign: '"' for sign in "\u201c\u201d\u201e\u201f\u00ab\u00bb"}
    | {"\u00a0": " ", "\u2026": "..."}
)


def _comment(text: str) -> Iterator[str]:
    """One comment line; whatever could end it becomes a blank."""
    plain = "".join(" " if category(sign) in ("Cc", "Zl", "Zp", "Cs") else sign for sign in text.translate(_PLAIN))
    yield f"# {plain}"


def _exchange(change: Change) -> Iterator[str]:
    yield from (line(ask) for ask in commands(change))
    if isinstance(change.after, r.ManagementRole) and change.before is None:
        kept = _value(change.after.role_entries)
        every = quoted(f"{change.after.identity}\\*")
        yield (
            f"(Get-ManagementRoleEntry {every}) | Where-Object {{ @({kept}) -notcontains $_.Name }} | "
            "Remove-ManagementRoleEntry -Confirm:$false"
        )


_MERGE = """\
$now = (Get-Date).ToUniversalTime()
$kept = @($principal.keyCredentials | Where-Object {
    -not $_.endDateTime -or ([datetime]$_.endDateTime).ToUniversalTime() -gt $now
})
if (@($kept | Where-Object { -not $_.key }).Count -gt 0) { throw 'A key was not returned and would be lost.' }
$keys = @($kept | ForEach-Object { @{ type = $_.type; usage = $_.usage; key = $_.key } })"""


def _keys(change: Change, graph_host: str, now: datetime) -> Iterator[str]:
    """Read, merge, write. Setting keyCredentials replaces all of them, so every living key is sent along."""
    principals = f"https://{graph_host}/v1.0/servicePrincipals"
    if change.before is None:
        body = f"(@{{ appId = {quoted(change.address.identity)} }} | ConvertTo-Json)"
        yield (
            f"Invoke-MgGraphRequest -Method POST -Uri {quoted(principals)} -Body {body} -ContentType 'application/json'"
        )
        yield from _comment("A new service principal needs a moment; if the next line fails, run from here again.")
    one = quoted(f"{principals}(appId='{change.address.identity}')?$select=id,keyCredentials")
    yield f"$principal = Invoke-MgGraphRequest -Method GET -Uri {one}"
    yield from _MERGE.splitlines()
    for der in dict.fromkeys(live_ders(change.after, now)):
        if der in live_ders(change.before, now):
            continue
        yield from _comment(f"The public certificate with the thumbprint {thumbprint(der)}")
        yield f"$new = {quoted(b64encode(der).decode())}"
        yield (
            "if (@($keys | Where-Object { $_.key -eq $new }).Count -eq 0) "
            "{ $keys += @{ type = 'AsymmetricX509Cert'; usage = 'Verify'; key = $new } }"
        )
    yield (
        f"Invoke-MgGraphRequest -Method PATCH -Uri ({quoted(principals + '/')} + $principal.id) "
        "-Body (@{ keyCredentials = $keys } | ConvertTo-Json -Depth 4) -ContentType 'application/json'"
    )


def _teams(change: Change) -> Iterator[str]:
    if isinstance(change.after, r.CsOnlineUser):
        name = change.after.teams_upgrade_policy
        policy = quoted(name) if name and name.lower() != "global" else "$null"
        yield f"Grant-CsTeamsUpgradePolicy -Identity {quoted(change.after.identity)} -PolicyName {policy}"
    if isinstance(change.after, r.TeamsAppSetupPolicy):
        yield "$apps = @("
        kind = "Microsoft.Teams.Policy.Administration.Cmdlets.Core.PinnedApp"
        for order, app_id in enumerate(change.after.pinned_app_bar_apps, start=1):
            yield f"    New-Object -TypeName {kind} -Property @{{ Id = {quoted(app_id)}; Order = {order} }}"
        yield ")"
        yield f"Set-CsTeamsAppSetupPolicy -Identity {quoted(change.after.identity)} -PinnedAppBarApps $apps"


def _manual(manual: Manual) -> Iterator[str]:
    subject = f" ({manual.subject})" if manual.subject else ""
    yield from _comment(f"{manual.says}{subject}")
    for number, step in enumerate(manual.steps, start=1):
        yield from _comment(f"  {number}) {step}")
    yield from _comment(f"  To see that it worked: {manual.verify}")
