"""EWS GetFolder: one message per folder asked for, in the order of the request.

A folder is named by its id or by a distinguished name, and the latter may say whose mailbox is meant, which is how a
delegate opens somebody's calendar. A caller without the right gets ErrorFolderNotFound, ErrorItemNotFound or
ErrorAccessDenied.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.distinguished_folders import ELEMENTS
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import (
    Foreign,
    Slot,
    attribute,
    child,
    children,
    expect,
    guarded,
    integer,
    local_name,
    one_of,
    sequence,
    status,
    text,
)
from hybridge.wire.ews.writing import element, filled
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element, escape

OPERATION = "GetFolder"
_COUNTING = ("Folder", "SearchFolder", "TasksFolder")
"""Kinds whose schema has an UnreadCount."""
SHAPES = ("IdOnly", "Default", "AllProperties", "PcxPeopleSearch")


class FolderRef(msgspec.Struct, frozen=True):
    """Which folder: ``distinguished`` such as "calendar", of ``mailbox`` ("" is the caller's own), or ``folder_id``."""

    distinguished: str = ""
    mailbox: str = ""
    folder_id: str = ""


class Request(msgspec.Struct, frozen=True):
    """``additional`` are the FieldURIs of AdditionalProperties, such as "folder:DisplayName"."""

    folders: tuple[FolderRef, ...]
    base_shape: str = "Default"
    additional: tuple[str, ...] = ()


class Folder(msgspec.Struct, frozen=True):
    """A folder; what was not sent is "" or None. ``kind`` is the name of its element."""

    folder_id: str
    change_key: str = ""
    kind: str = "Folder"
    parent_folder_id: str = ""
    folder_class: str = ""
    display_name: str = ""
    total_count: int | None = None
    child_folder_count: int | None = None
    unread_count: int | None = None


class FolderError(msgspec.Struct, frozen=True):
    """Why one folder was not returned."""

    code: str
    message: str = ""


class Response(msgspec.Struct, frozen=True):
    """One entry per folder asked for, in order."""

    folders: tuple[Folder | FolderError, ...]

    @property
    def code(self) -> str:
        """The code of the first folder that was not returned, or "NoError"."""
        return next((folder.code for folder in self.folders if isinstance(folder, FolderError)), "NoError")

    @property
    def message(self) -> str:
        """The message that goes with ``code``."""
        return next((folder.message for folder in self.folders if isinstance(folder, FolderError)), "")


def calendar_of(mailbox: str) -> Request:
    """The request for the default calendar of ``mailbox``."""
    return Request(folders=(FolderRef(distinguished="calendar", mailbox=mailbox),))


def write_request(request: Request) -> str:
    """The body of the request."""
    fields = "".join(f'<t:FieldURI FieldURI="{escape(field)}"/>' for field in request.additional)
    return (
        f"<m:GetFolder><m:FolderShape>{element('t:BaseShape', request.base_shape)}"
        f"{f'<t:AdditionalProperties>{fields}</t:AdditionalProperties>' if fields else ''}</m:FolderShape>"
        f"<m:FolderIds>{''.join(_write_ref(ref) for ref in request.folders)}</m:FolderIds></m:GetFolder>"
    )


def _write_ref(ref: FolderRef) -> str:
    if not ref.distinguished:
        return f'<t:FolderId Id="{escape(ref.folder_id)}"/>'
    owner = f"<t:Mailbox>{element('t:EmailAddress', ref.mailbox)}</t:Mailbox>" if ref.mailbox else ""
    return f'<t:DistinguishedFolderId Id="{escape(ref.distinguished)}">{owner}</t:DistinguishedFolderId>'


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:FolderShape"), Slot("m:FolderIds"))
    base, additional = read_shape(parts["m:FolderShape"][0])
    return Request(folders=read_targets(parts["m:FolderIds"][0]), base_shape=base, additional=additional)


def read_shape(shape: Element) -> tuple[str, tuple[str, ...]]:
    """Base shape and FieldURIs of a FolderShape, strictly; raises ``RequestRefused``."""
    found = sequence(shape, Slot("t:BaseShape"), Slot("t:AdditionalProperties", at_least=0))
    base = found["t:BaseShape"][0]
    fields = (field for every in found["t:AdditionalProperties"] for field in children(every, "t:FieldURI"))
    said = one_of(base, (base.text or "").strip(), SHAPES)
    return said, tuple(attribute(field, "FieldURI") for field in fields)


def read_target(target: Element) -> FolderRef:
    """The one folder a TargetFolderId names, strictly; raises ``RequestRefused``."""
    name = "t:FolderId|t:DistinguishedFolderId"
    return read_ref(sequence(target, Slot(name))[name][0])


def read_targets(targets: Element) -> tuple[FolderRef, ...]:
    """The folders a list of ids names, strictly; raises ``RequestRefused``."""
    name = "t:FolderId|t:DistinguishedFolderId"
    return tuple(read_ref(one) for one in sequence(targets, Slot(name, at_most=None))[name])


def read_ref(ref: Element) -> FolderRef:
    """An element that names a folder, strictly; raises ``RequestRefused``."""
    identity = attribute(ref, "Id")
    if not identity:
        raise schema_violation("The required attribute 'Id' is missing.", ref)
    if local_name(ref) == "FolderId":
        return FolderRef(folder_id=identity)
    owner = sequence(ref, Slot("t:Mailbox", at_least=0))["t:Mailbox"]
    return FolderRef(distinguished=identity, mailbox=text(owner[0], "t:EmailAddress") if owner else "")


def shaped(folder: Folder, request: Request) -> Folder:
    """``folder`` with only what ``request`` asks for."""
    if request.base_shape == "AllProperties":
        return folder
    wanted = set(request.additional) | (_DEFAULT if request.base_shape == "Default" else set())
    dropped = {name: _EMPTY[name] for field, name in _FIELDS.items() if field not in wanted}
    return msgspec.structs.replace(folder, **dropped)


_FIELDS = {
    "folder:ParentFolderId": "parent_folder_id",
    "folder:FolderClass": "folder_class",
    "folder:DisplayName": "display_name",
    "folder:TotalCount": "total_count",
    "folder:ChildFolderCount": "child_folder_count",
    "folder:UnreadCount": "unread_count",
}
_EMPTY: dict[str, str | None] = {
    name: "" if name in ("parent_folder_id", "folder_class", "display_name") else None for name in _FIELDS.values()
}
_DEFAULT = {"folder:DisplayName", "folder:TotalCount", "folder:ChildFolderCount", "folder:UnreadCount"}


def write_response(response: Response) -> str:
    """The body of the answer."""
    messages = "".join(_write_message(folder) for folder in response.folders)
    return f"<m:GetFolderResponse><m:ResponseMessages>{messages}</m:ResponseMessages></m:GetFolderResponse>"


def _write_message(folder: Folder | FolderError) -> str:
    if isinstance(folder, FolderError):
        said, kind, inside = written_status(folder.code, folder.message), "Error", ""
    else:
        said, kind, inside = written_status("NoError", ""), "Success", write_folder(folder)
    return (
        f'<m:GetFolderResponseMessage ResponseClass="{kind}">{said}<m:Folders>{inside}</m:Folders>'
        "</m:GetFolderResponseMessage>"
    )


def write_folder(folder: Folder) -> str:
    """The element of a folder."""
    key = f' ChangeKey="{escape(folder.change_key)}"' if folder.change_key else ""
    parent = f'<t:ParentFolderId Id="{escape(folder.parent_folder_id)}"/>' if folder.parent_folder_id else ""
    unread = folder.unread_count if folder.kind in _COUNTING else None
    return (
        f'<t:{folder.kind}><t:FolderId Id="{escape(folder.folder_id)}"{key}/>{parent}'
        f"{filled('t:FolderClass', folder.folder_class)}{filled('t:DisplayName', folder.display_name)}"
        f"{element('t:TotalCount', folder.total_count)}{element('t:ChildFolderCount', folder.child_folder_count)}"
        f"{element('t:UnreadCount', unread)}</t:{folder.kind}>"
    )


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    expect(answer, "m:GetFolderResponse")
    folders = tuple(
        folder
        for message in children(child(answer, "m:ResponseMessages"), "m:GetFolderResponseMessage")
        for folder in _read_message(message)
    )
    if not folders:
        raise Foreign("the GetFolder response names no folder.")
    return Response(folders)


def _read_message(message: Element) -> Iterator[Folder | FolderError]:
    said = status(message)
    if said.failed:
        yield FolderError(said.code, said.message)
        return
    found = child(message, "m:Folders")
    for folder in () if found is None else found:
        if local_name(folder) in ELEMENTS:
            yield _read_folder(folder)


def _read_folder(folder: Element) -> Folder:
    identity, parent = child(folder, "t:FolderId"), child(folder, "t:ParentFolderId")
    return Folder(
        folder_id="" if identity is None else attribute(identity, "Id"),
        change_key="" if identity is None else attribute(identity, "ChangeKey"),
        kind=local_name(folder),
        parent_folder_id="" if parent is None else attribute(parent, "Id"),
        folder_class=text(folder, "t:FolderClass"),
        display_name=text(folder, "t:DisplayName"),
        total_count=integer(folder, "t:TotalCount"),
        child_folder_count=integer(folder, "t:ChildFolderCount"),
        unread_count=integer(folder, "t:UnreadCount"),
    )
