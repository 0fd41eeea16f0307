"""Cmdlets of Exchange Online over HTTP: both halves of the messages, and the conversation that puts them together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAnswer, HttpAsk, Sign
from hybridge.wire.exchange_online import admin_api, invoke_command
from hybridge.wire.exchange_online.answers import Page, Refusal, read_answer, write_page, write_refusal
from hybridge.wire.exchange_online.cmdlet_input import HASHTABLE, read_input, write_input
from hybridge.wire.exchange_online.conversation import Conversation
from hybridge.wire.exchange_online.place import Place, anchor
from hybridge.wire.json_body import JsonRefused

ONLINE = Premises.ONLINE
TENANT = "5f1c8a3e-6f0d-4c7e-9b52-0c0ffee0c0de"
HOST = "outlook.office365.com"
PLACE = Place(HOST, TENANT)
CALENDAR = "linus@contoso.com:\\Calendar"
ORGANIZATION = "Get-OrganizationConfig"
CONTEXT = f"https://{HOST}/adminapi/$metadata"
NOT_FOUND = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
DENIED = "Microsoft.Exchange.Configuration.Authorization.CmdletAccessDeniedException"


def ask(name: str, **parameters: Any) -> CmdletAsk:
    return CmdletAsk(premises=ONLINE, name=name, parameters=tuple(parameters.items()))


def told(step: HttpAsk | CmdletAnswer) -> HttpAsk:
    assert isinstance(step, HttpAsk), step
    return step


def talk(cmdlet: CmdletAsk, *answers: HttpAnswer, **options: bool) -> tuple[CmdletAnswer, list[HttpAsk]]:
    """Run ``cmdlet`` against ``answers``; every one of them must be used."""
    conversation = Conversation(PLACE, cmdlet, **options)
    step, sent = conversation.begin(), []
    for answer in answers:
        sent.append(told(step))
        step = conversation.go_on(answer)
    assert isinstance(step, CmdletAnswer), step
    return step, sent


def refused(answer: CmdletAnswer) -> Failure:
    assert answer.failure is not None
    assert answer.objects == ()
    assert answer.failure.says.endswith(".") and "\n" not in answer.failure.says
    return answer.failure


# Requests -------------------------------------------------------------------------------------------------------------


def test_the_request_of_invoke_command() -> None:
    sent = invoke_command.ask(PLACE, ask(ORGANIZATION))
    assert (sent.method, sent.sign, sent.scope) == ("POST", Sign.ENTRA, f"https://{HOST}/.default")
    assert sent.url == f"https://{HOST}/adminapi/beta/{TENANT}/InvokeCommand"
    headers = dict(sent.headers)
    assert headers["X-AnchorMailbox"] == f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Prefer"] == "odata.maxpagesize=1000"
    assert headers["X-CmdletName"] == ORGANIZATION
    assert headers["X-ResponseFormat"] == "json"
    assert headers["X-SerializationLevel"] == "Partial"
    assert json.loads(sent.body) == {"CmdletInput": {"CmdletName": ORGANIZATION, "Parameters": {}}}
    assert "authorization" not in {name.lower() for name, _ in sent.headers}


def test_the_request_of_the_admin_api() -> None:
    sent = admin_api.ask(PLACE, ask("Get-MailboxFolderPermission", Identity=CALENDAR, ResultSize=100))
    assert sent is not None
    assert sent.url == f"https://{HOST}/adminapi/v2.0/{TENANT}/MailboxFolderPermission"
    assert dict(sent.headers)["X-AnchorMailbox"] == "UPN:linus@contoso.com"
    assert json.loads(sent.body)["CmdletInput"]["Parameters"] == {"Identity": CALENDAR, "ResultSize": 100}


def test_hashtables_arrays_switches_and_null() -> None:
    cmdlet = ask(
        "Set-Mailbox",
        Identity="linus@contoso.com",
        GrantSendOnBehalfTo={"Add": ("a@b.c",), "Remove": ("d@e.f", "g@h.i")},
        Confirm=False,
        Nothing=None,
        Several=("x", "y"),
    )
    written = json.loads(write_input(cmdlet))["CmdletInput"]
    assert written["Parameters"] == {
        "Identity": "linus@contoso.com",
        "GrantSendOnBehalfTo": {"@odata.type": HASHTABLE, "Add": ["a@b.c"], "Remove": ["d@e.f", "g@h.i"]},
        "Confirm": False,
        "Nothing": None,
        "Several": ["x", "y"],
    }
    assert read_input(write_input(cmdlet)) == cmdlet


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(),
    st.lists(st.text(), max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(("Add", "Remove")), st.lists(st.text(), max_size=3).map(tuple), max_size=2),
)


@given(st.text(min_size=1), st.dictionaries(st.text(min_size=1).filter(lambda name: "@" not in name), values))
def test_every_cmdlet_comes_back(name: str, parameters: dict[str, Any]) -> None:
    cmdlet = CmdletAsk(premises=ONLINE, name=name, parameters=tuple(parameters.items()))
    assert read_input(write_input(cmdlet)) == cmdlet


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"CmdletInput":7}', b'{"CmdletInput":{"CmdletName":""}}', b"[" * 100_000]
    + [b'{"CmdletInput":{"CmdletName":"Get-X","Parameters":[1]}}'],
)
def test_requests_that_run_nothing(body: bytes) -> None:
    with pytest.raises(JsonRefused):
        read_input(body)


@pytest.mark.parametrize(
    ("cmdlet", "endpoint"),
    [
        (ask("Get-Mailbox", Identity="x"), "Mailbox"),
        (ask("Get-Mailbox", ResultSize="Unlimited"), "Mailbox"),
        (ask("Set-Mailbox", Identity="x", GrantSendOnBehalfTo={"Add": ("y",)}), "Mailbox"),
        (ask("Set-Mailbox", Identity="x", HiddenFromAddressListsEnabled=True), ""),
        (ask("get-mailboxfolderpermission", Identity=CALENDAR), "MailboxFolderPermission"),
        (ask("Get-MailboxFolderPermission", Identity=CALENDAR, User="y"), ""),
        (ask("Set-MailboxFolderPermission", Identity=CALENDAR, User="y", AccessRights=("Editor",)),)
        + ("MailboxFolderPermission",),
        (ask("Remove-MailboxFolderPermission", Identity=CALENDAR, User="y"), "MailboxFolderPermission"),
        (ask("Remove-MailboxFolderPermission", Identity=CALENDAR, User="y", Confirm=False), ""),
        (ask("Get-CASMailbox", Identity="x"), ""),
        (ask(ORGANIZATION), ""),
    ],
)
def test_what_the_admin_api_covers(cmdlet: CmdletAsk, endpoint: str) -> None:
    assert admin_api.endpoint_of(cmdlet) == endpoint
    by_domain = admin_api.ask(Place(HOST, "contoso.onmicrosoft.com"), cmdlet)
    assert by_domain is None, "the Admin API wants the tenant's id"


def test_paths_are_read_back() -> None:
    sent = invoke_command.ask(Place(HOST, "contoso.onmicrosoft.com"), ask("Get-Mailbox"))
    assert "?$select=Name,Identity,PrimarySmtpAddress" in sent.url
    assert invoke_command.read_path("/adminapi/beta/contoso.onmicrosoft.com/InvokeCommand") == "contoso.onmicrosoft.com"
    assert admin_api.read_path(f"/adminapi/v2.0/{TENANT}/Mailbox") == (TENANT, "Mailbox")
    for path in ("/adminapi/beta/x", "/adminapi/v2.0/x", "/adminapi/v2.0//Mailbox", "/", "/adminapi/v1.0/x/y"):
        assert invoke_command.read_path(path) == "" and admin_api.read_path(path) == ("", "")


@pytest.mark.parametrize(
    "identity", ["\u00fc@contoso.com:\\Calendar", "a@b\r\nX-Evil: 1:\\Calendar", "name:\\Calendar"]
)
def test_an_anchor_is_never_made_of_what_a_header_cannot_hold(identity: str) -> None:
    assert anchor(PLACE, ask("Get-MailboxFolderPermission", Identity=identity)).startswith("APP:SystemMailbox")


# Answers --------------------------------------------------------------------------------------------------------------


def test_a_page_comes_back_without_annotations() -> None:
    shown = {"@odata.id": "x", "Name@odata.type": "#String", "Name": "Linus", "Groups": ["a"], "None": None}
    read = read_answer(write_page([shown], CONTEXT, ["Careful.\n Twice."], f"https://{HOST}/next"))
    assert read == Page(
        objects=({"Name": "Linus", "Groups": ["a"], "None": None},),
        warnings=("Careful. Twice.",),
        next_link=f"https://{HOST}/next",
    )


@pytest.mark.parametrize(
    ("body", "objects"),
    [
        (b"", ()),
        (b'{"@odata.context":"x"}', ()),
        (b'{"value":[]}', ()),
        (b'{"value":{"Name":"x"}}', ({"Name": "x"},)),
        (b'{"@odata.context":"x","Name":"x"}', ({"Name": "x"},)),
    ],
)
def test_pages_in_other_dresses(body: bytes, objects: tuple[dict[str, str], ...]) -> None:
    assert read_answer(HttpAnswer(status=200, body=body)) == Page(objects=objects)


def test_the_most_telling_text_of_an_error() -> None:
    details = {"message": "Ex5E8EA4|Microsoft.Exchange.X.YException|The text | with a bar.\r\nTwo lines."}
    inner = {"message": "inner", "type": "T", "internalexception": {"message": "internal", "type": "I"}}
    errors: list[tuple[dict[str, Any], str, str]] = [
        (
            {"details": [details], "innererror": inner},
            "The text | with a bar. Two lines.",
            "Microsoft.Exchange.X.YException",
        ),
        ({"innererror": inner, "message": "outer"}, "internal", "I"),
        ({"innererror": {"message": "inner", "type": "T"}, "message": "outer"}, "inner", "T"),
        ({"message": "outer"}, "outer", ""),
    ]
    for error, message, type_ in errors:
        read = read_answer(HttpAnswer(status=400, body=json.dumps({"error": error}).encode()))
        assert isinstance(read, Refusal) and (read.message, read.type, read.told) == (message, type_, True)


def test_a_refusal_comes_back() -> None:
    read = read_answer(write_refusal(404, "NotFound", "It is not there.", NOT_FOUND))
    assert read == Refusal(status=404, code="NotFound", message="It is not there.", type=NOT_FOUND, told=True)
    assert read.not_found and not read.denied


# Conversations --------------------------------------------------------------------------------------------------------


def test_pages_are_asked_with_the_same_body_until_the_last() -> None:
    links = [f"https://{HOST}/adminapi/beta/{TENANT}/InvokeCommand?$skiptoken={number}" for number in (1, 2)]
    answer, sent = talk(
        ask("Get-MailUser", ResultSize="Unlimited"),
        write_page([{"Name": "a"}], CONTEXT, ["w1"], links[0]),
        write_page([{"Name": "b"}], CONTEXT, next_link=links[1]),
        write_page([{"Name": "c"}], CONTEXT, ["w2"]),
    )
    assert [one["Name"] for one in answer.objects] == ["a", "b", "c"]
    assert answer.warnings == ("w1", "w2")
    assert [one.url for one in sent[1:]] == links
    assert len({(one.body, one.headers, one.sign, one.scope) for one in sent}) == 1


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/adminapi",
        f"http://{HOST}/x",
        f"https://{HOST}:444/x",
        f"https://{HOST}.evil.example/x",
        "//evil.example",
        "/relative",
        "https://[::1",
        "x" * 5000,
    ],
)
def test_a_page_elsewhere_is_not_asked(link: str) -> None:
    answer, _ = talk(ask(ORGANIZATION), write_page([{"Name": "a"}], CONTEXT, next_link=link))
    assert "another place" in refused(answer).says


def test_pages_that_go_round_end() -> None:
    conversation = Conversation(PLACE, ask(ORGANIZATION))
    first = told(conversation.begin())
    step = conversation.go_on(write_page([], CONTEXT, next_link=first.url))
    assert isinstance(step, CmdletAnswer) and "do not end" in refused(step).says


def test_an_object_that_does_not_exist_is_a_fact() -> None:
    for answer in (
        write_refusal(404, "NotFound", "It is not there.", NOT_FOUND),
        write_refusal(404, "NotFound", "It is not there."),
        write_refusal(400, "BadRequest", "It is not there.", NOT_FOUND),
        write_refusal(400, "BadRequest", "It is not there.", "X.Y.UserNotFoundInPermissionEntryException"),
    ):
        said, _ = talk(ask("Get-MailUser", Identity="x"), answer)
        assert said.not_found and said.errors == ("It is not there.",) and said.failure is None


def test_a_404_that_says_nothing_is_no_fact() -> None:
    said, _ = talk(ask("Get-MailUser", Identity="x"), HttpAnswer(status=404, body=b"<html>no</html>"))
    assert refused(said).reason is FailureReason.MALFORMED and not said.not_found


def test_an_error_of_the_cmdlet_is_told_as_it_is() -> None:
    said, _ = talk(ask("Set-Mailbox", Identity="x", DisplayName="y"), write_refusal(400, "BadRequest", "No.", "X.Y"))
    assert said.errors == ("No.",) and said.failure is None and not said.not_found


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (HttpAnswer(status=401), FailureReason.SIGN_IN, "entra.tenant_id"),
        (write_refusal(401, "Unauthorized", "User is not allowed to call Get-CASMailbox"),)
        + (FailureReason.FORBIDDEN, "Exchange.ManageAsApp"),
        (HttpAnswer(status=403), FailureReason.FORBIDDEN, "Global Reader"),
        (write_refusal(400, "BadRequest", "Not in the role.", DENIED), FailureReason.FORBIDDEN, "Get-CASMailbox needs"),
        (write_refusal(404, "NotFound", "No such command.", "System.X.CommandNotFoundException"),)
        + (FailureReason.FORBIDDEN, "Global Reader"),
        (HttpAnswer(status=429, headers=(("retry-after", "7"),)), FailureReason.UNREACHABLE, "in 7 seconds"),
        (HttpAnswer(status=503, headers=(("retry-after", "soon"),)), FailureReason.UNREACHABLE, "later"),
        (HttpAnswer(status=302, headers=(("location", "https://x"),)), FailureReason.MALFORMED, "entra.tenant_id"),
        (HttpAnswer(status=200, body=b"<html>"), FailureReason.MALFORMED, "proxy"),
        (HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says="Nobody.", next_step="Wait.")),)
        + (FailureReason.UNREACHABLE, "Wait."),
    ],
)
def test_why_a_cmdlet_was_not_run(answer: HttpAnswer, reason: FailureReason, words: str) -> None:
    said, _ = talk(ask("Get-CASMailbox", Identity="x"), answer)
    failure = refused(said)
    assert failure.reason is reason and words in failure.next_step


def test_changing_needs_a_role_that_may_change() -> None:
    said, _ = talk(ask("Set-CASMailbox", Identity="x"), HttpAnswer(status=403))
    assert "Exchange Administrator" in refused(said).next_step


@pytest.mark.parametrize("status", [401, 403, 404])
def test_where_the_admin_api_is_shut_invoke_command_is_asked(status: int) -> None:
    answer, sent = talk(
        ask("Get-Mailbox", Identity="x"), HttpAnswer(status=status), write_page([{"Name": "x"}], CONTEXT)
    )
    assert answer.objects == ({"Name": "x"},)
    assert ["v2.0" in one.url for one in sent] == [True, False]


def test_a_refusal_at_both_doors_is_told_once() -> None:
    answer, sent = talk(ask("Get-Mailbox", Identity="x"), HttpAnswer(status=403), HttpAnswer(status=403))
    assert refused(answer).reason is FailureReason.FORBIDDEN and len(sent) == 2


def test_not_found_at_the_admin_api_is_believed() -> None:
    answer, sent = talk(ask("Get-Mailbox", Identity="x"), write_refusal(404, "NotFound", "No.", NOT_FOUND))
    assert answer.not_found and len(sent) == 1


def test_the_next_page_of_the_admin_api_does_not_change_doors() -> None:
    link = f"https://{HOST}/adminapi/v2.0/{TENANT}/Mailbox?$skiptoken=1"
    answer, sent = talk(
        ask("Get-Mailbox", ResultSize="Unlimited"),
        write_page([{"Name": "x"}], CONTEXT, next_link=link),
        HttpAnswer(status=403),
    )
    assert refused(answer).reason is FailureReason.FORBIDDEN and len(sent) == 2


def test_the_documented_door_can_be_left_out() -> None:
    _, (sent,) = talk(ask("Get-Mailbox", Identity="x"), write_page([], CONTEXT), documented=False)
    assert "/beta/" in sent.url


@pytest.mark.parametrize("name", ["Set-MailboxFolderPermission", "set-mailboxfolderpermission"])
def test_a_notification_that_would_end_a_delegation_is_not_sent(name: str) -> None:
    parameters = {"Identity": CALENDAR, "User": "x", "AccessRights": ("Editor",), "SendNotificationToUser": False}
    answer, sent = talk(ask(name, **parameters))
    assert refused(answer).reason is FailureReason.REFUSED and sent == []
    told(Conversation(PLACE, ask(name, **parameters, SharingPermissionFlags="Delegate")).begin())


@pytest.mark.parametrize("name", ["Get-CsOnlineUser", "Get-MgServicePrincipal", "Grant-CsTeamsUpgradePolicy"])
def test_cmdlets_of_other_services_are_not_sent(name: str) -> None:
    answer, sent = talk(ask(name))
    assert refused(answer).reason is FailureReason.NOT_CONFIGURED and sent == []


# Hostile answers ------------------------------------------------------------------------------------------------------

CLASSICS = (
    b"",
    b"\x00" * 100,
    b"\xff\xfe",
    b"<html><body>Sign in</body></html>",
    b"[" * 100_000,
    b'{"value":' * 100_000,
    b"{}",
    b"[]",
    b"null",
    b"7",
    b'{"value":[[]]}',
    b'{"value":[null]}',
    b'{"value":7}',
    b'{"\\ud800":"\\ud800"}',
    b'{"value":[],"@odata.nextLink":7}',
    b'{"error":' * 1000,
    b'{"error":{"details":{"message":7},"innererror":[]}}',
)
WRONG: tuple[Any, ...] = (None, True, 7, -1.5e300, "", "x", [], [7], [[]], {}, {"Url": 7}, "9" * 5000)


def mangled(value: Any) -> Iterator[Any]:
    """``value`` with each of its parts replaced by each wrong one, or dropped."""
    yield from WRONG
    if isinstance(value, dict):
        for key, part in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield from ({**value, key: wrong} for wrong in mangled(part))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from ([*value[:number], wrong, *value[number + 1 :]] for wrong in mangled(part))


def hostile() -> Iterator[HttpAnswer]:
    good = (
        write_page([{"Name": "x"}], CONTEXT, ["w"], f"https://{HOST}/next"),
        write_refusal(400, "BadRequest", "No.", NOT_FOUND),
    )
    for answer in good:
        for wrong in mangled(msgspec.json.decode(answer.body)):
            yield msgspec.structs.replace(answer, body=msgspec.json.encode(wrong))
        for end in range(0, len(answer.body), 7):
            yield msgspec.structs.replace(answer, body=answer.body[:end])
    for status in (0, 100, 200, 204, 302, 400, 401, 403, 404, 429, 500, 999):
        yield from (HttpAnswer(status=status, body=body) for body in CLASSICS)


def test_no_answer_however_mangled_raises() -> None:
    met = 0
    for cmdlet in (ask("Get-Mailbox", Identity="x"), ask(ORGANIZATION)):
        for answer in hostile():
            conversation = Conversation(PLACE, cmdlet)
            told(conversation.begin())
            step = conversation.go_on(answer)
            met += 1
            if isinstance(step, HttpAsk):
                assert step.url.startswith(f"https://{HOST}/") and step.sign is Sign.ENTRA
            elif step.failure is not None:
                assert refused(step).says
            assert not (isinstance(step, CmdletAnswer) and step.not_found and not step.errors[0])
    assert met > 1000
