"""The Teams services of the lab: an independent witness of what people see.

They make the calls Teams is known to make, over a real answerer, and report what a person would notice. They read no
Exchange configuration, only Teams' own policies; so a cure that satisfies every check and not them is no cure.

* The *scheduler* books a meeting for a delegate: it asks EWS GetDelegate of the delegator's mailbox as an application,
  and wants the delegate listed with calendar level Author or Editor. For a mailbox online it looks inside Exchange
  Online, by the same rule.
* The *calendar* app needs the app to show, a coexistence mode with meetings, EWS for each of its callers, and an
  Exchange server of 2016 CU3 or later.
* *Presence* reads the calendar by REST, with no way back to EWS, and automatic replies by EWS. What it cannot read it
  cannot change: the last state stays on the board.

Sources: the Teams troubleshooting article and the page on OAuth between Teams and Exchange Server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta

from hybridge.lab import contoso
from hybridge.lab.apps.presence_board import last_known, post
from hybridge.lab.apps.teams_calls import Calls, Stopped
from hybridge.lab.behaviour.address_book import in_address_book, side_of
from hybridge.lab.behaviour.delegates_online import delegates_online
from hybridge.lab.behaviour.presence import ShownPresence, shown_presence
from hybridge.lab.behaviour.teams_policies import can_show_calendar, has_meetings, upgrade_policy, without_calendar
from hybridge.lab.behaviour.versions import has_rest
from hybridge.lab.estate import Estate
from hybridge.org.delegations import online_delegates
from hybridge.org.probes import TeamsPresence
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission, UserOofSettings
from hybridge.rules import CALLERS
from hybridge.terms.callers import Feature
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom
from hybridge.wire.ask import Answerer, HttpAnswer
from hybridge.wire.ews import get_delegate, get_folder, get_user_availability, get_user_oof_settings
from hybridge.wire.ews.envelope import read_version

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ENOUGH = ("Author", "Editor")
"""Calendar levels with which a delegate may schedule."""

AT_ONCE = 8
"""People looked at at the same time."""


@dataclass(frozen=True)
class Seen:
    """What one service showed one person.

    ``service`` is "scheduler", "calendar" or "presence"; ``who`` a mailbox, or ``delegator:delegate``. ``symptom`` is
    None when everything is as it should be; ``says`` is what the person reads, ``because`` the service's own trace.
    """

    service: str
    who: str
    symptom: Symptom | None = None
    says: str = ""
    because: str = ""


async def symptoms(estate: Estate, answerer: Answerer) -> tuple[Seen, ...]:
    """What somebody would notice now: every delegation, and the calendar and presence of the named on-premises people.

    The order is fixed; empty means all is well.
    """
    looks = [
        *(scheduler(estate, answerer, *pair) for pair in _delegations(estate)),
        *(calendar(estate, answerer, user) for user in _people(estate)),
        *(presence(estate, answerer, user) for user in _people(estate)),
    ]
    room = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_in_turn(room, look)) for look in looks]
    return tuple(seen for task in tasks if (seen := task.result()).symptom is not None)


async def _in_turn(room: asyncio.Semaphore, look: Coroutine[None, None, Seen]) -> Seen:
    async with room:
        return await look


def _delegations(estate: Estate) -> tuple[tuple[str, str], ...]:
    """Contoso's delegations, whether Exchange still knows them or not, and any other it knows."""
    organization = estate.organization
    online = online_delegates(organization.all(MailboxFolderPermission, ONLINE))
    listed = (*organization.all(DelegateUser, ON), *online)
    known = ((one.delegator, one.delegate) for one in listed if side_of(organization, one.delegate) is not None)
    return tuple(dict.fromkeys((*contoso.DELEGATIONS, *known)))


def _people(estate: Estate) -> tuple[str, ...]:
    """The named people but those whose one mailbox is online: Teams meets theirs without leaving the cloud."""
    named = (person.address for person in contoso.PEOPLE)
    return tuple(one for one in named if side_of(estate.organization, one) is not ONLINE)


def _agents(feature: Feature) -> tuple[str, ...]:
    return tuple(caller.user_agent for caller in CALLERS if caller.feature is feature)


# Scheduler ------------------------------------------------------------------------------------------------------------

NOT_PERMITTED = "Looks like you don't have permission to schedule meetings for this account."
NOT_OFFERED = "Scheduling for this account is not available."
NOT_WRITTEN = "The meeting could not be saved in the calendar of this account."
NO_JOIN = "The meeting was made without a way to join."
NO_CONNECTION = "Teams cannot reach the calendar of this account; the meeting is not scheduled."


async def scheduler(estate: Estate, answerer: Answerer, delegator: str, delegate: str) -> Seen:
    """What ``delegate`` sees on scheduling a Teams meeting for ``delegator``."""
    who = f"{delegator}:{delegate}"
    if not estate.cloud.delegates_on_premises and estate.organization.one(Mailbox, ON, delegator):
        because = f"{estate.cloud.title} schedules for nobody whose mailbox is on-premises."
        return Seen("scheduler", who, Symptom.DELEGATE_CANNOT_SCHEDULE, NOT_OFFERED, because)
    if estate.organization.one(Mailbox, ONLINE, delegator) and not estate.organization.one(Mailbox, ON, delegator):
        # Scheduler and mailbox are both in Exchange Online: no call leaves it that could go wrong.
        refused = _judge_delegate(delegates_online(estate.organization, delegator), delegate)
        return _shown(who, refused) if refused else _meeting(estate, delegator, delegate)
    answer = await _ask_delegates(Calls(estate, answerer, _agents(Feature.DELEGATION)[0], delegator))
    if isinstance(answer, Stopped):
        return Seen("scheduler", who, Symptom.DELEGATE_CANNOT_SCHEDULE, NO_CONNECTION, answer.because)
    refused = _judge_delegate(answer, delegate)
    return _shown(who, refused) if refused else _meeting(estate, delegator, delegate)


def _meeting(estate: Estate, delegator: str, delegate: str) -> Seen:
    """What becomes of a meeting that may be made: the delegate's Outlook writes it into the delegator's calendar, and
    looks the delegator up for the way to join."""
    who = f"{delegator}:{delegate}"
    here, there = (side_of(estate.organization, one) for one in (delegator, delegate))
    if there is not None and here is not there:
        because = f"The mailboxes are on different sides ({here}, {there}): the calendar's rights do not hold across."
        return Seen("scheduler", who, Symptom.DELEGATE_CANNOT_SCHEDULE, NOT_WRITTEN, because)
    if not in_address_book(estate.organization, delegator):
        because = f"The address book holds no {delegator}."
        return Seen("scheduler", who, Symptom.DELEGATE_CANNOT_SCHEDULE, NO_JOIN, because)
    return Seen("scheduler", who)


def _shown(who: str, because: str) -> Seen:
    """What the delegate sees, given why they may not schedule ("" when they may)."""
    if because:
        return Seen("scheduler", who, Symptom.DELEGATE_CANNOT_SCHEDULE, NOT_PERMITTED, because)
    return Seen("scheduler", who)


async def _ask_delegates(calls: Calls) -> get_delegate.Response | Stopped:
    url = await calls.find("EWS")
    if isinstance(url, Stopped):
        return url
    answer = await calls.ews_as_application(url, get_delegate.write_request(get_delegate.Request(calls.user)))
    if isinstance(answer, Stopped):
        return answer
    response = get_delegate.read_answer(answer)
    if not isinstance(response, get_delegate.Response):
        return Stopped(f"GetDelegate gave no answer: {response}")
    if response.code != "NoError":
        return Stopped(f"GetDelegate answered {response.code}: {response.message}")
    return response


def _judge_delegate(response: get_delegate.Response, delegate: str) -> str:
    """Why ``delegate`` may not schedule, "" when they may."""
    for one in response.delegates:
        if isinstance(one, get_delegate.Delegate) and one.address.lower() == delegate.lower():
            if one.calendar_level in ENOUGH:
                return ""
            return f"GetDelegate gives {delegate} the calendar level {one.calendar_level}."
    return f"GetDelegate does not list {delegate}."


# Calendar -------------------------------------------------------------------------------------------------------------

NO_ICON = "The Calendar icon is not shown in Teams."
NO_DETAILS = "Sorry, we couldn't get your meeting details."


async def calendar(estate: Estate, answerer: Answerer, user: str) -> Seen:
    """What ``user`` sees of the Teams calendar app."""
    organization = estate.organization
    if because := without_calendar(organization, user):
        return Seen("calendar", user, Symptom.CALENDAR_MISSING, NO_ICON, because)
    if not can_show_calendar(organization, user):
        because = "The app setup policy pins no calendar and lets nobody pin apps."
        return Seen("calendar", user, Symptom.CALENDAR_MISSING, NO_ICON, because)
    if not has_meetings(organization, user):
        policy = upgrade_policy(organization, user)
        because = f"The coexistence mode is {policy.mode if policy else 'unknown'}."
        return Seen("calendar", user, Symptom.CALENDAR_MISSING, NO_ICON, because)
    stopped = await _read_calendar(estate, answerer, user)
    if stopped:
        return Seen("calendar", user, Symptom.CALENDAR_MISSING, NO_DETAILS, stopped.because)
    return Seen("calendar", user)


async def _read_calendar(estate: Estate, answerer: Answerer, user: str) -> Stopped | None:
    """Open the calendar as each of the app's callers, then read the day; None when all went well."""
    agents = _agents(Feature.CALENDAR)
    url = await Calls(estate, answerer, agents[0], user).find("EWS")
    if isinstance(url, Stopped):
        return url
    for agent in agents:
        stopped = await _open_calendar(Calls(estate, answerer, agent, user), url)
        if stopped:
            return stopped
    return await _read_day(Calls(estate, answerer, agents[-1], user), url)


async def _open_calendar(calls: Calls, url: str) -> Stopped | None:
    answer = await calls.ews_as_user(url, get_folder.write_request(get_folder.calendar_of(calls.user)))
    if isinstance(answer, Stopped):
        return answer
    response = get_folder.read_answer(answer)
    if not isinstance(response, get_folder.Response) or response.code != "NoError":
        return Stopped(f"GetFolder gave no calendar: {response}")
    version = read_version(answer)
    if version is None or not has_rest(version):
        return Stopped(f"The server's version is {version}; the calendar app needs Exchange 2016 CU3.")
    return None


async def _read_day(calls: Calls, url: str) -> Stopped | None:
    now = calls.estate.now()
    request = get_user_availability.Request((calls.user,), now, now + timedelta(days=1))
    answer = await calls.ews_as_user(url, get_user_availability.write_request(request))
    if isinstance(answer, Stopped):
        return answer
    response = get_user_availability.read_answer(answer)
    if not isinstance(response, get_user_availability.Response) or response.code != "NoError":
        return Stopped(f"GetUserAvailability gave no day: {response}")
    return None


# Presence -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What the presence service read: the presence that follows, and whether automatic replies are on."""

    shown: ShownPresence
    automatic_replies: bool


async def presence(estate: Estate, answerer: Answerer, user: str) -> Seen:
    """What others see of the presence of ``user``; the board is brought up to date."""
    reading = await _read_mailbox(estate, answerer, user)
    if isinstance(reading, Stopped):
        stays = last_known(estate, user)
        shown = "Out of Office" if stays.out_of_office else stays.availability
        says = f"Presence stays at {shown}, whatever the calendar and automatic replies say."
        return Seen("presence", user, Symptom.PRESENCE_STUCK, says, reading.because)
    post(estate, user, reading.shown)
    if reading.automatic_replies:
        because = "GetUserOofSettings says that automatic replies are being sent."
        return Seen("presence", user, Symptom.PRESENCE_STUCK, "Teams shows Out of Office.", because)
    return Seen("presence", user)


async def presence_of(estate: Estate, answerer: Answerer, user: str) -> TeamsPresence:
    """The presence of ``user`` on the board after the service has tried to bring it up to date."""
    reading = await _read_mailbox(estate, answerer, user)
    return last_known(estate, user) if isinstance(reading, Stopped) else post(estate, user, reading.shown)


async def _read_mailbox(estate: Estate, answerer: Answerer, user: str) -> Reading | Stopped:
    calls = Calls(estate, answerer, _agents(Feature.PRESENCE)[0], user)
    rest = await calls.find("REST")
    if isinstance(rest, Stopped):
        return rest
    events = await calls.calendar_view(rest)
    if isinstance(events, Stopped):
        return events
    replies = await _automatic_replies(calls)
    if isinstance(replies, Stopped):
        return replies
    now = estate.now()
    going_on = (event.show_as for event in events if event.start_at <= now < event.end_at and not event.is_cancelled)
    return Reading(shown_presence(going_on, replies), replies)


async def _automatic_replies(calls: Calls) -> bool | Stopped:
    url = await calls.find("EWS")
    if isinstance(url, Stopped):
        return url
    request = get_user_oof_settings.Request(calls.user)
    answer = await calls.ews_as_user(url, get_user_oof_settings.write_request(request))
    if not isinstance(answer, HttpAnswer):
        return answer
    said = get_user_oof_settings.read_answer(answer)
    if not isinstance(said, get_user_oof_settings.Response) or said.code != "NoError":
        return Stopped(f"GetUserOofSettings gave no settings: {said}")
    settings = UserOofSettings(
        premises=ON, identity=calls.user, oof_state=said.oof_state, start_at=said.start_at, end_at=said.end_at
    )
    return settings.active(calls.estate.now())
