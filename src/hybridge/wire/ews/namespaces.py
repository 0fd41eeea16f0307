"""Namespaces of EWS. The wire has ``http://``; documentation that prints ``https://`` is wrong and is not accepted."""

from __future__ import annotations

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
PREFIXES = {"s": SOAP, "m": MESSAGES, "t": TYPES, "e": ERRORS}


def qualified(name: str) -> str:
    """``"t:Mailbox"`` as lxml writes it: ``"{namespace}Mailbox"``; a name without a prefix is left as it is."""
    prefix, colon, local = name.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}" if colon else name
