"""Exports nobody of this project made (real ones of Exchange), and a foreign CLIXML library (psrpcore)."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psrpcore.types import PSCryptoProvider, PSObject, deserialize_clixml, serialize_clixml

from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import CmdletAsk, Failure, FailureReason

ON = Premises.ON_PREMISES
CORPUS = Path(os.environ.get("HYBRIDGE_CORPUS", "")) / "clixml"
FILES = sorted(CORPUS.glob("*.xml")) if os.environ.get("HYBRIDGE_CORPUS") else []
needs_corpus = pytest.mark.skipif(not FILES, reason="HYBRIDGE_CORPUS names no folder with real exports")
AUTH_CERTIFICATE = "CN=Microsoft Exchange Server Auth Certificate"


def objects(name: str) -> tuple[dict[str, Any], ...]:
    return clixml.read((CORPUS / f"{name}.xml").read_bytes())


def records(cmdlet: str, name: str) -> tuple[Any, ...]:
    found = cmdlets.read(cmdlet, objects(name), ON)
    assert isinstance(found, tuple), found
    return found


class NoSecrets(PSCryptoProvider):
    """psrpcore wants a cipher for secure strings; none is met."""

    def encrypt(self, value: str) -> str:
        raise AssertionError("no secure string is written")

    def decrypt(self, value: str) -> str:
        raise AssertionError("no secure string is read")

    def register_key(self, key: bytes) -> None:
        raise AssertionError("no key is exchanged")


def test_the_corpus_is_whole_where_there_is_one() -> None:
    if not FILES:
        pytest.skip("HYBRIDGE_CORPUS names no folder with real exports")
    assert len(FILES) == 28


@needs_corpus
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_real_export_is_read(path: Path) -> None:
    found = clixml.read(path.read_bytes())
    assert found and all(one for one in found)
    assert not any("SerializationData" in one for one in found)


@needs_corpus
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_foreign_reader_sees_the_same_objects(path: Path) -> None:
    data = path.read_bytes()
    document = data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig")
    theirs = deserialize_clixml(document[document.index("<Objs") :], NoSecrets())
    theirs = theirs if isinstance(theirs, list) else [theirs]
    ours = clixml.read(data)
    assert len(theirs) == len(ours)
    for their_object, our_object in zip(theirs, ours, strict=True):
        meta = their_object.PSObject
        names = [one.name for one in (*meta.adapted_properties, *meta.extended_properties)]
        assert set(names) - {"SerializationData"} == set(our_object) - {"ToString"}
        if meta.to_string is not None:
            assert our_object.get("ToString", "") == meta.to_string


@needs_corpus
def test_the_organization_has_no_access_policy() -> None:
    (found,) = records("Get-OrganizationConfig", "HC_E16_Exchange_GetOrganizationConfig")
    guid = "caa261bf-5660-4562-9848-1bdc78841a63"
    assert found == r.OrganizationConfig(premises=ON, identity="SoloORG", guid=guid)
    (shown,) = objects("HC_E16_Exchange_GetOrganizationConfig")
    ews = {name: value for name, value in shown.items() if name.startswith("Ews")}
    assert len(ews) == 7 and set(ews.values()) == {None}


@needs_corpus
def test_the_authentication_configuration_names_its_certificate() -> None:
    (found,) = records("Get-AuthConfig", "HC_E16_Exchange_GetAuthConfig")
    assert found == r.AuthConfig(
        premises=ON,
        identity="Auth Configuration",
        current_certificate_thumbprint="92E196F3C8D3D753FCFC5B7690C3173AA1C0ABE3",
        service_name="00000002-0000-0ff1-ce00-000000000000",
    )
    (next_one,) = records("Get-AuthConfig", "MEAC_GetAuthConfig")
    assert next_one.next_certificate_thumbprint == "BC6BF924D6EF046E64F8D1987DC1D7D2F4C0042A"
    assert next_one.next_certificate_effective_date.tzinfo is UTC
    (none,) = records("Get-AuthConfig", "MEAC_GetAuthConfigNoNextCert")
    assert (none.next_certificate_thumbprint, none.next_certificate_effective_date) == ("", None)


@needs_corpus
def test_certificates_are_known_by_their_bytes() -> None:
    found = records("Get-ExchangeCertificate", "HC_E16_Exchange_GetExchangeCertificate")
    first = found[0]
    assert (first.thumbprint, first.subject) == ("92E196F3C8D3D753FCFC5B7690C3173AA1C0ABE3", AUTH_CERTIFICATE)
    assert (first.server, first.identity) == ("solo-e16a", f"solo-e16a/{first.thumbprint}")
    assert first.not_before < first.not_after
    (auth,) = (
        one
        for one in records("Get-ExchangeCertificate", "HCinfo_GetExchangeCertificate")
        if one.subject == AUTH_CERTIFICATE
    )
    assert auth.thumbprint == "2D10A746D6BB8D795F1679AEBD89D5D2AE583CB7"
    assert auth.not_after == datetime(2026, 7, 11, 13, 59, 5, tzinfo=UTC)
    without = records("Get-ExchangeCertificate", "HCinfo_GetExchangeCertificateWithoutAuth")
    assert without and AUTH_CERTIFICATE not in {one.subject for one in without}


@needs_corpus
@pytest.mark.parametrize("name", ["HCinfo_GetExchangeCertificateBroken", "MEAC_GetExchangeCertificateBroken"])
def test_a_deserialized_export_is_read_like_a_local_one(name: str) -> None:
    assert b"<T>Deserialized." in (CORPUS / f"{name}.xml").read_bytes()
    found = records("Get-ExchangeCertificate", name)
    assert len(found) == 5 and {one.server for one in found} == {"e2k16-1"}
    assert all(one.not_after and one.raw_data for one in found)


@needs_corpus
def test_servers_tell_their_version() -> None:
    (solo,) = records("Get-ExchangeServer", "HC_E16_Exchange_GetExchangeServer")
    assert (solo.identity, solo.admin_display_version) == ("SOLO-E16A", "Version 15.1 (Build 2375.7)")
    assert (solo.fqdn, solo.server_role) == ("Solo-E16A.Solo.local", "Mailbox")
    pair = records("Get-ExchangeServer", "MEAC_GetExchangeServer")
    assert [one.identity for one in pair] == ["E2k16-1", "E2k16-2"]


@needs_corpus
def test_a_virtual_directory_without_an_external_address_says_so() -> None:
    (found,) = records("Get-WebServicesVirtualDirectory", "HC_E16_Exchange_GetWebServicesVirtualDirectory")
    assert found == r.WebServicesVirtualDirectory(
        premises=ON,
        identity="SOLO-E16A\\EWS (Default Web Site)",
        server="SOLO-E16A",
        internal_url="https://solo-e16a.solo.local/EWS/Exchange.asmx",
        oauth_authentication=True,
        ws_security_authentication=True,
        windows_authentication=True,
    )
    (shown,) = objects("HC_E16_Exchange_GetWebServicesVirtualDirectory")
    assert shown["InternalAuthenticationMethods"] == ["Ntlm", "WindowsIntegrated", "WSSecurity", "OAuth"]
    assert shown["Id"] == shown["Identity"]
    assert shown["WhenChanged"] == shown["WhenChangedUTC"] == datetime(2018, 11, 24, 0, 47, 2, tzinfo=UTC)


@needs_corpus
def test_the_one_utf16_export_is_read() -> None:
    path = CORPUS / "HC_E16_Exchange_GetIrmConfiguration.xml"
    assert path.read_bytes().startswith(b"\xff\xfe")
    (found,) = clixml.read(path.read_bytes())
    assert found["Name"] == "ControlPoint Config"


@needs_corpus
async def test_the_corpus_folder_is_a_snapshot_as_it_is() -> None:
    snapshot = SnapshotAnswerer(CORPUS)
    config = await snapshot.cmdlet(cmdlets.ask_auth_config())
    assert config.objects[0]["CurrentCertificateThumbprint"].startswith("92E196F3")
    assert "'HCinfo_GetAuthConfig.xml', 'MEAC_GetAuthConfig.xml'" in config.warnings[0]
    ask = cmdlets.ask_exchange_certificate("SOLO-E16A")
    certificates = cmdlets.read_answer(ask, await snapshot.cmdlet(ask))
    assert isinstance(certificates, tuple) and len(certificates) == 3
    assert {one.server for one in certificates if isinstance(one, r.ExchangeCertificate)} == {"SOLO-E16A"}
    for missing in (cmdlets.ask_partner_application(), cmdlets.ask_mailbox(ON, "a@b.c"), cmdlets.ask_auth_server()):
        failure = (await snapshot.cmdlet(missing)).failure
        assert failure and failure.reason is FailureReason.NOT_EXPORTED and "Export-Clixml" in failure.next_step


@needs_corpus
@pytest.mark.parametrize("spelling", ["GetX.xml", "Get-X.xml"])
async def test_a_copy_under_plain_names_is_a_snapshot(tmp_path: Path, spelling: str) -> None:
    origins = {path: path.stem.rpartition("_")[2] for path in FILES}
    for path, cmdlet in origins.items():
        name = cmdlet.replace("Get", "Get-", 1) if "-" in spelling else cmdlet
        if not (tmp_path / f"{name}.xml").exists():
            shutil.copy(path, tmp_path / f"{name}.xml")
    snapshot = SnapshotAnswerer(tmp_path)
    counted: Counter[str] = Counter()
    for cmdlet in sorted({name for name in origins.values() if name.startswith(("Get", "Test"))}):
        verb = "Get" if cmdlet.startswith("Get") else "Test"
        ask = CmdletAsk(premises=ON, name=f"{verb}-{cmdlet.removeprefix(verb)}")
        found = await snapshot.cmdlet(ask)
        assert found.failure is None and found.warnings == () and found.objects
        read = cmdlets.read_answer(ask, found)
        counted[ask.name] = 0 if isinstance(read, Failure) else len(read)
    read_by_hybridge = {name: count for name, count in counted.items() if count}
    assert read_by_hybridge == {
        "Get-AuthConfig": 1,
        "Get-ExchangeCertificate": 3,
        "Get-ExchangeServer": 1,
        "Get-OrganizationConfig": 1,
        "Get-WebServicesVirtualDirectory": 1,
    }


NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONTOSO = [
    record
    for record in contoso(NOW, AuthCertificate(b"0", NOW, NOW))
    if type(record) in cmdlets.WRITERS and not isinstance(record, r.ExchangeCertificate)
]


@pytest.mark.parametrize("shape", ["local", "deserialized", "double"])
def test_a_foreign_reader_reads_what_we_write(shape: clixml.Shape) -> None:
    for record in CONTOSO:
        shown = cmdlets.write(record)
        written = clixml.write([shown], cmdlets.TYPE_NAMES[type(record)], shape=shape).decode()
        found = deserialize_clixml(written, NoSecrets())
        (theirs,) = found if isinstance(found, list) else [found]
        names = {one.name for one in theirs.PSObject.adapted_properties}
        assert names == set(shown) - {"ToString"}
        assert theirs.PSObject.to_string == shown.get("ToString")


def test_what_a_foreign_writer_writes_is_read() -> None:
    nested = PSObject()
    nested.PSObject.to_string = "contoso.lab/Users/Grace"
    written = serialize_clixml(
        [
            {"text": "a\r\n_x000D_ \U0001f600 \x01", "many": [1, 2**40, None, True], "bytes": b"\x00\xff"},
            {"when": NOW, "nested": nested},
        ],
        NoSecrets(),
    )
    first, second = clixml.read(written.encode())
    assert first == {"text": "a\r\n_x000D_ \U0001f600 \x01", "many": [1, 2**40, None, True], "bytes": b"\x00\xff"}
    assert second == {"when": NOW, "nested": {"ToString": "contoso.lab/Users/Grace"}}
