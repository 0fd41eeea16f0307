"""Credentials that are wrong or end: one attempt, a breaker, and everybody else goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.presence.faults.office import ADA, HOUR, LINUS, MARIE, MINUTE, SWEEP, Office

from hybridge.lab.estate import ADMINISTRATOR_LOGON, ENTRA_CLIENT
from hybridge.lab.serve.sign_in import REFUSED, Handshake, Outcome, SignIn

pytestmark = [pytest.mark.wire, pytest.mark.slow]

QUARTER = 900.0
"""Seconds in which common policies count wrong passwords, ten of which lock an account."""


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, str]]:
    """Every credential the lab's servers refused, as they judge them: when (seconds of the loop), and its scheme."""
    seen: list[tuple[float, str]] = []
    judge = SignIn.judge

    def watched(self: SignIn, authorization: str, handshake: Handshake, leaf: bytes) -> Outcome:
        outcome = judge(self, authorization, handshake, leaf)
        if outcome == REFUSED:
            seen.append((asyncio.get_running_loop().time(), authorization.partition(" ")[0]))
        return outcome

    monkeypatch.setattr(SignIn, "judge", watched)
    return seen


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
async def test_a_wrong_password_is_shown_once_until_it_is_corrected(
    office: Office, auth: str, refusals: list[tuple[float, str]]
) -> None:
    office.auth = auth
    office.sign_in_with("not the password")
    office.meet(ADA, -5, 180)
    office.meet(LINUS, -5, 30)
    async with office.serving() as gateway:
        await office.passes(40 * MINUTE)
        assert len(refusals) == 1, refusals
        assert office.record.states(LINUS) == ["in-a-meeting", "available"], "the other source goes on"
        assert gateway.sources["hq"].health()[0].trouble
        await gateway.reload(office.layout())
        await office.passes(10 * MINUTE)
        assert len(refusals) == 1, "nothing was corrected"
        office.sign_in_with(office.estate.users[ADMINISTRATOR_LOGON])
        await gateway.reload(office.layout())
        await office.is_quiet()
        assert len(refusals) == 1


async def test_a_password_that_is_changed_while_the_gateway_runs(
    office: Office, refusals: list[tuple[float, str]]
) -> None:
    office.meet(ADA, -5, 180)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        good = dict(office.estate.users)
        for account in good:
            office.estate.users[account] = "changed meanwhile"
        await office.passes(2 * HOUR)
        times = [at for at, _ in refusals]
        crowd = max(sum(at <= other < at + QUARTER for other in times) for at in times)
        assert crowd <= 9, "too seldom to lock the account, though three servers share it"
        office.sign_in_with("changed meanwhile")
        await gateway.reload(office.layout())
        office.meet(ADA, 1, 30)
        await office.is_quiet()


async def test_tokens_end_and_are_fetched_anew(office: Office) -> None:
    office.meet(LINUS, 100, 30)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        await office.passes(HOUR + 10 * MINUTE)
        office.meet(MARIE, -1, 60)
        await office.is_quiet()
        assert not gateway.sources["online"].health()[0].trouble
    asked = [one for one in office.estate.log if "oauth2" in one.path.lower()]
    assert len(asked) >= 2


async def test_a_secret_that_is_replaced_at_entra_and_then_in_the_configuration(office: Office) -> None:
    office.meet(LINUS, -5, 200)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        office.estate.entra_clients[ENTRA_CLIENT] = "another"
        await office.passes(timedelta(hours=1, minutes=20))
        assert gateway.sources["online"].health()[0].trouble
        assert office.record.states(LINUS) == ["in-a-meeting"]
        assert not office.astray().keys() - {LINUS, MARIE}, "on-premises goes on"
        await office.passes(20 * MINUTE)
        asked = [one for one in office.estate.log if "oauth2" in one.path.lower() and one.status == 401]
        assert len(asked) <= 3, "a secret that worked before is tried again every quarter of an hour, and no sooner"
        office.meet(MARIE, 1, 30)
        (office.folder / "lab" / "entra-client-secret").write_text("another", encoding="utf-8")
        await gateway.reload(office.layout())
        await office.is_quiet()
