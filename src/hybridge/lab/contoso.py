"""Contoso: a healthy hybrid organization as a value.

Two Exchange servers behind mail.contoso.com, four mailboxes on-premises, two online, three delegations that work,
today's pair of partner applications, one authentication certificate. Everything a check may need is here and right;
every fault of the lab is a function that makes one thing of it wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hybridge.lab.contoso_federation import FEDERATION_HOST, federation_records
from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION_ID, ORGANIZATION_GUID, hybrid_records
from hybridge.lab.contoso_network import network_records
from hybridge.lab.contoso_online import online_organization
from hybridge.lab.contoso_outlook import outlook_records, remote_mailboxes
from hybridge.lab.contoso_people import license_of, people_records
from hybridge.lab.contoso_publishing import published
from hybridge.lab.contoso_sharing import sharing_records
from hybridge.org import records as r
from hybridge.org.delegations import DELEGATE
from hybridge.org.organization import Organization
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.terms.premises import Premises

DOMAIN = "contoso.com"
TENANT_ID = "5f1c8a3e-6f0d-4c7e-9b52-0c0ffee0c0de"
TENANT_NAME = "contoso"
ROUTING_DOMAIN = WORLDWIDE.routing_domain_of(TENANT_NAME)
AUTODISCOVER_HOST = "autodiscover.contoso.com"
MAIL_HOST = "mail.contoso.com"
EWS_URL = f"https://{MAIL_HOST}/EWS/Exchange.asmx"
SERVERS = {"EX1": "ex1.contoso.com", "EX2": "ex2.contoso.com"}

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE


@dataclass(frozen=True)
class Person:
    """A person of Contoso; ``server`` is "" for an online mailbox."""

    address: str
    name: str
    server: str = ""


PEOPLE = (
    Person("ada@contoso.com", "Ada Lovelace", "EX1"),
    Person("grace@contoso.com", "Grace Hopper", "EX1"),
    Person("alan@contoso.com", "Alan Turing", "EX2"),
    Person("katherine@contoso.com", "Katherine Johnson", "EX2"),
    Person("linus@contoso.com", "Linus Pauling"),
    Person("marie@contoso.com", "Marie Curie"),
)
DELEGATIONS = (
    ("ada@contoso.com", "grace@contoso.com"),
    ("alan@contoso.com", "katherine@contoso.com"),
    ("linus@contoso.com", "marie@contoso.com"),
)
"""Pairs of delegator and delegate; the last one is online."""


@dataclass(frozen=True)
class AuthCertificate:
    """The public half of the Exchange authentication certificate."""

    der: bytes
    not_before: datetime
    not_after: datetime

    @property
    def thumbprint(self) -> str:
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest().upper()


def people(number: int) -> tuple[Person, ...]:
    """The named people, and as many more on-premises as make ``number``."""
    more = (
        Person(f"person{n:06d}@contoso.com", f"Person {n}", "EX1" if n % 2 else "EX2")
        for n in range(1, number - len(PEOPLE) + 1)
    )
    return (*PEOPLE, *more)


def domains_in(cloud: Cloud) -> tuple[str, str, str]:
    """The domains of the tenant in ``cloud``: the organization's own, the initial one, the one for mail routing."""
    return DOMAIN, cloud.initial_domain_of(TENANT_NAME), cloud.routing_domain_of(TENANT_NAME)


def contoso(
    now: datetime, certificate: AuthCertificate, staff: tuple[Person, ...] = PEOPLE, cloud: Cloud = WORLDWIDE
) -> Organization:
    """The healthy organization at ``now`` (aware UTC) with ``staff`` on its books, signing with ``certificate``.

    Its tenant is in ``cloud``.
    """
    return Organization(
        (
            *_servers(certificate),
            *_trust(certificate, cloud),
            *hybrid_records(cloud, cloud.routing_domain_of(TENANT_NAME), key_of(certificate, 101)),
            *_partner_applications(),
            *online_organization(cloud.initial_domain_of(TENANT_NAME)),
            *(record for person in staff for record in _person(person, now)),
            *(record for pair in DELEGATIONS for record in _delegation(*pair)),
            *_teams(),
            *people_records(),
            *federation_records(DOMAIN, TENANT_ID, cloud, _accounts(staff)),
            *published((AUTODISCOVER_HOST, MAIL_HOST), (*SERVERS.values(), FEDERATION_HOST)),
            *network_records(SERVERS, MAIL_HOST, cloud),
            *sharing_records(cloud, DOMAIN, cloud.routing_domain_of(TENANT_NAME), AUTODISCOVER_HOST, now),
            *outlook_records(SERVERS, MAIL_HOST, AUTODISCOVER_HOST),
            *remote_mailboxes((one.address for one in staff if not one.server), cloud.routing_domain_of(TENANT_NAME)),
        )
    )


def _servers(certificate: AuthCertificate) -> Iterator[r.Record]:
    yield r.OrganizationConfig(
        premises=ON,
        identity="Contoso",
        guid=ORGANIZATION_GUID,
        ews_enabled=None,
        ews_application_access_policy="EnforceAllowList",
        ews_allow_list=(
            "OWA/*",
            "*SchedulingService*",
            "MicrosoftNinja/*",
            "*Teams/*",
            "SkypeSpaces/*",
            "*SkypeSpaces/*",
            "*Microsoft.Skype.Presence.App/*",
            "hybridge/*",
            "exchangelib/*",
        ),
    )
    for name, fqdn in SERVERS.items():
        yield r.ExchangeServer(
            premises=ON, identity=name, fqdn=fqdn, admin_display_version="Version 15.2 (Build 2562.37)"
        )
        yield r.ExchangeCertificate(
            premises=ON,
            identity=f"{name}/{certificate.thumbprint}",
            server=name,
            thumbprint=certificate.thumbprint,
            subject="CN=Microsoft Exchange Server Auth Certificate",
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            raw_data=certificate.der,
        )
        yield r.WebServicesVirtualDirectory(
            premises=ON,
            identity=f"{name}\\EWS (Default Web Site)",
            server=name,
            external_url=EWS_URL,
            internal_url=f"https://{fqdn}/EWS/Exchange.asmx",
            extended_protection_token_checking="Allow",
            ws_security_authentication=True,
            windows_authentication=True,
        )


def _trust(certificate: AuthCertificate, cloud: Cloud) -> Iterator[r.Record]:
    yield r.AuthConfig(
        premises=ON,
        identity="Auth Configuration",
        current_certificate_thumbprint=certificate.thumbprint,
        service_name=apps.EXCHANGE_ONLINE,
    )
    yield r.AuthServer(
        premises=ON,
        identity=f"ACS - {TENANT_ID}",
        type="MicrosoftACS",
        issuer_identifier=apps.ACCESS_CONTROL_SERVICE,
        realm=TENANT_ID,
        auth_metadata_url=cloud.acs_metadata_url(TENANT_ID),
    )
    yield r.AuthServer(
        premises=ON,
        identity=f"EvoSts - {TENANT_ID}",
        type="AzureAD",
        issuer_identifier=f"https://sts.windows.net/{TENANT_ID}/",
        realm=TENANT_ID,
        is_default_authorization_endpoint=True,
        application_identifier=HYBRID_APPLICATION_ID,
        domain_name=(DOMAIN, cloud.routing_domain_of(TENANT_NAME)),
        auth_metadata_url=cloud.evosts_metadata_url(TENANT_ID),
    )
    for number, app_id in enumerate((*apps.KEY_HOLDERS, apps.EXCHANGE_ONLINE), start=1):
        holds = app_id in apps.KEY_HOLDERS
        yield r.ServicePrincipal(
            premises=ONLINE,
            identity=app_id,
            object_id=f"0b1ec7ed-0000-4000-8000-{number:012d}",
            display_name=_DISPLAY_NAMES[app_id],
            key_credentials=(key_of(certificate, number),) if holds else (),
            service_principal_names=None if holds else _exchange_names(cloud),
        )


def _exchange_names(cloud: Cloud) -> tuple[str, ...]:
    """Names of Exchange Online's principal: its own, and the published hosts of Exchange Server."""
    hosts = (cloud.exchange, MAIL_HOST, AUTODISCOVER_HOST)
    return (apps.EXCHANGE_ONLINE, *(f"https://{host}/" for host in hosts))


_DISPLAY_NAMES = {
    apps.TEAMS_SCHEDULER: "Microsoft Teams Scheduling and Broadcast Service",
    apps.CLOUD_VOICEMAIL: "Cloud Voicemail",
    apps.SKYPE_FOR_BUSINESS_ONLINE: "Skype for Business Online",
    apps.EXCHANGE_ONLINE: "Office 365 Exchange Online",
}


def key_of(certificate: AuthCertificate, number: int) -> r.KeyCredential:
    """The key credential Graph keeps for ``certificate``; ``number`` makes its id."""
    return r.KeyCredential(
        key_id=f"0c0ffee0-0000-4000-8000-{number:012d}",
        custom_key_identifier=certificate.thumbprint,
        display_name="CN=Microsoft Exchange Server Auth Certificate",
        key=certificate.der,
        end_at=certificate.not_after,
    )


def _partner_applications() -> Iterator[r.Record]:
    account = apps.INTEGRATION_ACCOUNT
    yield r.PartnerApplication(
        premises=ON,
        identity="Exchange Online",
        application_identifier=apps.EXCHANGE_ONLINE,
        linked_account="Exchange Online-ApplicationAccount",
    )
    yield r.MailUser(
        premises=ON,
        identity=account,
        user_principal_name=f"{account}@{DOMAIN}",
        external_email_address=f"{account}@{DOMAIN}",
        hidden_from_address_lists_enabled=True,
    )
    yield r.ManagementRole(premises=ON, identity=apps.INTEGRATION_ROLE_PARENT, role_entries=_USER_APPLICATION_ENTRIES)
    yield r.ManagementRole(premises=ON, identity=apps.ARCHIVE_ROLE)
    yield r.ManagementRole(
        premises=ON,
        identity=apps.INTEGRATION_ROLE,
        parent=apps.INTEGRATION_ROLE_PARENT,
        role_entries=tuple(sorted(apps.INTEGRATION_ROLE_ENTRIES)),
    )
    yield r.ManagementRoleAssignment(
        premises=ON,
        identity=f"{apps.INTEGRATION_ROLE}-{account}",
        role=apps.INTEGRATION_ROLE,
        role_assignee=account,
    )
    for app_id, name in apps.TEAMS_PAIR.items():
        yield r.PartnerApplication(premises=ON, identity=name, application_identifier=app_id, linked_account=account)


_USER_APPLICATION_ENTRIES = tuple(
    sorted(
        (
            *apps.INTEGRATION_ROLE_ENTRIES,
            "CreateItem",
            "FindFolder",
            "GetFolder",
            "GetItem",
            "GetUserAvailability",
            "SendItem",
            "SetUserOofSettings",
            "SyncFolderItems",
        )
    )
)
"""Entries of the built-in role: more than the custom role keeps, so that stripping it is a real act."""


def _person(person: Person, now: datetime) -> Iterator[r.Record]:
    alias = person.address.partition("@")[0]
    yield r.CsOnlineUser(premises=ONLINE, identity=person.address, object_id=_object_id(alias))
    yield license_of(person.address)
    if not person.server:
        yield from _online_person(person)
        return
    yield r.Mailbox(
        premises=ON,
        identity=person.address,
        user_principal_name=person.address,
        display_name=person.name,
        server_name=person.server,
        exchange_guid=_object_id(f"mailbox of {alias}"),
    )
    yield r.CasMailbox(premises=ON, identity=person.address, ews_enabled=True, mapi_enabled=True)
    yield r.UserOofSettings(premises=ON, identity=person.address)
    yield r.MailUser(
        premises=ONLINE,
        identity=person.address,
        user_principal_name=person.address,
        external_email_address=person.address,
        exchange_guid=_object_id(f"mailbox of {alias}"),
    )
    hour = now.replace(minute=0, second=0, microsecond=0)
    for number, (hours, busy, subject) in enumerate(((2, "Busy", "Budget"), (26, "Tentative", "Lunch")), start=1):
        yield r.CalendarEvent(
            premises=ON,
            identity=f"{person.address}/{number}",
            mailbox=person.address,
            start_at=hour + timedelta(hours=hours),
            end_at=hour + timedelta(hours=hours + 1),
            busy_type=busy,
            subject=subject,
        )
    yield _default_entry(ON, person)


def _online_person(person: Person) -> Iterator[r.Record]:
    yield r.Mailbox(
        premises=ONLINE,
        identity=person.address,
        user_principal_name=person.address,
        display_name=person.name,
        exchange_guid=_object_id(f"mailbox of {person.address.partition('@')[0]}"),
    )
    yield r.CasMailbox(premises=ONLINE, identity=person.address)
    yield _default_entry(ONLINE, person)


def _default_entry(premises: Premises, person: Person) -> r.MailboxFolderPermission:
    return r.MailboxFolderPermission(
        premises=premises,
        identity=f"{person.address}:\\Calendar/Default",
        mailbox=person.address,
        user="Default",
        access_rights=("AvailabilityOnly",),
    )


def _accounts(staff: tuple[Person, ...]) -> Iterator[tuple[str, str]]:
    """Address and object id of everybody, as Entra has them."""
    for person in staff:
        yield person.address, _object_id(person.address.partition("@")[0])


def _object_id(alias: str) -> str:
    digest = hashlib.sha256(alias.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _delegation(delegator: str, delegate: str) -> Iterator[r.Record]:
    """On-premises a list of delegates beside the calendar's right; online a flag of the right itself."""
    person = next(person for person in PEOPLE if person.address == delegator)
    premises = ON if person.server else ONLINE
    if person.server:
        yield r.DelegateUser(premises=ON, identity=f"{delegator}/{delegate}", delegator=delegator, delegate=delegate)
    yield r.MailboxFolderPermission(
        premises=premises,
        identity=f"{delegator}:\\Calendar/{delegate}",
        mailbox=delegator,
        user=delegate,
        access_rights=("Editor",),
        sharing_permission_flags=() if person.server else (DELEGATE,),
    )
    yield r.Mailbox(
        premises=premises,
        identity=delegator,
        user_principal_name=delegator,
        display_name=person.name,
        server_name=person.server,
        grant_send_on_behalf_to=(delegate,),
        exchange_guid=_object_id(f"mailbox of {delegator.partition('@')[0]}"),
    )


def _teams() -> Iterator[r.Record]:
    yield r.TeamsAppSetupPolicy(
        premises=ONLINE,
        identity="Global",
        pinned_app_bar_apps=(
            "14d6962d-6eeb-4f48-8890-de55454bb136",
            "86fcd49b-61a2-4701-b771-54728cd291fb",
            apps.TEAMS_CALENDAR_APP,
        ),
        allow_user_pinning=False,
    )
    for name, mode in (
        ("Global", "TeamsOnly"),
        ("UpgradeToTeams", "TeamsOnly"),
        ("SfBOnly", "SfBOnly"),
        ("SfBWithTeamsCollab", "SfBWithTeamsCollab"),
        ("Islands", "Islands"),
    ):
        yield r.TeamsUpgradePolicy(premises=ONLINE, identity=name, mode=mode)
