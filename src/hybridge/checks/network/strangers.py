"""What a stranger gets at a published path: what the checks of these answers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hybridge.checks.tls.hosts import ON
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.org.organization import Organization
from hybridge.org.probes import PublishedPathProbe
from hybridge.org.records import PublishedPath
from hybridge.terms.symptoms import Symptom

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SIGN_IN_WORDS = ("login", "logon", "signin", "sign-in", "auth", "adfs", "saml", "sso")


def answered_strangely(word: str) -> Callable[[Organization], Organization]:
    """Breaks how EWS of the lab's mail host is answered; ``word`` is one of ``PublishedPath.answered_by``."""
    return lambda organization: organization.edit(
        PublishedPath, lambda one: one.path == "/ews" and one.host.startswith("mail."), answered_by=word
    )


def asks_to_sign_in(probe: PublishedPathProbe) -> bool:
    """Whether a redirect leads to a page where people sign in, as far as its address tells."""
    return any(word in probe.location.lower() for word in _SIGN_IN_WORDS)


def is_rest(probe: PublishedPathProbe) -> bool:
    """Whether the path is that of the REST API."""
    return probe.path.lower().startswith("/api")


def is_classic(probe: PublishedPathProbe) -> bool:
    """Whether the path is that of classic Autodiscover."""
    return probe.path.lower().endswith("/autodiscover.xml")


def felt(probe: PublishedPathProbe) -> tuple[Symptom, ...]:
    """What people notice when nobody gets through at that path."""
    return (Symptom.PRESENCE_STUCK,) if is_rest(probe) else tuple(Symptom)


def answers(
    evidence: Evidence, wanted: Callable[[PublishedPathProbe], bool] = lambda _: True
) -> Iterator[Unseen | tuple[PublishedPathProbe, Origin]]:
    """Every answer a stranger got at a ``wanted`` path, with where it was seen.

    Unseen stands in the place of an answer that is missing.
    """
    reading = evidence.all(PublishedPathProbe, ON)
    if isinstance(reading, Unseen):
        yield reading
        return
    for probe in filter(wanted, reading.records):
        yield _unanswered(probe) if probe.failure or not probe.status else (probe, reading.origin)


def _unanswered(probe: PublishedPathProbe) -> Unseen:
    return Unseen(
        what=PublishedPathProbe.__name__,
        reason=probe.failure or "unreachable",
        says=probe.says or f"{probe.identity} gave no answer.",
        how=PublishedPathProbe.cmdlet,
    )
