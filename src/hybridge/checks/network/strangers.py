"""What a stranger gets at a published path: what the checks of these answers share."""

from __future__ import annotations

from collections.abc import Callable

from hybridge.evidence import Unseen
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


def unanswered(probe: PublishedPathProbe) -> Unseen:
    """That ``probe`` got no answer to judge."""
    return Unseen(
        what=PublishedPathProbe.__name__,
        reason=probe.failure or "unreachable",
        says=probe.says or f"{probe.identity} gave no answer.",
        how=PublishedPathProbe.cmdlet,
    )
