"""Speaks to a running presence gateway: plain HTTP on loopback, with the token beside its state file."""

from __future__ import annotations

import http.client
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Exit, Stop
from hybridge.config_presence import STATE
from hybridge.presence.endpoint import control_file, read_endpoint

TIMEOUT = 30


class Running:
    """The gateway that the configuration's state file leads to."""

    def __init__(self, config: Path) -> None:
        self.state = _state_of(config)

    @property
    def there(self) -> bool:
        """Whether a gateway left word; it may be dead all the same."""
        return read_endpoint(self.state) is not None

    def board(self) -> bytes:
        """The board, as JSON."""
        return self._ask("GET", "/board")

    def why(self, user: str) -> bytes:
        """The explanation of one person, as JSON."""
        return self._ask("GET", f"/why/{quote(user, safe='')}")

    def post(self, path: str) -> bytes:
        """``/drain`` or ``/reload``."""
        return self._ask("POST", path)

    def _ask(self, method: str, path: str) -> bytes:
        endpoint = read_endpoint(self.state)
        if endpoint is None:
            raise self._down()
        url = urlsplit(endpoint.url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {endpoint.token}"})
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._down() from error
        finally:
            connection.close()
        if response.status >= 400:
            raise _refused(body, response.status)
        return body

    def _down(self) -> Stop:
        return Stop(
            f"No presence gateway answers for the state file '{self.state}' ({control_file(self.state).name}).",
            "start it: hybridge presence run",
            Exit.INCOMPLETE,
        )


def _state_of(config: Path) -> Path:
    """The state file of a configuration; of one that cannot be used (the gateway runs with an earlier one) as well."""
    try:
        loaded = load_config(config)
    except Stop:
        state = _state_in(config)
        if read_endpoint(state) is None:
            raise
        return state
    return loaded.beside(loaded.settings.presence.state)


def _state_in(config: Path) -> Path:
    try:
        named = tomllib.loads(config.read_text(encoding="utf-8")).get("presence", {}).get("state", STATE)
    except (OSError, ValueError, AttributeError):
        named = STATE
    return config.parent / Path(str(named)).expanduser()


def _refused(body: bytes, status: int) -> Stop:
    answer: Any
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        answer = {}
    return Stop(answer.get("error", f"The gateway answered {status}."), answer.get("next_step", ""))
