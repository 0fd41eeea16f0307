"""GetUserOofSettings and SetUserOofSettings of the lab: automatic replies of one's own mailbox.

What a request leaves out stays as it was, so that an old duration and old words are still shown while replies are off.
"""

from __future__ import annotations

import msgspec

from hybridge.lab.behaviour.automatic_replies import oof_settings
from hybridge.lab.behaviour.mailbox_rights import Caller, mailbox_refusal
from hybridge.lab.estate import Estate
from hybridge.lab.mail.reply_texts import ReplyText, reply_texts
from hybridge.terms.premises import Premises
from hybridge.wire.ews import get_user_oof_settings, set_user_oof_settings

ON = Premises.ON_PREMISES
BAD_DURATION = (
    "ErrorInvalidScheduledOofDuration",
    "The duration of the scheduled automatic replies must end after it begins.",
)


def answer_get_oof(estate: Estate, caller: Caller, request: get_user_oof_settings.Request) -> str:
    """The settings of a mailbox."""
    refusal = mailbox_refusal(estate.organization, caller, request.mailbox)
    if refusal:
        return get_user_oof_settings.write_response(get_user_oof_settings.Response(*refusal))
    settings = oof_settings(estate.organization, ON, request.mailbox)
    words = reply_texts(estate).of(ON, request.mailbox)
    response = get_user_oof_settings.Response(
        oof_state=settings.oof_state,
        external_audience=words.audience,
        start_at=settings.start_at,
        end_at=settings.end_at,
        internal_reply=words.internal,
        external_reply=words.external,
        allow_external_oof="All",
    )
    return get_user_oof_settings.write_response(response)


def answer_set_oof(estate: Estate, caller: Caller, request: set_user_oof_settings.Request) -> str:
    """Change the settings of a mailbox."""
    refusal = mailbox_refusal(estate.organization, caller, request.mailbox) or change_replies(estate, ON, request)
    return set_user_oof_settings.write_response(set_user_oof_settings.Response(*(refusal or ())))


def change_replies(
    estate: Estate, premises: Premises, request: set_user_oof_settings.Request
) -> tuple[str, str] | None:
    """Set the automatic replies of an existing mailbox as asked; code and message when they cannot be so."""
    before = oof_settings(estate.organization, premises, request.mailbox)
    start, end = request.start_at or before.start_at, request.end_at or before.end_at
    sent = request.start_at is not None or request.oof_state == "Scheduled"
    if sent and (start is None or end is None or end <= start):
        return BAD_DURATION
    changed = msgspec.structs.replace(before, oof_state=request.oof_state, start_at=start, end_at=end)
    estate.organization = estate.organization.put(changed)
    words = reply_texts(estate).of(premises, request.mailbox)
    reply_texts(estate).keep(
        premises,
        request.mailbox,
        ReplyText(
            internal=words.internal if request.internal_reply is None else request.internal_reply,
            external=words.external if request.external_reply is None else request.external_reply,
            audience=request.external_audience,
        ),
    )
    return None
