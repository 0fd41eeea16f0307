"""Who may use EWS: EwsEnabled, and the application access policy with its lists of user agents.

Exchange Server: an organization or a mailbox with EwsEnabled False is shut, and the organization's False cannot be
overridden by a mailbox. A policy on a mailbox replaces the organization's, but counts only while the mailbox says
EwsEnabled True. Lists hold for REST callers too; EwsEnabled does not. While the policy is EnforceAllowList, no list and
an empty one refuse everybody alike; without a policy no list refuses anybody.

Exchange Online uses the same rules here and names the reason in ``X-EWS-Policy-Reason``; Exchange Server's 403 has no
such header. Sources: Microsoft's pages on controlling access to EWS, Set-OrganizationConfig and Set-CASMailbox. That
a mailbox's policy replaces the organization's is common knowledge among administrators, not a published sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hybridge.org.organization import Organization
from hybridge.org.records import CasMailbox, EwsAccess, OrganizationConfig
from hybridge.rules import built_in
from hybridge.terms.callers import matches
from hybridge.terms.premises import Premises

DISABLED = "EWS is disabled for this user or tenant"
BLOCKED = "EWS is blocked by policy for this user or tenant"


@dataclass(frozen=True)
class EwsVerdict:
    """Whether a caller may in. ``policy_reason`` is the header Exchange Online sends, "" on-premises."""

    allowed: bool
    policy_reason: str = ""


def ews_access(
    organization: Organization, premises: Premises, mailbox: str, user_agent: str, *, rest: bool = False
) -> EwsVerdict:
    """Whether ``user_agent`` may use EWS (or, with ``rest``, the REST API) for ``mailbox``."""
    config = next(iter(organization.all(OrganizationConfig, premises)), None)
    cas_mailbox = organization.one(CasMailbox, premises, mailbox)
    if not rest and any(holder and holder.ews_enabled is False for holder in (config, cas_mailbox)):
        return _refused(premises, DISABLED)
    overrides = cas_mailbox is not None and cas_mailbox.ews_enabled is True and _policy(cas_mailbox)
    holder = cas_mailbox if overrides else config
    if holder is None or _lets_in(holder, user_agent):
        return EwsVerdict(True)
    return _refused(premises, BLOCKED)


def online_ews_access(
    organization: Organization, mailbox: str, app_id: str, user_agent: str, now: datetime
) -> EwsVerdict:
    """Whether Exchange Online lets the application ``app_id`` use EWS for ``mailbox`` at ``now``.

    Since EWS is being retired, an unset EwsEnabled is off and True opens it to the listed applications alone, as
    Microsoft announced it; before, no list restricts nobody. User agents are judged beside it, and both must pass.
    """
    config = next(iter(organization.all(OrganizationConfig, Premises.ONLINE)), None)
    dates = built_in().retirement
    today = now.date()
    retiring = today >= dates.switched_off_unless_allowed
    enabled = config.ews_enabled if config else None
    if today >= dates.gone or (enabled is None and retiring):
        return EwsVerdict(False, DISABLED)
    ids = (config.ews_allowed_app_ids if config else None) or ()
    verdict = ews_access(organization, Premises.ONLINE, mailbox, user_agent)
    if not verdict.allowed or enabled is not True:
        return verdict
    return EwsVerdict(True) if app_id.lower() in ids or not (ids or retiring) else EwsVerdict(False, BLOCKED)


def _policy(holder: EwsAccess) -> str:
    return holder.ews_application_access_policy or ""


def _lets_in(holder: EwsAccess, user_agent: str) -> bool:
    match _policy(holder).lower():
        case "enforceallowlist":
            return any(matches(pattern, user_agent) for pattern in holder.ews_allow_list or ())
        case "enforceblocklist":
            return not any(matches(pattern, user_agent) for pattern in holder.ews_block_list or ())
        case _:
            return True


def _refused(premises: Premises, reason: str) -> EwsVerdict:
    return EwsVerdict(False, reason if premises is Premises.ONLINE else "")
