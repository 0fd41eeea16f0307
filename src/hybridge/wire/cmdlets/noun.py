"""A noun: how the objects of one cmdlet become records, and how a record becomes the object the cmdlet would show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from hybridge.org.records import Record
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, Failure, FailureReason
from hybridge.wire.cmdlets.properties import Object, find, has, words

R = TypeVar("R", bound=Record)


class Unreadable(ValueError):
    """An object lacks what its record cannot be without; the message is one sentence."""


class Reader(Protocol):
    """Records of a cmdlet's objects; ``about`` is what the ask named (mailbox, folder, server), "" for nothing."""

    def __call__(
        self, objects: tuple[Object, ...], premises: Premises, about: str = ""
    ) -> tuple[Record, ...] | Failure: ...


@dataclass(frozen=True)
class Noun(Generic[R]):
    """Both halves of one kind of object.

    ``read_all`` makes records of objects (it may raise ``Unreadable``), ``write_one`` the object of a record.
    ``marks`` are properties at least one of which every such object has, ``foreign`` ones it never has: this tells the
    wrong kind of object in a file.
    """

    cmdlet: str
    record: type[R]
    type_name: str
    marks: tuple[str, ...]
    read_all: Callable[[tuple[Object, ...], Premises, str], tuple[R, ...]]
    write_one: Callable[[R], Object]
    foreign: tuple[str, ...] = ()

    def problem(self, objects: tuple[Object, ...]) -> str:
        """One sentence when ``objects`` are not what the cmdlet gives, else ""."""
        for number, one in enumerate(objects, start=1):
            strange = next((name for name in self.foreign if has(one, name)), "")
            if strange or not any(has(one, name) for name in self.marks):
                what = f"it has a property {strange}" if strange else f"it has none of {', '.join(self.marks)}"
                shown = words(one, "ToString", "Name", "Identity").split("\n")[0].strip()[:60]
                named = f" ('{shown}')" if shown else ""
                return f"Object {number}{named} is not what {self.cmdlet} gives: {what}."
        return ""

    def read(self, objects: tuple[Object, ...], premises: Premises, about: str = "") -> tuple[R, ...] | Failure:
        """Records of ``objects``, or the Failure that says what is wrong with them."""
        says = self.problem(objects)
        if not says:
            try:
                return self.read_all(objects, premises, about)
            except Unreadable as unreadable:
                says = str(unreadable)
        return Failure(
            reason=FailureReason.MALFORMED, says=says, next_step=f"Export the result of {self.cmdlet} again."
        )


def each(
    read_one: Callable[[Object, Premises, str], R],
) -> Callable[[tuple[Object, ...], Premises, str], tuple[R, ...]]:
    """``read_all`` of a noun whose objects are read one by one."""

    def read_all(objects: tuple[Object, ...], premises: Premises, about: str) -> tuple[R, ...]:
        return tuple(read_one(one, premises, about) for one in objects)

    return read_all


def ask(premises: Premises, name: str, **parameters: Any) -> CmdletAsk:
    """A CmdletAsk; parameters that are "" are left out."""
    given = tuple((key, value) for key, value in parameters.items() if value != "")
    return CmdletAsk(premises=premises, name=name, parameters=given)


def ask_one_or_all(premises: Premises, name: str, identity: str) -> CmdletAsk:
    """Ask for the object named ``identity``, or with "" for all of them without Exchange's limit of 1000."""
    return ask(premises, name, Identity=identity) if identity else ask(premises, name, ResultSize="Unlimited")


def needed(one: Object, what: str, *names: str) -> str:
    """Text of the first property of ``names`` that says something; raises ``Unreadable`` when none does."""
    found = next((value for name in names if (value := words(one, name))), "")
    if not found:
        raise Unreadable(f"An object of {what} has no {' and no '.join(names)}.")
    return found


def defaulted(one: Object, name: str, default: bool) -> bool:
    """A switch that is never unset: ``default`` where the export does not have it."""
    value = find(one, name)
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(words(one, name).lower(), default)
