"""Other names for people, domains and tenants: the same name gets the same pseudonym in every file.

Addresses become ``person1@domain1.example``, host names keep their first labels (``mail.domain1.example``), names and
aliases that records tell of become ``person1``. Hosts of Microsoft stay. The list of who is who never goes into the
bundle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ADDRESS = re.compile(
    r"(?:(?<=%[0-9A-Fa-f]{2})|(?<![\w%]))([A-Za-z0-9][\w.+-]*)(?:@|%40)([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)", re.ASCII
)
_KEPT = (
    "microsoft.com",
    "microsoftonline.com",
    "microsoftonline.us",
    "office.com",
    "office365.com",
    "office365.us",
    "outlook.com",
    "windows.net",
    "skype.com",
    "lync.com",
    "chinacloudapi.cn",
    "partner.outlook.cn",
)
_OURS = frozenset({"hybridge"})
"""Names that stay: an account may be called after this program."""
_SHORTEST = 3
"""Names with fewer letters are left: they are parts of too many words."""


class Pseudonyms:
    """Pseudonyms for whatever ``texts`` name, and for ``names``: pairs of an address and a name of the same person."""

    def __init__(
        self, texts: Iterable[str], names: Iterable[tuple[str, str]] = (), domains: Iterable[str] = ()
    ) -> None:
        self._domains: dict[str, str] = {}
        self._people: dict[str, str] = {}
        for domain in domains:
            self._domain(domain)
        for text in texts:
            for local, domain in _ADDRESS.findall(text):
                if self._domain(domain):
                    self._person(f"{local}@{domain}".lower())
        self._names: dict[str, str] = {}
        for address, name in names:
            if address.lower() in self._people:
                self._names.setdefault(name.lower(), self._people[address.lower()])
        for address, person in self._people.items():
            self._names.setdefault(address.partition("@")[0], person)
        self._pattern = self._made()

    @property
    def key(self) -> dict[str, str]:
        """Pseudonym -> what it stands for."""
        people = {f"{person}": address for address, person in self._people.items()}
        return {**{alias: domain for domain, alias in self._domains.items()}, **people}

    def apply(self, text: str) -> str:
        """``text`` with every known name replaced."""
        return self._pattern.sub(self._other, text) if self._pattern else text

    def _made(self) -> re.Pattern[str] | None:
        domains = sorted(self._domains, key=len, reverse=True)
        names = sorted(
            (name for name in self._names if len(name) >= _SHORTEST and name not in _OURS), key=len, reverse=True
        )
        if not domains:
            return None
        whole = "|".join(re.escape(domain) for domain in domains)
        parts = [
            rf"(?:(?<=%[0-9A-Fa-f]{{2}})|(?<![\w%]))(?P<local>[A-Za-z0-9][\w.+-]*)(?P<at>@|%40)(?P<of>{whole})(?![\w.-]*\w)"
        ]
        parts.append(rf"(?<![\w-])(?P<domain>{whole})(?![\w-])")
        if names:
            parts.append(rf"(?<![\w.-])(?P<name>{'|'.join(map(re.escape, names))})(?![\w-]|\.\w)")
        return re.compile("|".join(parts), re.IGNORECASE)

    def _other(self, found: re.Match[str]) -> str:
        if found["local"]:
            domain = found["of"].lower()
            person = self._people.get(f"{found['local']}@{domain}".lower(), "person")
            return f"{person}{found['at']}{self._domains[domain]}"
        if found["domain"]:
            return self._domains[found["domain"].lower()]
        return self._names[found["name"].lower()]

    def _domain(self, domain: str) -> str:
        name = domain.lower().rstrip(".")
        if not name or any(name == kept or name.endswith(f".{kept}") for kept in _KEPT):
            return ""
        return self._domains.setdefault(name, f"domain{len(self._domains) + 1}.example")

    def _person(self, address: str) -> None:
        self._people.setdefault(address, f"person{len(self._people) + 1}")
