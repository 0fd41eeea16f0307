"""The EWS access policy, judged and cured: the same five causes for the organization and for a mailbox.

A policy is judged only by asking what it does: every known caller of Teams is run through it with Exchange's own
matching. Pattern strings are never compared, because a list can look right and refuse (``"* Name/*"`` with its stray
blank) or look strange and allow (``"*"``). Only for a caller that *is* refused does ``misspelling`` look for an entry
that was meant for it.

The cures keep everything else. A policy is never switched on or off: ``EnforceAllowList`` gets the missing patterns
added behind what is there, ``EnforceBlockList`` loses only the entries that match, and an unset policy is left unset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hybridge.checks.base import Break, Cause, Heal
from hybridge.checks.cures import put
from hybridge.findings import Finding
from hybridge.org.organization import Organization
from hybridge.org.records import EwsAccess, OrganizationConfig
from hybridge.plan import Change, Risk
from hybridge.rules import CALLERS
from hybridge.terms.callers import EwsCaller, Feature, matches
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

SYMPTOM_OF = {
    Feature.DELEGATION: Symptom.DELEGATE_CANNOT_SCHEDULE,
    Feature.CALENDAR: Symptom.CALENDAR_MISSING,
    Feature.PRESENCE: Symptom.PRESENCE_STUCK,
}
"""What a person notices when the callers of a feature are refused."""

EVERY_SYMPTOM = tuple(SYMPTOM_OF.values())
"""When EWS is shut altogether. Presence reads events by REST, but guidance asks for EWS too (automatic replies)."""

ALLOW_LIST = "EnforceAllowList"
BLOCK_LIST = "EnforceBlockList"


@dataclass(frozen=True)
class Refusal:
    """Why a policy refuses: ``slug`` is the cause; ``feature`` is None where everything is refused alike.

    ``entries`` are the entries at fault: near misses of a caller, or the entries of a block list that match.
    """

    slug: str
    feature: Feature | None = None
    callers: tuple[EwsCaller, ...] = ()
    entries: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()


def refusals(access: EwsAccess, callers: Sequence[EwsCaller] = CALLERS) -> Iterator[Refusal]:
    """Which of ``callers`` the policy of ``access`` refuses. EwsEnabled is not looked at here."""
    if enforces(access, ALLOW_LIST):
        entries = access.ews_allow_list or ()
        if not entries:
            yield Refusal("list-empty", callers=tuple(callers))
            return
        for feature in Feature:
            yield from _not_allowed(feature, entries, callers)
    elif enforces(access, BLOCK_LIST):
        for feature in Feature:
            yield from _blocked(feature, access.ews_block_list or (), callers)


def enforces(access: EwsAccess, policy: str) -> bool:
    """Whether ``policy`` is the application access policy in force."""
    return (access.ews_application_access_policy or "").casefold() == policy.casefold()


def _not_allowed(feature: Feature, entries: Sequence[str], callers: Sequence[EwsCaller]) -> Iterator[Refusal]:
    refused = _unmatched(feature, entries, callers)
    if not refused:
        return
    near = {entry: mistake for entry in entries for one in refused if (mistake := misspelling(entry, one.user_agent))}
    slug = "caller-misspelt" if near else "caller-missing"
    yield Refusal(slug, feature, refused, tuple(near), tuple(dict.fromkeys(near.values())))


def _unmatched(
    feature: Feature, entries: Sequence[str], callers: Sequence[EwsCaller] = CALLERS
) -> tuple[EwsCaller, ...]:
    return tuple(
        caller
        for caller in callers
        if caller.feature is feature and not any(matches(entry, caller.user_agent) for entry in entries)
    )


def _blocked(feature: Feature, entries: Sequence[str], callers: Sequence[EwsCaller] = CALLERS) -> Iterator[Refusal]:
    mine = tuple(caller for caller in callers if caller.feature is feature)
    hit = tuple(entry for entry in entries if any(matches(entry, caller.user_agent) for caller in mine))
    refused = tuple(caller for caller in mine if any(matches(entry, caller.user_agent) for entry in hit))
    if refused:
        yield Refusal("caller-blocked", feature, refused, hit)


# Misspellings ---------------------------------------------------------------------------------------------------------

_TYPOGRAPHIC = {
    **dict.fromkeys(
        map(ord, "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\"'`\u200b\u200c\u200d\ufeff"), ""
    ),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u2217\uff0a\u204e"), "*"),
    ord("\u00a0"): " ",
    ord("\uff0f"): "/",
}
"""Characters that come with a command copied from a web page or a word processor, and what was meant by them."""


_WORD = 4
"""Characters a text needs before it can be taken for the name of a caller."""


def _typed(text: str) -> tuple[str, ...]:
    return (text.translate(_TYPOGRAPHIC),)


def _apart(text: str) -> tuple[str, ...]:
    return tuple(re.split("[,;]", text))


def _without_blanks(text: str) -> tuple[str, ...]:
    return (re.sub(r"\s*([*/])\s*", r"\1", text).strip(),)


def _surrounded(text: str) -> tuple[str, ...]:
    return (text if "*" in text or len(text) < _WORD else f"*{text}*",)


_FORGIVING: tuple[tuple[str, Callable[[str], tuple[str, ...]]], ...] = (
    ("typographic characters", _typed),
    ("several patterns in one entry", _apart),
    ("a stray blank", _without_blanks),
    ("no asterisk, so that it means only that very text", _surrounded),
)
"""Mistakes in the order in which they are forgiven; each step works on what the step before left."""


def misspelling(entry: str, user_agent: str) -> str:
    """What is wrong with ``entry`` if it was meant for ``user_agent`` and misses it; "" when it was not, or matches."""
    pieces: tuple[str, ...] = (entry,)
    wrong: list[str] = []
    if matches(entry, user_agent):
        return ""
    for mistake, forgive in _FORGIVING:
        mended = tuple(piece for one in pieces for piece in forgive(one))
        if mended != pieces:
            wrong.append(mistake)
        pieces = mended
        if any(matches(piece, user_agent) for piece in pieces):
            return " and ".join(wrong)
    return ""


# Sentences ------------------------------------------------------------------------------------------------------------


def says(refusal: Refusal, whose: str) -> str:
    """One sentence about ``refusal`` of the policy of ``whose``."""
    agents = ", ".join(f"'{caller.user_agent}'" for caller in refusal.callers)
    entries = ", ".join(f"'{entry}'" for entry in refusal.entries)
    if refusal.slug == "list-empty":
        return f"The EWS allow list of {whose} is enforced and empty: it refuses every caller."
    if refusal.slug == "caller-blocked":
        return f"The EWS block list of {whose} refuses {agents} ({refusal.feature}) because of {entries}."
    if refusal.slug == "caller-misspelt":
        mistakes = " and ".join(refusal.mistakes)
        return (
            f"The EWS allow list of {whose} refuses {agents} ({refusal.feature}): the entry {entries} was meant for it "
            f"but has {mistakes}."
        )
    return f"The EWS allow list of {whose} refuses {agents} ({refusal.feature})."


def facts(refusal: Refusal) -> dict[str, str]:
    """Facts of a finding about ``refusal``: the feature; the callers' names, user agents and patterns; the entries."""
    told = {
        "feature": refusal.feature or "",
        "callers": ", ".join(caller.name for caller in refusal.callers),
        "user_agents": " | ".join(caller.user_agent for caller in refusal.callers),
        "patterns": " | ".join(caller.pattern for caller in refusal.callers),
        "entries": " | ".join(refusal.entries),
    }
    return {name: str(value) for name, value in told.items() if value}


def symptoms(refusal: Refusal) -> tuple[Symptom, ...]:
    """What people notice of ``refusal``."""
    return (SYMPTOM_OF[refusal.feature],) if refusal.feature else EVERY_SYMPTOM


# Cures ----------------------------------------------------------------------------------------------------------------


def _access(finding: Finding, organization: Organization) -> EwsAccess | None:
    record = organization.at(finding.address) if finding.address else None
    return record if isinstance(record, EwsAccess) else None


def enable(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    """Switch EWS on where it is off."""
    access = _access(finding, organization)
    if access is None or access.ews_enabled is not False:
        return ()
    after = msgspec.structs.replace(access, ews_enabled=True)
    return put(finding, organization, after, f"Enable EWS for {access.identity}.", Risk.MEDIUM)


def allow(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    """Add the patterns of the refused callers behind the entries that are there."""
    access = _access(finding, organization)
    if access is None or not enforces(access, ALLOW_LIST):
        return ()
    entries = access.ews_allow_list or ()
    added = _patterns(finding, entries)
    after = msgspec.structs.replace(access, ews_allow_list=(*entries, *added) if added else access.ews_allow_list)
    shown = ", ".join(f"'{pattern}'" for pattern in added)
    return put(finding, organization, after, f"Add {shown} to the EWS allow list of {access.identity}.")


def _patterns(finding: Finding, entries: Sequence[str]) -> tuple[str, ...]:
    """Patterns of the callers the finding names which ``entries`` still refuse, each once."""
    agents, patterns = (finding.facts.get(name, "").split(" | ") for name in ("user_agents", "patterns"))
    return tuple(
        dict.fromkeys(
            pattern
            for agent, pattern in zip(agents, patterns, strict=False)
            if pattern and not any(matches(entry, agent) for entry in entries)
        )
    )


def unblock(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    """Remove the entries that match a refused caller, and no other."""
    access = _access(finding, organization)
    if access is None or not enforces(access, BLOCK_LIST):
        return ()
    gone = [
        entry
        for agent in finding.facts["user_agents"].split(" | ")
        for entry in access.ews_block_list or ()
        if matches(entry, agent)
    ]
    if not gone:
        return ()
    left = tuple(entry for entry in access.ews_block_list or () if entry not in gone)
    after = msgspec.structs.replace(access, ews_block_list=left)
    shown = ", ".join(f"'{entry}'" for entry in gone)
    return put(
        finding, organization, after, f"Remove {shown} from the EWS block list of {access.identity}.", Risk.MEDIUM
    )


# Causes ---------------------------------------------------------------------------------------------------------------

Spoil = Callable[[Organization, dict[str, Any]], Organization]
"""Sets EWS properties of the record a check judges."""


def _listed(organization: Organization) -> tuple[str, ...]:
    """The allow list of the organization, from which the lab's faults are made."""
    config = organization.all(OrganizationConfig, Premises.ON_PREMISES)[0]
    return config.ews_allow_list or ()


def _strangers(organization: Organization) -> tuple[str, ...]:
    """The entries that serve nobody of Teams."""
    return tuple(
        entry for entry in _listed(organization) if not any(matches(entry, caller.user_agent) for caller in CALLERS)
    )


def _misspelt(organization: Organization) -> tuple[str, ...]:
    right, wrong = "*Microsoft.Skype.Presence.App/*", "* Microsoft.Skype.Presence.App/*"
    return tuple(wrong if entry == right else entry for entry in _listed(organization))


def _allowing(spoil: Spoil, made: Callable[[Organization], tuple[str, ...]]) -> Break:
    return lambda organization: spoil(
        organization, {"ews_application_access_policy": ALLOW_LIST, "ews_allow_list": made(organization)}
    )


def _blocking(spoil: Spoil) -> Break:
    listed = ("LegacyMailClient/*", "*Teams*")
    return lambda organization: spoil(
        organization, {"ews_application_access_policy": BLOCK_LIST, "ews_block_list": listed}
    )


def policy_causes(owner: str, spoil: Spoil) -> tuple[Cause, ...]:
    """The five causes for the policy of ``owner`` ("the organization"), broken by ``spoil``."""

    def shut(organization: Organization) -> Organization:
        return spoil(organization, {"ews_enabled": False})

    rows: tuple[tuple[str, str, Break, Heal], ...] = (
        ("disabled", f"EWS is switched off for {owner}.", shut, enable),
        (
            "list-empty",
            f"The EWS allow list of {owner} is enforced and holds nothing: every caller is refused.",
            _allowing(spoil, lambda _: ()),
            allow,
        ),
        (
            "caller-missing",
            f"The enforced EWS allow list of {owner} has no entry that matches a service of Teams.",
            _allowing(spoil, _strangers),
            allow,
        ),
        (
            "caller-misspelt",
            f"The enforced EWS allow list of {owner} has an entry for a service of Teams which misses it.",
            _allowing(spoil, _misspelt),
            allow,
        ),
        (
            "caller-blocked",
            f"The enforced EWS block list of {owner} has an entry that matches a service of Teams.",
            _blocking(spoil),
            unblock,
        ),
    )
    return tuple(
        Cause(slug=slug, says=text, breaks=breaks, heals=heals, symptoms=EVERY_SYMPTOM)
        for slug, text, breaks, heals in rows
    )
