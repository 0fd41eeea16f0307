"""No answer, however mangled, gets an exception out of a reader, and every failure is one sentence.

Every reader is given a good answer of ours and then that answer cut, emptied, with each of its values replaced by
something of a wrong type, with other status codes, and with the classics of hostile XML and JSON in its place. The
server half meets mangled requests in the same way, where ``RequestRefused`` is the only exception allowed.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from lxml import etree

from hybridge.org.probes import TeamsPresence
from hybridge.org.records import CsOnlineUser, KeyCredential, ServicePrincipal, TeamsAppSetupPolicy, TeamsUpgradePolicy
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_v2, exchange_rest, oauth, teams_config
from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews import (
    add_delegate,
    convert_id,
    get_delegate,
    get_folder,
    get_server_time_zones,
    get_user_availability,
    get_user_oof_settings,
    remove_delegate,
    resolve_names,
    update_delegate,
)
from hybridge.wire.ews.envelope import EwsFault, RequestRefused, ServerVersion, ask, read_request, read_version
from hybridge.wire.ews.envelope import write_fault as fault_answer
from hybridge.wire.ews.envelope import write_response as ews_answer
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy, WorkingPeriod
from hybridge.wire.graph import presence, service_principals, user_configurations
from hybridge.wire.xml import Element, parse_xml

BUILD = ServerVersion(15, 2, 2562, 37)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ONLINE = Premises.ONLINE
KEY = KeyCredential(key_id="k", custom_key_identifier="AB" * 20, display_name="CN=x", key=b"0\x82xyz", end_at=NOON)
READERS: dict[str, tuple[Callable[[HttpAnswer], object], HttpAnswer]] = {
    "autodiscover": (autodiscover_v2.read_answer, autodiscover_v2.found("EWS", "https://x/EWS/Exchange.asmx")),
    "delegates": (
        get_delegate.read_answer,
        ews_answer(
            get_delegate.write_response(
                get_delegate.Response(
                    delegates=(
                        get_delegate.Delegate("a@b.c", "Editor", True, True, "A", "S-1"),
                        get_delegate.DelegateError("ErrorNotDelegate", "No."),
                    ),
                    deliver_meeting_requests="NoForward",
                )
            ),
            BUILD,
        ),
    ),
    "added delegates": (
        add_delegate.read_answer,
        ews_answer(
            add_delegate.write_response(
                add_delegate.Response(
                    outcomes=(
                        add_delegate.Outcome(delegate=get_delegate.Delegate("a@b.c", "", True, True, "A", "S-1")),
                        add_delegate.Outcome("ErrorDelegateAlreadyExists", "No."),
                    )
                )
            ),
            BUILD,
        ),
    ),
    "removed delegates": (
        remove_delegate.read_answer,
        ews_answer(
            remove_delegate.write_response(remove_delegate.Response(outcomes=(remove_delegate.Outcome(),))), BUILD
        ),
    ),
    "folders": (
        get_folder.read_answer,
        ews_answer(
            get_folder.write_response(
                get_folder.Response(
                    (
                        get_folder.Folder("i", "c", "Folder", "p", "IPF.Note", "Inbox", 1, 2, 3),
                        get_folder.FolderError("ErrorFolderNotFound", "No."),
                    )
                )
            ),
            BUILD,
        ),
    ),
    "availability": (
        get_user_availability.read_answer,
        ews_answer(
            get_user_availability.write_response(
                get_user_availability.Response(
                    (
                        FreeBusy(
                            ("Detailed",),
                            (BusyPeriod(NOON, NOON, "Busy", "S", "L", detailed=True),),
                            "012",
                            (WorkingPeriod(("Monday",), 1, 2),),
                            -60,
                        ),
                        get_user_availability.MailboxError("ErrorMailRecipientNotFound", "No."),
                    )
                )
            ),
            BUILD,
        ),
    ),
    "oof": (
        get_user_oof_settings.read_answer,
        ews_answer(
            get_user_oof_settings.write_response(
                get_user_oof_settings.Response(
                    oof_state="Scheduled",
                    external_audience="All",
                    start_at=NOON,
                    end_at=NOON,
                    internal_reply="x",
                    external_reply="y",
                    allow_external_oof="All",
                )
            ),
            BUILD,
        ),
    ),
    "time zones": (
        get_server_time_zones.read_answer,
        ews_answer(
            get_server_time_zones.write_response(get_server_time_zones.Response(zones=get_server_time_zones.ZONES[:2])),
            BUILD,
        ),
    ),
    "names": (
        resolve_names.read_answer,
        ews_answer(
            resolve_names.write_response(resolve_names.Response(matches=(resolve_names.Match("a@b.c", "A"),))), BUILD
        ),
    ),
    "fault": (
        get_folder.read_answer,
        fault_answer(EwsFault("ErrorServerBusy", "Busy.", (("BackOffMilliseconds", "5"),)), BUILD),
    ),
    "version": (read_version, fault_answer(EwsFault("ErrorServerBusy"), BUILD)),
    "metadata": (
        lambda answer: oauth.read_metadata(answer.body),
        oauth.write_metadata(oauth.Metadata(realm="r", issuer="i@r", certificates=(b"0\x82xyz",)), ("a/b@r",)),
    ),
    "openid": (oauth.read_openid_configuration, oauth.write_openid_configuration("login.example", "a-b-c-d-e")),
    "calendar view": (
        exchange_rest.read_calendar_view,
        exchange_rest.write_calendar_view("h", (exchange_rest.RestEvent(NOON, NOON + timedelta(hours=1)),)),
    ),
    "rest root": (exchange_rest.read_root, exchange_rest.write_unauthorized(("Bearer",))),
    "service principal": (
        service_principals.read_one,
        service_principals.write_one(
            ServicePrincipal(premises=ONLINE, identity="app", object_id="o", key_credentials=(KEY,))
        ),
    ),
    "patched": (service_principals.read_patched, HttpAnswer(status=204)),
    "user": (
        user_configurations.read_one,
        user_configurations.write_one(CsOnlineUser(premises=ONLINE, identity="a@b.c", teams_app_setup_policy="P")),
    ),
    "policy id": (user_configurations.read_policy_id, user_configurations.write_policy_id("T", "N")),
    "presence": (
        lambda answer: presence.read_one(answer, "a@b.c"),
        presence.write_one(TeamsPresence(premises=ONLINE, identity="a@b.c", availability="Busy"), message="Away"),
    ),
    "app setup": (
        teams_config.read_app_setup_policies,
        teams_config.write_policies(
            (TeamsAppSetupPolicy(premises=ONLINE, identity="Global", pinned_app_bar_apps=("a", "b")),)
        ),
    ),
    "upgrade": (
        teams_config.read_upgrade_policies,
        teams_config.write_policies((TeamsUpgradePolicy(premises=ONLINE, identity="X"),)),
    ),
}
REQUESTS: dict[str, tuple[Callable[[Element], object], str]] = {
    "delegates": (get_delegate.read_request, get_delegate.write_request(get_delegate.Request("a@b.c", ("d@e.f",)))),
    "delegates to add": (
        add_delegate.read_request,
        add_delegate.write_request(
            add_delegate.Request(
                "a@b.c",
                (
                    add_delegate.DelegateSettings(
                        "d@e.f", add_delegate.FolderLevels("Editor", journal="None"), True, False
                    ),
                ),
                "NoForward",
            )
        ),
    ),
    "meeting requests": (
        update_delegate.read_request,
        update_delegate.write_request(update_delegate.Request("a@b.c", (), "DelegatesAndMe")),
    ),
    "delegates to remove": (
        remove_delegate.read_request,
        remove_delegate.write_request(remove_delegate.Request("a@b.c", ("d@e.f",))),
    ),
    "folders": (
        get_folder.read_request,
        get_folder.write_request(
            get_folder.Request(
                (get_folder.FolderRef("inbox", "a@b.c"), get_folder.FolderRef(folder_id="x")),
                "IdOnly",
                ("folder:DisplayName",),
            )
        ),
    ),
    "availability": (
        get_user_availability.read_request,
        get_user_availability.write_request(
            get_user_availability.Request(("a@b.c", "d@e.f"), NOON, NOON + timedelta(hours=1))
        ),
    ),
    "oof": (
        get_user_oof_settings.read_request,
        get_user_oof_settings.write_request(get_user_oof_settings.Request("a")),
    ),
    "time zones": (
        get_server_time_zones.read_request,
        get_server_time_zones.write_request(get_server_time_zones.Request(("UTC",))),
    ),
    "names": (resolve_names.read_request, resolve_names.write_request(resolve_names.Request("a"))),
    "ids": (
        convert_id.read_request,
        '<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="EwsId" Id="x" Mailbox="a@b.c"/>'
        "</m:SourceIds></m:ConvertId>",
    ),
}
CLASSICS = (
    b"",
    b"\x00" * 100,
    b"\xff\xfe",
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    b"<html><body>Sign in</body></html>",
    b"<html><br></html>",
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"{}",
    b"[]",
    b"null",
    b"7",
    b'"x"',
    b"1e999",
    b"9" * 5000,
    b'{"\\ud800":"\\ud800"}',
    b'[{"value":[[]]}]',
)
STATUSES = (0, 100, 200, 201, 204, 301, 302, 400, 401, 403, 404, 410, 429, 500, 503, 999)
WRONG: tuple[Any, ...] = (None, True, 7, -1.5e300, "", "x", "\u0661" * 40, [], [7], [[]], {}, {"Url": 7}, "9" * 5000)
WRONG_TEXTS = (
    "",
    " ",
    "x",
    "9" * 5000,
    "-1",
    "\u0661",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "P1Y",
)


def cuts(body: bytes) -> Iterator[bytes]:
    step = max(1, len(body) // 40)
    yield from (body[:end] for end in range(0, len(body), step))


def mangled_json(value: Any) -> Iterator[Any]:
    """``value`` with each of its parts replaced by each wrong one, dropped, or doubled."""
    yield from WRONG
    if isinstance(value, dict):
        for key, part in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield from ({**value, key: wrong} for wrong in mangled_json(part))
    elif isinstance(value, list):
        yield value + value
        for number, part in enumerate(value):
            yield from ([*value[:number], wrong, *value[number + 1 :]] for wrong in mangled_json(part))


def mangled_xml(body: bytes) -> Iterator[bytes]:
    """``body`` with each element dropped, doubled, renamed, moved, and each text and attribute replaced."""
    text = body.decode()
    yield text.replace("http://schemas", "https://schemas").encode()
    for number, element in enumerate(list(parse_xml(body).iter())):
        if element.getparent() is None:
            continue
        for mangle in (drop, double, rename, rename_foreign, reverse):
            yield mangled(body, number, mangle)
        for wrong in WRONG_TEXTS:
            yield mangled(body, number, lambda one, wrong=wrong: fill(one, wrong))  # type: ignore[misc]


def mangled(body: bytes, number: int, mangle: Callable[[Element], None]) -> bytes:
    root = parse_xml(body)
    mangle(list(root.iter())[number])
    return serialised(root)


def serialised(root: Element) -> bytes:
    return etree.tostring(root)


def drop(element: Element) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def double(element: Element) -> None:
    element.addnext(parse_xml(serialised(element)))


def rename(element: Element) -> None:
    element.tag += "X"


def rename_foreign(element: Element) -> None:
    element.tag = "{urn:foreign}" + element.tag.rpartition("}")[2]


def reverse(element: Element) -> None:
    element[:] = list(element)[::-1]


def fill(element: Element, wrong: str) -> None:
    if len(element) == 0:
        element.text = wrong
    for name in element.keys():  # noqa: SIM118 - an element is not a dict
        element.set(name, wrong)


def variants(answer: HttpAnswer) -> Iterator[HttpAnswer]:
    yield from (msgspec.structs.replace(answer, status=status) for status in STATUSES)
    for status in (200, 500, answer.status):
        bodies = (*CLASSICS, *cuts(answer.body))
        yield from (msgspec.structs.replace(answer, status=status, body=body) for body in bodies)
    if answer.body.startswith(b"<"):
        yield from (msgspec.structs.replace(answer, body=body) for body in mangled_xml(answer.body))
    elif answer.body:
        for value in mangled_json(json.loads(answer.body)):
            yield msgspec.structs.replace(answer, body=json.dumps(value).encode())


@pytest.mark.parametrize("name", READERS)
def test_no_answer_stops_a_reader(name: str) -> None:
    reader, good = READERS[name]
    assert not isinstance(reader(good), Failure)
    for answer in variants(good):
        read = reader(answer)
        if isinstance(read, Failure):
            assert read.says.rstrip().endswith((".", "!", "?")), read.says
            assert "\n" not in read.says
            assert len(read.says) < 800


@pytest.mark.parametrize("name", REQUESTS)
def test_no_request_stops_the_server_half(name: str) -> None:
    reader, body = REQUESTS[name]
    good = ask("https://x", body, user_agent="t", impersonate="a@b.c").body
    reader(read_request(good).child)
    refused = 0
    for mangled_body in (*CLASSICS, *cuts(good), *mangled_xml(good)):
        try:
            reader(read_request(mangled_body).child)
        except RequestRefused as refusal:
            refused += 1
            assert refusal.fault.code.startswith("Error")
            fault_answer(refusal.fault, BUILD)
    assert refused > 50
