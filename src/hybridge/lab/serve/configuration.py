"""What a running lab prints: the hybridge.toml that reaches it, and the details a foreign client needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridge.lab import contoso
from hybridge.lab.contoso_network import ALLOW_LIST_URL
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON, ENTRA_CLIENT, Estate
from hybridge.lab.serve.site import Site
from hybridge.lab.serve.zone import REFUSING, Zone
from hybridge.terms.clouds import WORLDWIDE, Cloud

POWERSHELL_URL = f"https://{contoso.SERVERS['EX1']}/powershell/"


@dataclass(frozen=True)
class Secrets:
    """Files of mode 0600 that hold one secret each."""

    password: Path
    client_secret: Path
    token: Path


@dataclass(frozen=True)
class Subjects:
    """Whom the doctor looks at: mailboxes, those of them that are ``online``, delegations as (delegator, delegate)."""

    mailboxes: tuple[str, ...]
    delegations: tuple[tuple[str, str], ...]
    online: tuple[str, ...] = ()


@dataclass(frozen=True)
class Addresses:
    """Where the lab listens."""

    https_port: int
    dns_port: int
    control_url: str
    ca_file: Path
    plain_port: int = 0
    """Where port 80 of every host is; 0 for nowhere."""
    refusing_port: int = 0
    """Where every connection is refused; 0 for nowhere."""

    def connect_to(self, zone: Zone) -> dict[str, str]:
        """Every address of the zone to the listener: DNS is asked first and stays honest."""
        secure = {f"{address}:443": f"127.0.0.1:{self.https_port}" for address in zone.addresses.values()}
        if self.refusing_port:
            secure[f"{REFUSING}:443"] = f"127.0.0.1:{self.refusing_port}"
        if not self.plain_port:
            return secure
        return secure | {f"{address}:80": f"127.0.0.1:{self.plain_port}" for address in zone.addresses.values()}


def write_toml(
    addresses: Addresses, zone: Zone, site: Site, secrets: Secrets, subjects: Subjects, cloud: Cloud = WORLDWIDE
) -> str:
    """The text of a hybridge.toml; file names in it are absolute. ``cloud`` is the one the tenant is in."""
    tables: tuple[tuple[str, dict[str, Any]], ...] = (
        ("organization", {"domain": contoso.DOMAIN, "tenant_id": contoso.TENANT_ID, "cloud": cloud.name}),
        (
            "net",
            {
                "ca_file": addresses.ca_file,
                "nameserver": f"127.0.0.1:{addresses.dns_port}",
                "only_mapped": True,
            },
        ),
        ("net.connect_to", addresses.connect_to(zone)),
        (
            "exchange",
            {
                "hosts": sorted(site.windows_hosts),
                "powershell_url": POWERSHELL_URL,
                "username": ADMINISTRATOR_LOGON,
                "password_file": secrets.password,
                "auth": "ntlm",
            },
        ),
        (
            "entra",
            {
                "tenant_id": contoso.TENANT_ID,
                "client_id": ENTRA_CLIENT,
                "client_secret_file": secrets.client_secret,
            },
        ),
        (
            "doctor",
            {
                "mailboxes": subjects.mailboxes,
                "delegations": [f"{delegator}:{delegate}" for delegator, delegate in subjects.delegations],
            },
        ),
        ("network", {"allow_list": ALLOW_LIST_URL}),
        ("lab", {"control": addresses.control_url, "token_file": secrets.token}),
    )
    return "\n".join((*(_table(name, values) for name, values in tables), *_presence(site, secrets, subjects)))


def _presence(site: Site, secrets: Secrets, subjects: Subjects) -> Iterator[str]:
    """The tables of the presence gateway: who is on-premises read over EWS, who is online over Graph, into a file."""
    here = tuple(one for one in subjects.mailboxes if one not in subjects.online)
    online = tuple(one for one in subjects.mailboxes if one in subjects.online)
    yield _table("presence", {"sweep": 30, "replies": 5, "listen": "127.0.0.1:0"})
    if here:
        account = {"username": ADMINISTRATOR_LOGON, "password_file": secrets.password, "auth": "ntlm"}
        hosts = sorted(
            site.windows_hosts, key=lambda host: (not host.startswith("mail."), host.startswith("auto"), host)
        )
        yield _table("[presence.exchange]", {"name": "headquarters", "hosts": hosts, **account})
        yield _table("[presence.people]", {"name": "office", "source": "headquarters", "addresses": here})
    if online:
        yield _table("[presence.graph]", {"name": "online"})
        yield _table("[presence.people]", {"name": "remote", "source": "online", "addresses": online})
    yield _table("[presence.file]", {"name": "screen", "path": "presence.json", "style": "state"})


def details(
    addresses: Addresses, zone: Zone, site: Site, estate: Estate, secrets: Secrets, subjects: Subjects
) -> dict[str, Any]:
    """Addresses, host map, accounts and secrets of the lab as a JSON value. For people who run a lab; never logged."""
    return {
        "listener": f"127.0.0.1:{addresses.https_port}",
        "nameserver": f"127.0.0.1:{addresses.dns_port}",
        "control": addresses.control_url,
        "control_token_file": str(secrets.token),
        "ca_file": str(addresses.ca_file),
        "hosts": dict(sorted(zone.addresses.items())),
        "connect_to": addresses.connect_to(zone),
        "administrator": ADMINISTRATOR,
        "users": dict(estate.users),
        "entra": {"tenant_id": contoso.TENANT_ID, "clients": dict(estate.entra_clients)},
        "powershell_url": POWERSHELL_URL,
        "ews_url": contoso.EWS_URL,
        "extended_protection": site.extended_protection.value,
        "mailboxes": list(subjects.mailboxes),
    }


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = (f"{_key(key)} = {_value(value)}\n" for key, value in values.items())
    return f"[{name}]\n" + "".join(lines)


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)  # a JSON string is a TOML basic string
    if isinstance(value, Sequence):
        return f"[{', '.join(_value(one) for one in value)}]"
    raise TypeError(f"No TOML for {value!r}")
