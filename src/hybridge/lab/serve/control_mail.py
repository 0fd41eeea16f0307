"""The part of the control API that lives with mailboxes: their calendars and replies, the servers, and notifications.

==========================  =====================================  ====================================================
GET /manners                                                       manners in force and known, counts
POST /manners               ``{"manners": ["late", "busy:3"]}``    exactly these; an empty list is good manners
POST /subscriptions/lose    ``{"server": "EX1"}``                  forgets subscriptions ("" of every server)
GET /servers                                                       every server: up or down, and its mailboxes
POST /servers               ``{"server": "EX1", "up": false}``     takes one down (its databases move) or brings it up
POST /move                  ``{"mailbox": ..., "server": ...}``    moves a mailbox to another server
GET /calendar?mailbox=M&hours=24                                   what stands in a calendar from now on
POST /calendar              ``{"mailbox", "subject", "start_at",   puts an appointment there; ``{"id": ...}``
                            "minutes", "busy", "attendees", ...}``  it invites whom it names
POST /calendar/remove       ``{"mailbox": ..., "item": ...}``      takes out what has this id or subject; calls it off
GET /replies?mailbox=M                                             the automatic replies of a mailbox
POST /replies               ``{"mailbox", "state", ...}``          changes them
==========================  =====================================  ====================================================
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from aiohttp import web

from hybridge.lab.apps.ews_oof_operations import change_replies
from hybridge.lab.behaviour.automatic_replies import are_sent, oof_settings
from hybridge.lab.estate import Estate
from hybridge.lab.mail import failover
from hybridge.lab.mail.budgets import MANNERS
from hybridge.lab.mail.invitations import Post
from hybridge.lab.mail.reply_texts import reply_texts
from hybridge.lab.mail.store import store_of
from hybridge.lab.mail.subscriptions import subscriptions_of
from hybridge.lab.serve.control_answers import Refused, read_body, write_json
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews import set_user_oof_settings
from hybridge.wire.ews.calendar_items import read_item_id

LONGEST_HOURS = 24 * 366


class Manners(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /manners."""

    manners: tuple[str, ...] = ()


class OneServer(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /subscriptions/lose and POST /servers."""

    server: str = ""
    up: bool = True


class Move(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /move."""

    mailbox: str
    server: str


class Appointment(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /calendar; a time without a zone is UTC."""

    mailbox: str
    subject: str = ""
    start_at: datetime
    minutes: float = 30
    busy: Literal["Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"] = "Busy"
    attendees: tuple[str, ...] = ()
    is_all_day: bool = False
    private: bool = False


class Removal(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /calendar/remove: an id, or a subject, and then everything called so."""

    mailbox: str
    item: str


class Replies(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /replies; what is left out stays."""

    mailbox: str
    state: Literal["Disabled", "Enabled", "Scheduled"]
    start_at: datetime | None = None
    end_at: datetime | None = None
    internal_reply: str | None = None
    external_reply: str | None = None


class MailControl:
    """Serves its paths for ``estate``; mounted by ``Control``, which guards them."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self) -> list[web.RouteDef]:
        """What is served."""
        return [
            web.get("/manners", self._show_manners, allow_head=False),
            web.post("/manners", self._take_up),
            web.post("/subscriptions/lose", self._lose),
            web.get("/servers", self._show_servers, allow_head=False),
            web.post("/servers", self._switch_server),
            web.post("/move", self._move),
            web.get("/calendar", self._show_calendar, allow_head=False),
            web.post("/calendar", self._put),
            web.post("/calendar/remove", self._take_out),
            web.get("/replies", self._show_replies, allow_head=False),
            web.post("/replies", self._set_replies),
        ]

    async def _show_manners(self, _: web.Request) -> web.Response:
        known = subscriptions_of(self._estate)
        return write_json(
            {
                "manners": known.budgets.manners,
                "subscriptions": len(known.all),
                "connections": len(known.streams),
                "known": MANNERS,
            }
        )

    async def _take_up(self, request: web.Request) -> web.Response:
        known = subscriptions_of(self._estate)
        known.budgets.take_up(*(await read_body(request, Manners)).manners)
        known.wake_streams()
        return await self._show_manners(request)

    async def _lose(self, request: web.Request) -> web.Response:
        server = (await read_body(request, OneServer)).server
        return write_json({"lost": subscriptions_of(self._estate).lose(server)})

    async def _show_servers(self, _: web.Request) -> web.Response:
        return write_json(failover.servers(self._estate))

    async def _switch_server(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, OneServer)
        (failover.bring_up if wanted.up else failover.take_down)(self._estate, wanted.server)
        return await self._show_servers(request)

    async def _move(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, Move)
        failover.move(self._estate, wanted.mailbox, wanted.server)
        return await self._show_servers(request)

    async def _show_calendar(self, request: web.Request) -> web.Response:
        premises, mailbox = self._mailbox(request.query.get("mailbox", ""))
        now = self._estate.now()
        found = store_of(self._estate).occurrences(premises, mailbox, now, now + timedelta(hours=_hours(request)))
        return write_json(
            [
                {
                    "start_at": one.start_at,
                    "end_at": one.end_at,
                    "busy": one.busy_type,
                    "subject": one.subject,
                    "private": one.is_private,
                    "id": one.item_id,
                }
                for one in found
            ]
        )

    async def _put(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, Appointment)
        premises, mailbox = self._mailbox(wanted.mailbox)
        if not 0 <= wanted.minutes <= LONGEST_HOURS * 60:
            raise Refused(400, f"An appointment lasts 0 to {LONGEST_HOURS * 60} minutes.")
        start = _aware(wanted.start_at)
        made = store_of(self._estate).put_simple(
            premises,
            mailbox,
            subject=wanted.subject,
            start_at=start,
            end_at=start + timedelta(minutes=wanted.minutes),
            busy_type=wanted.busy,
            attendees=wanted.attendees,
            is_all_day=wanted.is_all_day,
            sensitivity="Private" if wanted.private else "Normal",
        )
        item = store_of(self._estate).get(read_item_id(made))
        if item is not None and wanted.attendees:
            Post(store_of(self._estate), self._estate.organization).invite(item, wanted.attendees)
        return write_json({"id": made})

    async def _take_out(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, Removal)
        premises, mailbox = self._mailbox(wanted.mailbox)
        store = store_of(self._estate)
        of_id = read_item_id(wanted.item)
        found = [one for one in store.items(premises, mailbox) if of_id == one.identity or wanted.item == one.subject]
        if not found:
            raise Refused(404, f'There is nothing called "{wanted.item[:80]}" in the calendar of {mailbox}.')
        for item in found:
            if item.attendees and item.is_organizer:
                invited = (one.address for one in item.attendees)
                Post(store, self._estate.organization).call_off(item, invited)
            store.remove(item)
        return write_json({"removed": len(found)})

    async def _show_replies(self, request: web.Request) -> web.Response:
        return write_json(self._replies(*self._mailbox(request.query.get("mailbox", ""))))

    async def _set_replies(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, Replies)
        premises, mailbox = self._mailbox(wanted.mailbox)
        asked = set_user_oof_settings.Request(
            mailbox=mailbox,
            oof_state=wanted.state,
            external_audience=reply_texts(self._estate).of(premises, mailbox).audience,
            start_at=_aware(wanted.start_at) if wanted.start_at else None,
            end_at=_aware(wanted.end_at) if wanted.end_at else None,
            internal_reply=wanted.internal_reply,
            external_reply=wanted.external_reply,
        )
        refusal = change_replies(self._estate, premises, asked)
        if refusal is not None:
            raise Refused(400, refusal[1])
        return write_json(self._replies(premises, mailbox))

    def _replies(self, premises: Premises, mailbox: str) -> dict[str, Any]:
        settings = oof_settings(self._estate.organization, premises, mailbox)
        words = reply_texts(self._estate).of(premises, mailbox)
        return {
            "mailbox": mailbox,
            "state": settings.oof_state,
            "start_at": settings.start_at,
            "end_at": settings.end_at,
            "sent_now": are_sent(self._estate.organization, premises, mailbox, self._estate.now()),
            "internal_reply": words.internal,
            "external_reply": words.external,
        }

    def _mailbox(self, address: str) -> tuple[Premises, str]:
        for premises in Premises:
            found = self._estate.organization.one(Mailbox, premises, address) if address else None
            if found is not None:
                return premises, found.identity
        raise Refused(404, f'The lab has no mailbox "{address}".')


def _hours(request: web.Request) -> float:
    written = request.query.get("hours", "24")
    try:
        hours = float(written)
    except ValueError:
        hours = -1
    if not 0 < hours <= LONGEST_HOURS:
        raise Refused(400, f'"{written}" is not a number of hours from 1 to {LONGEST_HOURS}.')
    return hours


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
