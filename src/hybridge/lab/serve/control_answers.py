"""How the control API reads bodies and writes answers."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from aiohttp import web

_S = TypeVar("_S")


class Refused(Exception):
    """The request cannot be served: an HTTP status and one sentence."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status = status


async def read_body(request: web.Request, kind: type[_S]) -> _S:
    """The body as ``kind``; no body is an empty object. Raises ``Refused``."""
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=kind)
    except msgspec.DecodeError as error:
        raise Refused(400, f"The body of {request.method} {request.path} is not understood: {error}.") from error


def write_json(value: Any, status: int = 200) -> web.Response:
    """``value`` as JSON."""
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")
