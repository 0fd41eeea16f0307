"""What explains what: the index gives what comparing everything with everything would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.checks.base import Cause, Check, Saying
from hybridge.doctor.examine import explain
from hybridge.evidence import Evidence
from hybridge.findings import CheckResult, Finding, Outcome, Scope, Severity, Subject
from hybridge.plan import Manual
from hybridge.terms.symptoms import Symptom

BY_HAND = Manual(says="Look", steps=("Look",), verify="Look again")
NAMES = ("a/one", "b/two", "c/three")


class Named(Check):
    """A check with a name, which finds nothing."""

    title = "?"
    why = ""
    scope = Scope.MAILBOX
    causes = (Cause("x", "X.", None, lambda *_: BY_HAND), Cause("y", "Y.", None, lambda *_: BY_HAND))

    def __init__(self, name: str, explained_by: tuple[str, ...]) -> None:
        self._name = name
        self.explained_by = explained_by  # type: ignore[misc]

    @property
    def name(self) -> str:
        return self._name

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        yield from ()


CHECKS: dict[str, Check] = {
    "a/one": Named("a/one", ()),
    "b/two": Named("b/two", ("a/one",)),
    "c/three": Named("c/three", ("a/one", "b/two")),
}
_PEOPLE = st.sampled_from(("ada@x", "Ada@x", "grace@x", "alan@x"))
_SUBJECTS = st.one_of(
    st.just(Subject(Scope.ORGANIZATION)),
    st.just(Subject(Scope.SERVER, "EX1")),
    _PEOPLE.map(lambda one: Subject(Scope.MAILBOX, one)),
    st.tuples(_PEOPLE, _PEOPLE).map(lambda two: Subject(Scope.DELEGATION, ":".join(two))),
)
_FINDINGS = st.builds(
    Finding,
    check=st.sampled_from(NAMES),
    cause=st.sampled_from(("x", "y")),
    subject=_SUBJECTS,
    says=st.just("."),
    symptoms=st.lists(st.sampled_from(Symptom), max_size=2, unique=True).map(tuple),
)


def naive(effect: Finding, found: Sequence[Finding]) -> tuple[str, ...]:
    """Every cause compared with ``effect``, in the order found."""
    names = (
        cause.name
        for cause in found
        if cause.check in CHECKS[effect.check].explained_by
        and _concerns(cause.subject, effect.subject)
        and (not cause.symptoms or not effect.symptoms or set(cause.symptoms) & set(effect.symptoms))
    )
    return tuple(dict.fromkeys(names))


def _concerns(cause: Subject, effect: Subject) -> bool:
    if cause.scope in (Scope.ORGANIZATION, Scope.SERVER) or effect.scope is Scope.ORGANIZATION:
        return True
    one, two = ({part.lower() for part in subject.identity.split(":")} for subject in (cause, effect))
    return bool(one & two)


@settings(max_examples=200, deadline=None)
@given(st.lists(_FINDINGS, max_size=14))
def test_an_effect_hangs_under_the_causes_that_concern_it(found: list[Finding]) -> None:
    results = [
        CheckResult(
            check=one.check, subject=one.subject, outcome=Outcome.FAILED, severity=Severity.ERROR, findings=(one,)
        )
        for one in found
    ]
    explained = [finding for result in explain(results, CHECKS) for finding in result.findings]
    for before, after in zip(found, explained, strict=True):
        assert after.explained_by == naive(before, found)
