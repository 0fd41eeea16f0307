"""Plays a cause on an organization of records: breaks it, asks its own check, and says what was found.

It shows what a fault of the lab will look like before anything is served. Causes that only a probe can show find
nothing here.
"""

from __future__ import annotations

from datetime import datetime

from hybridge.checks.base import Cause, Check
from hybridge.evidence import Evidence, complete
from hybridge.findings import ORGANIZATION, Finding, Scope, Subject
from hybridge.org.delegations import online_delegates
from hybridge.org.organization import Organization
from hybridge.org.records import AuthServer, DelegateUser, Mailbox, MailboxFolderPermission
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES


def subjects_of(organization: Organization) -> tuple[Subject, ...]:
    """The organization, its on-premises mailboxes and its delegations on both sides."""
    online = online_delegates(organization.all(MailboxFolderPermission, Premises.ONLINE))
    delegations = (*organization.all(DelegateUser, ON), *online)
    return (
        ORGANIZATION,
        *(Subject(Scope.MAILBOX, one.identity) for one in organization.all(Mailbox, ON)),
        *(Subject(Scope.DELEGATION, f"{one.delegator}:{one.delegate}") for one in delegations),
    )


def evidence_of(organization: Organization, now: datetime, domain: str, tenant_id: str) -> Evidence:
    """Everything about ``organization`` as if all of it had been read at ``now``."""
    kinds = {(type(record), record.premises) for record in organization}
    return complete(organization, kinds, now, domain=domain, tenant_id=tenant_id)


def rehearse(check: Check, cause: Cause, healthy: Organization, now: datetime) -> tuple[Finding, ...]:
    """What ``check`` finds once ``cause`` has broken ``healthy``; empty for a cause that cannot be broken."""
    if cause.breaks is None:
        return ()
    subjects = subjects_of(healthy)
    domain = subjects[1].identity.partition("@")[2] if len(subjects) > 1 else ""
    tenant_id = next((one.realm for one in healthy.all(AuthServer, ON)), "")
    broken = evidence_of(cause.breaks(healthy), now, domain, tenant_id)
    return tuple(
        saying
        for subject in subjects
        if subject.scope is check.scope
        for saying in check.find(broken, subject)
        if isinstance(saying, Finding) and saying.cause == cause.slug
    )


def symptoms_of(check: Check, cause: Cause, healthy: Organization, now: datetime) -> tuple[Symptom, ...]:
    """What people notice of this very fault: by its findings, else whatever the cause may bring."""
    found = rehearse(check, cause, healthy, now)
    shown = {symptom for finding in found for symptom in finding.symptoms}
    return tuple(symptom for symptom in Symptom if symptom in shown) if found else cause.symptoms
