"""Domains and people of Entra as exported: what Graph gives, a domain together with its federation.

Certificates are base64 of DER.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from hybridge.org.records import EntraDomain, EntraUser
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, Unreadable, ask, each, needed
from hybridge.wire.cmdlets.properties import Object, find, flag, octets, words

ONLINE = Premises.ONLINE


def ask_domain(domain: str) -> CmdletAsk:
    """Get-MgDomain of ``domain``. Only snapshots answer it: live, hybridge asks Graph by HTTP."""
    return ask(ONLINE, "Get-MgDomain", Identity=domain)


def ask_user(user: str) -> CmdletAsk:
    """Get-MgUser of ``user``. Only snapshots answer it."""
    return ask(ONLINE, "Get-MgUser", Identity=user)


def federated(one: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an ``EntraDomain`` that its federation configuration holds."""
    return {
        "issuer_uri": words(one, "IssuerUri"),
        "passive_sign_in_uri": words(one, "PassiveSignInUri"),
        "signing_certificate": octets(find(one, "SigningCertificate")) or b"",
        "next_signing_certificate": octets(find(one, "NextSigningCertificate")) or b"",
    }


def written_federation(domain: EntraDomain) -> dict[str, Any]:
    """The federation configuration of ``domain`` as Graph writes it."""
    return {
        "id": domain.identity,
        "displayName": domain.identity,
        "issuerUri": domain.issuer_uri,
        "passiveSignInUri": domain.passive_sign_in_uri,
        "preferredAuthenticationProtocol": "wsFed",
        "signingCertificate": _text(domain.signing_certificate),
        "nextSigningCertificate": _text(domain.next_signing_certificate),
    }


def _text(der: bytes) -> str | None:
    return b64encode(der).decode() if der else None


def _read_domain(one: Object, premises: Premises, _: str) -> EntraDomain:
    return EntraDomain(
        premises=premises,
        identity=needed(one, "Get-MgDomain", "Id"),
        authentication_type=words(one, "AuthenticationType") or "Managed",
        **federated(one),
    )


def _write_domain(domain: EntraDomain) -> Object:
    return {
        "Id": domain.identity,
        "AuthenticationType": domain.authentication_type,
        "IssuerUri": domain.issuer_uri or None,
        "PassiveSignInUri": domain.passive_sign_in_uri or None,
        "SigningCertificate": _text(domain.signing_certificate),
        "NextSigningCertificate": _text(domain.next_signing_certificate),
    }


def read_user(one: Mapping[str, Any]) -> EntraUser | None:
    """The person of an object, None where it names none."""
    name = words(one, "UserPrincipalName")
    if not name:
        return None
    return EntraUser(
        premises=ONLINE,
        identity=name,
        object_id=words(one, "Id"),
        mail=words(one, "Mail"),
        account_enabled=flag(one, "AccountEnabled") is not False,
        on_premises_sync_enabled=flag(one, "OnPremisesSyncEnabled") is True,
    )


def write_user(user: EntraUser) -> dict[str, Any]:
    """The object Graph shows of ``user``."""
    return {
        "id": user.object_id,
        "userPrincipalName": user.identity,
        "mail": user.mail or None,
        "accountEnabled": user.account_enabled,
        "onPremisesSyncEnabled": user.on_premises_sync_enabled or None,
    }


def _exported_user(one: Object, _: Premises, __: str) -> EntraUser:
    found = read_user(one)
    if found is None:
        raise Unreadable("An object of Get-MgUser has no UserPrincipalName.")
    return found


DOMAIN = Noun(
    cmdlet="Get-MgDomain",
    record=EntraDomain,
    type_name="Microsoft.Graph.PowerShell.Models.MicrosoftGraphDomain",
    marks=("AuthenticationType",),
    read_all=each(_read_domain),
    write_one=_write_domain,
)
USER = Noun(
    cmdlet="Get-MgUser",
    record=EntraUser,
    type_name="Microsoft.Graph.PowerShell.Models.MicrosoftGraphUser",
    marks=("UserPrincipalName",),
    foreign=("TeamsUpgradePolicy",),
    read_all=each(_exported_user),
    write_one=write_user,
)
NOUNS = (DOMAIN, USER)
