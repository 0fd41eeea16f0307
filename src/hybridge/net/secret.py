"""A secret string that cannot be shown by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A password or client secret. ``repr``, ``str``, ``format`` show stars; ``reveal()`` is the only way to it.

    It is no msgspec type and refuses to be pickled, so it cannot slip into a report, journal or snapshot. An empty
    secret is false.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str = "") -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value in the clear: for the code that signs in, and for nothing else."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret('***')" if self.__value else "Secret('')"

    def __str__(self) -> str:
        return "***" if self.__value else ""

    def __format__(self, format_spec: str) -> str:
        return format(str(self), format_spec)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret is never written anywhere.")
