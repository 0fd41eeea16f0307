"""Where EWS of one mailbox is found, against the lab in process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hybridge.collectors.routes import ews_address
from hybridge.lab.contoso import DOMAIN, EWS_URL, AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.org.records import WebServicesVirtualDirectory
from hybridge.terms.clouds import WORLDWIDE
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAnswer, HttpAsk

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DOWN = Failure(reason=FailureReason.UNREACHABLE, says="Nobody is there.")


class Lab(InProcess):
    """The lab, of which a part may be down. ``asked`` are the cmdlets that were run."""

    def __init__(self, http: bool = True, cmdlets: bool = True) -> None:
        certificate = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
        self.estate = Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)
        super().__init__(self.estate)
        self.up = {"http": http, "cmdlets": cmdlets}
        self.asked: list[str] = []

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        return await super().http(ask) if self.up["http"] else HttpAnswer(failure=DOWN)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        self.asked.append(ask.name)
        return await super().cmdlet(ask) if self.up["cmdlets"] else CmdletAnswer(failure=DOWN)


async def address(lab: Lab, mailbox: str = "ada@contoso.com") -> str | Failure:
    return await ews_address(lab, mailbox, WORLDWIDE.exchange, DOMAIN)


async def test_autodiscover_tells_it() -> None:
    lab = Lab()
    assert await address(lab) == EWS_URL
    assert lab.asked == []


async def test_without_autodiscover_the_directories_tell_it() -> None:
    lab = Lab(http=False)
    assert await address(lab) == EWS_URL
    assert lab.asked == ["Get-WebServicesVirtualDirectory"]


async def test_the_cloud_s_own_address_is_none_of_ours() -> None:
    assert await address(Lab(), "linus@contoso.com") == EWS_URL


async def test_nothing_that_answers_is_a_failure() -> None:
    assert await address(Lab(http=False, cmdlets=False)) == DOWN


async def test_a_directory_without_an_external_address_does_not_help() -> None:
    lab = Lab(http=False)
    lab.estate.organization = lab.estate.organization.edit(WebServicesVirtualDirectory, external_url="")
    failure = await address(lab)
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.NOT_CONFIGURED and failure.next_step
