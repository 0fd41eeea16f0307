"""What our accounts may do: the cmdlets our session has, and the permissions our token carries.

Exchange shows a session only the cmdlets and parameters that role-based access control grants its account, so the
session itself is asked (``Get-Command``), not the configuration: what other accounts may do does not matter, and an
account need not be allowed to read roles to be asked about itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from hybridge.collectors.reading import Reading, Readings, joined, key, unseen
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org.probes import AvailableCmdlet, GrantedPermissions
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, CmdletAsk, Failure

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
GRAPH = "Microsoft Graph"
EXCHANGE_ONLINE = "Exchange Online"


@runtime_checkable
class TellsRoles(Protocol):
    """An answerer that can read the permissions of its own token: the live one, and the lab in process."""

    async def roles(self, scope: str) -> tuple[str, ...] | Failure: ...


async def collect_rights(
    answerer: Answerer, cloud: Cloud, cmdlets: Iterable[str] = (), services: Iterable[str] = ()
) -> Readings:
    """Which of ``cmdlets`` our session has on-premises, and what our tokens for ``services`` permit.

    ``services`` are ``GRAPH`` and ``EXCHANGE_ONLINE``. What is not asked for is not in the readings.
    """
    names, wanted = tuple(sorted(set(cmdlets))), tuple(sorted(set(services)))
    readings: Readings = {}
    if names:
        readings[key(AvailableCmdlet, ON)] = await _cmdlets(answerer, names)
    if wanted:
        each = await asyncio.gather(*(_permissions(answerer, cloud, service) for service in wanted))
        readings[key(GrantedPermissions, ONLINE)] = joined(GrantedPermissions, each)
    return readings


async def _cmdlets(answerer: Answerer, names: tuple[str, ...]) -> Reading:
    ask = CmdletAsk(premises=ON, name="Get-Command", parameters=(("Name", names), ("ErrorAction", "SilentlyContinue")))
    answer = await answerer.cmdlet(ask)
    if answer.failure is not None:
        return unseen(AvailableCmdlet.__name__, answer.failure, "run: Get-Command in the same session")
    if answer.errors and not answer.objects:
        return Unseen(
            what=AvailableCmdlet.__name__,
            reason="malformed",
            says=f"Get-Command reported an error: {answer.errors[0]}",
            how="run: Get-Command in the same session",
        )
    found = tuple(one for shown in answer.objects if (one := _read(shown)) is not None)
    return Seen(found, Origin(source="Get-Command", seen_at=answer.answered_at, excerpt=f"{len(found)} cmdlets"))


def _read(shown: dict[str, Any]) -> AvailableCmdlet | None:
    name = shown.get("Name")
    parameters = shown.get("Parameters")
    if not isinstance(name, str) or not name:
        return None
    told = tuple(sorted(parameters)) if isinstance(parameters, dict) and set(parameters) - {"ToString"} else None
    return AvailableCmdlet(premises=ON, identity=name, parameters=told)


async def _permissions(answerer: Answerer, cloud: Cloud, service: str) -> Reading:
    if not isinstance(answerer, TellsRoles):
        return Unseen(
            what=GrantedPermissions.__name__,
            reason="not-configured",
            says=f"Permissions for {service} are known only while it is asked live.",
            how="look at the application's permissions in Entra",
        )
    host = cloud.graph if service == GRAPH else cloud.admin_api
    roles = await answerer.roles(f"https://{host}/.default")
    if isinstance(roles, Failure):
        return unseen(GrantedPermissions.__name__, roles, "look at the application's permissions in Entra")
    record = GrantedPermissions(premises=ONLINE, identity=service, roles=roles)
    return Seen((record,), Origin(source=f"access token for {service}", excerpt=", ".join(roles) or "no permission"))
