"""``hybridge doctor --test NAME``: one question, its checks alone, its answer as a tree of steps."""

from __future__ import annotations

import secrets
from dataclasses import replace

from hybridge.cli.exits import Stop
from hybridge.cli.session import Session
from hybridge.collectors.ews_access import WAYS, AccessAsked
from hybridge.doctor.access_notes import FileNotes
from hybridge.doctor.named_tests import NamedTest, UnknownTest, checks_for, named_test

NOTES = ".hybridge/ews-access"
"""Where the test that writes keeps its notes, beside the configuration."""


def wanted(name: str) -> NamedTest:
    """The test called ``name``; an unknown name ends the command with those there are."""
    try:
        return named_test(name)
    except UnknownTest as unknown:
        raise Stop(str(unknown), f"did you mean {' or '.join(unknown.nearest)}?") from unknown


def narrowed(session: Session, test: NamedTest, way: str) -> Session:
    """``session`` with the checks of ``test`` alone, and what the test needs beside them."""
    if way and (way not in WAYS or not test.writes):
        raise Stop(f"--access '{way}' cannot be used here.", f"with --test ews-access, choose {' or '.join(WAYS)}")
    if test.wants and not session.target.mailboxes:
        raise Stop(f"The test {test.name} is about a {test.wants}.", "name one, or list some in [doctor]")
    if test.wants == "delegation" and not session.delegations:
        raise Stop(f"The test {test.name} is about a delegation.", "name one with --delegation DELEGATOR:DELEGATE")
    target = session.target
    if test.writes:
        if session.config is None:
            raise Stop(f"The test {test.name} makes an item in the mailbox.", "run it live, without --snapshot")
        notes = FileNotes(session.config.beside(NOTES))
        target = replace(target, ews_access=AccessAsked(notes, secrets.token_hex(4), way or WAYS[0]))
    return replace(session, target=target, checks=checks_for(test, session.checks), test=test)
