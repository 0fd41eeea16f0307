"""Reading EWS elements. Two manners live here: lenient for answers, strict for requests.

Answers come from servers of twenty years and are read for what they hold: order does not matter, unknown elements are
passed over, an unknown enumeration value is kept as text. Only what makes an answer useless raises ``Foreign``, which
the operations turn into a ``Failure``. Requests are read by the server half the way Exchange does: every sequence of
the schema is checked, and a wrong order, a missing or an unexpected element is ErrorSchemaValidation.

Names are written with a prefix, ``"t:Mailbox"``; see ``namespaces``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from hybridge.wire.ask import Failure
from hybridge.wire.ews.faults import RequestRefused, schema_violation
from hybridge.wire.ews.namespaces import qualified
from hybridge.wire.xml import Element, malformed

T = TypeVar("T")


class Foreign(ValueError):
    """An answer is not what the protocol says. The text is one sentence."""


class Status(NamedTuple):
    """ResponseClass, ResponseCode and MessageText of a response or of a response message."""

    response_class: str
    code: str
    message: str

    @property
    def failed(self) -> bool:
        """Whether the class is Error."""
        return self.response_class == "Error"


def local_name(element: Element) -> str:
    """The name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(parent: Element, name: str) -> Element | None:
    """First child called ``name``, or None."""
    return parent.find(qualified(name))


def children(parent: Element | None, name: str) -> Iterator[Element]:
    """Children called ``name``; none of no parent."""
    return iter(()) if parent is None else parent.iterchildren(qualified(name))


def text(parent: Element | None, name: str) -> str:
    """Text of the first child called ``name`` without blanks around it, "" when there is none."""
    found = None if parent is None else child(parent, name)
    return "" if found is None else (found.text or "").strip()


def raw_text(parent: Element | None, name: str) -> str:
    """As ``text``, blanks kept: for what people wrote."""
    found = None if parent is None else child(parent, name)
    return "" if found is None else found.text or ""


def attribute(element: Element, name: str) -> str:
    """Value of the attribute ``name``, "" when there is none."""
    return str(element.get(name) or "")


def boolean(parent: Element | None, name: str) -> bool:
    """The xs:boolean of a child; False when it is absent or anything else."""
    return text(parent, name) in ("true", "1")


def integer(parent: Element | None, name: str) -> int | None:
    """The xs:int of a child; None when it is absent or anything else."""
    return whole_number(text(parent, name))


def whole_number(value: str) -> int | None:
    """``value`` as an int of at most 32 bits, or None."""
    return int(value) if re.fullmatch(r"[+-]?[0-9]{1,10}", value) else None


def instant(value: str, to_utc: Callable[[datetime], datetime] = lambda naive: naive.replace(tzinfo=UTC)) -> datetime:
    """An xs:dateTime as aware UTC. ``to_utc`` places one without a zone; by default it is UTC. Raises ``Foreign``."""
    if not _INSTANT.fullmatch(value):
        raise Foreign(f"'{value[:40]}' is not a date and time.")
    try:
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else to_utc(read)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Foreign(f"'{value[:40]}' is not a date and time.") from None


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def status(element: Element) -> Status:
    """Read the status of a response (message).

    No ResponseClass counts as success when the code says NoError; no code is "NoError" or "Error" by the class.
    """
    code = text(element, "m:ResponseCode")
    said = attribute(element, "ResponseClass") or ("Success" if code == "NoError" else "Error")
    return Status(said, code or ("Error" if said == "Error" else "NoError"), raw_text(element, "m:MessageText"))


def expect(element: Element, name: str) -> None:
    """Raise ``Foreign`` unless ``element`` is ``name``."""
    if element.tag != qualified(name):
        raise Foreign(f"The answer holds {element.tag[:200]} where {name.partition(':')[2]} was expected.")


def guarded(read: Callable[[Element], T], element: Element) -> T | Failure:
    """``read(element)``, or the failure that says why it is foreign."""
    try:
        return read(element)
    except Foreign as error:
        return malformed(f"Exchange's answer cannot be read: {error}")


@dataclass(frozen=True)
class Slot:
    """One place of an xs:sequence; ``at_most`` None is unbounded. ``name`` may list a choice: ``"t:A|t:B"``."""

    name: str
    at_least: int = 1
    at_most: int | None = 1

    def admits(self, element: Element) -> bool:
        """Whether ``element`` may stand in this place."""
        return any(element.tag == qualified(name) for name in self.name.split("|"))


def sequence(element: Element, *slots: Slot) -> dict[str, list[Element]]:
    """The children of ``element`` by slot name, or ``RequestRefused`` when they break the sequence."""
    found: dict[str, list[Element]] = {slot.name: [] for slot in slots}
    waiting = iter(element)
    first = next(waiting, None)
    for slot in slots:
        taken = found[slot.name]
        while first is not None and slot.admits(first) and (slot.at_most is None or len(taken) < slot.at_most):
            taken.append(first)
            first = next(waiting, None)
        if len(taken) < slot.at_least:
            raise _broken(element, first, f" Expected: {slot.name}.")
    if first is not None:
        raise _broken(element, first, "")
    return found


def _broken(element: Element, first: Element | None, expected: str) -> RequestRefused:
    name = local_name(element)
    if first is None:
        return schema_violation(f"The element '{name}' is incomplete.{expected}", element)
    return schema_violation(f"The element '{name}' has an unexpected child '{first.tag[:200]}'.{expected}", first)


def one_of(element: Element, value: str, allowed: tuple[str, ...]) -> str:
    """``value`` when the schema allows it, else ``RequestRefused``."""
    if value not in allowed:
        raise schema_violation(f"The value '{value[:80]}' of '{local_name(element)}' is not allowed.", element)
    return value


def strict_boolean(element: Element, value: str) -> bool:
    """``value`` as an xs:boolean, else ``RequestRefused``."""
    return one_of(element, value, ("true", "false", "1", "0")) in ("true", "1")


def strict_instant(element: Element, to_utc: Callable[[datetime], datetime]) -> datetime:
    """The xs:dateTime of ``element`` as aware UTC, else ``RequestRefused``."""
    try:
        return instant((element.text or "").strip(), to_utc)
    except Foreign as error:
        raise schema_violation(f"The element '{local_name(element)}' is invalid: {error}", element) from None
