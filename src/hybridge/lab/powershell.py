"""Runs cmdlets on the lab's organization, for the wire and in process alike.

``execute`` gives everything a cmdlet writes, with error records in Exchange's shapes; ``lab.psrp`` sends that over the
wire. ``run`` says the same as the ``CmdletAnswer`` a client makes of it. ``open_endpoint`` is what a listener mounts at
``POST /powershell``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from hybridge.lab.cmdlets.base import Call, Cmdlet, Result
from hybridge.lab.cmdlets.binding import bind
from hybridge.lab.cmdlets.catalogue import CATALOGUE
from hybridge.lab.cmdlets.online import ONLINE_CATALOGUE
from hybridge.lab.cmdlets.outcome import (
    ABSENT,
    BindingRefused,
    Caller,
    CmdletRefused,
    ErrorSeen,
    Lazily,
    Outcome,
    Written,
)
from hybridge.lab.estate import ADMINISTRATOR
from hybridge.lab.psrp.endpoint import PsrpEndpoint
from hybridge.lab.rights import session_cmdlets
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer, Record
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason
from hybridge.wire.cmdlets import TYPE_NAMES, write

HOST_REFUSED = "System.Management.Automation.Host.HostException"
UNAVAILABLE = ("CommandNotFoundException", "NamedParameterNotFound")
"""Error ids of what an account may not use: Exchange hides such cmdlets and parameters instead of refusing them."""


class Holder(Protocol):
    """What is needed of an ``Estate``: the organization, which is replaced, the cloud it is in, and the time."""

    organization: Organization
    cloud: Cloud

    def now(self) -> datetime: ...


Around = Callable[[CmdletAsk, Callable[[], Outcome]], Outcome]
"""Runs a cmdlet by the function given, in its own way: the weather. May raise ``ConnectionCut``."""


def open_endpoint(estate: Holder, around: Around = lambda _, run: run()) -> PsrpEndpoint:
    """The server half of remote PowerShell for ``estate``. Only the lab's administrator may open a session."""

    async def run_one(ask: CmdletAsk, caller: Caller) -> Outcome:
        return around(ask, lambda: execute(estate, ask, caller, session_cmdlets(estate)))

    return PsrpEndpoint(run_one, admits=lambda principal: principal == ADMINISTRATOR)


def run(estate: Holder, ask: CmdletAsk, principal: str) -> CmdletAnswer:
    """Run one cmdlet in process; the answer is the one a remote client would give."""
    catalogue = session_cmdlets(estate) if ask.premises is Premises.ON_PREMISES else ONLINE_CATALOGUE
    return answer_of(execute(estate, ask, Caller(principal), catalogue), ask)


def answer_of(outcome: Outcome, ask: CmdletAsk) -> CmdletAnswer:
    """The answer a client makes of ``outcome``."""
    unavailable = next((error for error in outcome.errors if error.error_id.startswith(UNAVAILABLE)), None)
    if unavailable is not None:
        return CmdletAnswer(
            failure=Failure(
                reason=FailureReason.FORBIDDEN,
                says=f"{ask.name} is not available to this account: {unavailable.message.partition('. ')[0]}",
                next_step="Give the account a role group that holds the cmdlet and its parameters, or check the "
                "version of Exchange.",
            )
        )
    return CmdletAnswer(
        objects=tuple(dict(one.properties) for one in outcome.objects),
        errors=tuple(error.message for error in outcome.errors),
        warnings=outcome.warnings,
        not_found=any(error.exception in ABSENT for error in outcome.errors),
    )


def execute(estate: Holder, ask: CmdletAsk, caller: Caller, catalogue: Mapping[str, Cmdlet] = CATALOGUE) -> Outcome:
    """Run one cmdlet: bind its parameters, run it, and store the organization unless ``-WhatIf`` is given."""
    found = catalogue.get(ask.name.lower())
    if found is None:
        return Outcome(errors=(_unknown(ask.name),))
    try:
        bound = bind(found.parameters, ask.parameters)
    except BindingRefused as refused:
        error_id = f"{refused.error_id},{found.name}"
        return Outcome(errors=(_terminating(found.name, refused, error_id),))
    server = _server(estate.organization, caller.host)
    try:
        if found.destructive and not bound.get("WhatIf") and bound.get("Confirm", True):
            raise _unanswered(found, bound)
        result = found.does(Call(estate.organization, bound, server, estate.now(), estate.cloud))
    except CmdletRefused as refused:
        return _refusal(found, bound, refused, _request_id(estate, ask, server))
    if result.organization is not None and not bound.get("WhatIf"):
        estate.organization = result.organization
    return _written(result, bound)


def _written(result: Result, bound: dict[str, Any]) -> Outcome:
    output = () if bound.get("WhatIf") else Lazily(result.output, _shown)
    return Outcome(objects=output, warnings=result.warnings)


def _shown(one: Record | Written) -> Written:
    return one if isinstance(one, Written) else Written(TYPE_NAMES[type(one)], write(one))


def _unknown(name: str) -> ErrorSeen:
    return ErrorSeen(
        message=(
            f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
            "Check the spelling of the name, or if a path was included, verify that the path is correct and try again."
        ),
        exception="System.Management.Automation.CommandNotFoundException",
        category="ObjectNotFound",
        error_id="CommandNotFoundException",
        target=name,
        terminating=True,
    )


def _terminating(name: str, refused: BindingRefused, error_id: str) -> ErrorSeen:
    return ErrorSeen(refused.message, refused.exception, refused.category, error_id, activity=name, terminating=True)


def _unanswered(found: Cmdlet, bound: dict[str, Any]) -> CmdletRefused:
    """The cmdlet asks for confirmation, and a session without a console has nobody to answer."""
    return CmdletRefused(
        "A command that prompts the user failed because the host program or the command type does not support user "
        "interaction. The host was attempting to request confirmation with the following message: "
        f"{found.name} '{bound.get('Identity')}'.",
        HOST_REFUSED,
        "NotImplemented",
    )


def _refusal(found: Cmdlet, bound: dict[str, Any], refused: CmdletRefused, request_id: str) -> Outcome:
    """An error record in Exchange's form, silent or terminating as ``-ErrorAction`` wants it."""
    action = str(bound.get("ErrorAction") or "").casefold()
    if action in ("silentlycontinue", "ignore"):
        return Outcome()
    reason = refused.exception.rpartition(".")[2]
    number = f"{zlib.crc32(refused.message.encode()):X}"
    error = ErrorSeen(
        message=refused.message,
        exception=refused.exception,
        category=refused.category,
        error_id=f"{request_id} [FailureCategory=Cmdlet-{reason}] {number},{found.task}",
        activity=found.name,
        terminating=action == "stop" or refused.exception == HOST_REFUSED,
    )
    return Outcome(errors=(error,))


def _request_id(estate: Holder, ask: CmdletAsk, server: str) -> str:
    """``[Server=EX1,RequestId=...,TimeStamp=...]``: the same ask at the same time has the same id."""
    now = estate.now()
    request = uuid5(NAMESPACE_URL, f"{server} {ask.name} {ask.parameters!r} {now.isoformat()}")
    stamp = f"{now.month}/{now.day}/{now.year} {now:%I:%M:%S %p}"
    return f"[Server={server},RequestId={request},TimeStamp={stamp}]"


def _server(organization: Organization, host: str) -> str:
    """The Exchange server behind ``host``; the first one for a name that is no server's."""
    servers = organization.all(ExchangeServer, Premises.ON_PREMISES)
    for server in servers:
        if host and host.casefold() in (server.fqdn.casefold(), server.identity.casefold()):
            return server.identity
    return servers[0].identity if servers else ""
