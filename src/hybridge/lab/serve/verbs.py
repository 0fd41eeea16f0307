"""What the control API needs from outside: the verbs that know faults and what people notice."""

from __future__ import annotations

from typing import Any, Protocol


class UnknownCause(LookupError):
    """There is no cause of that name. Its text is one sentence that names it."""


class ControlVerbs(Protocol):
    """Breaks and heals the estate, and asks its Teams services. Answers are JSON values or msgspec structs."""

    async def faults(self) -> Any:
        """Every cause the lab can be broken by: ``[{"cause", "healable", "symptoms"}]``."""
        ...

    async def symptoms(self) -> Any:
        """What people notice now; empty when nobody would notice anything."""
        ...

    async def break_(self, causes: tuple[str, ...]) -> None:
        """Break the estate by ``causes``: all or, when one is not known (``UnknownCause``), none."""
        ...

    async def heal(self, causes: tuple[str, ...]) -> None:
        """Take ``causes`` back, or every fault when there are none given. May raise ``UnknownCause``."""
        ...
