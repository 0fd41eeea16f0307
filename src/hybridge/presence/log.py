"""The gateway's log: one JSON object a line, fields by name, no secret and no subject of a meeting.

``told`` writes an event with its fields. What other code says (a server's sentence, an exception) is a field of it and
goes through ``net.redact``; the secrets of the configuration are cut out wherever they appear.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO

import msgspec

from hybridge.net.redact import redact_text
from hybridge.net.secret import Secret

LOGGER = logging.getLogger("hybridge.presence")


def told(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Write that ``event`` happened; ``fields`` are what is to be searched for."""
    LOGGER.log(level, event, extra={"fields": fields})


class JsonLines(logging.Formatter):
    """A record as one line of JSON, with ``secrets`` cut out."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        super().__init__()
        self._secrets: tuple[Secret, ...] = ()
        self.learn(secrets)

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Cut these out as well."""
        self._secrets = tuple(dict.fromkeys((*self._secrets, *(secret for secret in secrets if secret))))

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = getattr(record, "fields", {})
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **{name: self._plain(value) for name, value in fields.items()},
        }
        return msgspec.json.encode(line).decode()

    def _plain(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        return redact_text(str(value), self._secrets)


class Plain(JsonLines):
    """A record as a line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = getattr(record, "fields", {})
        rest = ", ".join(f"{name} {self._plain(value)}" for name, value in fields.items() if value not in ("", None))
        return f"{at} {record.getMessage()}{': ' if rest else ''}{rest}"


def learn(secrets: Iterable[Secret]) -> None:
    """Cut these out of the log from now on: a reload brought them."""
    known = tuple(secrets)
    for destination in LOGGER.handlers:
        if isinstance(destination.formatter, JsonLines):
            destination.formatter.learn(known)


def log_to(stream: IO[str], form: logging.Formatter, level: int = logging.INFO) -> logging.Handler:
    """Send the gateway's log to ``stream``; gives the handler, to be removed with ``LOGGER.removeHandler``."""
    destination = logging.StreamHandler(stream)
    destination.setFormatter(form)
    LOGGER.addHandler(destination)
    LOGGER.setLevel(level)
    LOGGER.propagate = False
    return destination
