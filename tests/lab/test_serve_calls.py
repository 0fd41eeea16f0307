"""The lab's Teams services over the wire: satisfied with a healthy organization, and told why when something fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from hybridge.lab.apps.teams_services import symptoms
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import MAIL_HOST, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.serve.calls import Calls, open_calls
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, DnsAsk, FailureReason, HttpAsk, Sign

pytestmark = pytest.mark.wire
METADATA = f"https://{MAIL_HOST}/autodiscover/metadata/json/1"


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[RunningLab]:
    now = datetime.now(UTC)
    certificate = make_auth_certificate(now)
    estate = Estate(contoso(now, certificate), clock=lambda: now, certificate=certificate)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        yield running


@pytest_asyncio.fixture
async def calls(lab: RunningLab) -> AsyncIterator[Calls]:
    async with open_calls(lab) as opened:
        yield opened


async def test_nobody_notices_anything_in_a_healthy_lab(lab: RunningLab, calls: Calls) -> None:
    assert await symptoms(lab.estate, calls) == ()
    assert any("SkypeSpaces" in one.user_agent for one in lab.estate.log)


async def test_a_mistrusted_certificate_is_noticed(lab: RunningLab, calls: Calls) -> None:
    assert await symptoms(lab.estate, calls) == ()
    lab.estate.switch_certificate(MAIL_HOST, "expired")
    assert any(f"certificate of {MAIL_HOST}" in seen.because for seen in await symptoms(lab.estate, calls))


@pytest.mark.parametrize(
    ("ask", "reason", "says"),
    [
        (HttpAsk(method="GET", url="https://nobody.contoso.com/"), FailureReason.NAME_NOT_FOUND, "nobody.contoso.com"),
        (HttpAsk(method="GET", url=f"http://{MAIL_HOST}/"), FailureReason.UNREACHABLE, MAIL_HOST),
        (HttpAsk(method="GET", url=METADATA, sign=Sign.EXCHANGE), FailureReason.NOT_CONFIGURED, "no account"),
        (HttpAsk(method="GET", url=METADATA, limit=10), FailureReason.MALFORMED, "larger than the 10 bytes"),
        (HttpAsk(method="GET", url="https://"), FailureReason.NAME_NOT_FOUND, "https://"),
    ],
)
async def test_what_cannot_be_asked_is_a_failure(calls: Calls, ask: HttpAsk, reason: FailureReason, says: str) -> None:
    answer = await calls.http(ask)
    assert answer.failure is not None
    assert (answer.failure.reason, says in answer.failure.says) == (reason, True), answer.failure


async def test_a_name_taken_out_of_the_zone_is_not_found(lab: RunningLab, calls: Calls) -> None:
    assert (await calls.http(HttpAsk(method="GET", url=METADATA))).status == 200
    assert (await calls.dns(DnsAsk(name=MAIL_HOST))).records == (lab.zone.addresses[MAIL_HOST],)
    del lab.zone.addresses[MAIL_HOST]
    lab.estate.switch_certificate(MAIL_HOST, "good")  # closes the pooled connection, which needs no name
    answer, found = await calls.http(HttpAsk(method="GET", url=METADATA)), await calls.dns(DnsAsk(name=MAIL_HOST))
    for failure in (answer.failure, found.failure):
        assert failure is not None
        assert failure.reason is FailureReason.NAME_NOT_FOUND


async def test_there_is_no_shell(calls: Calls) -> None:
    answer = await calls.cmdlet(CmdletAsk(premises=Premises.ON_PREMISES, name="Get-AuthConfig"))
    assert answer.failure is not None
    assert answer.failure.reason is FailureReason.NOT_CONFIGURED
