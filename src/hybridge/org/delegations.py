"""Who is whose delegate, where no record of its own says it.

Exchange Online keeps delegations in the calendar's permissions: an entry with the flag "Delegate". There is no second
place that could say something else, so online delegates are derived here and never stored.
"""

from __future__ import annotations

from collections.abc import Iterable

from hybridge.org.records import DelegateUser, MailboxFolderPermission
from hybridge.terms.premises import Premises

DELEGATE = "Delegate"
"""The sharing permission flag that makes somebody a delegate."""
PRIVATE_ITEMS = "CanViewPrivateItems"
"""The flag beside it that shows private items."""


def has_flag(permission: MailboxFolderPermission, flag: str) -> bool:
    """Whether ``permission`` carries ``flag``; case ignored, as Exchange does."""
    return flag.lower() in {one.lower() for one in permission.sharing_permission_flags}


def online_delegates(permissions: Iterable[MailboxFolderPermission]) -> tuple[DelegateUser, ...]:
    """The delegates that entries of ``permissions`` in Exchange Online stand for, in their order.

    Who receives copies of meeting messages is not among what the flags tell.
    """
    return tuple(
        DelegateUser(
            premises=Premises.ONLINE,
            identity=f"{one.mailbox}/{one.user}",
            delegator=one.mailbox,
            delegate=one.user,
            view_private_items=has_flag(one, PRIVATE_ITEMS),
        )
        for one in permissions
        if one.premises is Premises.ONLINE and has_flag(one, DELEGATE)
    )
