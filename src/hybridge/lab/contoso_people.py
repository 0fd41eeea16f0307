"""Contoso's people as Teams and the directory know them: licences, policies, a group, and hybridge's own account."""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.org import records as r
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE

GROUP = "board@contoso.com"
"""A group nobody made a delegate."""
FORMER = "charles@contoso.com"
"""Somebody who left; the mailbox was deleted and can still be restored."""
IMPERSONATION_ROLE = "ApplicationImpersonation"
SERVICE_ACCOUNT = "svc-hybridge"
"""Name of the account hybridge signs in with on-premises."""
_PLANS = tuple(r.ServicePlan(name=name) for name in ("TEAMS1", "EXCHANGE_S_ENTERPRISE", "SHAREPOINTENTERPRISE"))


def license_of(user: str) -> r.UserLicense:
    """What everybody of Contoso is licensed for."""
    return r.UserLicense(premises=ONLINE, identity=user, service_plans=_PLANS)


def people_records() -> Iterator[r.Record]:
    """What there is once for everybody."""
    yield r.Recipient(
        premises=ON,
        identity=GROUP,
        name="Board",
        display_name="Board",
        recipient_type_details="MailUniversalSecurityGroup",
    )
    yield r.SoftDeletedMailbox(
        premises=ONLINE,
        identity=FORMER,
        user_principal_name=FORMER,
        display_name="Charles Babbage",
        exchange_guid="f02e3000-0000-4000-8000-000000000001",
    )
    yield r.TeamsAppPermissionPolicy(premises=ONLINE, identity="Global")
    yield r.TeamsMeetingPolicy(premises=ONLINE, identity="Global")
    yield r.ManagementRoleAssignment(
        premises=ON,
        identity=f"{IMPERSONATION_ROLE}-{SERVICE_ACCOUNT}",
        role=IMPERSONATION_ROLE,
        role_assignee=SERVICE_ACCOUNT,
    )
