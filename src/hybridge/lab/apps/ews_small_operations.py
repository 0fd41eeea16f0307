"""EWS operations that foreign clients send before they do anything: ConvertId, GetServerTimeZones and ResolveNames.

The lab knows the ids it made itself, which read the same in every format but HexEntryId, a few time zones, and its own
people.
"""

from __future__ import annotations

from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox
from hybridge.wire.ews import convert_id, get_server_time_zones, resolve_names
from hybridge.wire.ews.calendar_items import hex_entry_id, read_hex_entry_id, read_item_id
from hybridge.wire.ews.distinguished_folders import read_folder_id

HEX = "HexEntryId"


def answer_convert_id(_: Estate, __: Caller, request: convert_id.Request) -> str:
    """The response to ConvertId: what is no id of an item or a folder of the lab is malformed."""
    converted = tuple(_converted(one, request.destination) for one in request.ids)
    return convert_id.write_response(convert_id.Response(converted))


def _converted(one: convert_id.AlternateId, to: str) -> convert_id.AlternateId | convert_id.ConvertError:
    known = read_hex_entry_id(one.id) if one.format == HEX else one.id
    if not read_folder_id(known) and not read_item_id(known):
        return convert_id.ConvertError()
    return convert_id.AlternateId(to, hex_entry_id(known) if to == HEX else known, one.mailbox)


def answer_server_time_zones(_: Estate, __: Caller, request: get_server_time_zones.Request) -> str:
    """The response to GetServerTimeZones: the zones asked for that the lab knows, or all of them."""
    zones = tuple(zone for zone in get_server_time_zones.ZONES if not request.ids or zone.id in request.ids)
    return get_server_time_zones.write_response(get_server_time_zones.Response(zones=zones, full=request.full))


def answer_resolve_names(estate: Estate, _: Caller, request: resolve_names.Request) -> str:
    """The response to ResolveNames: everybody whose address or name begins with the entry."""
    found = _matches(estate.organization, request.entry.lower().removeprefix("smtp:"))
    if not found:
        return resolve_names.write_response(resolve_names.Response(resolve_names.NOBODY, "No results were found."))
    several = len(found) > 1
    code, says = (resolve_names.SEVERAL, "Multiple results were found.") if several else ("NoError", "")
    return resolve_names.write_response(resolve_names.Response(code, says, found))


def _matches(organization: Organization, wanted: str) -> tuple[resolve_names.Match, ...]:
    people = (
        resolve_names.Match(one.identity, one.display_name)
        for one in organization.all(Mailbox)
        if not one.hidden_from_address_lists_enabled
        and any(name.lower().startswith(wanted) for name in (one.identity, one.display_name))
    )
    return tuple(people)[: resolve_names.MAX_MATCHES]
