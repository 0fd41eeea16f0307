"""How a cause says what heals it: a change that is left out when nothing has to change, or steps for a person."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hybridge.findings import Finding
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import Change, Manual, Risk, change


def put(
    finding: Finding, organization: Organization, after: Record, says: str, risk: Risk = Risk.LOW
) -> tuple[Change, ...]:
    """The change that puts ``after`` in its place; none when it is there already, so that a cure can be repeated."""
    if organization.at(after.address) == after:
        return ()
    return (msgspec.structs.replace(change(organization, after, says, risk), why=(finding.name,)),)


def by_hand(finding: Finding, says: str, *steps: str, verify: str) -> Manual:
    """Steps for a person. ``verify`` says how they see that it worked."""
    return Manual(cause=finding.name, subject=str(finding.subject), says=says, steps=steps, verify=verify)


def steps(says: str, *lines: str, verify: str) -> Callable[[Finding, Organization], Manual]:
    """A cure by hand in which ``<name>`` stands for the finding's fact of that name."""

    def heals(finding: Finding, _: Organization) -> Manual:
        def filled(text: str) -> str:
            for name, value in finding.facts.items():
                text = text.replace(f"<{name}>", value)
            return text

        return by_hand(finding, filled(says), *(filled(line) for line in lines), verify=filled(verify))

    return heals


def symptom_of(finding: Finding, _: Organization) -> Manual:
    """What is said of an effect: its cause has the cure."""
    return by_hand(
        finding,
        f"{finding.says} This is an effect: heal the causes found beside it, then ask again.",
        "Heal the causes that were found.",
        "Where none was found, look at what was inconclusive, and at the address and answer given above.",
        verify="Run hybridge doctor again: the probe decides.",
    )
