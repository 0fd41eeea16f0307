"""Speaks to the control of a running lab: plain HTTP on loopback, one request at a time."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Exit, Stop


class LabControl:
    """The lab that ``config`` (written by ``hybridge lab up``) leads to."""

    def __init__(self, config: Path) -> None:
        loaded = load_config(config)
        section = loaded.settings.lab
        if not section.control:
            raise Stop(
                f"'{config}' names no lab.", "start one: hybridge lab up --config-out FILE, then use --config FILE"
            )
        self._url = urlsplit(section.control)
        token = loaded.beside(section.token_file)
        if not token.is_file():
            raise self._down()
        self._token = token.read_text(encoding="utf-8").strip()

    def get(self, path: str) -> Any:
        """What the lab answers to GET ``path``."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the lab answers to POST ``path``."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        connection = http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=60)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, msgspec.json.encode(body) if body is not None else None, headers)
            response = connection.getresponse()
            answer = msgspec.json.decode(response.read() or b"null")
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            raise self._down() from error
        finally:
            connection.close()
        if response.status >= 400:
            raise Stop(
                answer.get("error", f"The lab answered {response.status}."), "hybridge lab faults lists every cause"
            )
        return answer

    def _down(self) -> Stop:
        return Stop(f"No lab answers at {self._url.geturl()}.", "start one: hybridge lab up", Exit.INCOMPLETE)
