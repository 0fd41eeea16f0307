"""Get-ExchangeServer, Get-ExchangeCertificate and Get-WebServicesVirtualDirectory.

An exported certificate is its DER (``RawData``) and little else: thumbprint, dates and subject are read from it. Which
server it lies on is known from a property ``Server`` (the export commands hybridge prints add it), from the Identity
"server\\thumbprint", from the ask, or from the server the session was connected to (PSComputerName), in this order;
a record keeps the first label of the host name, which is the server's Name.
"""

from __future__ import annotations

import hashlib
import warnings
from datetime import datetime

from cryptography import x509

from hybridge.org.records import ExchangeCertificate, ExchangeServer, WebServicesVirtualDirectory
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, Unreadable, ask, each, needed
from hybridge.wire.cmdlets.properties import (
    Object,
    directory_object,
    find,
    flag,
    instant,
    items,
    name_of,
    octets,
    words,
)

ON = Premises.ON_PREMISES


def ask_exchange_server() -> CmdletAsk:
    """Get-ExchangeServer: every server."""
    return ask(ON, "Get-ExchangeServer")


def ask_exchange_certificate(server: str = "") -> CmdletAsk:
    """Get-ExchangeCertificate of ``server``; without one, of the server the session is connected to."""
    return ask(ON, "Get-ExchangeCertificate", Server=server)


def ask_web_services_virtual_directory(server: str = "") -> CmdletAsk:
    """Get-WebServicesVirtualDirectory of ``server``, or of every server."""
    return ask(ON, "Get-WebServicesVirtualDirectory", Server=server)


def server_name(host: str) -> str:
    """A server's Name: the first label of its host name."""
    return host.strip().partition(".")[0]


def server_of(one: Object, about: str = "") -> str:
    """Name of the server an exported certificate lies on, see the head of this file; "" if unknown."""
    if server := words(one, "Server"):
        return server_name(name_of(server))
    host, backslash, _ = words(one, "Identity").rpartition("\\")
    if backslash and host:
        return server_name(host)
    return server_name(about or words(one, "PSComputerName"))


def _version(one: Object) -> str:
    value = find(one, "AdminDisplayVersion")
    if isinstance(value, dict) and "ToString" not in value:
        major, minor, build, revision = (words(value, part) for part in ("Major", "Minor", "Build", "Revision"))
        return f"Version {major}.{minor} (Build {build}.{revision})" if major else ""
    return words(one, "AdminDisplayVersion")


def _read_server(one: Object, premises: Premises, _: str) -> ExchangeServer:
    return ExchangeServer(
        premises=premises,
        identity=needed(one, "Get-ExchangeServer", "Name", "Identity", "ToString"),
        fqdn=words(one, "Fqdn"),
        admin_display_version=_version(one),
        internet_web_proxy=words(one, "InternetWebProxy"),
        server_role=", ".join(str(role) for role in items(find(one, "ServerRole")) or ["Mailbox, ClientAccess"]),
    )


def _write_server(record: ExchangeServer) -> Object:
    return {
        "ToString": record.identity,
        "Name": record.identity,
        "Fqdn": record.fqdn,
        "AdminDisplayVersion": {"ToString": record.admin_display_version},
        "ServerRole": record.server_role,
        "Edition": "Standard",
        "InternetWebProxy": record.internet_web_proxy or None,
        "Identity": directory_object(record.identity, ""),
    }


def _decoded(raw: bytes) -> tuple[str, datetime, datetime] | None:
    """Subject, first and last instant of a certificate; None when ``raw`` is none."""
    with warnings.catch_warnings():
        # Real certificates break rules of X.520 ("C=Germany"); cryptography warns of each, and they are no news here.
        warnings.simplefilter("ignore", UserWarning)
        try:
            certificate = x509.load_der_x509_certificate(raw)
            subject = certificate.subject.rfc4514_string()
            return subject, certificate.not_valid_before_utc, certificate.not_valid_after_utc
        except ValueError:
            return None


def _read_certificate(one: Object, premises: Premises, about: str) -> ExchangeCertificate:
    raw = octets(find(one, "RawData")) or b""
    thumbprint = hashlib.sha1(raw, usedforsecurity=False).hexdigest() if raw else words(one, "Thumbprint")
    if not thumbprint:
        raise Unreadable("An object of Get-ExchangeCertificate has no RawData and no Thumbprint.")
    server, thumbprint = server_of(one, about), thumbprint.upper()
    subject, not_before, not_after = _decoded(raw) or (
        words(one, "Subject"),
        instant(one, "NotBefore"),
        instant(one, "NotAfter"),
    )
    return ExchangeCertificate(
        premises=premises,
        identity=f"{server}/{thumbprint}",
        server=server,
        thumbprint=thumbprint,
        subject=subject,
        not_before=not_before,
        not_after=not_after,
        raw_data=raw,
    )


def _write_certificate(record: ExchangeCertificate) -> Object:
    if record.raw_data and _decoded(record.raw_data):
        return {"ToString": f"[Subject]\r\n  {record.subject}\r\n", "RawData": record.raw_data}
    return {
        "RawData": record.raw_data or None,
        "Thumbprint": record.thumbprint,
        "Subject": record.subject,
        "NotBefore": record.not_before,
        "NotAfter": record.not_after,
    }


def _read_directory(one: Object, premises: Premises, _: str) -> WebServicesVirtualDirectory:
    identity = words(one, "Identity", "ToString")
    server = name_of(find(one, "Server")) or identity.partition("\\")[0]
    if not identity:
        identity = f"{server}\\{needed(one, 'Get-WebServicesVirtualDirectory', 'Name')}"
    return WebServicesVirtualDirectory(
        premises=premises,
        identity=identity,
        server=server,
        external_url=words(one, "ExternalUrl"),
        internal_url=words(one, "InternalUrl"),
        oauth_authentication=flag(one, "OAuthAuthentication"),
        extended_protection_token_checking=words(one, "ExtendedProtectionTokenChecking") or "None",
        ws_security_authentication=flag(one, "WSSecurityAuthentication"),
        windows_authentication=flag(one, "WindowsAuthentication"),
    )


def _write_directory(record: WebServicesVirtualDirectory) -> Object:
    name = record.identity.rpartition("\\")[2]
    return {
        "ToString": record.identity,
        "Name": name,
        "Server": directory_object(record.server, ""),
        "InternalUrl": record.internal_url or None,
        "ExternalUrl": record.external_url or None,
        "OAuthAuthentication": record.oauth_authentication,
        "ExtendedProtectionTokenChecking": record.extended_protection_token_checking,
        "WSSecurityAuthentication": record.ws_security_authentication,
        "WindowsAuthentication": record.windows_authentication,
        "Identity": {"Name": name, "ToString": record.identity},
    }


EXCHANGE_SERVER = Noun(
    cmdlet="Get-ExchangeServer",
    record=ExchangeServer,
    type_name="Microsoft.Exchange.Data.Directory.Management.ExchangeServer",
    marks=("AdminDisplayVersion", "Fqdn", "ServerRole"),
    foreign=("OAuthAuthentication", "InternalUrl", "EwsEnabled"),
    read_all=each(_read_server),
    write_one=_write_server,
)
EXCHANGE_CERTIFICATE = Noun(
    cmdlet="Get-ExchangeCertificate",
    record=ExchangeCertificate,
    type_name="Microsoft.Exchange.Management.SystemConfigurationTasks.ExchangeCertificate",
    marks=("RawData", "Thumbprint"),
    read_all=each(_read_certificate),
    write_one=_write_certificate,
)
WEB_SERVICES_VIRTUAL_DIRECTORY = Noun(
    cmdlet="Get-WebServicesVirtualDirectory",
    record=WebServicesVirtualDirectory,
    type_name="Microsoft.Exchange.Data.Directory.SystemConfiguration.ADWebServicesVirtualDirectory",
    marks=("OAuthAuthentication", "ExternalUrl", "InternalUrl"),
    foreign=("DefaultDomain", "ActiveSyncServer"),
    read_all=each(_read_directory),
    write_one=_write_directory,
)
NOUNS = (EXCHANGE_SERVER, EXCHANGE_CERTIFICATE, WEB_SERVICES_VIRTUAL_DIRECTORY)
