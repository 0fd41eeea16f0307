"""The calls Teams makes to Exchange, over an answerer: find the mailbox, then ask the server that was found.

A mailbox is found by Autodiscover V2 at Exchange Online, which sends the caller on to the organization where the
mailbox is on-premises. Tokens are minted by the lab's Entra for the very host that was found. Each call says which
service it is by its user agent. What stops a call is a value that tells why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec

from hybridge.lab.apps.firewall import SOURCE_HEADER
from hybridge.lab.apps.tokens import TEAMS_MIDDLE_TIER, TokenRefused, mint, names_a_resource
from hybridge.lab.contoso import TENANT_ID
from hybridge.lab.contoso_network import teams_address
from hybridge.lab.estate import Estate
from hybridge.terms.applications import EXCHANGE_ONLINE, TEAMS_SCHEDULER
from hybridge.wire import autodiscover_v2, exchange_rest
from hybridge.wire.ask import Answerer, Failure, HttpAnswer, HttpAsk, Sign
from hybridge.wire.ews import envelope
from hybridge.wire.ews.faults import EwsFault

MAX_HOPS = 10


@dataclass(frozen=True)
class Stopped:
    """A call came to nothing. ``because`` is one sentence for the trace."""

    because: str


@dataclass(frozen=True)
class Calls:
    """Calls one service makes for one user. ``user_agent`` is the service's, ``user`` the mailbox's address."""

    estate: Estate
    answerer: Answerer
    user_agent: str
    user: str

    async def find(self, protocol: str) -> str | Stopped:
        """The URL of ``protocol`` for the user's mailbox."""
        url = autodiscover_v2.ask(self.estate.cloud.exchange, self.user, protocol).url
        asked: list[str] = []
        while len(asked) < MAX_HOPS:
            if not url.startswith("https://") or url in asked:
                return Stopped(f"Autodiscover V2 leads to {url}, which is not followed.")
            asked.append(url)
            answer = await self._http(_with_header(autodiscover_v2.ask_location(url), self.user_agent))
            match autodiscover_v2.read_answer(answer):
                case autodiscover_v2.Found(_, found):
                    return found
                case autodiscover_v2.Redirected(location):
                    url = location
                case autodiscover_v2.Refused(code, message):
                    return Stopped(f"Autodiscover V2 answered {code}: {message}")
                case autodiscover_v2.NotJson(status, says):
                    return Stopped(f"Autodiscover V2 did not answer at {url} (HTTP {status}). {says}".strip())
                case Failure() as failure:
                    return Stopped(f"Autodiscover V2 could not be asked at {url}: {failure.says}")
        return Stopped("Autodiscover V2 redirects without end.")

    async def ews_as_application(self, url: str, body: str) -> HttpAnswer | Stopped:
        """Send an EWS request with the scheduler's own token, speaking for the user."""
        audience = f"{EXCHANGE_ONLINE}/{_host(url)}@{TENANT_ID}"
        try:
            token = mint(self.estate, TEAMS_SCHEDULER, audience, self.user)
        except TokenRefused as refused:
            return Stopped(str(refused))
        return await self._ews(url, body, token)

    async def ews_as_user(self, url: str, body: str) -> HttpAnswer | Stopped:
        """Send an EWS request with a token of the user."""
        token = self._user_token(url)
        return token if isinstance(token, Stopped) else await self._ews(url, body, token)

    async def calendar_view(self, url: str) -> tuple[exchange_rest.RestEvent, ...] | Stopped:
        """The events going on about now, by the REST API at ``url``."""
        now, token = self.estate.now(), self._user_token(url)
        if isinstance(token, Stopped):
            return token
        ask = exchange_rest.ask_calendar_view(
            _host(url),
            now - timedelta(minutes=1),
            now + timedelta(minutes=1),
            user_agent=self.user_agent,
            bearer=token,
        )
        answer = await self._http(msgspec.structs.replace(ask, url=exchange_rest.lengthened(ask.url)))
        events = exchange_rest.read_calendar_view(answer)
        return Stopped(f"{_answered(url, answer)} {events.says}") if isinstance(events, Failure) else events

    async def _http(self, ask: HttpAsk) -> HttpAnswer:
        """Ask from an address of Teams, which a firewall in front of Exchange must admit."""
        return await self.answerer.http(_with_header(ask, teams_address(self.estate.cloud), SOURCE_HEADER))

    async def _ews(self, url: str, body: str, token: str) -> HttpAnswer | Stopped:
        ask = envelope.ask(url, body, user_agent=self.user_agent, anchor=self.user, sign=Sign.NONE)
        answer = await self._http(_with_header(ask, f"Bearer {token}", "Authorization"))
        opened = envelope.read_body(answer)
        if isinstance(opened, Failure):
            return Stopped(f"{_answered(url, answer)} {opened.says}")
        if isinstance(opened, EwsFault):
            return Stopped(f"{url} answered the fault {opened.code}: {opened.message}")
        return answer

    def _user_token(self, url: str) -> str | Stopped:
        """A token of the user, which Entra gives for names of Exchange's principal only."""
        audience = f"https://{_host(url)}/"
        if not names_a_resource(self.estate.organization, audience):
            return Stopped(f"AADSTS500011: The resource principal named {audience} was not found in the tenant.")
        return mint(self.estate, TEAMS_MIDDLE_TIER, audience, self.user)


def _answered(url: str, answer: HttpAnswer) -> str:
    if answer.failure:
        return f"{url} could not be asked."
    diagnostics = answer.header("x-ms-diagnostics")
    return f"{url} answered HTTP {answer.status}{f' ({diagnostics})' if diagnostics else ''}."


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _with_header(ask: HttpAsk, value: str, name: str = "User-Agent") -> HttpAsk:
    return msgspec.structs.replace(ask, headers=(*ask.headers, (name, value)))
