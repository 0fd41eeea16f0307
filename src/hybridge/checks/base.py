"""The shape of a check: one file, its question, and one triad per cause.

A check is a class with class attributes and one method, ``find``. Each ``Cause`` says how it *breaks* an organization
(the lab's fault), ``find`` sees it, and the cause says what *heals* it: changes, or manual steps. Fault, finding and
repair stand in one file and cannot drift apart.

A check's name is its path: ``checks/ews/allow_list_organization.py`` holds ``ews/allow-list-organization``. The
registry finds it there; nothing is listed by hand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import Change, Manual
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

Break = Callable[[Organization], Organization]
Heal = Callable[[Finding, Organization], "tuple[Change, ...] | Manual"]


@dataclass(frozen=True)
class Cause:
    """One way a check fails.

    ``breaks`` makes a healthy organization show exactly this cause (it may assume the lab's Contoso); it is None for an
    *effect* of a symptom check: something seen at a server that other checks' causes explain and that cannot be broken
    by itself. ``heals`` gets a finding of this cause and the organization as seen, and returns the changes that end it
    or the manual steps. ``symptoms`` is what a person may notice; empty for causes nobody notices yet.
    """

    slug: str
    says: str
    breaks: Break | None
    heals: Heal
    symptoms: tuple[Symptom, ...] = ()
    healable: bool = True
    """Whether ``heals`` returns changes (True) or manual steps (False)."""
    may_be_effect: bool = False
    """Whether what is seen may also come of a cause that the checks in ``explained_by`` find."""
    covers: tuple[str, ...] = ()
    """Failures known by a public number this very cause is: "MRCA-21" (a class of Microsoft's analyzer), "X-04"."""
    given: bool = False
    """Whether it is no fault of an organization but of the cloud it is in: nothing breaks it, ``breaks`` is None."""

    @property
    def is_effect(self) -> bool:
        """Whether a finding of this cause hangs under another cause that explains it."""
        return (self.breaks is None and not self.given) or self.may_be_effect


Saying = Finding | Unseen | NotApplicable


class Check(ABC):
    """A question an administrator asks, and how it is answered from evidence. Holds no state and opens nothing."""

    title: ClassVar[str]
    """The question, ending with a question mark."""
    why: ClassVar[str]
    """What a person loses when the answer is no."""
    scope: ClassVar[Scope]
    severity: ClassVar[Severity] = Severity.ERROR
    needs: ClassVar[tuple[tuple[type[Record], Premises], ...]] = ()
    """Record kinds it reads; collectors fetch these."""
    symptom: ClassVar[bool] = False
    """True for symptom checks: they judge what a server answered, and never plan by themselves when explained."""
    explained_by: ClassVar[tuple[str, ...]] = ()
    """Checks (names) whose findings explain this symptom check's findings."""
    sources: ClassVar[tuple[str, ...]] = ()
    covers: ClassVar[tuple[str, ...]] = ()
    """Rows of the list of known tests this check as a whole answers, such as "ADV2-01"; see ``checks.coverage``."""
    causes: ClassVar[tuple[Cause, ...]] = ()
    needs_online: ClassVar[bool | None] = None
    """Whether it makes sense only with a tenant; None when that follows from what it reads and what people notice."""
    needs_on_premises: ClassVar[bool | None] = None
    """Whether it makes sense only with Exchange servers; None when that follows from what it reads."""
    needs_publishing: ClassVar[bool] = False
    """Whether it judges a way by which services of the cloud reach published servers, which a Hybrid Agent is not."""

    @property
    def name(self) -> str:
        """``area/check-name``, from the module's path."""
        area, module = type(self).__module__.split(".")[-2:]
        return f"{area}/{module.replace('_', '-')}"

    @abstractmethod
    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Yield a Finding for each thing wrong, an Unseen for each thing missing, or one NotApplicable."""

    def cause(self, slug: str) -> Cause:
        """The cause with ``slug``; KeyError when there is none."""
        for cause in self.causes:
            if cause.slug == slug:
                return cause
        raise KeyError(f"{self.name} has no cause '{slug}'")

    def finding(self, slug: str, subject: Subject, says: str, **details: object) -> Finding:
        """A finding of this check; its symptoms are the cause's unless given."""
        details.setdefault("symptoms", self.cause(slug).symptoms)
        return Finding(check=self.name, cause=slug, subject=subject, says=says, **details)  # type: ignore[arg-type]
