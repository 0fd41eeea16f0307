"""What automatic replies say, and to whom: beside the organization, whose records hold when they are sent."""

from __future__ import annotations

import msgspec

from hybridge.lab.estate import Estate
from hybridge.terms.premises import Premises


class ReplyText(msgspec.Struct, frozen=True):
    """The words of one mailbox; ``audience`` is None, Known or All."""

    internal: str = ""
    external: str = ""
    audience: str = "All"


class ReplyTexts:
    """Every mailbox's words."""

    def __init__(self) -> None:
        self._texts: dict[tuple[Premises, str], ReplyText] = {}

    def of(self, premises: Premises, mailbox: str) -> ReplyText:
        """The words of ``mailbox``; none when nobody wrote any."""
        return self._texts.get((premises, mailbox.lower()), ReplyText())

    def keep(self, premises: Premises, mailbox: str, text: ReplyText) -> None:
        """Let ``mailbox`` say ``text``."""
        self._texts[premises, mailbox.lower()] = text

    def clear(self) -> None:
        """Forget every word."""
        self._texts.clear()


def reply_texts(estate: Estate) -> ReplyTexts:
    """The words of ``estate``; forgotten at every reset."""
    return estate.own(ReplyTexts, ReplyTexts, ReplyTexts.clear)
