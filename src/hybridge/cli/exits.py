"""Exit codes of the command line, and the one error that ends a command. Scripts depend on both."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the shell is told."""

    OK = 0
    """Ran; nothing at or above ``--fail-on``."""
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    """Something could not be run."""
    SIGN_IN = 4
    DEFECT = 5
    INTERRUPTED = 130


class Stop(Exception):
    """Ends the command with one sentence, the next step and an exit code; nothing is left half-written."""

    def __init__(self, says: str, next_step: str = "", code: Exit = Exit.USAGE) -> None:
        super().__init__(says)
        self.says = says
        self.next_step = next_step
        self.code = code
