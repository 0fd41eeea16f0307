"""What the lab's administrator and the lab's Entra application may do, and a switch to take it away.

Exchange hides what an account may not use: a cmdlet or parameter outside its roles is to it as if it did not exist, and
``Get-Command`` does not list it. So rights narrow the catalogue of a session. Entra writes an application's permissions
into its tokens, and Graph refuses (403) what none of them allows.

By default both hold everything: the administrator is in Organization Management. A right is named as administrators
know it: an Exchange management role, the role group itself, one cmdlet, one parameter (``Set-MailUser:Identity``), or a
Graph permission. Simplification: here a cmdlet that changes something belongs to one role, really often to several.
Sources: Microsoft's page on permissions for sharing and collaboration, the roles that Microsoft365DSC lists for its
resources, and the permissions on the pages of the Graph requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from hybridge.lab.cmdlets.base import Call, Cmdlet, Result
from hybridge.lab.cmdlets.binding import COMMON
from hybridge.lab.cmdlets.catalogue import CATALOGUE
from hybridge.lab.cmdlets.outcome import CmdletRefused, Dictionary, Written
from hybridge.lab.cmdlets.parameters import Parameter, text
from hybridge.lab.estate import Estate
from hybridge.terms.callers import matches

ROLE_GROUP = "Organization Management"
EXCHANGE_ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Mail Recipient Creation": ("New-MailUser", "Remove-MailUser"),
        "Mail Recipients": ("Set-*Mail*", "Add-MailboxFolderPermission", "Remove-MailboxFolderPermission"),
        "Role Management": (
            "New-ManagementRole*",
            "Set-ManagementRole*",
            "Add-ManagementRole*",
            "Remove-ManagementRole*",
        ),
        "Organization Client Access": (
            "New-PartnerApplication",
            "Set-PartnerApplication",
            "Remove-PartnerApplication",
            "Set-ClientAccessService",
            "Set-OutlookProvider",
        ),
        "Organization Configuration": (
            "Set-OrganizationConfig",
            "Set-AuthServer",
            "New-SettingOverride",
            "Set-SettingOverride",
            "Remove-SettingOverride",
        ),
        "Exchange Virtual Directories": ("Set-WebServicesVirtualDirectory", "Set-MapiVirtualDirectory"),
        "Federated Sharing": ("Set-OrganizationRelationship", "Set-IntraOrganizationConnector"),
        ROLE_GROUP: ("New-*", "Set-*", "Add-*", "Remove-*"),
    }
)
"""Management role (or role group) -> patterns of the changing cmdlets it brings. Whoever reads needs none of them."""

READ_APPLICATIONS = "Application.Read.All"
WRITE_APPLICATIONS = "Application.ReadWrite.All"
CONSENT = "AppRoleAssignment.ReadWrite.All"
READ_TEAMS = "TeamsUserConfiguration.Read.All"
ASSIGN_TEAMS = "TeamsPolicyUserAssign.ReadWrite.All"
READ_PRESENCE = "Presence.Read.All"
WRITE_PRESENCE = "Presence.ReadWrite.All"
READ_USERS = "User.Read.All"
READ_DOMAINS = "Domain.Read.All"
TAKE_SNAPSHOTS = "ConfigurationMonitoring.ReadWrite.All"
READ_CALENDARS = "Calendars.Read"
WRITE_CALENDARS = "Calendars.ReadWrite"
READ_SETTINGS = "MailboxSettings.Read"
WRITE_SETTINGS = "MailboxSettings.ReadWrite"
GRAPH_ROLES = (
    READ_CALENDARS,
    WRITE_CALENDARS,
    READ_SETTINGS,
    WRITE_SETTINGS,
    READ_APPLICATIONS,
    WRITE_APPLICATIONS,
    CONSENT,
    READ_TEAMS,
    ASSIGN_TEAMS,
    READ_PRESENCE,
    WRITE_PRESENCE,
    READ_USERS,
    READ_DOMAINS,
    TAKE_SNAPSHOTS,
)
"""Application permissions of Microsoft Graph the lab's Entra application holds."""

_READS = ("GET", "HEAD")
_SILENT = ("silentlycontinue", "ignore")
_COMMAND_TYPE = "System.Management.Automation.CmdletInfo"


class UnknownRight(LookupError):
    """There is no right of that name. Its text is one sentence that names it."""


class Rights:
    """What was taken away from the accounts of one estate: ``withheld`` holds the names as they are known."""

    def __init__(self) -> None:
        self.withheld: tuple[str, ...] = ()
        self._shown: Mapping[str, Cmdlet] = _EVERYTHING

    def withhold(self, names: Iterable[str]) -> None:
        """Take exactly ``names`` away; what was taken before is given back. Raises ``UnknownRight``."""
        self.withheld = tuple(dict.fromkeys(_known(name) for name in names))
        self._shown = _session(_narrowed(self.withheld))

    def give_back(self) -> None:
        """Give everything back."""
        self.withhold(())

    @property
    def cmdlets(self) -> Mapping[str, Cmdlet]:
        """The cmdlets a session of the administrator has, by name in lower case; ``Get-Command`` is one of them."""
        return self._shown

    @property
    def graph_roles(self) -> tuple[str, ...]:
        """The Graph permissions in the application's tokens."""
        return tuple(role for role in GRAPH_ROLES if role not in self.withheld)

    def allow_graph(self, method: str, path: str) -> bool:
        """Whether a permission of the application allows this request."""
        enough = _enough(method.upper(), path.lower())
        return not enough or any(role in self.graph_roles for role in enough)


def known_rights() -> tuple[str, ...]:
    """The names of roles and permissions that can be taken away; cmdlets and parameters are not listed."""
    return (*EXCHANGE_ROLES, *GRAPH_ROLES)


def rights_of(estate: Estate) -> Rights:
    """The rights of ``estate``'s accounts; resetting the estate gives everything back."""
    return estate.own(Rights, Rights, Rights.give_back)


def session_cmdlets(holder: object) -> Mapping[str, Cmdlet]:
    """The cmdlets a session with ``holder`` has; everything where it is no estate."""
    return rights_of(holder).cmdlets if isinstance(holder, Estate) else _EVERYTHING


def _known(name: str) -> str:
    wanted = name.casefold()
    for role in known_rights():
        if wanted == role.casefold():
            return role
    cmdlet, colon, parameter = wanted.partition(":")
    if (found := CATALOGUE.get(cmdlet)) is not None:
        named = [one.name for one in found.parameters if one.name.casefold() == parameter]
        if named or not colon:
            return f"{found.name}:{named[0]}" if named else found.name
    raise UnknownRight(
        f"There is no right '{name}' to take away; name one of {', '.join(known_rights())}, a cmdlet, or a parameter "
        "such as Set-MailUser:Identity."
    )


def _narrowed(withheld: Iterable[str]) -> dict[str, Cmdlet]:
    left = dict(CATALOGUE)
    for name in withheld:
        cmdlet, _, parameter = name.partition(":")
        if parameter and cmdlet.lower() in left:
            found = left[cmdlet.lower()]
            kept = tuple(one for one in found.parameters if one.name != parameter)
            left[cmdlet.lower()] = Cmdlet(found.name, found.does, kept, found.task)
            continue
        patterns = EXCHANGE_ROLES.get(name, (name,))
        left = {key: one for key, one in left.items() if not any(matches(pattern, one.name) for pattern in patterns)}
    return left


def _enough(method: str, path: str) -> tuple[str, ...]:
    """The permissions of which one is enough for a request; empty where none is modelled."""
    if "approleassign" in path and method not in _READS:
        return (CONSENT,)
    applications = ("/v1.0/applications", "/beta/applications", "/v1.0/directory/deleteditems")
    if path.startswith(("/v1.0/serviceprincipals", *applications)):
        return (READ_APPLICATIONS, WRITE_APPLICATIONS) if method in _READS else (WRITE_APPLICATIONS,)
    if "/admin/configurationmanagement/" in path:
        return (TAKE_SNAPSHOTS,)
    if path.startswith("/v1.0/domains/"):
        return (READ_DOMAINS,)
    if path.endswith(("/presence", "/getpresencesbyuserid")):
        return (READ_PRESENCE, WRITE_PRESENCE)
    if "/presence/" in path:
        return (WRITE_PRESENCE,)
    if (enough := _enough_for_mailbox(method, path)) is not None:
        return enough
    if path.startswith("/v1.0/users"):
        return (READ_USERS,)
    if "/admin/teams/" in path:
        return (ASSIGN_TEAMS,) if method not in _READS or "getpolicyid" in path else (READ_TEAMS, ASSIGN_TEAMS)
    return ()


def _enough_for_mailbox(method: str, path: str) -> tuple[str, ...] | None:
    """As ``_enough``, for what lies in a mailbox; None for all else."""
    reads = method in _READS or path.endswith("/getschedule") or "/subscriptions" in path
    if "/mailboxsettings" in path:
        return (READ_SETTINGS, WRITE_SETTINGS) if reads else (WRITE_SETTINGS,)
    parts = path.split("/")
    if path.endswith("/getschedule") or "calendarview" in parts or "events" in parts or "subscriptions" in parts:
        return (READ_CALENDARS, WRITE_CALENDARS) if reads else (WRITE_CALENDARS,)
    return None


# Get-Command ----------------------------------------------------------------------------------------------------------


def _session(catalogue: Mapping[str, Cmdlet]) -> Mapping[str, Cmdlet]:
    return MappingProxyType({**catalogue, "get-command": _get_command(catalogue)})


def _get_command(catalogue: Mapping[str, Cmdlet]) -> Cmdlet:
    """``Get-Command`` of a session with ``catalogue``: what implicit remoting asks to know what it may import."""
    parameters = (Parameter("Name", _names, "System.String[]", position=0), text("CommandType"), *COMMON)
    task = "Microsoft.PowerShell.Commands.GetCommandCommand"
    return Cmdlet("Get-Command", _listing(catalogue), parameters, task)


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def _listing(catalogue: Mapping[str, Cmdlet]) -> Callable[[Call], Result]:
    def does(call: Call) -> Result:
        wanted: tuple[str, ...] = call.get("Name") or ("*",)
        found = {one.name: one for name in wanted for one in catalogue.values() if matches(name, one.name)}
        absent = [name for name in wanted if "*" not in name and name.lower() not in catalogue]
        if absent and call.text("ErrorAction").casefold() not in _SILENT:
            raise CmdletRefused(
                f"The term '{absent[0]}' is not recognized as the name of a cmdlet, function, script file, or operable "
                "program.",
                "System.Management.Automation.CommandNotFoundException",
                "ObjectNotFound",
            )
        return Result(tuple(map(_command, found.values())))

    return does


def _command(cmdlet: Cmdlet) -> Written:
    metadata = "System.Management.Automation.ParameterMetadata"
    return Written(
        _COMMAND_TYPE,
        {
            "ToString": cmdlet.name,
            "Name": cmdlet.name,
            "CommandType": "Cmdlet",
            "Parameters": Dictionary({one.name: metadata for one in cmdlet.parameters}),
        },
    )


_EVERYTHING = _session(CATALOGUE)
