"""What a cmdlet of the lab is: a name, parameters, and a pure function of the organization.

A cmdlet gets a ``Call`` and gives a ``Result``: what it writes, and the organization as it is afterwards (None when it
changed nothing). Nobody but the caller stores the organization, which is why ``-WhatIf`` needs no code in the cmdlets.

Every cmdlet takes ``-DomainController``; those that change or test something also ``-WhatIf`` and ``-Confirm``.
Removals ask for confirmation unless ``-Confirm:$false`` is given, and a remote session without a console cannot answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hybridge.lab.cmdlets.binding import COMMON
from hybridge.lab.cmdlets.outcome import CmdletRefused, Written, not_found
from hybridge.lab.cmdlets.parameters import Parameter, switch, text
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
DOMAIN_CONTROLLER = "dc1.contoso.com"
IDENTITY = text("Identity", 0)
REQUIRED_IDENTITY = text("Identity", 0, mandatory=True)
_ASKING_FIRST = ("Set-", "New-", "Remove-", "Add-", "Test-")
"""Beginnings of the names of cmdlets with ``-WhatIf`` and ``-Confirm``."""


@dataclass(frozen=True)
class Call:
    """One run of a cmdlet. ``bound`` holds the arguments by parameter name, converted."""

    organization: Organization
    bound: Mapping[str, Any] = field(default_factory=dict)
    server: str = ""
    """Name of the Exchange server that runs it."""
    now: datetime | None = None
    cloud: Cloud = WORLDWIDE

    def given(self, name: str) -> bool:
        """Whether parameter ``name`` was given at all; null counts."""
        return name in self.bound

    def get(self, name: str, default: Any = None) -> Any:
        """The argument of ``name``, or ``default`` when it was not given."""
        return self.bound.get(name, default)

    def text(self, name: str) -> str:
        """The argument of ``name`` as text, "" when it was not given or is null."""
        value = self.bound.get(name)
        return "" if value is None else str(value)

    def absent(self, identity: str) -> CmdletRefused:
        """The error for an object that does not exist, naming the domain controller that was asked."""
        return not_found(identity, self.text("DomainController") or DOMAIN_CONTROLLER)


@dataclass(frozen=True)
class Result:
    """What a cmdlet wrote and did."""

    output: Sequence[Record | Written] = ()
    organization: Organization | None = None
    warnings: tuple[str, ...] = ()


Does = Callable[[Call], Result]


@dataclass(frozen=True)
class Cmdlet:
    """One cmdlet. ``task`` is the .NET class that FullyQualifiedErrorId names."""

    name: str
    does: Does
    parameters: tuple[Parameter, ...]
    task: str

    @property
    def destructive(self) -> bool:
        """Whether it asks for confirmation by itself."""
        return self.name.startswith("Remove-")


def cmdlet(name: str, *parameters: Parameter, tasks: str = "SystemConfigurationTasks") -> Callable[[Does], Cmdlet]:
    """Make a function the cmdlet ``name``; parameters every such cmdlet has are added.

    ``tasks`` is the part of Exchange's namespace its class lives in.
    """
    usual: tuple[Parameter, ...] = (text("DomainController"),)
    if name.startswith(_ASKING_FIRST):
        usual += (switch("WhatIf"), switch("Confirm"))
    task = f"Microsoft.Exchange.Management.{tasks}.{name.replace('-', '')}"

    def made(does: Does) -> Cmdlet:
        return Cmdlet(name, does, (*parameters, *usual, *COMMON), task)

    return made


def changed(call: Call, before: Record, after: Record) -> Result:
    """The result of a Set- cmdlet: stored, with Exchange's warning when nothing is different."""
    if before == after:
        says = f"The command completed successfully but no settings of '{before.identity}' have been modified."
        return Result(warnings=(says,))
    organization = call.organization
    if before.address != after.address:
        organization = organization.drop(before.address)
    return Result(organization=organization.put(after))


def created(call: Call, record: Record) -> Result:
    """The result of a New- or Add- cmdlet: stored and written."""
    return Result(output=(record,), organization=call.organization.put(record))


def removed(call: Call, *records: Record) -> Result:
    """The result of a Remove- cmdlet."""
    return Result(organization=call.organization.drop(*(record.address for record in records)))
