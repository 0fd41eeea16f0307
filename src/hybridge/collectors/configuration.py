"""The on-premises configuration: one cmdlet for all records of a kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator

from hybridge.collectors.reading import Reading, Readings, joined, key, read_cmdlet
from hybridge.evidence import Seen, Unseen
from hybridge.org import records as r
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, CmdletAsk, FailureReason

ON = Premises.ON_PREMISES

ORGANIZATION_WIDE: tuple[type[r.Record], ...] = (
    r.OrganizationConfig,
    r.ExchangeServer,
    r.AuthConfig,
    r.AuthServer,
    r.PartnerApplication,
    r.WebServicesVirtualDirectory,
    r.AutodiscoverVirtualDirectory,
    r.MapiVirtualDirectory,
    r.OutlookAnywhere,
    r.OutlookProvider,
    r.ClientAccessService,
    r.SettingOverride,
    r.OrganizationRelationship,
    r.IntraOrganizationConnector,
)
"""Kinds of which an organization has few: read whole, each by its plain cmdlet."""


async def collect_configuration(answerer: Answerer, accounts: Iterable[str] = ()) -> Readings:
    """Organization, servers, certificates, trust, and the partner applications with their accounts and roles.

    ``accounts`` are looked for too, whether an application is linked to them or not; an export need not hold them.
    """
    async with asyncio.TaskGroup() as group:
        configuring = Configuring(group, answerer, accounts)
    return await configuring.all()


class Configuring:
    """The configuration while it is being read: what is few is there before what follows from it."""

    def __init__(self, group: asyncio.TaskGroup, answerer: Answerer, accounts: Iterable[str] = ()) -> None:
        self._wide = {
            kind: group.create_task(read_cmdlet(answerer, kind, ask(kind.cmdlet))) for kind in ORGANIZATION_WIDE
        }
        self._certificates = group.create_task(_certificates(answerer, self._wide[r.ExchangeServer]))
        self._accounts = group.create_task(_accounts(answerer, self._wide[r.PartnerApplication], accounts))

    async def wide(self) -> Readings:
        """Everything ``ORGANIZATION_WIDE``."""
        return {key(kind, ON): await reading for kind, reading in self._wide.items()}

    async def some(self, *kinds: type[r.Record]) -> Readings:
        """Those of ``ORGANIZATION_WIDE`` that are named."""
        return {key(kind, ON): await self._wide[kind] for kind in kinds}

    async def all(self) -> Readings:
        """That, certificates, accounts and roles."""
        readings = await self.wide()
        readings[key(r.ExchangeCertificate, ON)] = await self._certificates
        return readings | await self._accounts


def ask(cmdlet: str, **parameters: object) -> CmdletAsk:
    """An on-premises cmdlet with ``parameters``."""
    return CmdletAsk(premises=ON, name=cmdlet, parameters=tuple(parameters.items()))


async def _certificates(answerer: Answerer, known: Awaitable[Reading]) -> Reading:
    """Certificates of every server: ``Get-ExchangeCertificate`` shows one server at a time.

    An export that does not say which server a certificate lies on still says which certificates there are.
    """
    servers = await known
    names = [server.identity for server in servers.records] if isinstance(servers, Seen) else []
    each = await asyncio.gather(
        *(read_cmdlet(answerer, r.ExchangeCertificate, ask("Get-ExchangeCertificate", Server=name)) for name in names)
    )
    together = joined(r.ExchangeCertificate, each)
    if each and not (isinstance(together, Unseen) and together.reason == FailureReason.NOT_EXPORTED):
        return together
    return await read_cmdlet(answerer, r.ExchangeCertificate, ask("Get-ExchangeCertificate"))


async def _accounts(answerer: Answerer, known: Awaitable[Reading], also: Iterable[str] = ()) -> Readings:
    """Accounts the partner applications are linked to, their role assignments, and the roles themselves."""
    partner_applications = await known
    linked = {apps.INTEGRATION_ACCOUNT}
    if isinstance(partner_applications, Seen):
        linked |= {
            one.linked_account
            for one in partner_applications.records
            if isinstance(one, r.PartnerApplication)
            and one.application_identifier in (*apps.TEAMS_PAIR, apps.SKYPE_FOR_BUSINESS_ONLINE)
            and one.linked_account
        }
    names = sorted({*linked, *also})
    users, assignments, exchange = await asyncio.gather(
        asyncio.gather(*(read_cmdlet(answerer, r.MailUser, ask("Get-MailUser", Identity=name)) for name in names)),
        asyncio.gather(
            *(
                read_cmdlet(
                    answerer,
                    r.ManagementRoleAssignment,
                    ask("Get-ManagementRoleAssignment", RoleAssignee=name),
                )
                for name in names
            )
        ),
        _exchange_online_roles(answerer, partner_applications),
    )
    assigned = joined(r.ManagementRoleAssignment, _wanted(names, assignments, linked))
    with_exchange = (assigned, *exchange)
    return {
        key(r.MailUser, ON): joined(r.MailUser, _wanted(names, users, linked)),
        key(r.ManagementRoleAssignment, ON): joined(r.ManagementRoleAssignment, with_exchange),
        key(r.ManagementRole, ON): await _roles(answerer, assigned),
    }


async def _exchange_online_roles(answerer: Answerer, partner_applications: Reading) -> list[Reading]:
    """What the account of the partner application Exchange Online may do; what those roles hold is not asked."""
    found = partner_applications.records if isinstance(partner_applications, Seen) else ()
    accounts = {
        one.linked_account
        for one in found
        if isinstance(one, r.PartnerApplication)
        and one.application_identifier.lower() == apps.EXCHANGE_ONLINE
        and one.linked_account
    }
    return await asyncio.gather(
        *(
            read_cmdlet(answerer, r.ManagementRoleAssignment, ask("Get-ManagementRoleAssignment", RoleAssignee=name))
            for name in sorted(accounts)
        )
    )


def _wanted(names: Iterable[str], readings: Iterable[Reading], linked: set[str]) -> Iterator[Reading]:
    """``readings`` of ``names`` without what an export need not hold: accounts no application is linked to."""
    for name, reading in zip(names, readings, strict=True):
        absent = isinstance(reading, Unseen) and reading.reason == FailureReason.NOT_EXPORTED
        if name in linked or not absent:
            yield reading


async def _roles(answerer: Answerer, assignments: Reading) -> Reading:
    """The custom role, its parent, and every role an account holds."""
    names = {apps.INTEGRATION_ROLE, apps.INTEGRATION_ROLE_PARENT}
    if isinstance(assignments, Seen):
        names |= {one.role for one in assignments.records if isinstance(one, r.ManagementRoleAssignment)}
    roles = await asyncio.gather(
        *(read_cmdlet(answerer, r.ManagementRole, ask("Get-ManagementRole", Identity=name)) for name in sorted(names))
    )
    return joined(r.ManagementRole, roles)
