"""What the lab's control may do: break, heal, and ask the Teams services what people notice.

A fault is the ``breaks`` of a cause, applied to the organization as it is. Healing one fault starts again from the
healthy organization and breaks the others anew, in their order.
"""

from __future__ import annotations

from typing import Any

from hybridge.lab.apps.teams_services import symptoms
from hybridge.lab.estate import Estate
from hybridge.lab.faults import Fault, UnknownFault, fault_named, faults
from hybridge.lab.serve.verbs import UnknownCause
from hybridge.wire.ask import Answerer


class Verbs:
    """The verbs over one estate; ``answerer`` carries the calls of the Teams services over the wire."""

    def __init__(self, estate: Estate, answerer: Answerer) -> None:
        self._estate = estate
        self._answerer = answerer

    async def faults(self) -> list[dict[str, Any]]:
        """Every cause the lab can be broken by."""
        return [
            {"cause": fault.name, "healable": fault.healable, "symptoms": list(fault.symptoms), "says": fault.says}
            for fault in faults()
        ]

    async def symptoms(self) -> list[dict[str, Any]]:
        """What people notice now."""
        return [
            {
                "symptom": seen.symptom,
                "service": seen.service,
                "who": seen.who,
                "says": seen.says,
                "because": seen.because,
            }
            for seen in await symptoms(self._estate, self._answerer)
        ]

    async def break_(self, causes: tuple[str, ...]) -> None:
        """Break the estate by all of ``causes``, or by none when one is not known."""
        for fault in [_named(name) for name in causes]:
            self._estate.break_(fault.name, fault.breaks(self._estate.organization))
        await self._look_again()

    async def heal(self, causes: tuple[str, ...]) -> None:
        """Take ``causes`` back, or every fault when none is named."""
        gone = {_named(name).name for name in causes} or set(self._estate.faults)
        left = [name for name in self._estate.faults if name not in gone]
        organization = self._estate.healthy
        for name in left:
            organization = _named(name).breaks(organization)
        for name in gone:
            self._estate.heal(name, organization)
        self._estate.organization = organization
        await self._look_again()

    async def _look_again(self) -> None:
        """Let the Teams services work after a change, so that the presence they show is not of before it."""
        await symptoms(self._estate, self._answerer)


def _named(name: str) -> Fault:
    try:
        return fault_named(name)
    except UnknownFault as unknown:
        raise UnknownCause(str(unknown)) from unknown
