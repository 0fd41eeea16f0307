"""Reading a reply's body with a bound, whatever the server sends.

The bound counts decompressed bytes: a few kilobytes of gzip can stand for gigabytes. So decompression is done here,
never beyond the bound, and reading stops at the first byte too many. The bytes that come over the wire are bounded as
well: compressed streams exist which never yield anything.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

import aiohttp

from hybridge.net.trust import CONNECTION

WIRE_SLACK = 64 * 1024
"""How many bytes more than the bound may come over the wire (compression can lengthen)."""


GZIP_BEGIN = b"\x1f\x8b"


class Unreadable(Exception):
    """A body that will not be read; ``says`` continues the sentence "The reply of <host> ..."."""

    def __init__(self, says: str, next_step: str = "") -> None:
        super().__init__(says)
        self.says = says
        self.next_step = next_step


async def read_body(response: aiohttp.ClientResponse, limit: int, *, decoded: bool = False) -> bytes:
    """The body, decompressed, of at most ``limit`` bytes; else raises Unreadable and closes the connection.

    ``decoded`` tells that the session already decompresses.
    """
    try:
        return await _read(response, limit, "" if decoded else response.headers.get("Content-Encoding", ""))
    except BaseException:
        response.close()
        raise


async def _read(response: aiohttp.ClientResponse, limit: int, encoding: str) -> bytes:
    unpacked = _Unpacked(encoding.strip().lower())
    announced = response.content_length or 0
    if announced > limit + WIRE_SLACK and response.method != "HEAD":
        raise _too_large(limit)
    body = bytearray()
    received = 0
    async for chunk in _noted(response):
        received += len(chunk)
        body += unpacked.more(chunk, limit + 1 - len(body))
        if len(body) > limit or received > limit + WIRE_SLACK:
            raise _too_large(limit)
    if received:
        unpacked.end()
    return bytes(body)


async def _noted(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    facts = CONNECTION.get()
    async for chunk in response.content.iter_any():
        if facts is not None:
            facts.received += len(chunk)
        yield chunk


def _too_large(limit: int) -> Unreadable:
    return Unreadable(
        f"is larger than {_size(limit)}", "Ask what answers there: no service hybridge asks sends so much."
    )


def _size(count: int) -> str:
    for unit, name in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if count >= unit and count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} bytes"


class _Unpacked:
    """Undoes one content encoding piece by piece, giving no more than asked for."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Unreadable(f"is encoded as {encoding[:40]!r}, which was not asked for")
        self._plain = encoding in ("", "identity")
        self._gzip = encoding in ("gzip", "x-gzip")
        self._ended = False
        self._stream: zlib._Decompress | None = None

    def more(self, chunk: bytes, room: int) -> bytes:
        """The next piece, at most ``room`` bytes (the caller gives up when it is full)."""
        if self._plain:
            return chunk[:room]
        out = bytearray()
        if self._ended:
            return b""
        while chunk and len(out) < room:
            if self._stream is None:
                self._stream = self._begin(chunk)
            try:
                out += self._stream.decompress(chunk, room - len(out))
            except zlib.error as error:
                raise Unreadable("is not in the compression it claims") from error
            chunk = self._stream.unconsumed_tail
            if self._stream.eof:
                chunk = self._stream.unused_data
                if not self._gzip or not chunk.startswith(GZIP_BEGIN[: len(chunk)]):
                    self._ended = True  # what follows is padding
                    break
                self._stream = None
        return bytes(out)

    def end(self) -> None:
        """Nothing follows: raises when the compressed stream is cut."""
        if self._stream is not None and not self._stream.eof:
            raise Unreadable("ends in the middle of its compression")

    def _begin(self, chunk: bytes) -> zlib._Decompress:
        if self._gzip:
            return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        # "deflate" is a zlib stream (RFC 9110 8.4.1.2), but some servers send it bare; the first byte tells.
        return zlib.decompressobj(wbits=zlib.MAX_WBITS if chunk[0] & 0x0F == 8 else -zlib.MAX_WBITS)
