"""SOAP faults of EWS as values, and the exception the server half refuses a request with."""

from __future__ import annotations

import msgspec

from hybridge.wire.xml import Element


class EwsFault(msgspec.Struct, frozen=True):
    """A fault: ``code`` such as "ErrorServerBusy", a message for people, and the named values of its MessageXml.

    The three values of ErrorSchemaValidation are named LineNumber, LinePosition and Violation.
    """

    code: str
    message: str = ""
    values: tuple[tuple[str, str], ...] = ()

    def value(self, name: str) -> str:
        """The value called ``name``, "" when there is none."""
        return next((value for key, value in self.values if key == name), "")


class RequestRefused(Exception):
    """The server half cannot read a request; ``fault`` is what the caller must be sent."""

    def __init__(self, fault: EwsFault) -> None:
        super().__init__(f"{fault.code}: {fault.message}")
        self.fault = fault


def schema_violation(violation: str, element: Element | None = None) -> RequestRefused:
    """ErrorSchemaValidation for ``element``, with ``violation`` as the reason."""
    line = getattr(element, "sourceline", None) or 1
    return RequestRefused(
        EwsFault(
            "ErrorSchemaValidation",
            f"The request failed schema validation: {violation}",
            (("LineNumber", str(line)), ("LinePosition", "1"), ("Violation", violation)),
        )
    )
