"""The connect-to table: where a connection really goes while URL, Host header, SNI and name check stay as they are.

A key is a host name or an address, with or without a port; the value is the address to connect to, with or without a
port (the asked port is kept then). IPv6 addresses with a port stand in brackets. The table is read by name before any
DNS, and by address on every DNS answer (see ``net.dns``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

_PLACE = re.compile(r"(?:\[(?P<address>[^\[\]]+)\]|(?P<host>[^\s:/\[\]]+))(?::(?P<port>[0-9]{1,6}))?")


class Place(NamedTuple):
    """A host name or numeric address, and a port (None: any)."""

    host: str
    port: int | None


@lru_cache(maxsize=1024)
def is_address(host: str) -> bool:
    """Tell whether ``host`` is a numeric IPv4 or IPv6 address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def plain_name(host: str) -> str:
    """A host name as it is compared: lower case, without the trailing dot."""
    return host.rstrip(".").lower()


@lru_cache(maxsize=1024)
def read_place(text: str) -> Place:
    """Read ``host``, ``host:port``, ``[address]:port`` or a bare address. Raises ValueError with a sentence."""
    text = text.strip()
    if is_address(text):
        return Place(str(ip_address(text)), None)
    parts = _PLACE.fullmatch(text)
    if parts is None or (parts["address"] and not is_address(parts["address"])):
        raise ValueError(f"{text!r} is neither a host nor host:port.")
    port = int(parts["port"]) if parts["port"] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{text!r} has no port from 1 to 65535 after the colon.")
    host = parts["address"] or parts["host"]
    return Place(str(ip_address(host)) if is_address(host) else plain_name(host), port)


def table_faults(table: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each entry of ``net.connect_to`` that cannot be used."""
    for key, value in table.items():
        for text in (key, value):
            try:
                place = read_place(text)
            except ValueError as error:
                yield f"net.connect_to: {error}"
                break
        else:
            if not is_address(place.host):
                yield f"net.connect_to: {key!r} must lead to an address, not to the name {value!r}."


class ConnectTo:
    """The table, read. Entries that cannot be used are left out (``table_faults`` names them)."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._entries: dict[Place, Place] = {}
        for key, value in table.items():
            if not any(table_faults({key: value})):
                self._entries[read_place(key)] = read_place(value)
        self.knows_addresses = any(is_address(place.host) for place in self._entries)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def find(self, host: str, port: int) -> tuple[str, int] | None:
        """Address and port to connect to instead of ``host`` (a name or an address) and ``port``, or None."""
        host = str(ip_address(host)) if is_address(host) else plain_name(host)
        target = self._entries.get(Place(host, port)) or self._entries.get(Place(host, None))
        if target is None:
            return None
        return target.host, target.port or port
