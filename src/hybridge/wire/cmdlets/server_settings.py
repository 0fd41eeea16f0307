"""What no cmdlet of Exchange shows of a server: the build of ExSetup.exe, registry, web.config, and what it reaches.

The export command asks each server for it (see ``net.answerers.exports``); HealthChecker's exports of
ExSetup.exe (a FileVersionInfo) and of Extended Protection are read too. Where such an object does not say whose it is,
the ask does.
"""

from __future__ import annotations

from typing import Any

from hybridge.org.records import DirectoryProtection, ServerSettings
from hybridge.org.records.network import THE_SERVER
from hybridge.rules.builds import version_of
from hybridge.terms.premises import Premises
from hybridge.wire.cmdlets.noun import Noun, each
from hybridge.wire.cmdlets.properties import Object, find, flag, items, name_of, printed, texts, words
from hybridge.wire.cmdlets.servers import server_name


def _number(one: Object, name: str) -> int | None:
    """A registry or attribute value that is a number; None where it is absent or not a number."""
    text = printed(find(one, name)).strip()
    return int(text) if text.isdecimal() else None


def _switch(one: Object, name: str) -> bool | None:
    """A DWORD of the registry as a switch; None where it is not set."""
    value = find(one, name)
    if isinstance(value, bool):
        return value
    number = _number(one, name)
    return None if number is None else number != 0


def _setup_version(one: Object) -> str:
    """The file version without leading zeros: "15.01.2375.007" is 15.1.2375.7."""
    numbers = version_of(words(one, "ExSetupVersion", "FileVersion", "ProductVersion"))
    return ".".join(map(str, numbers)) if numbers else ""


def _read(one: Object, premises: Premises, about: str) -> ServerSettings:
    server = (
        name_of(find(one, "Server", "ComputerName")) or server_name(about or words(one, "PSComputerName")) or THE_SERVER
    )
    return ServerSettings(
        premises=premises,
        identity=server,
        setup_version=_setup_version(one),
        max_query_string_length=_number(one, "RestMaxQueryStringLength"),
        strong_crypto=_switch(one, "SchUseStrongCrypto"),
        system_default_tls=_switch(one, "SystemDefaultTlsVersions"),
        tls12_client=_switch(one, "Tls12Client"),
        tls12_server=_switch(one, "Tls12Server"),
        lm_compatibility_level=_number(one, "LmCompatibilityLevel"),
        reached=texts(one, "Reached"),
        not_reached=texts(one, "NotReached"),
        directories=_directories(one),
    )


def _directories(one: Object) -> tuple[DirectoryProtection, ...] | None:
    """Of the export command, or of HealthChecker's ExtendedProtectionConfiguration; None where neither is there."""
    found = items(find(one, "VirtualDirectories", "ExtendedProtectionConfiguration"))
    return None if found is None else tuple(_directory(each) for each in found)


def _directory(one: Any) -> DirectoryProtection:
    """A line of the export command (remote objects lose what is nested in them), or an object of HealthChecker's."""
    if not isinstance(one, dict) or "VirtualDirectoryName" not in one:
        name, value, flags = (*printed(one).split("|"), "", "")[:3]
        ssl = "ssl" in [part.strip().lower() for part in flags.split(",")] if flags else None
        return DirectoryProtection(name, value or "None", ssl)
    inner = find(one, "Configuration")
    settings = find(inner, "SslSettings") if isinstance(inner, dict) else None
    ssl = flag(settings, "RequireSsl") if isinstance(settings, dict) else None
    return DirectoryProtection(words(one, "VirtualDirectoryName"), words(one, "ExtendedProtection") or "None", ssl)


def _shown(one: DirectoryProtection) -> str:
    flags = {None: "", True: "Ssl,Ssl128", False: "None"}[one.ssl_required]
    return f"{one.name}|{one.token_checking}|{flags}"


def _dword(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _write(record: ServerSettings) -> Object:
    return {
        "Server": record.identity,
        "ExSetupVersion": record.setup_version or None,
        "RestMaxQueryStringLength": record.max_query_string_length,
        "SchUseStrongCrypto": _dword(record.strong_crypto),
        "SystemDefaultTlsVersions": _dword(record.system_default_tls),
        "Tls12Client": _dword(record.tls12_client),
        "Tls12Server": _dword(record.tls12_server),
        "LmCompatibilityLevel": record.lm_compatibility_level,
        "Reached": None if record.reached is None else list(record.reached),
        "NotReached": None if record.not_reached is None else list(record.not_reached),
        "VirtualDirectories": None if record.directories is None else [_shown(one) for one in record.directories],
    }


SERVER_SETTINGS = Noun(
    cmdlet=ServerSettings.cmdlet,
    record=ServerSettings,
    type_name="System.Management.Automation.PSCustomObject",
    marks=(
        "ExSetupVersion",
        "FileVersion",
        "SchUseStrongCrypto",
        "RestMaxQueryStringLength",
        "ExtendedProtectionConfiguration",
    ),
    foreign=("AdminDisplayVersion", "ExternalUrl"),
    read_all=each(_read),
    write_one=_write,
)
NOUNS = (SERVER_SETTINGS,)
