"""What each hand needs its account to be allowed, a function per service. Pure.

The role named is the least that is documented: role groups of Exchange for cmdlets, application permissions for
Microsoft Graph and Exchange Online. Cmdlets count with those that take the change back: a change nobody may undo is not
made. Sources: Microsoft's pages on permissions for recipients, for sharing and collaboration, and on the requests of
Graph named in ``wire.graph``.
"""

from __future__ import annotations

from hybridge.org import records as r
from hybridge.plan import Change
from hybridge.repair.hands.base import Rights
from hybridge.repair.hands.exchange_cmdlets import Unwritable, commands, reading
from hybridge.wire.ask import CmdletAsk

GRAPH = "Microsoft Graph"
EXCHANGE_ONLINE = "Exchange Online"
TEAMS = "Teams configuration"
EWS = "EWS"
ORGANIZATION_MANAGEMENT = "Organization Management"
RECIPIENT_MANAGEMENT = "Recipient Management"
_RECIPIENTS = frozenset(
    one.__name__ for one in (r.Mailbox, r.CasMailbox, r.MailUser, r.MailboxFolderPermission, r.DelegateUser)
)
_GRAPH_PERMISSIONS = {
    r.CsOnlineUser.__name__: "TeamsPolicyUserAssign.ReadWrite.All",
    r.AppRoleAssignment.__name__: "AppRoleAssignment.ReadWrite.All",
}
_TRIMMING = ("Remove-ManagementRoleEntry", ("Identity", "Confirm"))
"""A new role inherits more entries than it keeps."""


def of_cmdlets(change: Change) -> Rights:
    """For a change made on-premises by cmdlets."""
    least = RECIPIENT_MANAGEMENT if change.address.kind in _RECIPIENTS else ORGANIZATION_MANAGEMENT
    return Rights(
        says=f"The Exchange account must be a member of {least}, or hold the cmdlets that make and undo the changes.",
        least=least,
        cmdlets=_cmdlets(change),
    )


def _cmdlets(change: Change) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every cmdlet with its parameters, to read, to make and to take back."""
    used: dict[str, set[str]] = {}
    for ask in (reading(change.address), *_commands(change), *_commands(change.inverse)):
        used.setdefault(ask.name, set()).update(name for name, _ in ask.parameters)
    if change.address.kind == r.ManagementRole.__name__ and change.before is None:
        used.setdefault(_TRIMMING[0], set()).update(_TRIMMING[1])
    return tuple((name, tuple(sorted(parameters))) for name, parameters in used.items())


def _commands(change: Change) -> tuple[CmdletAsk, ...]:
    try:
        return commands(change)
    except Unwritable:  # it is refused before anything is asked
        return ()


def of_delegates(_: Change) -> Rights:
    """For a change of the list of delegates by EWS, and the cmdlets that put back what it disturbs."""
    permission = ("Identity", "User", "AccessRights")
    return Rights(
        says="The Exchange account must be allowed to act for the delegator by EWS: by the role "
        "ApplicationImpersonation, or by full access to the mailbox.",
        least="ApplicationImpersonation",
        service=EWS,
        cmdlets=(
            ("Get-Mailbox", ("Identity",)),
            ("Set-Mailbox", ("Identity", "GrantSendOnBehalfTo")),
            ("Get-MailboxFolderPermission", ("Identity", "User")),
            ("Add-MailboxFolderPermission", permission),
            ("Set-MailboxFolderPermission", permission),
            ("Remove-MailboxFolderPermission", ("Identity", "User", "Confirm")),
        ),
    )


def of_exchange_online(change: Change) -> Rights:
    """For a change made in Exchange Online. Only the grants of a mailbox are within what the Admin API documents."""
    documented = ("Exchange.ManageAsAppV2",) if change.address.kind == r.Mailbox.__name__ else ()
    return Rights(
        says="The Entra application must have the permission Exchange.ManageAsApp (for grants of a mailbox alone, "
        "Exchange.ManageAsAppV2 is enough), and a role that may change recipients in Exchange Online.",
        least="Exchange.ManageAsApp with the Entra role Exchange Administrator",
        service=EXCHANGE_ONLINE,
        permissions=("Exchange.ManageAsApp", *documented),
    )


def of_graph(change: Change) -> Rights:
    """For a change made through Microsoft Graph."""
    permission = _GRAPH_PERMISSIONS.get(change.address.kind, "Application.ReadWrite.All")
    return Rights(
        says=f"The Entra application must have the permission {permission} of Microsoft Graph.",
        least=permission,
        service=GRAPH,
        permissions=(permission,),
    )


def of_teams(_: Change) -> Rights:
    """For a change of a Teams policy. The service tells nobody beforehand whether it lets them write."""
    return Rights(
        says="The Entra application must be allowed to change Teams policies: by the Entra role Teams Administrator.",
        least="Teams Administrator",
        service=TEAMS,
    )
