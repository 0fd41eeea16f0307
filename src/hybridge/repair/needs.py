"""Which changes of a plan need which others: what must not be made when another one was left out.

Three things make one change need an earlier one:

* its record names the other's: an assignment names a role and an account, a partner application names an account, a
  service principal is the application of a partner application, a delegate has a right on the calendar, Exchange asks
  for tokens as an application registered with a permission. For a removal it is the other way round: a record goes
  only after those that name it;
* a partner application lets a service in with the rights of its account, so it also needs every assignment to that
  account: nobody shall be let in before the rights are what they should be;
* both cure the same cause of the same subject, and the order of the plan puts one before the other.

The work grows with the number of changes, not with the number of pairs: what a record offers is looked up by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from hybridge.org import records as r
from hybridge.org.records import Record
from hybridge.plan import Change
from hybridge.repair.writable import writable
from hybridge.terms.hybrid_application import OVERRIDE_SECTION

Name = tuple[str, ...]
"""What a record offers to others or wants of them, such as ``("account", "teamsintegration-applicationaccount")``."""


def needs_of(changes: Sequence[Change], *, by_cause: bool = True) -> tuple[frozenset[int], ...]:
    """For each of ``changes``, in the order of a plan, the numbers (from 1) of the earlier ones it needs.

    Without ``by_cause`` only those whose records it names: what Exchange itself would miss.
    """
    by_name: defaultdict[Name, set[int]] = defaultdict(set)
    of_cause: defaultdict[Name, defaultdict[tuple[bool, int], set[int]]] = defaultdict(lambda: defaultdict(set))
    needs: list[frozenset[int]] = []
    for number, change in enumerate(changes, start=1):
        found = {one for name in _needed(change) for one in by_name[name]}
        level = _level(change)
        for cause in _causes(change) if by_cause else ():
            for other, numbers in of_cause[cause].items():
                found |= numbers if other != level else set()
            of_cause[cause][level].add(number)
        for name in _given(change):
            by_name[name].add(number)
        needs.append(frozenset(found))
    return tuple(needs)


def _needed(change: Change) -> Iterator[Name]:
    """Names the change waits for: those its record wants, or, where it goes, those who still want it."""
    if change.after is not None:
        yield from (("here", *name) for name in _wants(change.after))
    elif change.before is not None:
        yield from (("left", *name) for name in _offers(change.before))


def _given(change: Change) -> Iterator[Name]:
    """Names that are settled once the change is made: offered from then on, or wanted no longer."""
    if change.after is not None:
        yield from (("here", *name) for name in _offers(change.after))
    if change.before is not None:
        still = set(_wants(change.after)) if change.after is not None else set()
        yield from (("left", *name) for name in _wants(change.before) if name not in still)


def _offers(record: Record) -> Iterator[Name]:
    match record:
        case r.MailUser():
            yield ("account", _leaf(record.identity))
        case r.ManagementRole():
            yield ("role", _leaf(record.identity))
        case r.ManagementRoleAssignment():
            yield ("rights", _leaf(record.role_assignee))
        case r.PartnerApplication():
            yield ("application", record.application_identifier.lower())
        case r.MailboxFolderPermission():
            yield ("right", record.mailbox.lower(), record.user.lower())
        case r.EntraApplication():
            yield ("registration", record.identity.lower())
            yield ("registration id", record.application_id.lower())
        case r.AppRoleAssignment():
            yield ("permission",)
        case r.AuthServer() if record.application_identifier:
            yield ("hybrid application",)
        case _:
            return


def _wants(record: Record) -> Iterator[Name]:
    match record:
        case r.ManagementRoleAssignment():
            yield ("role", _leaf(record.role))
            yield ("account", _leaf(record.role_assignee))
        case r.PartnerApplication() if record.linked_account:
            yield ("account", _leaf(record.linked_account))
            yield ("rights", _leaf(record.linked_account))
        case r.ServicePrincipal():
            yield ("application", record.identity.lower())
        case r.DelegateUser():
            yield ("right", record.delegator.lower(), record.delegate.lower())
        case r.AppRoleAssignment():
            yield ("registration", record.principal.lower())
        case r.AuthServer() if record.application_identifier:
            yield ("registration id", record.application_identifier.lower())
            yield ("permission",)
        case r.SettingOverride() if record.section_name.lower() == OVERRIDE_SECTION.lower():
            yield ("hybrid application",)
        case _:
            return


def _leaf(name: str) -> str:
    """The last part of a name such as ``contoso.com/Users/Account``, in lower case."""
    return name.rpartition("/")[2].lower()


def _causes(change: Change) -> Iterator[Name]:
    record = change.after or change.before
    for cause in change.why:
        yield (cause, record.scope if record is not None else "")


def _level(change: Change) -> tuple[bool, int]:
    """Where the order of plans puts the change; those of one level do not wait for each other."""
    row = writable(change.address)
    return change.after is None, row.need if row else 0
