"""Get-AutodiscoverVirtualDirectory, Get-MapiVirtualDirectory and Get-OutlookAnywhere."""

from __future__ import annotations

from typing import Any

from hybridge.org.records import AutodiscoverVirtualDirectory, MapiVirtualDirectory, OutlookAnywhere
from hybridge.org.records.virtual_directories import SignedVirtualDirectory
from hybridge.terms.premises import Premises
from hybridge.wire.cmdlets.noun import Noun, defaulted, each, needed
from hybridge.wire.cmdlets.properties import Object, directory_object, find, name_of, texts, words

ON = Premises.ON_PREMISES
_METHOD_UNSET = "Misconfigured"
"""What Exchange prints for an authentication method nobody set."""


def _place(one: Object, cmdlet: str) -> tuple[str, str]:
    """Identity and server of a virtual directory."""
    identity = words(one, "Identity", "ToString")
    server = name_of(find(one, "Server")) or identity.partition("\\")[0]
    return identity or f"{server}\\{needed(one, cmdlet, 'Name')}", server


def _signed(one: Object, cmdlet: str) -> dict[str, Any]:
    identity, server = _place(one, cmdlet)
    return {
        "identity": identity,
        "server": server,
        "external_url": words(one, "ExternalUrl"),
        "internal_url": words(one, "InternalUrl"),
        "external_authentication_methods": texts(one, "ExternalAuthenticationMethods") or (),
        "internal_authentication_methods": texts(one, "InternalAuthenticationMethods") or (),
        "extended_protection_token_checking": words(one, "ExtendedProtectionTokenChecking") or "None",
    }


def _read_autodiscover(one: Object, premises: Premises, _: str) -> AutodiscoverVirtualDirectory:
    return AutodiscoverVirtualDirectory(premises=premises, **_signed(one, "Get-AutodiscoverVirtualDirectory"))


def _read_mapi(one: Object, premises: Premises, _: str) -> MapiVirtualDirectory:
    return MapiVirtualDirectory(premises=premises, **_signed(one, "Get-MapiVirtualDirectory"))


def _placed(identity: str, server: str) -> Object:
    name = identity.rpartition("\\")[2]
    return {
        "ToString": identity,
        "Name": name,
        "Server": directory_object(server, ""),
        "Identity": {"Name": name, "ToString": identity},
    }


def _write_signed(record: SignedVirtualDirectory) -> Object:
    return {
        **_placed(record.identity, record.server),
        "InternalUrl": record.internal_url or None,
        "ExternalUrl": record.external_url or None,
        "InternalAuthenticationMethods": list(record.internal_authentication_methods),
        "ExternalAuthenticationMethods": list(record.external_authentication_methods),
        "ExtendedProtectionTokenChecking": record.extended_protection_token_checking,
    }


def _method(one: Object, name: str) -> str:
    said = words(one, name)
    return "" if said == _METHOD_UNSET else said


def _read_anywhere(one: Object, premises: Premises, _: str) -> OutlookAnywhere:
    identity, server = _place(one, "Get-OutlookAnywhere")
    return OutlookAnywhere(
        premises=premises,
        identity=identity,
        server=server,
        external_hostname=words(one, "ExternalHostname"),
        internal_hostname=words(one, "InternalHostname"),
        external_client_authentication_method=_method(one, "ExternalClientAuthenticationMethod"),
        internal_client_authentication_method=_method(one, "InternalClientAuthenticationMethod"),
        external_clients_require_ssl=defaulted(one, "ExternalClientsRequireSsl", True),
        ssl_offloading=defaulted(one, "SSLOffloading", False),
    )


def _write_anywhere(record: OutlookAnywhere) -> Object:
    return {
        **_placed(record.identity, record.server),
        "ExternalHostname": record.external_hostname or None,
        "InternalHostname": record.internal_hostname or None,
        "ExternalClientAuthenticationMethod": record.external_client_authentication_method or _METHOD_UNSET,
        "InternalClientAuthenticationMethod": record.internal_client_authentication_method or _METHOD_UNSET,
        "ExternalClientsRequireSsl": record.external_clients_require_ssl,
        "SSLOffloading": record.ssl_offloading,
    }


_DIRECTORIES = "Microsoft.Exchange.Data.Directory.SystemConfiguration"
NOUNS = (
    Noun(
        cmdlet="Get-AutodiscoverVirtualDirectory",
        record=AutodiscoverVirtualDirectory,
        type_name=f"{_DIRECTORIES}.ADAutodiscoverVirtualDirectory",
        marks=("ExternalAuthenticationMethods", "InternalAuthenticationMethods", "ExternalUrl"),
        foreign=("EwsEnabled", "ExternalHostname"),
        read_all=each(_read_autodiscover),
        write_one=_write_signed,
    ),
    Noun(
        cmdlet="Get-MapiVirtualDirectory",
        record=MapiVirtualDirectory,
        type_name=f"{_DIRECTORIES}.ADMapiVirtualDirectory",
        marks=("ExternalAuthenticationMethods", "InternalAuthenticationMethods", "ExternalUrl"),
        foreign=("EwsEnabled", "ExternalHostname"),
        read_all=each(_read_mapi),
        write_one=_write_signed,
    ),
    Noun(
        cmdlet="Get-OutlookAnywhere",
        record=OutlookAnywhere,
        type_name=f"{_DIRECTORIES}.ADRpcHttpVirtualDirectory",
        marks=("ExternalHostname", "InternalHostname", "SSLOffloading"),
        foreign=("EwsEnabled", "OAuthAuthentication"),
        read_all=each(_read_anywhere),
        write_one=_write_anywhere,
    ),
)
