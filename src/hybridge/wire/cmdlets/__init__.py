"""Exchange, Teams and Graph cmdlets as typed asks, and both halves of what they give: object -> record -> object.

``read`` and ``read_answer`` make records of a cmdlet's objects, ``write`` makes the object the cmdlet would show. What
is missing in an object is the record's default; a foreign kind of object is a ``Failure``, never an exception.

Some objects do not say what they belong to: permissions and automatic replies not the mailbox, certificates not the
server. ``read_answer`` takes it from the ask; ``read`` needs it as ``about``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from hybridge.org.records import Record
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason
from hybridge.wire.cmdlets import (
    access,
    authentication,
    directory,
    entra,
    federation,
    folders,
    hybrid,
    licences,
    oauth_connectivity,
    outlook,
    recipients,
    roles,
    server_settings,
    servers,
    sharing,
    teams,
    teams_meetings,
    virtual_directories,
)
from hybridge.wire.cmdlets.access import ask_cas_mailbox, ask_organization_config
from hybridge.wire.cmdlets.authentication import ask_auth_config, ask_auth_server, ask_partner_application
from hybridge.wire.cmdlets.directory import ask_recipient
from hybridge.wire.cmdlets.entra import ask_app_role_assignment, ask_application, ask_service_principal
from hybridge.wire.cmdlets.federation import ask_domain, ask_user
from hybridge.wire.cmdlets.folders import (
    ask_mailbox_folder_permission,
    ask_mailbox_folder_statistics,
    ask_user_oof_settings,
    read_delegate_flags,
)
from hybridge.wire.cmdlets.hybrid import (
    ask_intra_organization_connector,
    ask_organization_relationship,
    ask_setting_override,
)
from hybridge.wire.cmdlets.licences import ask_user_license
from hybridge.wire.cmdlets.noun import Noun, Reader
from hybridge.wire.cmdlets.oauth_connectivity import ask_test_oauth
from hybridge.wire.cmdlets.recipients import ask_mail_user, ask_mailbox, ask_soft_deleted_mailbox
from hybridge.wire.cmdlets.roles import (
    ask_management_role,
    ask_management_role_assignment,
    ask_management_role_entry,
    with_entries,
    write_entries,
)
from hybridge.wire.cmdlets.servers import (
    ask_exchange_certificate,
    ask_exchange_server,
    ask_web_services_virtual_directory,
)
from hybridge.wire.cmdlets.sharing import ask_federation_trust, ask_hybrid_configuration
from hybridge.wire.cmdlets.teams import ask_cs_online_user, ask_teams_app_setup_policy, ask_teams_upgrade_policy
from hybridge.wire.cmdlets.teams_meetings import ask_teams_app_permission_policy, ask_teams_meeting_policy

__all__ = [
    "NOUNS",
    "TYPE_NAMES",
    "WRITERS",
    "about",
    "ask_app_role_assignment",
    "ask_application",
    "ask_auth_config",
    "ask_auth_server",
    "ask_cas_mailbox",
    "ask_cs_online_user",
    "ask_exchange_certificate",
    "ask_exchange_server",
    "ask_domain",
    "ask_federation_trust",
    "ask_hybrid_configuration",
    "ask_intra_organization_connector",
    "ask_mail_user",
    "ask_mailbox",
    "ask_mailbox_folder_permission",
    "ask_mailbox_folder_statistics",
    "ask_management_role",
    "ask_management_role_assignment",
    "ask_management_role_entry",
    "ask_organization_config",
    "ask_organization_relationship",
    "ask_partner_application",
    "ask_recipient",
    "ask_service_principal",
    "ask_setting_override",
    "ask_soft_deleted_mailbox",
    "ask_teams_app_permission_policy",
    "ask_teams_app_setup_policy",
    "ask_teams_meeting_policy",
    "ask_teams_upgrade_policy",
    "ask_user_license",
    "ask_user",
    "ask_test_oauth",
    "ask_user_oof_settings",
    "ask_web_services_virtual_directory",
    "problem",
    "read",
    "read_answer",
    "read_delegate_flags",
    "type_name",
    "with_entries",
    "write",
    "write_entries",
]

_MODULES = (
    access,
    recipients,
    folders,
    servers,
    server_settings,
    sharing,
    authentication,
    hybrid,
    oauth_connectivity,
    roles,
    entra,
    federation,
    teams,
    virtual_directories,
    outlook,
    directory,
    teams_meetings,
    licences,
)
_NOUNS: tuple[Noun[Any], ...] = tuple(noun for module in _MODULES for noun in cast(Any, module).NOUNS)
_BY_CMDLET = {noun.cmdlet.lower(): noun for noun in _NOUNS}

NOUNS: dict[str, Reader] = {noun.cmdlet: noun.read for noun in _NOUNS}
"""Cmdlet -> reader of its objects."""

WRITERS: dict[type[Record], Callable[[Any], dict[str, Any]]] = {noun.record: noun.write_one for noun in _NOUNS}
"""Record type -> writer of the object its cmdlet shows (``write_entries`` for Get-ManagementRoleEntry)."""

TYPE_NAMES: dict[type[Record], str] = {
    noun.record: noun.type_name for noun in _NOUNS if noun is not roles.MANAGEMENT_ROLE_ENTRY
}
"""Record type -> .NET type name of the object its cmdlet shows."""


def read(
    cmdlet_name: str, objects: tuple[dict[str, Any], ...], premises: Premises, about: str = ""
) -> tuple[Record, ...] | Failure:
    """Records of the ``objects`` a cmdlet gave; ``about`` names the mailbox, folder or server the ask named."""
    noun = _BY_CMDLET.get(cmdlet_name.lower())
    if noun is None:
        return Failure(reason=FailureReason.DEFECT, says=f"hybridge has no reader for objects of {cmdlet_name}.")
    return noun.read(objects, premises, about)


def read_answer(ask: CmdletAsk, answer: CmdletAnswer) -> tuple[Record, ...] | Failure:
    """Records of a cmdlet's ``answer``: () when the object does not exist, the Failure when there was no answer.

    A cmdlet that printed errors and no object is a Failure too: nothing is known then.
    """
    if answer.failure is not None:
        return answer.failure
    if answer.not_found:
        return ()
    if answer.errors and not answer.objects:
        return Failure(reason=FailureReason.MALFORMED, says=f"{ask.name} reported an error: {answer.errors[0]}")
    return read(ask.name, answer.objects, ask.premises, about(ask))


def about(ask: CmdletAsk) -> str:
    """What ``ask`` names: its Identity, Mailbox or Server, "" for none."""
    given = {name.lower(): value for name, value in ask.parameters}
    return next((str(given[name]) for name in ("identity", "mailbox", "server") if given.get(name)), "")


def type_name(cmdlet_name: str) -> str:
    """The .NET type of the objects ``cmdlet_name`` gives; that of a custom object where it is not known."""
    noun = _BY_CMDLET.get(cmdlet_name.lower())
    return noun.type_name if noun else "System.Management.Automation.PSCustomObject"


def problem(cmdlet_name: str, objects: tuple[dict[str, Any], ...]) -> str:
    """One sentence when ``objects`` are not what ``cmdlet_name`` gives; "" when they are, or it is not known."""
    noun = _BY_CMDLET.get(cmdlet_name.lower())
    return noun.problem(objects) if noun else ""


def write(record: Record) -> dict[str, Any]:
    """The object its cmdlet would show for ``record``, with the real property names. KeyError for kinds without one
    (CalendarEvent, PublishedPath)."""
    return WRITERS[type(record)](record)
