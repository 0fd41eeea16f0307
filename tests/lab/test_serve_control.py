"""The control API, met by an HTTP client: the token, every verb, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from hybridge.lab.contoso import AuthCertificate
from hybridge.lab.estate import Estate, LoggedRequest
from hybridge.lab.serve.control import BODY_LIMIT, Control
from hybridge.lab.serve.verbs import UnknownCause
from hybridge.org.organization import Organization

pytestmark = pytest.mark.wire
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOKEN = "s3cret-token"


class Verbs:
    """One cause, ``a/b:c``; a symptom while it is broken."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate

    async def faults(self) -> Any:
        return [{"cause": "a/b:c", "healable": True, "symptoms": ["calendar-missing"]}]

    async def symptoms(self) -> Any:
        return ["calendar-missing"] if self.estate.faults else []

    async def break_(self, causes: tuple[str, ...]) -> None:
        for cause in causes:
            if cause == "a/b:defect":
                raise ZeroDivisionError
            if cause != "a/b:c":
                raise UnknownCause(f'There is no cause "{cause}".')
        self.estate.break_("a/b:c", Organization())

    async def heal(self, causes: tuple[str, ...]) -> None:
        for cause in causes or self.estate.faults:
            self.estate.heal(cause, Organization())


class Api:
    def __init__(self, session: aiohttp.ClientSession, estate: Estate, control: Control) -> None:
        self.session, self.estate, self.control = session, estate, control

    async def ask(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self.control.port}{path}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        kept = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.session.request(method, url, headers=headers, **kept) as answer:
            return answer.status, await answer.json()


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    certificate = AuthCertificate(b"", NOON, NOON + timedelta(days=1))
    estate = Estate(Organization(), clock=lambda: NOON, certificate=certificate)
    control = Control(
        estate,
        Verbs(estate),
        token=TOKEN,
        hosts=frozenset({"mail.contoso.com"}),
        details=lambda: {"ca_file": "/ca"},
    )
    async with control, aiohttp.ClientSession() as session:
        yield Api(session, estate, control)


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", "é"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/state"), ("POST", "/reset"), ("GET", "/nowhere")])
async def test_nothing_answers_without_the_token(api: Api, token: str, method: str, path: str) -> None:
    status, body = await api.ask(method, path, token=token)
    assert status == 401
    assert "token" in body["error"]


async def test_break_and_heal_show_the_state_and_the_symptoms(api: Api) -> None:
    assert await api.ask("GET", "/symptoms") == (200, [])
    status, state = await api.ask("POST", "/break", {"causes": ["a/b:c"]})
    assert (status, state["faults"]) == (200, ["a/b:c"])
    assert await api.ask("GET", "/symptoms") == (200, ["calendar-missing"])
    assert (await api.ask("POST", "/heal", {"causes": []}))[1]["faults"] == []
    assert (await api.ask("GET", "/faults"))[1][0]["cause"] == "a/b:c"


async def test_reset_puts_everything_back(api: Api) -> None:
    await api.ask("POST", "/break", {"causes": ["a/b:c"]})
    await api.ask("POST", "/certificate", {"host": "MAIL.contoso.com", "variant": "expired"})
    _, moved = await api.ask("POST", "/clock", {"seconds": -7200})
    assert (moved["now"], moved["certificates"]) == ("2026-11-20T10:00:00Z", {"mail.contoso.com": "expired"})
    _, state = await api.ask("POST", "/reset")
    assert state == {
        "faults": [],
        "healthy": True,
        "now": "2026-11-20T12:00:00Z",
        "certificates": {},
        "weather": "",
        "without": [],
        "requests": 0,
    }


async def test_the_log_and_the_details_are_shown(api: Api) -> None:
    api.estate.remember(LoggedRequest(host="h", method="GET", path="/", user_agent="ü", status=200, principal=""))
    _, log = await api.ask("GET", "/log")
    assert log == [
        {"host": "h", "method": "GET", "path": "/", "user_agent": "ü", "status": 200, "principal": "", "digest": ""}
    ]
    assert await api.ask("GET", "/details") == (200, {"ca_file": "/ca"})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/break", {"causes": ["a/b:x"]}, 404, 'There is no cause "a/b:x".'),
        ("POST", "/break", {"causes": []}, 400, "Name at least one cause"),
        ("POST", "/break", {"causes": "a/b:c"}, 400, "The body of POST /break is not understood"),
        ("POST", "/break", {"cause": ["a/b:c"]}, 400, "unknown field"),
        ("POST", "/heal", b"{", 400, "not understood"),
        ("POST", "/clock", {}, 400, "missing required field `seconds`"),
        ("POST", "/clock", {"seconds": 1e300}, 400, "at most 3650 days"),
        ("POST", "/certificate", {"host": "x", "variant": "expired"}, 404, 'serves no host "x"'),
        ("POST", "/certificate", {"host": "mail.contoso.com", "variant": "x"}, 404, 'no certificate variant "x"'),
        ("GET", "/nowhere", None, 404, "GET /nowhere: Not Found."),
        ("GET", "/break", None, 405, "Method Not Allowed"),
        ("POST", "/break", b" " * (BODY_LIMIT + 1), 413, "POST /break"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_sentence(
    api: Api, method: str, path: str, body: Any, status: int, says: str
) -> None:
    answered, answer = await api.ask(method, path, body)
    assert (answered, says in answer["error"]) == (status, True), answer
    assert api.estate.faults == ()


async def test_a_defect_is_a_500_and_the_api_lives_on(api: Api) -> None:
    status, body = await api.ask("POST", "/break", {"causes": ["a/b:defect"]})
    assert (status, "log" in body["error"]) == (500, True)
    assert (await api.ask("GET", "/state"))[0] == 200


async def test_a_lab_without_verbs_says_so(api: Api) -> None:
    api.control.verbs = None
    status, body = await api.ask("GET", "/faults")
    assert (status, "without its faults" in body["error"]) == (501, True)
