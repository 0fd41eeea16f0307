"""The procedure ``teams-partner-apps``: from whatever an older edition left to today's, as one plan. Pure.

What shall be there is said by ``checks.partner_apps.integration``, which the cures of single findings use as well; here
it is taken to the letter. In the order in which it is made:

1. one hidden mail user, ``TeamsIntegration-ApplicationAccount``;
2. one custom role with exactly the seven entries Teams uses, assigned to it;
3. the partner applications of the Teams scheduler and of Cloud Voicemail, enabled and linked to that account;
4. the authentication certificate in use, and the next one where AuthConfig names one, on three service principals, each
   made where the tenant has none. The bytes are the public certificate as ``Get-ExchangeCertificate`` shows it.

The legacy application 00000004 is never deleted, disabled or linked elsewhere: greetings during automatic replies
still use it. ``legacy_sfb`` makes it, or enables it where it is. It keeps the account it has; where it has none it gets
``SfBOnline-ApplicationAccount`` with the built-in role UserApplication, as the editions that made it did: which of the
role's entries voicemail needs was never published, so it cannot be narrowed, and the account of today's pair must not
be widened for it. ``archive_role`` assigns ArchiveApplication to the accounts of the plan: older editions did, today's
does not, and scheduling works without.

What an older edition left beside this (accounts, roles, assignments) stays: nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hybridge.checks.base import Check
from hybridge.checks.partner_apps import integration, keys
from hybridge.checks.registry import all_checks
from hybridge.doctor.examine import examine
from hybridge.evidence import Evidence
from hybridge.findings import ORGANIZATION, Severity
from hybridge.org.records import Address
from hybridge.plan import Change, Manual, Plan, Risk, change
from hybridge.repair.plan_file import Part, plan_id
from hybridge.repair.procedures.generations import Detected, detect
from hybridge.repair.procedures.preconditions import Reason, certificates_to_upload, reasons
from hybridge.repair.waiting import Verified
from hybridge.terms import applications as apps

NAME = "teams-partner-apps"
JUDGED_BY = ("partner_apps/", "oauth/auth-certificate:", "oauth/bearer-challenge:")
"""Beginnings of the causes that say the procedure does not work: of what it made, and of the trust it builds on. The
dedicated hybrid application is for the other direction."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for beside the procedure itself. ``domain_controller`` is a host name, "" for none."""

    legacy_sfb: bool = False
    archive_role: bool = False
    domain_controller: str = ""

    @property
    def applications(self) -> tuple[str, ...]:
        """Ids of the partner applications the plan is for."""
        return (*apps.TEAMS_PAIR, *((apps.SKYPE_FOR_BUSINESS_ONLINE,) if self.legacy_sfb else ()))


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """What is in place, and the plan to today's edition; ``refused`` says why there is none."""

    detected: Detected
    plan: Plan | None = None
    refused: tuple[Reason, ...] = ()


def draft(evidence: Evidence, options: Options) -> Drafted:
    """The procedure on ``evidence``, in which everything of ``preconditions.NEEDS`` was read."""
    detected = detect(evidence.organization(), evidence.now)
    if refused := reasons(evidence, options.applications):
        return Drafted(detected=detected, refused=refused)
    changes = tuple(_attributed(_changes(evidence, options), evidence))
    told = (NAME, options.domain_controller)
    plan = Plan(
        id=plan_id(evidence.domain, evidence.now, changes, (), *told),
        organization=evidence.domain,
        evidence_at=evidence.now,
        changes=changes,
        procedure=NAME,
        domain_controller=options.domain_controller,
    )
    return Drafted(detected=detected, plan=plan)


def _changes(evidence: Evidence, options: Options) -> Iterator[Change]:
    organization = evidence.organization()
    for record in integration.missing_records(
        organization, evidence.domain, options.applications, exact=True, archive=options.archive_role
    ):
        yield change(organization, record, *integration.told(record, organization))
    wanted = certificates_to_upload(evidence)
    for app_id in apps.KEY_HOLDERS:
        made = keys.with_certificates(organization, app_id, wanted, evidence.now)
        if made is not None:
            yield change(organization, *made, Risk.MEDIUM)


def _attributed(changes: Iterator[Change], evidence: Evidence) -> Iterator[Change]:
    """``changes`` with the causes each of them ends: what is found now and its own cure would change the same record,
    and what would be found if this one change were left out."""
    made = tuple(changes)
    found, ends = _found(evidence), _ended_by(evidence)
    whole = set(_found(_after(made, evidence)))
    for one in made:
        without = _found(_after((other for other in made if other is not one), evidence))
        kept_away = [name for name in without if name not in whole]
        now = [name for name in found if name in ends.get(one.address, ())]
        yield msgspec.structs.replace(one, why=tuple(dict.fromkeys((*now, *kept_away))))


def _checks() -> tuple[Check, ...]:
    return tuple(check for check in all_checks() if check.name.startswith("partner_apps/"))


def _after(changes: Iterable[Change], evidence: Evidence) -> Evidence:
    organization = evidence.organization()
    for one in changes:
        organization = one.applied_to(organization)
    return evidence.projected(organization)


def _found(evidence: Evidence) -> tuple[str, ...]:
    results = examine(evidence, (ORGANIZATION,), _checks())
    return tuple(dict.fromkeys(finding.name for result in results for finding in result.findings))


def _ended_by(evidence: Evidence) -> dict[Address, set[str]]:
    """Record -> causes found now whose own cure changes it."""
    organization = evidence.organization()
    checks = {check.name: check for check in _checks()}
    causes: dict[Address, set[str]] = {}
    for result in examine(evidence, (ORGANIZATION,), checks.values()):
        for finding in result.findings:
            cure = checks[finding.check].cause(finding.cause).heals(finding, organization)
            for one in () if isinstance(cure, Manual) else cure:
                causes.setdefault(one.address, set()).add(finding.name)
    return causes


def strict(plan: Plan, verified: Verified) -> Verified:
    """What was seen after ``plan``, judged as the procedure wants it: whatever is found wrong with the applications,
    their keys or the trust they build on counts, not only what a change of the plan cures. Warnings do not, and nothing
    does after one part of a plan for two consoles: the other part is still to come, or was judged by itself."""
    if plan.procedure != NAME or isinstance(plan, Part):
        return verified
    wrong = tuple(name for name in verified.others if _counts(name))
    if not wrong:
        return verified
    says = f"The procedure is done, but not all it needs is right: {', '.join(wrong)}."
    return msgspec.structs.replace(
        verified,
        healed=False,
        says=says if verified.healed else f"{verified.says} {says}",
        left=tuple(sorted((*verified.left, *wrong))),
        others=tuple(name for name in verified.others if name not in wrong),
    )


def _counts(cause: str) -> bool:
    check = next((one for one in all_checks() if one.name == cause.partition(":")[0]), None)
    return check is not None and cause.startswith(JUDGED_BY) and check.severity is Severity.ERROR
