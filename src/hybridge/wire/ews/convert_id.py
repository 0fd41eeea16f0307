"""EWS ConvertId, server half: foreign clients send it first, to learn the version of the server.

The lab converts nothing: an id comes back as ErrorInvalidIdMalformed, which is what Exchange says to a made-up one.
"""

from __future__ import annotations

import msgspec

from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import Slot, attribute, one_of, sequence
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element, escape

OPERATION = "ConvertId"
FORMATS = ("EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId")
_SOURCES = "t:AlternateId|t:AlternatePublicFolderId|t:AlternatePublicFolderItemId"


class AlternateId(msgspec.Struct, frozen=True):
    """An id in one of ``FORMATS``, of a mailbox."""

    format: str
    id: str
    mailbox: str = ""


class ConvertError(msgspec.Struct, frozen=True):
    """Why one id was not converted."""

    code: str = "ErrorInvalidIdMalformed"
    message: str = "Id is malformed."


class Request(msgspec.Struct, frozen=True):
    """Ids to convert into ``destination``."""

    destination: str
    ids: tuple[AlternateId, ...]


class Response(msgspec.Struct, frozen=True):
    """One entry per id, in order."""

    ids: tuple[AlternateId | ConvertError, ...]


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    sources = sequence(operation, Slot("m:SourceIds"))["m:SourceIds"][0]
    found = sequence(sources, Slot(_SOURCES, at_most=None))[_SOURCES]
    return Request(
        destination=one_of(operation, attribute(operation, "DestinationFormat"), FORMATS),
        ids=tuple(_read_id(one) for one in found),
    )


def _read_id(one: Element) -> AlternateId:
    written = attribute(one, "Id") or attribute(one, "FolderId")
    if not written:
        raise schema_violation("The required attribute 'Id' is missing.", one)
    return AlternateId(one_of(one, attribute(one, "Format"), FORMATS), written, attribute(one, "Mailbox"))


def write_response(response: Response) -> str:
    """The body of the answer."""
    messages = "".join(_write_message(one) for one in response.ids)
    return f"<m:ConvertIdResponse><m:ResponseMessages>{messages}</m:ResponseMessages></m:ConvertIdResponse>"


def _write_message(one: AlternateId | ConvertError) -> str:
    if isinstance(one, ConvertError):
        kind, inside = "Error", written_status(one.code, one.message)
    else:
        kind = "Success"
        inside = (
            f'{written_status("NoError", "")}<m:AlternateId xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:type="t:AlternateIdType" Format="{escape(one.format)}" Id="{escape(one.id)}" '
            f'Mailbox="{escape(one.mailbox)}"/>'
        )
    return f'<m:ConvertIdResponseMessage ResponseClass="{kind}">{inside}</m:ConvertIdResponseMessage>'
