"""Error records as Exchange and PowerShell send them."""

from __future__ import annotations

from psrpcore.types import ErrorCategory, ErrorCategoryInfo, ErrorRecord, NETException

from hybridge.lab.cmdlets.outcome import ErrorSeen

NO_LANGUAGE = ErrorSeen(
    message=("The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode."),
    exception="System.Management.Automation.ParseException",
    category="ParserError",
    error_id="ScriptsNotAllowed",
    terminating=True,
)
"""The refusal of anything but plain cmdlets with parameters: since April 2021 Exchange's sessions have no language."""

ONE_AT_A_TIME = ErrorSeen(
    message="This endpoint runs one cmdlet at a time: send the cmdlets of a pipeline one by one.",
    exception="System.NotSupportedException",
    category="NotImplemented",
    error_id="PipelineNotSupported",
    terminating=True,
)
"""A limit of the lab, not of Exchange, which pipes one cmdlet into another."""


DEFECT = ErrorSeen(
    message="The lab itself failed to run this cmdlet; its log says why.",
    exception="System.InvalidOperationException",
    category="NotSpecified",
    error_id="LabDefect",
    terminating=True,
)
"""A mistake of the lab."""


def exception(error: ErrorSeen) -> NETException:
    """The .NET exception inside an error record."""
    made = NETException(Message=error.message, HResult=-2146233088)
    made.PSObject.type_names = [error.exception, "System.Exception", "System.Object"]
    return made


class _Category(ErrorCategoryInfo):
    """psrpcore's, printed as PowerShell prints it: with a colon behind the category."""

    def __str__(self) -> str:
        target = f"{self.TargetName or ''}:{self.TargetType or ''}"
        return f"{self.Category.name}: ({target}) [{self.Activity or ''}], {self.Reason or ''}"


def category(error: ErrorSeen) -> ErrorCategoryInfo:
    """Where and why, as the line ``CategoryInfo`` shows it."""
    return _Category(
        Category=ErrorCategory[error.category],
        Activity=error.activity,
        Reason=error.reason,
        TargetName=error.target,
        TargetType="String" if error.target else "",
    )


def record(error: ErrorSeen) -> ErrorRecord:
    """The whole record, as a failed pipeline carries it."""
    return ErrorRecord(
        Exception=exception(error),
        CategoryInfo=category(error),
        TargetObject=error.target or None,
        FullyQualifiedErrorId=error.error_id,
    )
