"""What running one cmdlet comes to, with the error shapes Exchange and PowerShell give.

An error is non-terminating when a cmdlet met it while working (the object is not there, the value is refused): the
pipeline still ends as Completed and only the error stream tells. It is terminating when the cmdlet never started (no
such cmdlet, no such parameter) or when the caller asked for that (``-ErrorAction Stop``): the pipeline ends as Failed.

Sources of the shapes: error records published in issues of HealthChecker and ExchangeLogCollector (not found), of
microsoft-365-docs (refused argument), and PowerShell's own texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload


@dataclass(frozen=True)
class Caller:
    """Who runs a cmdlet, and through which server. ``host`` is the name in the request, lower-case, "" if unknown."""

    principal: str
    host: str = ""


@dataclass(frozen=True)
class ErrorSeen:
    """One error record. ``exception`` is the full .NET type, ``category`` a name of ErrorCategory."""

    message: str
    exception: str
    category: str = "NotSpecified"
    error_id: str = ""
    """FullyQualifiedErrorId."""
    activity: str = ""
    """The cmdlet."""
    target: str = ""
    terminating: bool = False

    @property
    def reason(self) -> str:
        """The exception's name without its namespace, as CategoryInfo shows it."""
        return self.exception.rpartition(".")[2]


@dataclass(frozen=True)
class Written:
    """One object on the output stream: .NET type name and properties, a plain tree as ``wire.clixml`` describes it."""

    type_name: str
    properties: Mapping[str, Any]


class Lazily(Sequence[Written]):
    """What many objects will look like, made one by one when they are wanted: nobody holds a hundred thousand."""

    def __init__(self, records: Sequence[Any], show: Callable[[Any], Written]) -> None:
        self._records = records
        self._show = show

    @overload
    def __getitem__(self, index: int) -> Written: ...

    @overload
    def __getitem__(self, index: slice) -> Lazily: ...

    def __getitem__(self, index: int | slice) -> Written | Lazily:
        if isinstance(index, slice):
            return Lazily(self._records[index], self._show)
        return self._show(self._records[index])

    def __len__(self) -> int:
        return len(self._records)


class Dictionary(dict[str, Any]):
    """A value that is a .NET dictionary; any other mapping among the values is an object with properties."""


@dataclass(frozen=True)
class Outcome:
    """Everything one cmdlet wrote."""

    objects: Sequence[Written] = ()
    errors: tuple[ErrorSeen, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a terminating error ended it."""
        return any(error.terminating for error in self.errors)


TASKS = "Microsoft.Exchange.Configuration.Tasks."
NOT_FOUND = TASKS + "ManagementObjectNotFoundException"
NO_PERMISSION_ENTRY = "Microsoft.Exchange.Management.StoreTasks.UserNotFoundInPermissionEntryException"
ABSENT = frozenset({NOT_FOUND, NO_PERMISSION_ENTRY})
"""Exceptions that say: what was asked for does not exist."""


class CmdletRefused(Exception):
    """Raised by a cmdlet that will not do it. The message is the sentence Exchange prints.

    ``exception`` is the full .NET type. The caller of the cmdlet adds the server, the time and the ids.
    """

    def __init__(
        self, message: str, exception: str = TASKS + "TaskInvalidOperationException", category: str = "InvalidOperation"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exception = exception
        self.category = category


def not_found(identity: str, domain_controller: str) -> CmdletRefused:
    """The object ``identity`` does not exist. Note the category: NotSpecified, not ObjectNotFound."""
    return CmdletRefused(
        f"The operation couldn't be performed because object '{identity}' couldn't be found on '{domain_controller}'.",
        NOT_FOUND,
        "NotSpecified",
    )


def refused_argument(message: str) -> CmdletRefused:
    """An argument, or a combination of arguments, that Exchange does not take."""
    return CmdletRefused(message, "System.ArgumentException", "InvalidArgument")


class ConnectionCut(Exception):
    """The connection ends without an answer; what was asked for may have been done."""


class BindingRefused(Exception):
    """The cmdlet cannot be started with these parameters; a terminating error of PowerShell itself.

    ``error_id`` lacks the cmdlet's name, which the caller appends.
    """

    def __init__(
        self,
        message: str,
        error_id: str,
        exception: str = "System.Management.Automation.ParameterBindingException",
        category: str = "InvalidArgument",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_id = error_id
        self.exception = exception
        self.category = category
