"""What a repair must never do, decided from the change alone.

Four commands that circulate in articles have cut off whole organizations or do nothing at all:

* switching ``EnforceAllowList`` on in order to add one caller: every caller not on the list is refused from then on;
* copying a pattern with a stray blank (``"* Name/*"``): it matches nobody;
* giving several callers as one text with commas: that is one pattern, which matches nobody;
* typographic quotes and dashes from a web page: they become part of the value.

``unwritable`` holds in both directions; ``refusal`` adds what holds on the way forward only, because undo must be able
to bring back the very state it found, mistakes included.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from unicodedata import category

import msgspec

from hybridge.org import records as r
from hybridge.org.delegations import DELEGATE, has_flag
from hybridge.org.records import Record
from hybridge.plan import Change
from hybridge.repair.comparison import live_keys, shown
from hybridge.repair.hybrid_rules import hybrid_refusal
from hybridge.repair.writable import writable
from hybridge.terms.premises import Premises

ENFORCED_BY = {"ews_allow_list": "EnforceAllowList", "ews_block_list": "EnforceBlockList"}
"""EWS list -> the policy under which Exchange reads it."""
TYPOGRAPHIC = "\u2010\u2011\u2012\u2013\u2014\u2015\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00a0\u2212"
_CONTROL = {"Cc", "Cs", "Zl", "Zp"}
_EVERYBODY = {"default", "anonymous"}


def unwritable(change: Change) -> str:
    """Why no hand may write ``change`` in either direction, as one sentence; "" when one may."""
    row = writable(change.address)
    if row is None:
        return f"{change.address} is nothing that hybridge writes."
    for record in (change.before, change.after):
        if record is not None and record.address != change.address:
            return f"The change names {change.address} but holds {record.address}."
        if record is not None and (text := _unprintable(record)):
            return f"{change.address} holds a value with control characters: {text!r}."
    if change.before is None or change.after is None:
        return _unmakable(change, row.created)
    for name in _changed(change):
        if name not in row.fields:
            return f"{change.address}: {name} cannot be changed by hybridge."
    return _policy_switched(change)


def refusal(change: Change, now: datetime) -> str:
    """Why a plan must not hold ``change``, as one sentence; "" when it may. ``now`` decides which keys have expired."""
    if reason := unwritable(change):
        return reason
    if isinstance(change.before, r.EwsAccess) and isinstance(change.after, r.EwsAccess):
        return _ews_refusal(change, change.before, change.after)
    if isinstance(change.after, r.MailboxFolderPermission):
        return _rights_refusal(change, change.after)
    if change.address.kind == r.ServicePrincipal.__name__:
        return _keys_refusal(change, now)
    return hybrid_refusal(change, now)


def _changed(change: Change) -> tuple[str, ...]:
    before, after = (msgspec.structs.asdict(record) for record in (change.before, change.after) if record is not None)
    return tuple(name for name in after if before.get(name) != after[name] and name != "identity")


def _unprintable(record: Record) -> str:
    texts = _texts(msgspec.structs.asdict(record))
    return next((text for text in texts if any(category(sign) in _CONTROL for sign in text)), "")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [text for entry in value for text in _texts(entry)] if isinstance(value, tuple) else []


def _unmakable(change: Change, created: bool) -> str:
    if change.before is None and change.after is None:
        return f"The change of {change.address} says neither what was nor what shall be."
    if not created:
        return f"{change.address} can neither be created nor removed by hybridge, only changed."
    record = change.before or change.after
    if isinstance(record, r.MailboxFolderPermission) and record.user.lower() in _EVERYBODY:
        return f"{change.address}: the entry '{record.user}' is part of every folder and can only be changed."
    return ""


def _policy_switched(change: Change) -> str:
    """The widening rule: an EWS access policy stays what it is."""
    if not (isinstance(change.before, r.EwsAccess) and isinstance(change.after, r.EwsAccess)):
        return ""
    before, after = change.before.ews_application_access_policy, change.after.ews_application_access_policy
    if before == after:
        return ""
    if not before and after == "EnforceAllowList":
        effect = "every caller that is not on the list would be refused from then on"
    else:
        effect = "that decides for every caller, not only for those of Teams"
    return f"{change.address}: hybridge never switches an EWS policy ({shown(before)} to {shown(after)}): {effect}."


def _ews_refusal(change: Change, before: r.EwsAccess, after: r.EwsAccess) -> str:
    return _online_refusal(change, before, after) or _lists_refusal(change, before, after)


def _online_refusal(change: Change, before: r.EwsAccess, after: r.EwsAccess) -> str:
    """Exchange Online turns EwsEnabled null to False, and takes the list of applications whole."""
    if not (isinstance(before, r.OrganizationConfig) and isinstance(after, r.OrganizationConfig)):
        return ""
    if after.premises is not Premises.ONLINE:
        return ""
    if before.ews_enabled is not None and after.ews_enabled is None:
        return f"{change.address}: ews_enabled is never set to null, which Exchange Online turns to False."
    if lost := set(before.ews_allowed_app_ids or ()) - set(after.ews_allowed_app_ids or ()):
        return f"{change.address}: the application {min(lost)} must not be dropped from ews_allowed_app_ids."
    return ""


def _lists_refusal(change: Change, before: r.EwsAccess, after: r.EwsAccess) -> str:
    for name, policy in ENFORCED_BY.items():
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if not enforces(before, policy):
            return f"{change.address}: {name} is only read under the policy {policy}, which is not set."
        if new is None or (name == "ews_allow_list" and not new):
            return f"{change.address}: an enforced {name} must not be emptied."
        for entry in new:
            if entry not in (old or ()) and (mistake := _mistake(entry)):
                return f"{change.address}: the pattern '{entry}' {mistake}."
    return ""


def enforces(access: r.EwsAccess, policy: str) -> bool:
    """Whether ``policy`` is the EWS policy in force; Exchange compares without case."""
    return (access.ews_application_access_policy or "").casefold() == policy.casefold()


def _mistake(pattern: str) -> str:
    """What is wrong with a pattern that is about to be added."""
    if pattern != pattern.strip() or pattern.startswith("* ") or pattern.endswith(" *"):
        return "has a stray blank and would match nobody"
    if "," in pattern:
        return "holds a comma: Exchange takes it as one pattern, which would match nobody"
    if any(sign in TYPOGRAPHIC for sign in pattern):
        return "holds a typographic dash, quote or blank"
    return "" if pattern else "is empty"


def _rights_refusal(change: Change, after: r.MailboxFolderPermission) -> str:
    rights = {right.lower() for right in after.access_rights}
    if not rights or "custom" in rights:
        return f"{change.address}: '{', '.join(after.access_rights)}' is no right that can be given."
    if change.before is not None and _custom(change.before):
        return (
            f"{change.address}: the present rights were only seen as 'Custom' and could not be given back; "
            "read them with Get-MailboxFolderPermission first."
        )
    return _flags_refusal(change, after)


def _flags_refusal(change: Change, after: r.MailboxFolderPermission) -> str:
    before = change.before.sharing_permission_flags if isinstance(change.before, r.MailboxFolderPermission) else ()
    if set(after.sharing_permission_flags) <= set(before):
        return ""
    if {right.lower() for right in after.access_rights} != {"editor"}:
        return f"{change.address}: Exchange Online takes sharing permission flags beside the right Editor only."
    if not has_flag(after, DELEGATE):
        return f"{change.address}: Exchange Online takes sharing permission flags together with Delegate only."
    return ""


def _custom(record: Record) -> bool:
    return isinstance(record, r.MailboxFolderPermission) and "custom" in {one.lower() for one in record.access_rights}


def _keys_refusal(change: Change, now: datetime) -> str:
    if change.after is None:
        return f"{change.address}: a service principal is never removed."
    before = change.before.key_credentials if isinstance(change.before, r.ServicePrincipal) else ()
    after = change.after.key_credentials if isinstance(change.after, r.ServicePrincipal) else ()
    kept = {key.key for key in after}
    for key in live_keys(before, now):
        if key.key is None:
            return f"{change.address}: key {key.key_id} was not returned by Graph, and writing would lose it."
        if key.key not in kept:
            return f"{change.address}: key {key.key_id} has not expired and must not be dropped."
    return "" if all(key.key for key in after if key not in before) else f"{change.address}: a new key has no DER."
