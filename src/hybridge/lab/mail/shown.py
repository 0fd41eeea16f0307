"""Items as one caller sees them: their properties, narrowed to the shape asked for, with the caller's rights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.estate import Estate
from hybridge.lab.mail.access import rights_on, sees_private
from hybridge.lab.mail.items import Item, Occurrence
from hybridge.lab.mail.properties import mime_content, values_of
from hybridge.lab.mail.store import store_of
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import ItemId
from hybridge.wire.ews.item_shapes import ItemShape


def shown(
    estate: Estate, caller: Caller, one: Occurrence, shape: ItemShape, *, finding: bool = False
) -> dict[str, Any]:
    """The properties of ``one`` that ``shape`` asks for; with ``finding`` only what FindItem tells."""
    values = everything(estate, one)
    if "item:EffectiveRights" in shape.additional or shape.base == "AllProperties":
        values["item:EffectiveRights"] = _effective(estate, caller, one.item)
    if one.item.kind == "CalendarItem" and (shape.mime or "item:MimeContent" in shape.additional):
        values["item:MimeContent"] = mime_content(one)
    return shape.shown(values, finding=finding)


def everything(estate: Estate, one: Occurrence) -> dict[str, Any]:
    """Every property of ``one`` but those that depend on the caller."""
    about = store_of(estate).get(one.item.refers_to) if one.item.refers_to else None
    return values_of(one, names_of(estate), about)


def id_alone(one: Occurrence | Item) -> dict[str, Any]:
    """What an answer tells of an item that was made or changed."""
    identity = one.item_id if isinstance(one, Occurrence) else one.opaque_id
    return {"item:ItemId": ItemId(identity, one.change_key)}


def names_of(estate: Estate) -> Callable[[str], str]:
    """What people of the lab are called, by address; a stranger by the address."""

    def name(address: str) -> str:
        for premises in (Premises.ON_PREMISES, Premises.ONLINE):
            found = estate.organization.one(Mailbox, premises, address)
            if found is not None:
                return found.display_name or address
        return address

    return name


def _effective(estate: Estate, caller: Caller, item: Item) -> frozenset[str]:
    rights = rights_on(estate, caller, item)
    named = {"readitems": "Read", "editallitems": "Modify", "deleteallitems": "Delete"}
    found = {name for right, name in named.items() if right in rights}
    return frozenset(found | ({"ViewPrivateItems"} if sees_private(estate, caller, item.mailbox) else set()))
