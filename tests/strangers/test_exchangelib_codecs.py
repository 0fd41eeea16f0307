"""exchangelib speaks to our EWS codecs alone: its real requests are read, and it understands what we write.

A plain HTTP server on loopback dispatches on the operation and answers a small fixed world; the whole lab is met by
exchangelib elsewhere.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from exchangelib import DELEGATE, Account, Configuration, EWSDateTime, EWSTimeZone, errors
from exchangelib.folders import VoiceMail
from exchangelib.protocol import CachingProtocol
from exchangelib.services import GetFolder
from exchangelib.transport import NOAUTH

from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import (
    convert_id,
    get_delegate,
    get_folder,
    get_server_time_zones,
    get_user_availability,
    get_user_oof_settings,
    resolve_names,
)
from hybridge.wire.ews.distinguished_folders import KINDS, folder_id, parent_of
from hybridge.wire.ews.envelope import (
    EwsFault,
    RequestRefused,
    ServerVersion,
    read_request,
    write_fault,
    write_response,
)
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy, WorkingPeriod
from hybridge.wire.xml import Element

pytestmark = pytest.mark.wire

BUILD = ServerVersion(15, 2, 2562, 37)
ADA = "ada@contoso.com"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def folders(operation: Element) -> str:
    request = get_folder.read_request(operation)
    return get_folder.write_response(get_folder.Response(tuple(folder(ref, request) for ref in request.folders)))


def folder(ref: get_folder.FolderRef, request: get_folder.Request) -> get_folder.Folder | get_folder.FolderError:
    kind = KINDS.get(ref.distinguished)
    if kind is None:
        return get_folder.FolderError("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    whole = get_folder.Folder(
        folder_id=folder_id(ref.mailbox, ref.distinguished),
        change_key="AQAAAA==",
        kind=kind.element,
        parent_folder_id=folder_id(ref.mailbox, parent_of(ref.distinguished) or "root"),
        folder_class=kind.folder_class,
        display_name=kind.display_name,
        total_count=2,
        child_folder_count=0,
        unread_count=1,
    )
    return get_folder.shaped(whole, request)


def delegates(operation: Element) -> str:
    assert get_delegate.read_request(operation) == get_delegate.Request(ADA)
    return get_delegate.write_response(
        get_delegate.Response(
            delegates=(get_delegate.Delegate("grace@contoso.com", "Editor", True, False, "Grace Hopper"),),
            deliver_meeting_requests="DelegatesAndMe",
        )
    )


def availability(operation: Element) -> str:
    request = get_user_availability.read_request(operation)
    assert (request.start_at, request.end_at) == (NOON, NOON + timedelta(hours=8))
    known = FreeBusy(
        ("DetailedMerged",),
        (
            BusyPeriod(NOON, NOON + timedelta(hours=1), "Busy", "Budget", "Room 1", is_meeting=True, detailed=True),
            BusyPeriod(NOON, NOON + timedelta(hours=1), "WorkingElsewhere"),
        ),
        "2200",
        (WorkingPeriod(("Monday", "Friday"), 480, 1020),),
        -60,
    )
    missing = get_user_availability.MailboxError("ErrorMailRecipientNotFound", "No such mailbox.")
    return get_user_availability.write_response(
        get_user_availability.Response(tuple(known if one == ADA else missing for one in request.mailboxes))
    )


def oof(operation: Element) -> str:
    if get_user_oof_settings.read_request(operation).mailbox != ADA:
        return get_user_oof_settings.write_response(get_user_oof_settings.Response("ErrorAccessDenied", "Not yours."))
    return get_user_oof_settings.write_response(
        get_user_oof_settings.Response(
            oof_state="Scheduled",
            external_audience="Known",
            start_at=NOON,
            end_at=NOON + timedelta(days=1),
            internal_reply="<html>Away</html>",
            external_reply="Away & back",
            allow_external_oof="All",
        )
    )


def time_zones(operation: Element) -> str:
    request = get_server_time_zones.read_request(operation)
    zones = tuple(zone for zone in get_server_time_zones.ZONES if not request.ids or zone.id in request.ids)
    return get_server_time_zones.write_response(get_server_time_zones.Response(zones=zones, full=request.full))


def names(operation: Element) -> str:
    entry = resolve_names.read_request(operation).entry
    found = tuple(resolve_names.Match(f"{name}@contoso.com", name) for name in ("ada", "adam") if entry in name)
    code = {0: resolve_names.NOBODY, 1: "NoError"}.get(len(found), resolve_names.SEVERAL)
    return resolve_names.write_response(resolve_names.Response(code, "", found))


def ids(operation: Element) -> str:
    request = convert_id.read_request(operation)
    return convert_id.write_response(convert_id.Response(tuple(convert_id.ConvertError() for _ in request.ids)))


OPERATIONS: dict[str, Callable[[Element], str]] = {
    "ConvertId": ids,
    "GetDelegate": delegates,
    "GetFolder": folders,
    "GetServerTimeZones": time_zones,
    "GetUserAvailability": availability,
    "GetUserOofSettings": oof,
    "ResolveNames": names,
}


def answer(body: bytes) -> HttpAnswer:
    try:
        incoming = read_request(body)
        if incoming.operation not in OPERATIONS:
            return write_fault(EwsFault("ErrorInvalidOperation", "Not here."), BUILD)
        return write_response(OPERATIONS[incoming.operation](incoming.child), BUILD)
    except RequestRefused as refused:
        return write_fault(refused.fault, BUILD)


class Exchange(BaseHTTPRequestHandler):
    """POST and nothing else."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        made = answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(made.status)
        for name, value in (*made.headers, ("Content-Length", str(len(made.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(made.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def account() -> Iterator[Account]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/EWS/Exchange.asmx"
    made = Account(ADA, config=Configuration(service_endpoint=url, auth_type=NOAUTH), access_type=DELEGATE)
    yield made
    made.protocol.close()
    CachingProtocol.clear_cache()
    server.shutdown()
    server.server_close()
    thread.join()


def test_version(account: Account) -> None:
    assert str(account.protocol.version.build) == "15.2.2562.37"
    assert account.version.api_version == "Exchange2016"


def test_folders(account: Account) -> None:
    calendar = account.calendar
    assert (calendar.name, calendar.folder_class) == ("Calendar", "IPF.Appointment")
    assert calendar.id == folder_id(ADA, "calendar")
    assert (calendar.total_count, calendar.parent_folder_id.id) == (2, folder_id(ADA, "msgfolderroot"))
    assert (account.inbox.name, account.inbox.unread_count) == ("Inbox", 1)
    assert account.root.name == "Root"
    with pytest.raises(errors.ErrorFolderNotFound):
        VoiceMail.get_distinguished(root=account.root)


def test_several_folders_in_one_request(account: Account) -> None:
    asked = [account.calendar, account.inbox, account.contacts, account.tasks]
    for one in asked:
        one._id = None
    found = list(GetFolder(account=account).call(folders=asked, additional_fields=[], shape="Default"))
    assert [one.name for one in found] == ["Calendar", "Inbox", "Contacts", "Tasks"]


def test_delegates(account: Account) -> None:
    (delegate,) = account.delegates
    assert delegate.user_id.primary_smtp_address == "grace@contoso.com"
    assert delegate.delegate_permissions.calendar_folder_permission_level == "Editor"
    assert (delegate.receive_copies_of_meeting_messages, delegate.view_private_items) == (True, False)


def test_oof(account: Account) -> None:
    settings = account.oof_settings
    assert (settings.state, settings.external_audience) == ("Scheduled", "Known")
    assert (settings.start, settings.end) == (NOON, NOON + timedelta(days=1))
    assert (settings.internal_reply, settings.external_reply) == ("<html>Away</html>", "Away & back")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_free_busy(account: Account, zone: str) -> None:
    start = EWSDateTime.from_datetime(NOON).astimezone(EWSTimeZone(zone))
    asked = [(ADA, "Organizer", False), ("nobody@contoso.com", "Required", True), (ADA, "Optional", False)]
    views = list(account.protocol.get_free_busy_info(accounts=asked, start=start, end=start + timedelta(hours=8)))
    known, missing, again = views
    assert isinstance(missing, errors.ErrorMailRecipientNotFound)
    for view in (known, again):
        assert (view.view_type, view.merged) == ("DetailedMerged", "2200")
        first, second = view.calendar_events
        assert (first.start, first.end, first.busy_type) == (NOON, NOON + timedelta(hours=1), "Busy")
        assert (first.details.subject, first.details.is_meeting) == ("Budget", True)
        assert second.busy_type == "WorkingElsewhere"
        assert view.working_hours_timezone.bias == -60


def test_names(account: Account) -> None:
    assert account.version
    assert [one.email_address for one in account.protocol.resolve_names(["adam"])] == ["adam@contoso.com"]
    assert len(account.protocol.resolve_names(["ada"])) == 2
    (nobody,) = account.protocol.resolve_names(["zoe"])
    assert isinstance(nobody, errors.ErrorNameResolutionNoResults)


def test_time_zones(account: Account) -> None:
    zones = list(account.protocol.get_timezones(return_full_timezone_data=True))
    assert {zone.id for zone in zones} == {zone.id for zone in get_server_time_zones.ZONES}


def test_faults(account: Account) -> None:
    with pytest.raises(errors.ErrorInvalidOperation):
        list(account.protocol.get_rooms("rooms@contoso.com"))
