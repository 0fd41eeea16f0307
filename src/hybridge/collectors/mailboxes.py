"""One mailbox on-premises: itself, its EWS policy, its calendar's permissions, its delegates, its automatic replies."""

from __future__ import annotations

import asyncio

from hybridge.collectors.calendars import calendar_permissions
from hybridge.collectors.configuration import ON, ask
from hybridge.collectors.grantees import resolve_grantees
from hybridge.collectors.reading import Reading, Readings, http_origin, key, read_cmdlet, unseen
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.rules import built_in
from hybridge.terms.callers import Feature
from hybridge.wire.ask import Answerer, Failure, HttpAnswer, HttpAsk
from hybridge.wire.ews import envelope, get_delegate, get_user_oof_settings


async def collect_mailbox(answerer: Answerer, mailbox: str, ews_url: str, user_agent: str) -> Readings:
    """Everything Exchange keeps about ``mailbox``; ``ews_url`` may be "" when no EWS endpoint is known.

    A mailbox Exchange does not have is asked nothing more.
    """
    box = await read_cmdlet(answerer, r.Mailbox, ask("Get-Mailbox", Identity=mailbox))
    if isinstance(box, Seen) and not box.records:
        return {key(r.Mailbox, ON, mailbox): box}
    cas, permissions, (listed, levels, probe), replies, (box, recipients) = await asyncio.gather(
        read_cmdlet(answerer, r.CasMailbox, ask("Get-CASMailbox", Identity=mailbox)),
        calendar_permissions(answerer, ON, mailbox),
        _delegates(answerer, mailbox, ews_url, user_agent),
        _automatic_replies(answerer, mailbox, ews_url, user_agent),
        resolve_grantees(answerer, ON, box),
    )
    if isinstance(permissions, Unseen) and isinstance(levels, Seen):
        permissions = levels
    return {
        key(r.Mailbox, ON, mailbox): box,
        key(r.CasMailbox, ON, mailbox): cas,
        key(r.MailboxFolderPermission, ON, mailbox): permissions,
        key(r.DelegateUser, ON, mailbox): listed,
        key(r.UserOofSettings, ON, mailbox): replies,
        key(r.Recipient, ON, mailbox): recipients,
        key(p.GetDelegateProbe, ON, mailbox): probe,
    }


Delegates = tuple[Reading, Reading, Reading]
"""Delegates as GetDelegate lists them, their calendar levels as it shows them, and how GetDelegate ended."""


async def _delegates(answerer: Answerer, mailbox: str, ews_url: str, user_agent: str) -> Delegates:
    """What GetDelegate says of ``mailbox``."""
    what = "GetDelegate"
    request = get_delegate.Request(mailbox=mailbox, include_permissions=True)
    if not ews_url:
        gap = _no_endpoint(r.DelegateUser.__name__, what)
        return gap, gap, gap
    said = get_delegate.write_request(request)
    asked, answer = await _ews(answerer, ews_url, said, mailbox, (user_agent, _agent(Feature.DELEGATION)))
    body = envelope.read_body(answer)
    if isinstance(body, Failure):
        gap = unseen(r.DelegateUser.__name__, body, asked=f"GetDelegate of {mailbox}")
        return gap, gap, gap
    origin = http_origin(asked, answer, f"GetDelegate of {mailbox}")
    if isinstance(body, envelope.EwsFault):
        return _refused(mailbox, body, origin)
    response = get_delegate.read_response(body)
    if isinstance(response, Failure):
        gap = unseen(r.DelegateUser.__name__, response, asked=f"GetDelegate of {mailbox}")
        return gap, gap, gap
    if response.code not in ("NoError", ""):
        return _refused(mailbox, envelope.EwsFault(response.code, response.message), origin)
    delegates = tuple(one for one in response.people if one.address)
    probe = p.GetDelegateProbe(premises=ON, identity=mailbox, nameless=_nameless(response))
    return (
        Seen(tuple(_delegate(mailbox, one) for one in delegates), origin),
        Seen(tuple(_level(mailbox, one) for one in delegates), origin),
        Seen((probe,), origin),
    )


def _refused(mailbox: str, fault: envelope.EwsFault, origin: Origin) -> Delegates:
    gap = _fault(r.DelegateUser.__name__, "GetDelegate", mailbox, fault)
    probe = p.GetDelegateProbe(premises=ON, identity=mailbox, code=fault.code, message=fault.message)
    return gap, gap, Seen((probe,), origin)


def _nameless(response: get_delegate.Response) -> tuple[str, ...]:
    """Entries of the list that are nobody: a bare SID, or an error in a delegate's place."""
    return tuple(
        one.code if isinstance(one, get_delegate.DelegateError) else one.sid or one.display_name or "without a name"
        for one in response.delegates
        if isinstance(one, get_delegate.DelegateError) or not one.address
    )


def _delegate(mailbox: str, one: get_delegate.Delegate) -> r.Record:
    return r.DelegateUser(
        premises=ON,
        identity=f"{mailbox}/{one.address}",
        delegator=mailbox,
        delegate=one.address,
        receive_copies_of_meeting_messages=one.receive_copies,
        view_private_items=one.view_private_items,
    )


def _level(mailbox: str, one: get_delegate.Delegate) -> r.Record:
    return r.MailboxFolderPermission(
        premises=ON,
        identity=f"{mailbox}:\\Calendar/{one.address}",
        mailbox=mailbox,
        user=one.address,
        access_rights=(one.calendar_level,),
    )


def _agent(feature: Feature) -> str:
    return built_in().callers.agent_of(feature)


async def _automatic_replies(answerer: Answerer, mailbox: str, ews_url: str, user_agent: str) -> Reading:
    what = r.UserOofSettings.__name__
    request = get_user_oof_settings.Request(mailbox=mailbox)
    if not ews_url:
        return await _exported_replies(answerer, mailbox, None)
    said = get_user_oof_settings.write_request(request)
    asked, answer = await _ews(answerer, ews_url, said, mailbox, (user_agent, _agent(Feature.PRESENCE)))
    if answer.failure is not None:
        return await _exported_replies(answerer, mailbox, answer.failure)
    body = envelope.read_body(answer)
    if isinstance(body, Failure):
        return unseen(what, body, asked=f"GetUserOofSettings of {mailbox}")
    if isinstance(body, envelope.EwsFault):
        return _fault(what, "GetUserOofSettings", mailbox, body)
    response = get_user_oof_settings.read_response(body)
    if isinstance(response, Failure):
        return unseen(what, response, asked=f"GetUserOofSettings of {mailbox}")
    if response.code not in ("NoError", ""):
        return _fault(what, "GetUserOofSettings", mailbox, envelope.EwsFault(response.code, response.message))
    record = r.UserOofSettings(
        premises=ON,
        identity=mailbox,
        oof_state=response.oof_state,
        start_at=response.start_at,
        end_at=response.end_at,
    )
    return Seen((record,), http_origin(asked, answer, f"GetUserOofSettings of {mailbox}"))


async def _exported_replies(answerer: Answerer, mailbox: str, failure: Failure | None) -> Reading:
    """Where EWS cannot be asked, the cmdlet says the same."""
    reading = await read_cmdlet(answerer, r.UserOofSettings, ask("Get-MailboxAutoReplyConfiguration", Identity=mailbox))
    if isinstance(reading, Unseen) and failure is not None and failure.reason != "not-exported":
        return unseen(r.UserOofSettings.__name__, failure)
    return reading


async def _ews(
    answerer: Answerer, ews_url: str, body: str, mailbox: str, user_agents: tuple[str, ...]
) -> tuple[HttpAsk, HttpAnswer]:
    """Ask as ourselves; where an allow list refuses us (403), as the service of Teams that asks the same question."""
    for user_agent in user_agents:
        asked = envelope.ask(ews_url, body, user_agent=user_agent, impersonate=mailbox, anchor=mailbox)
        answer = await answerer.http(asked)
        if answer.status != 403:
            break
    return asked, answer


def _no_endpoint(what: str, operation: str) -> Unseen:
    return Unseen(
        what=what,
        reason="not-configured",
        says=f"EWS {operation} could not be asked: no EWS address is known.",
        how="make Autodiscover V2 answer for the mailbox, or set ExternalUrl of the EWS virtual directory",
    )


def _fault(what: str, operation: str, mailbox: str, fault: envelope.EwsFault) -> Unseen:
    return Unseen(
        what=what,
        reason="refused",
        says=f"EWS {operation} for {mailbox} was refused: {fault.code}: {fault.message}",
        how="check that the account of the configuration may impersonate this mailbox",
    )


def known(reading: Reading | None) -> bool:
    """Whether a reading holds at least one record."""
    return isinstance(reading, Seen) and bool(reading.records)
