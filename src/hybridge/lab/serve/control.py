"""The control API: breaks, heals and shows a running lab. JSON over plain HTTP on loopback, guarded by a token.

=====================  =====================================  ========================================================
GET /state                                                    faults now, the lab's time, certificates not good, counts
GET /faults                                                   every cause the lab can be broken by
GET /symptoms                                                 what people notice now
GET /log                                                      the requests answered, oldest first
GET /details                                                  addresses, host map, accounts: all a foreign client needs
POST /break, /heal     ``{"causes": ["area/check:slug"]}``    the state afterwards; an empty list heals everything
POST /reset                                                   the state afterwards
POST /clock            ``{"seconds": 7200}``                  lets time pass; the state afterwards
GET /weather                                                  what blows now, and every weather by name
POST /weather          ``{"names": ["graph-late"]}``          lets weathers blow; an empty list is fine weather
GET /notifications                                            how Graph notifies, and what came of it
POST /notifications    ``{"copies": 3, "lose": 1}``           how Graph notifies, see ``Notifying``; then as GET
GET /rights                                                   what is taken away from our accounts, and what can be
POST /rights           ``{"without": ["Role Management"]}``   takes exactly these away; an empty list gives all back
POST /certificate      ``{"host": ..., "variant": ...}``      switches a host's certificate; the state afterwards
=====================  =====================================  ========================================================

Calendars, automatic replies, servers and notifications: see ``control_mail``.

An error is ``{"error": "one sentence"}``: 400 for a body not understood, 401 without the token, 404 for an unknown
cause, weather, right, host, variant or path.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
from aiohttp import web

from hybridge.lab.apps.graph_delta import tokens_of
from hybridge.lab.apps.graph_subscriptions import post_of
from hybridge.lab.estate import Estate
from hybridge.lab.mail.budgets import UnknownManner
from hybridge.lab.mail.failover import NotPossible
from hybridge.lab.rights import UnknownRight, known_rights, rights_of
from hybridge.lab.serve.control_answers import Refused
from hybridge.lab.serve.control_answers import read_body as _body
from hybridge.lab.serve.control_answers import write_json as _json
from hybridge.lab.serve.control_mail import MailControl
from hybridge.lab.serve.verbs import ControlVerbs, UnknownCause
from hybridge.lab.weather import weather_of
from hybridge.lab.weathers import WEATHERS, UnknownWeather, call_up

CLOCK_LIMIT = timedelta(days=3650)
"""How far the lab's clock may be moved from the real one."""

BODY_LIMIT = 64 * 1024
"""Largest body accepted, in bytes."""

_SHUTDOWN_SECONDS = 0.5
_log = logging.getLogger(__name__)
_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Causes(msgspec.Struct, forbid_unknown_fields=True):
    """Body of /break and /heal."""

    causes: tuple[str, ...] = ()


class Clock(msgspec.Struct, forbid_unknown_fields=True):
    """Body of /clock; negative seconds go back."""

    seconds: float


class Weathers(msgspec.Struct, forbid_unknown_fields=True):
    """Body of /weather."""

    names: tuple[str, ...] = ()


class Notifying(msgspec.Struct, forbid_unknown_fields=True):
    """Body of /notifications; None leaves a thing as it is.

    ``copies`` is how often Graph tells a change, ``delay_seconds`` how late, ``lose`` how many of the next changes it
    never tells (-1: none is told). ``lifecycle`` posts such an event to the subscriptions of ``mailbox`` ("" for all);
    ``forget_deltas`` makes every delta token unknown.
    """

    copies: int | None = None
    delay_seconds: float | None = None
    lose: int | None = None
    lifecycle: str = ""
    mailbox: str = ""
    forget_deltas: bool = False


class Without(msgspec.Struct, forbid_unknown_fields=True):
    """Body of /rights."""

    without: tuple[str, ...] = ()


class CertificateSwitch(msgspec.Struct, forbid_unknown_fields=True):
    """Body of /certificate."""

    host: str
    variant: str


class Control:
    """Serves the API for ``estate``; ``async with`` opens and closes it. ``port`` is known once it is open.

    ``verbs`` may be set later, as verbs that ask over the wire want the lab's addresses first. ``details`` gives what
    /details shows; ``hosts`` are the hosts whose certificate can be switched.
    """

    def __init__(
        self,
        estate: Estate,
        verbs: ControlVerbs | None,
        *,
        token: str,
        hosts: frozenset[str],
        details: Callable[[], dict[str, Any]],
    ) -> None:
        self.port = 0
        self._estate = estate
        self.verbs = verbs
        self._token = token
        self._hosts = hosts
        self._details = details
        app = web.Application(middlewares=[self._guard], client_max_size=BODY_LIMIT)
        app.add_routes(
            [
                web.get("/state", self._state, allow_head=False),
                web.get("/faults", self._faults, allow_head=False),
                web.get("/symptoms", self._symptoms, allow_head=False),
                web.get("/log", self._show_log, allow_head=False),
                web.get("/details", self._show_details, allow_head=False),
                web.post("/break", self._break),
                web.post("/heal", self._heal),
                web.post("/reset", self._reset),
                web.post("/clock", self._clock),
                web.get("/weather", self._show_weather, allow_head=False),
                web.post("/weather", self._turn_weather),
                web.get("/notifications", self._show_notifying, allow_head=False),
                web.post("/notifications", self._notify),
                web.get("/rights", self._show_rights, allow_head=False),
                web.post("/rights", self._withhold),
                web.post("/certificate", self._certificate),
                *MailControl(estate).routes(),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)

    async def __aenter__(self) -> Control:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def _verbs(self) -> ControlVerbs:
        if self.verbs is None:
            raise Refused(501, "This lab was started without its faults; start it with `hybridge lab up`.")
        return self.verbs

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Answer) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            return _json({"error": "The control API wants the token of this lab; see token_file in its config."}, 401)
        try:
            return await handler(request)
        except Refused as refused:
            return _json({"error": str(refused)}, refused.status)
        except (UnknownCause, UnknownWeather, UnknownRight, UnknownManner, NotPossible) as unknown:
            return _json({"error": str(unknown)}, 404)
        except web.HTTPException as refused:
            return _json({"error": f"{request.method} {request.path}: {refused.reason}."}, refused.status)
        except Exception:
            _log.exception("The lab's control failed on %s %s", request.method, request.path)
            return _json({"error": f"{request.method} {request.path} failed; the lab's log says why."}, 500)

    async def _state(self, _: web.Request) -> web.Response:
        estate = self._estate
        return _json(
            {
                "faults": estate.faults,
                "healthy": estate.organization == estate.healthy,
                "now": estate.now(),
                "certificates": estate.certificates,
                "weather": weather_of(estate).name,
                "without": rights_of(estate).withheld,
                "requests": len(estate.log),
            }
        )

    async def _faults(self, _: web.Request) -> web.Response:
        return _json(await self._verbs.faults())

    async def _symptoms(self, _: web.Request) -> web.Response:
        return _json(await self._verbs.symptoms())

    async def _show_log(self, _: web.Request) -> web.Response:
        return _json(self._estate.log)

    async def _show_details(self, _: web.Request) -> web.Response:
        return _json(self._details())

    async def _break(self, request: web.Request) -> web.Response:
        wanted = await _body(request, Causes)
        if not wanted.causes:
            raise Refused(400, "Name at least one cause to break the lab by; GET /faults lists them.")
        await self._verbs.break_(wanted.causes)
        return await self._state(request)

    async def _heal(self, request: web.Request) -> web.Response:
        await self._verbs.heal((await _body(request, Causes)).causes)
        return await self._state(request)

    async def _reset(self, request: web.Request) -> web.Response:
        self._estate.reset()
        return await self._state(request)

    async def _clock(self, request: web.Request) -> web.Response:
        seconds = (await _body(request, Clock)).seconds
        limit = CLOCK_LIMIT.total_seconds()
        if not abs(self._estate.offset.total_seconds() + seconds) <= limit:
            raise Refused(400, f"The clock of the lab moves at most {CLOCK_LIMIT.days} days from the real one.")
        self._estate.move_clock(timedelta(seconds=seconds))
        return await self._state(request)

    async def _show_weather(self, _: web.Request) -> web.Response:
        known = {name: weather.says for name, weather in WEATHERS.items()}
        return _json({"weather": weather_of(self._estate).name, "known": known})

    async def _turn_weather(self, request: web.Request) -> web.Response:
        call_up(weather_of(self._estate), (await _body(request, Weathers)).names)
        return await self._state(request)

    async def _show_notifying(self, _: web.Request) -> web.Response:
        post = post_of(self._estate)
        return _json(
            {
                "copies": post.copies,
                "delay_seconds": post.delay.total_seconds(),
                "lose": post.lose,
                "subscriptions": len(post.active(self._estate.now())),
                "waiting": len(post.waiting),
                "lost": post.lost,
                "dropped": post.dropped,
            }
        )

    async def _notify(self, request: web.Request) -> web.Response:
        wanted, post = await _body(request, Notifying), post_of(self._estate)
        copies = post.copies if wanted.copies is None else wanted.copies
        if not 1 <= copies <= 100 or not 0 <= (wanted.delay_seconds or 0) <= 86_400:
            raise Refused(400, "A change is told once to 100 times, and at most a day late.")
        post.copies = copies
        post.lose = post.lose if wanted.lose is None else wanted.lose
        if wanted.delay_seconds is not None:
            post.delay = timedelta(seconds=wanted.delay_seconds)
        if wanted.forget_deltas:
            tokens_of(self._estate).forget()
        try:
            if wanted.lifecycle:
                post.tell_lifecycle(wanted.lifecycle, wanted.mailbox)
        except ValueError as unknown:
            raise Refused(404, str(unknown)) from unknown
        return await self._show_notifying(request)

    async def _show_rights(self, _: web.Request) -> web.Response:
        return _json({"without": rights_of(self._estate).withheld, "known": known_rights()})

    async def _withhold(self, request: web.Request) -> web.Response:
        rights_of(self._estate).withhold((await _body(request, Without)).without)
        return await self._state(request)

    async def _certificate(self, request: web.Request) -> web.Response:
        wanted = await _body(request, CertificateSwitch)
        if wanted.host.lower() not in self._hosts:
            raise Refused(404, f'The lab serves no host "{wanted.host}"; GET /details lists them.')
        try:
            self._estate.switch_certificate(wanted.host, wanted.variant)
        except ValueError as unknown:
            raise Refused(404, str(unknown)) from unknown
        return await self._state(request)
