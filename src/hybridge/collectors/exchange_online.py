"""The organization in Exchange Online: its EWS settings, and whether EWS really lets an application in.

The probe is one EWS request about a mailbox online, with our own application's token; it needs the permission
full_access_as_app. Without it the answer says nothing about EWS, and so it is not kept.
"""

from __future__ import annotations

import asyncio

from hybridge.collectors.reading import Reading, Readings, http_origin, key, read_cmdlet, unseen
from hybridge.evidence import Seen, Unseen
from hybridge.org.probes import OnlineEwsProbe
from hybridge.org.records import OrganizationConfig
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer, Sign
from hybridge.wire.ews import envelope, get_folder

ONLINE = Premises.ONLINE
_HOW = "give the Entra application the permission full_access_as_app of Office 365 Exchange Online, with admin consent"


async def collect_online_organization(answerer: Answerer, cloud: Cloud, mailbox: str, user_agent: str) -> Readings:
    """What Get-OrganizationConfig shows online, and whether EWS lets our application in.

    ``mailbox`` is one in Exchange Online, "" where none is known.
    """
    ask = cmdlets.ask_organization_config(ONLINE)
    config, probe = await asyncio.gather(
        read_cmdlet(answerer, OrganizationConfig, ask), _probe(answerer, cloud, mailbox, user_agent)
    )
    return {key(OrganizationConfig, ONLINE): config, key(OnlineEwsProbe, ONLINE): probe}


async def _probe(answerer: Answerer, cloud: Cloud, mailbox: str, user_agent: str) -> Reading:
    what = OnlineEwsProbe.__name__
    if not mailbox:
        says = "No mailbox in Exchange Online was examined, so that EWS there was not tried."
        return Unseen(what=what, reason="not-asked", says=says, how="examine a mailbox that is in Exchange Online")
    request = get_folder.Request((get_folder.FolderRef("calendar"),), base_shape="IdOnly")
    ask = envelope.ask(
        f"https://{cloud.exchange}/EWS/Exchange.asmx",
        get_folder.write_request(request),
        user_agent=user_agent,
        impersonate=mailbox,
        anchor=mailbox,
        sign=Sign.ENTRA,
        scope=f"https://{cloud.exchange}/.default",
    )
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return unseen(what, answer.failure)
    reason = answer.header("x-ews-policy-reason")
    if answer.status != 200 and not reason:
        says = f"EWS of Exchange Online answered our application with HTTP {answer.status}, for a reason of its own."
        return Unseen(what=what, reason="forbidden", says=says, how=_HOW)
    probe = OnlineEwsProbe(premises=ONLINE, identity=mailbox, status=answer.status, policy_reason=reason)
    return Seen((probe,), http_origin(ask, answer, "EWS of Exchange Online"))
