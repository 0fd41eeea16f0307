"""Cmdlets, both halves: every record is written as its cmdlet shows it and reads back, in every shape of an export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.org import records as r
from hybridge.org.probes import OAuthTestProbe
from hybridge.terms.premises import Premises
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def certificate() -> AuthCertificate:
    """A self-signed certificate with the subject Exchange gives its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Microsoft Exchange Server Auth Certificate")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=10))
        .not_valid_after(NOW + timedelta(days=1000))
        .sign(key, hashes.SHA256())
    )
    der = built.public_bytes(Encoding.DER)
    return AuthCertificate(der, built.not_valid_before_utc, built.not_valid_after_utc)


def about(record: r.Record) -> str:
    """What the ask for ``record`` names, where the object itself does not say what it belongs to."""
    if isinstance(record, r.MailboxFolderPermission):
        return f"{record.mailbox}:\\{record.folder}"
    return record.server if isinstance(record, r.ExchangeCertificate) else ""


def cmdlet_of(record: r.Record) -> str:
    """The cmdlet whose export holds ``record``; two kinds are read elsewhere when hybridge runs live."""
    exported = {r.ServicePrincipal: "Get-MgServicePrincipal", r.DelegateUser: "Get-Delegate"}
    return exported.get(type(record), type(record).cmdlet)


def read_back(record: r.Record, objects: tuple[dict[str, Any], ...]) -> Any:
    return cmdlets.read(cmdlet_of(record), objects, record.premises, about(record))


CONTOSO = tuple(record for record in contoso(NOW, certificate()) if type(record) in cmdlets.WRITERS)


def test_contoso_holds_every_kind_that_is_written() -> None:
    # What a calendar is called is said by its permissions; how a test of OAuth ends follows from everything.
    derived = {r.MailboxFolderStatistics, OAuthTestProbe}
    assert {type(record) for record in CONTOSO} == set(cmdlets.WRITERS) - derived


@pytest.mark.parametrize("record", CONTOSO, ids=[f"{n}-{type(record).__name__}" for n, record in enumerate(CONTOSO)])
def test_every_record_of_contoso_reads_back(record: r.Record) -> None:
    assert read_back(record, (cmdlets.write(record),)) == (record,)


_NESTED = r.ServicePrincipal | r.EntraApplication | r.TeamsAppSetupPolicy | r.UserLicense


@pytest.mark.parametrize("shape", get_args(clixml.Shape))
@pytest.mark.parametrize("encoding", get_args(clixml.Encoding))
def test_every_record_survives_every_shape_of_an_export(shape: clixml.Shape, encoding: clixml.Encoding) -> None:
    for record in CONTOSO:
        if shape == "double" and isinstance(record, _NESTED):
            continue  # exported as JSON or deeper; their nested objects have no text that could stand for them
        exported = clixml.write(
            [cmdlets.write(record)], cmdlets.TYPE_NAMES[type(record)], shape=shape, encoding=encoding
        )
        assert read_back(record, clixml.read(exported)) == (record,), record


def test_every_record_survives_convertto_json() -> None:
    for record in CONTOSO:
        objects = msgspec.json.decode(msgspec.json.encode([cmdlets.write(record)]))
        assert read_back(record, tuple(objects)) == (record,), record


def test_pinned_apps_survive_being_reduced_to_their_text() -> None:
    policy = r.TeamsAppSetupPolicy(
        premises=ONLINE, identity="Frontline", pinned_app_bar_apps=(GUIDS[0], GUIDS[1]), allow_user_pinning=False
    )
    exported = clixml.write([cmdlets.write(policy)], "Policy", shape="double")
    assert read_back(policy, clixml.read(exported)) == (policy,)


GUIDS = ("14d6962d-6eeb-4f48-8890-de55454bb136", "ef56c0de-36fc-4ef8-b417-3d82ba9d073c")
WORDS = st.text("abcdefgh ABC 123.-_'()äß", min_size=1, max_size=20).map(str.strip).filter(bool)
DIRECTORY_NAMES = st.text("abc /()äß-._'", min_size=1, max_size=20).map(str.strip).filter(bool)
ADDRESSES = st.from_regex(r"\A[a-z]{1,8}(\.[a-z]{1,4})?@contoso\.com\Z")
PATTERNS = st.none() | st.lists(st.text("*/aS. +$", min_size=1, max_size=12), max_size=4).map(
    lambda found: tuple(one for pattern in found if (one := pattern))
)
INSTANTS = st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
SIDES = st.sampled_from([ON, ONLINE])
FLAGS = st.booleans()
ACCESS = {
    "ews_enabled": st.none() | FLAGS,
    "ews_application_access_policy": st.sampled_from([None, "EnforceAllowList", "EnforceBlockList"]),
    "ews_allow_list": PATTERNS,
    "ews_block_list": PATTERNS,
}
RECORDS = st.one_of(
    st.builds(r.OrganizationConfig, premises=SIDES, identity=WORDS, **ACCESS),
    st.builds(r.CasMailbox, premises=SIDES, identity=ADDRESSES, **ACCESS),
    st.builds(
        r.Mailbox,
        premises=SIDES,
        identity=ADDRESSES,
        user_principal_name=ADDRESSES,
        display_name=WORDS | st.just(""),
        server_name=WORDS | st.just(""),
        grant_send_on_behalf_to=st.lists(ADDRESSES, max_size=3).map(tuple),
        hidden_from_address_lists_enabled=FLAGS,
    ),
    st.builds(
        r.MailUser,
        premises=SIDES,
        identity=ADDRESSES,
        user_principal_name=ADDRESSES | st.just(""),
        external_email_address=ADDRESSES | st.just(""),
        hidden_from_address_lists_enabled=FLAGS,
    ),
    st.builds(
        lambda mailbox, folder, user, rights, side: r.MailboxFolderPermission(
            premises=side,
            identity=f"{mailbox}:\\{folder}/{user}",
            mailbox=mailbox,
            folder=folder,
            user=user,
            access_rights=rights,
        ),
        ADDRESSES,
        st.sampled_from(["Calendar", "Kalender"]),
        ADDRESSES | st.sampled_from(["Default", "Anonymous"]),
        st.lists(st.sampled_from(["Editor", "Author", "ReadItems"]), max_size=2).map(tuple),
        SIDES,
    ),
    st.builds(
        r.UserOofSettings,
        premises=SIDES,
        identity=ADDRESSES,
        oof_state=st.sampled_from(["Disabled", "Enabled", "Scheduled"]),
        start_at=INSTANTS,
        end_at=INSTANTS,
    ),
    st.builds(
        r.AuthConfig,
        premises=st.just(ON),
        identity=WORDS,
        current_certificate_thumbprint=st.just("") | st.just("A" * 40),
        next_certificate_thumbprint=st.just("") | st.just("B" * 40),
        next_certificate_effective_date=INSTANTS,
        service_name=WORDS,
        realm=WORDS | st.just(""),
    ),
    st.builds(
        r.AuthServer,
        premises=st.just(ON),
        identity=WORDS,
        type=st.sampled_from(["MicrosoftACS", "AzureAD"]),
        issuer_identifier=WORDS | st.just(""),
        realm=WORDS | st.just(""),
        enabled=FLAGS,
        is_default_authorization_endpoint=FLAGS,
    ),
    st.builds(
        r.PartnerApplication,
        premises=st.just(ON),
        identity=WORDS,
        application_identifier=st.sampled_from(GUIDS),
        enabled=FLAGS,
        linked_account=DIRECTORY_NAMES | st.just(""),
        use_auth_server=FLAGS,
        realm=WORDS | st.just(""),
        auth_metadata_url=WORDS | st.just(""),
    ),
    st.builds(
        r.ManagementRole,
        premises=st.just(ON),
        identity=WORDS,
        parent=WORDS | st.just(""),
        role_entries=st.sets(st.sampled_from(["GetDelegate", "FindItem", "Get-Mailbox", "Set-Mailbox"])).map(
            lambda found: tuple(sorted(found))
        ),
    ),
    st.builds(
        r.ManagementRoleAssignment,
        premises=st.just(ON),
        identity=WORDS,
        role=WORDS,
        role_assignee=DIRECTORY_NAMES,
        enabled=FLAGS,
    ),
    st.builds(
        r.TeamsAppSetupPolicy,
        premises=st.just(ONLINE),
        identity=WORDS,
        pinned_app_bar_apps=st.lists(st.sampled_from(GUIDS), unique=True).map(tuple),
        allow_user_pinning=FLAGS,
    ),
    st.builds(
        r.CsOnlineUser,
        premises=st.just(ONLINE),
        identity=ADDRESSES,
        teams_app_setup_policy=WORDS | st.just(""),
        teams_upgrade_policy=WORDS | st.just(""),
        object_id=st.just("") | st.sampled_from(GUIDS),
    ),
)


@settings(max_examples=300, deadline=None)
@given(RECORDS, st.sampled_from(["local", "deserialized"]))
def test_any_record_reads_back(record: r.Record, shape: clixml.Shape) -> None:
    assert read_back(record, (cmdlets.write(record),)) == (record,)
    exported = clixml.write([cmdlets.write(record)], "Any", shape=shape)
    assert read_back(record, clixml.read(exported)) == (record,)


def test_entries_of_a_role_fold_back_into_it() -> None:
    role = r.ManagementRole(
        premises=ON, identity="TeamsIntegrationRole", parent="UserApplication", role_entries=("FindItem", "GetDelegate")
    )
    other = r.ManagementRole(premises=ON, identity="Other", role_entries=("Get-Mailbox",))
    folded = cmdlets.read("Get-ManagementRoleEntry", (*cmdlets.write_entries(role), *cmdlets.write_entries(other)), ON)
    assert folded == (msgspec.structs.replace(role, parent=""), other)
    bare = msgspec.structs.replace(role, role_entries=())
    assert isinstance(folded, tuple)
    assert cmdlets.with_entries((bare,), tuple(one for one in folded if isinstance(one, r.ManagementRole))) == (role,)


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (cmdlets.ask_organization_config(ON), ("Get-OrganizationConfig",)),
        (cmdlets.ask_cas_mailbox(ON), ("Get-CASMailbox", ("ResultSize", "Unlimited"))),
        (cmdlets.ask_mailbox(ONLINE, "a@b.c"), ("Get-Mailbox", ("Identity", "a@b.c"))),
        (cmdlets.ask_mail_user(ON, "x"), ("Get-MailUser", ("Identity", "x"))),
        (
            cmdlets.ask_mailbox_folder_permission(ON, "a@b.c"),
            ("Get-MailboxFolderPermission", ("Identity", "a@b.c:\\Calendar")),
        ),
        (cmdlets.ask_user_oof_settings(ON, "a@b.c"), ("Get-MailboxAutoReplyConfiguration", ("Identity", "a@b.c"))),
        (cmdlets.ask_exchange_server(), ("Get-ExchangeServer",)),
        (cmdlets.ask_exchange_certificate("EX1"), ("Get-ExchangeCertificate", ("Server", "EX1"))),
        (cmdlets.ask_web_services_virtual_directory(), ("Get-WebServicesVirtualDirectory",)),
        (cmdlets.ask_auth_config(), ("Get-AuthConfig",)),
        (cmdlets.ask_auth_server(), ("Get-AuthServer",)),
        (cmdlets.ask_partner_application("X"), ("Get-PartnerApplication", ("Identity", "X"))),
        (cmdlets.ask_management_role("R"), ("Get-ManagementRole", ("Identity", "R"))),
        (cmdlets.ask_management_role_entry("R"), ("Get-ManagementRoleEntry", ("Identity", "R\\*"))),
        (cmdlets.ask_management_role_assignment("A"), ("Get-ManagementRoleAssignment", ("RoleAssignee", "A"))),
        (cmdlets.ask_service_principal("id"), ("Get-MgServicePrincipal", ("AppId", "id"))),
        (cmdlets.ask_cs_online_user(), ("Get-CsOnlineUser", ("ResultSize", "Unlimited"))),
        (cmdlets.ask_teams_app_setup_policy(), ("Get-CsTeamsAppSetupPolicy",)),
        (cmdlets.ask_teams_upgrade_policy(), ("Get-CsTeamsUpgradePolicy",)),
    ],
)
def test_an_ask_is_the_cmdlet_an_administrator_would_run(ask: CmdletAsk, line: tuple[Any, ...]) -> None:
    assert (ask.name, *ask.parameters) == line
    assert ask.name in cmdlets.NOUNS


def test_an_answer_is_read_with_what_its_ask_named() -> None:
    entry = r.MailboxFolderPermission(
        premises=ON,
        identity="ada@contoso.com:\\Calendar/Default",
        mailbox="ada@contoso.com",
        user="Default",
        access_rights=("AvailabilityOnly",),
    )
    ask = cmdlets.ask_mailbox_folder_permission(ON, "ada@contoso.com")
    assert cmdlets.read_answer(ask, CmdletAnswer(objects=(cmdlets.write(entry),))) == (entry,)


def test_an_answer_without_objects_is_told_apart_from_no_answer() -> None:
    ask = cmdlets.ask_mailbox(ON, "nobody@contoso.com")
    refused = Failure(reason=FailureReason.FORBIDDEN, says="No.")
    assert cmdlets.read_answer(ask, CmdletAnswer(not_found=True, errors=("not found",))) == ()
    assert cmdlets.read_answer(ask, CmdletAnswer()) == ()
    assert cmdlets.read_answer(ask, CmdletAnswer(failure=refused)) is refused
    broken = cmdlets.read_answer(ask, CmdletAnswer(errors=("The domain controller is busy.",)))
    assert isinstance(broken, Failure) and "domain controller is busy" in broken.says


def test_an_unknown_cmdlet_is_a_failure() -> None:
    found = cmdlets.read("Get-Weather", ({"Name": "rain"},), ON)
    assert isinstance(found, Failure) and "Get-Weather" in found.says
