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

from msgspec import structs

from hybridge.org import records as r
from hybridge.plan import Change, Manual, Plan
from hybridge.repair.comparison import live_ders, thumbprint
from hybridge.repair.hands.exchange_cmdlets import CMDLETS, commands
from hybridge.repair.hands.exchange_online_cmdlets import KINDS as ONLINE_KINDS
from hybridge.repair.hands.exchange_online_cmdlets import anew, loses_flags
from hybridge.repair.hands.exchange_online_cmdlets import commands as online_commands
from hybridge.repair.rules import refusal
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
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
        *_comment(_controller(plan)),
        "$ErrorActionPreference = 'Stop'",
    ]
    for title, belongs, written in _parts(graph_host, plan.evidence_at, plan.domain_controller):
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


def _parts(graph_host: str, now: datetime, domain_controller: str) -> tuple[Part, ...]:
    def of(*kinds: type[r.Record]) -> Callable[[Change], bool]:
        names = {kind.__name__ for kind in kinds}
        return lambda change: change.address.kind in names

    return (
        (
            "Exchange Management Shell, on-premises",
            lambda change: _on_premises(change) and not _uses_application(change),
            lambda change: _exchange(change, domain_controller),
        ),
        (
            "Exchange Online PowerShell: Connect-ExchangeOnline",
            lambda change: change.address.kind in ONLINE_KINDS and change.address.premises is Premises.ONLINE,
            _exchange_online,
        ),
        (
            "Microsoft Graph PowerShell: Connect-MgGraph -Scopes Application.ReadWrite.All",
            of(r.ServicePrincipal),
            lambda change: _keys(change, graph_host, now),
        ),
        (
            "Microsoft Graph PowerShell: Connect-MgGraph "
            "-Scopes Application.ReadWrite.All,AppRoleAssignment.ReadWrite.All",
            of(r.EntraApplication, r.AppRoleAssignment),
            lambda change: _application(change, graph_host, now),
        ),
        (
            "Exchange Management Shell, on-premises: what makes Exchange use the application",
            lambda change: _on_premises(change) and _uses_application(change),
            lambda change: _exchange(change, domain_controller),
        ),
        (
            "Microsoft Teams PowerShell: Connect-MicrosoftTeams",
            of(r.TeamsAppSetupPolicy, r.TeamsAppPermissionPolicy, r.TeamsMeetingPolicy, r.CsOnlineUser),
            _teams,
        ),
        ("Classic Outlook, opened as the delegator: no cmdlet does this", of(r.DelegateUser), _delegates),
    )


def _on_premises(change: Change) -> bool:
    return change.address.kind in CMDLETS and change.address.premises is Premises.ON_PREMISES


def _uses_application(change: Change) -> bool:
    """Whether ``change`` makes Exchange use its application in Entra: that comes after what makes the application."""
    ids = {one.application_identifier for one in (change.before, change.after) if isinstance(one, r.AuthServer)}
    return len(ids) > 1 or change.address.kind == r.SettingOverride.__name__


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


def _controller(plan: Plan) -> str:
    if plan.domain_controller:
        return f"Every on-premises line reads and writes at the domain controller {plan.domain_controller}."
    return "In a forest with several domain controllers give every Exchange line the same -DomainController."


def _exchange(change: Change, domain_controller: str) -> Iterator[str]:
    sent = (("DomainController", domain_controller),) if domain_controller else ()
    yield from (line(structs.replace(ask, parameters=ask.parameters + sent)) for ask in commands(change))
    if isinstance(change.after, r.ManagementRole) and change.before is None:
        kept = _value(change.after.role_entries)
        every = quoted(f"{change.after.identity}\\*")
        there = "".join(f" {_parameter(*one)}" for one in sent)
        yield (
            f"(Get-ManagementRoleEntry {every}{there}) | Where-Object {{ @({kept}) -notcontains $_.Name }} | "
            f"Remove-ManagementRoleEntry -Confirm:$false{there}"
        )


def _exchange_online(change: Change) -> Iterator[str]:
    yield from (line(ask) for ask in online_commands(change))
    if loses_flags(change) and isinstance(change.after, r.MailboxFolderPermission):
        yield from _comment("Look with Get-MailboxFolderPermission. Where the flag Delegate is still there, run also:")
        yield from (text for ask in anew(change.after) for text in _comment(line(ask)))


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


_MERGE_ACCESS = """\
$access = @($application.requiredResourceAccess)
$resource = $access | Where-Object { $_.resourceAppId -eq $wanted.resourceAppId } | Select-Object -First 1
if ($resource) { $resource.resourceAccess = @($resource.resourceAccess) + $wanted.resourceAccess }
else { $access += $wanted }"""
_MERGE_KEYS = """\
$now = (Get-Date).ToUniversalTime()
$keys = @($application.keyCredentials | Where-Object {
    -not $_.endDateTime -or ([datetime]$_.endDateTime).ToUniversalTime() -gt $now
})
if (@($keys | Where-Object { -not $_.key }).Count -gt 0) { throw 'A key was not returned and would be lost.' }"""


def _application(change: Change, graph_host: str, now: datetime) -> Iterator[str]:
    """Applications are found by their names, and what they have is sent back with what is added."""
    base = f"https://{graph_host}/v1.0"
    after = change.after
    if isinstance(after, r.EntraApplication):
        yield from _made_application(after, base) if change.before is None else ()
        yield from _found_application(after.identity, base)
        yield from _access_added(change, after, base)
        yield from _application_keys(change, base, now)
    if isinstance(after, r.AppRoleAssignment):
        yield from _found_application(after.principal, base)
        yield from _consent(after, base)


def _made_application(after: r.EntraApplication, base: str) -> Iterator[str]:
    body = f"@{{ displayName = {quoted(after.identity)}; signInAudience = 'AzureADMyOrg' }}"
    yield f"$made = {_graph('POST', quoted(f'{base}/applications'), body)}"
    yield from _comment("A new application needs a moment; if a line below fails, run from there again.")
    yield _graph("POST", quoted(f"{base}/servicePrincipals"), "@{ appId = $made.appId }")


def _found_application(name: str, base: str) -> Iterator[str]:
    wanted = name.replace("'", "''")
    yield (
        "$found = @((Invoke-MgGraphRequest -Method GET -Uri "
        f"{quoted(f'{base}/applications?$filter=displayName eq {chr(39)}{wanted}{chr(39)}&$select=id')}).value)"
    )
    yield "if ($found.Count -ne 1) { throw 'Not exactly one application has this name.' }"
    select = "?$select=id,appId,requiredResourceAccess,keyCredentials"
    one = f"({quoted(f'{base}/applications/')} + $found[0].id + {quoted(select)})"
    yield f"$application = Invoke-MgGraphRequest -Method GET -Uri {one}"


def _access_added(change: Change, after: r.EntraApplication, base: str) -> Iterator[str]:
    had = change.before.required_resource_access if isinstance(change.before, r.EntraApplication) else ()
    for entry in after.required_resource_access:
        if entry in had:
            continue
        resource, permission, kind = entry.split("/", 2)
        asked = f"@(@{{ id = {quoted(permission)}; type = {quoted(kind)} }})"
        yield f"$wanted = @{{ resourceAppId = {quoted(resource)}; resourceAccess = {asked} }}"
        yield from _MERGE_ACCESS.splitlines()
        one = f"({quoted(f'{base}/applications/')} + $application.id)"
        yield _graph("PATCH", one, "@{ requiredResourceAccess = @($access) }")


def _application_keys(change: Change, base: str, now: datetime) -> Iterator[str]:
    added = [der for der in dict.fromkeys(live_ders(change.after, now)) if der not in live_ders(change.before, now)]
    if not added:
        return
    yield from _MERGE_KEYS.splitlines()
    for der in added:
        yield from _comment(f"The public certificate with the thumbprint {thumbprint(der)}")
        yield f"$new = {quoted(b64encode(der).decode())}"
        key = "@{ keyId = [guid]::NewGuid().ToString(); type = 'AsymmetricX509Cert'; usage = 'Verify'; key = $new }"
        yield f"if (@($keys | Where-Object {{ $_.key -eq $new }}).Count -eq 0) {{ $keys += {key} }}"
    one = f"({quoted(f'{base}/applications/')} + $application.id)"
    yield _graph("PATCH", one, "@{ keyCredentials = @($keys) }")


def _consent(after: r.AppRoleAssignment, base: str) -> Iterator[str]:
    select = quoted("')?$select=id")
    principals = quoted(f"{base}/servicePrincipals(appId='")
    for name, app_id in (("principal", "$application.appId"), ("resource", quoted(EXCHANGE_ONLINE))):
        yield f"${name} = Invoke-MgGraphRequest -Method GET -Uri ({principals} + {app_id} + {select})"
    body = f"@{{ principalId = $principal.id; resourceId = $resource.id; appRoleId = {quoted(after.app_role_id)} }}"
    below = f"({quoted(f'{base}/servicePrincipals/')} + $principal.id + '/appRoleAssignments')"
    yield _graph("POST", below, body)


def _graph(method: str, address: str, body: str) -> str:
    sent = f"-Body ({body} | ConvertTo-Json -Depth 6) -ContentType 'application/json'"
    return f"Invoke-MgGraphRequest -Method {method} -Uri {address} {sent}"


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
    if isinstance(change.after, r.TeamsAppPermissionPolicy):
        yield "$apps = @("
        kind = "Microsoft.Teams.Policy.Administration.Cmdlets.Core.DefaultCatalogApp"
        for app_id in change.after.default_catalog_apps:
            yield f"    New-Object -TypeName {kind} -Property @{{ Id = {quoted(app_id)} }}"
        yield ")"
        yield f"Set-CsTeamsAppPermissionPolicy -Identity {quoted(change.after.identity)} -DefaultCatalogApps $apps"
    if isinstance(change.after, r.TeamsMeetingPolicy):
        private, add_in = change.after.allow_private_meeting_scheduling, change.after.allow_outlook_add_in
        yield (
            f"Set-CsTeamsMeetingPolicy -Identity {quoted(change.after.identity)} "
            f"-AllowPrivateMeetingScheduling ${str(private).lower()} -AllowOutlookAddIn ${str(add_in).lower()}"
        )


def _delegates(change: Change) -> Iterator[str]:
    """Comments only: on-premises no cmdlet writes the list of delegates, and rights on folders make nobody one."""
    record = change.after or change.before
    if not isinstance(record, r.DelegateUser):
        return
    steps = ["Open classic Outlook as {delegator}: File > Account Settings > Delegate Access."]
    if change.after is None:
        steps += ["Choose {delegate}, then Remove, then OK.", "Give back folder rights that shall stay: it takes all."]
    else:
        steps += [
            "Choose Add and select {delegate}." if change.before is None else "Choose {delegate}, then Permissions.",
            "Give every folder the level the delegate has there today; Calendar must have Author or Editor.",
            f"{_tick(record.receive_copies_of_meeting_messages)} 'Delegate receives copies of meeting-related messages "
            "sent to me'.",
            f"{_tick(record.view_private_items)} 'Delegate can see my private items', then OK twice.",
        ]
    for number, step in enumerate(steps, start=1):
        yield from _comment(f"  {number}) {step.format(delegator=record.delegator, delegate=record.delegate)}")
    yield from _comment("  hybridge repair apply does it by EWS, and leaves the other rights as they are.")


def _tick(wanted: bool) -> str:
    return "Tick" if wanted else "Do not tick"


def _manual(manual: Manual) -> Iterator[str]:
    subject = f" ({manual.subject})" if manual.subject else ""
    yield from _comment(f"{manual.says}{subject}")
    for number, step in enumerate(manual.steps, start=1):
        yield from _comment(f"  {number}) {step}")
    yield from _comment(f"  To see that it worked: {manual.verify}")
