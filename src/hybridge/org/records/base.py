"""The base of all records, and the address that names one."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from hybridge.terms.premises import Premises


class Address(msgspec.Struct, frozen=True, order=True, gc=False):
    """Names one record: kind (class name), premises, identity (lower case)."""

    kind: str
    premises: Premises
    identity: str

    def __str__(self) -> str:
        return f"{self.kind} '{self.identity}' ({self.premises})"


class Record(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="kind", gc=False):
    """Base of all records. ``identity`` is unique per kind and premises, compared without case.

    A record holds nothing that could hold it, so the collector of reference cycles is spared tens of thousands of them.
    """

    cmdlet: ClassVar[str] = ""
    premises: Premises
    identity: str

    @property
    def address(self) -> Address:
        return Address(type(self).__name__, self.premises, self.identity.lower())

    @property
    def scope(self) -> str:
        """The subject it belongs to: a mailbox's or server's identity in lower case, "" for the organization."""
        return ""
