"""What automatic replies say, and to whom: beside the organization, whose records hold when they are sent."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import msgspec

from hybridge.lab.estate import Estate
from hybridge.terms.premises import Premises


class ReplyText(msgspec.Struct, frozen=True):
    """The words of one mailbox; ``audience`` is None, Known or All."""

    internal: str = ""
    external: str = ""
    audience: str = "All"


@dataclass
class ReplyTexts:
    """Every mailbox's words."""

    _texts: dict[tuple[Premises, str], ReplyText]

    def of(self, premises: Premises, mailbox: str) -> ReplyText:
        """The words of ``mailbox``; none when nobody wrote any."""
        return self._texts.get((premises, mailbox.lower()), ReplyText())

    def keep(self, premises: Premises, mailbox: str, text: ReplyText) -> None:
        """Let ``mailbox`` say ``text``."""
        self._texts[premises, mailbox.lower()] = text


def reply_texts(estate: Estate) -> ReplyTexts:
    """The words of ``estate``; forgotten at every reset."""
    found = _TEXTS.get(estate)
    if found is None:
        texts: dict[tuple[Premises, str], ReplyText] = {}
        found = _TEXTS[estate] = ReplyTexts(texts)
        estate.on_reset(texts.clear)
    return found


_TEXTS: weakref.WeakKeyDictionary[Estate, ReplyTexts] = weakref.WeakKeyDictionary()
