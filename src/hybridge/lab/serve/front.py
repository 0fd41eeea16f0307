"""Where connections come in: which host is meant is read off the first message, before TLS begins.

A certificate can be chosen in the middle of a handshake, by the callback for the name. How TLS is done cannot: the
versions a server speaks and whether it wants a client certificate are settled by then. So the ClientHello is looked at
while it still lies in the socket (``MSG_PEEK``), the host's manner is looked up, and only then the socket is given to
the listener with a context of its own. A host that never answers is left waiting here.

A connection to nowhere is made by an address whose port is bound and not listened on: there TCP itself refuses.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress

_HELLO_SECONDS = 10.0
_HELLO_LIMIT = 16 * 1024 + 5
_BACKLOG = 128
_AGAIN_SECONDS = 0.005
"""A ClientHello that came in pieces is looked at again after this long."""

Choose = Callable[[str], ssl.SSLContext | None]
"""The context for a connection to a host ("" for none named); None for one that is never answered."""


class Front:
    """Listens on ``port`` of 127.0.0.1 (0: any) and gives every connection to ``protocol`` with the context chosen.

    ``port`` is known once it is open; ``refusing_port`` is one where every connection is refused.
    """

    def __init__(self, choose: Choose, protocol: Callable[[], asyncio.BaseProtocol], port: int = 0) -> None:
        self.port = port
        self.refusing_port = 0
        self._choose = choose
        self._protocol = protocol
        self._sockets: list[socket.socket] = []
        self._greeting: set[asyncio.Task[None]] = set()
        self._left_waiting: list[socket.socket] = []
        self._accepting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to listen. Raises ``OSError`` when the port is taken."""
        listening, refusing = socket.socket(), socket.socket()
        self._sockets = [listening, refusing]
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind(("127.0.0.1", self.port))
        listening.listen(_BACKLOG)
        refusing.bind(("127.0.0.1", 0))
        self.port, self.refusing_port = listening.getsockname()[1], refusing.getsockname()[1]
        self._accepting = asyncio.create_task(self._accept(listening))

    async def close(self) -> None:
        """Listen no more, and drop who still waits."""
        tasks = [task for task in (self._accepting, *self._greeting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in (*self._sockets, *self._left_waiting):
            one.close()
        self._sockets, self._left_waiting = [], []

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listening)
            except OSError:  # the client has gone before it was taken up, or no descriptor is left for it
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            task = asyncio.create_task(self._greet(client))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, client: socket.socket) -> None:
        """Read the name, choose, and hand over; from then on the socket is the transport's to close."""
        try:
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(_HELLO_SECONDS):
                host = server_name(await _hello(client)) or ""
            context = self._choose(host)
        except BaseException as error:
            client.close()
            if isinstance(error, OSError | TimeoutError):
                return
            raise
        if context is None:
            self._left_waiting.append(client)
            return
        with suppress(OSError):  # ssl.SSLError is one: a refused handshake has told the client why
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, client, ssl=context)


async def _hello(client: socket.socket) -> bytes:
    """The first record as far as it has come, left in the socket. Raises ``OSError`` when the client has gone."""
    seen = b""
    while True:
        await _readable(client)
        more = client.recv(_HELLO_LIMIT, socket.MSG_PEEK)
        if not more:
            raise ConnectionAbortedError
        if is_whole(more) or len(more) >= _HELLO_LIMIT:
            return more
        if len(more) == len(seen):
            await asyncio.sleep(_AGAIN_SECONDS)
        seen = more


async def _readable(client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(client.fileno(), wake)
    try:
        await ready
    finally:
        loop.remove_reader(client.fileno())


def is_whole(record: bytes) -> bool:
    """Whether ``record`` holds its whole first TLS record; what is no TLS is whole at once."""
    if record[:1] != b"\x16":
        return True
    return len(record) >= 5 and len(record) >= 5 + struct.unpack("!H", record[3:5])[0]


def server_name(record: bytes) -> str | None:
    """The name in the server_name extension (RFC 6066 3) of the ClientHello in ``record``, lower-case; None without."""
    with suppress(struct.error, IndexError, UnicodeDecodeError):
        if record[0] != 22 or record[5] != 1:
            return None
        at = 5 + 4 + 2 + 32  # record, handshake header, version, random
        at += 1 + record[at]  # session id
        at += 2 + struct.unpack_from("!H", record, at)[0]  # cipher suites
        at += 1 + record[at]  # compression
        end = at + 2 + struct.unpack_from("!H", record, at)[0]
        at += 2
        while at + 4 <= min(end, len(record)):
            kind, length = struct.unpack_from("!HH", record, at)
            if kind == 0:
                (size,) = struct.unpack_from("!H", record, at + 7)
                return record[at + 9 : at + 9 + size].decode("ascii").lower().rstrip(".")
            at += 4 + length
    return None
