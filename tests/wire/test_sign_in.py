"""Realm discovery, federation metadata, domains and users of Graph: what is written is read, and junk is a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridge.lab.contoso_federation import SIGNING
from hybridge.org.records import EntraDomain, EntraUser
from hybridge.terms.premises import Premises
from hybridge.wire import federation_metadata, oauth, user_realm
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer
from hybridge.wire.certificates import read_certificate
from hybridge.wire.graph import domains, users

ONLINE = Premises.ONLINE
DOMAIN = EntraDomain(
    premises=ONLINE,
    identity="contoso.com",
    authentication_type="Federated",
    issuer_uri="http://sts.contoso.com/adfs/services/trust",
    passive_sign_in_uri="https://sts.contoso.com/adfs/ls/",
    signing_certificate=SIGNING,
)


@pytest.mark.parametrize("kind", ["Managed", "Federated"])
def test_a_realm_is_read_as_it_was_written(kind: str) -> None:
    url = "https://sts.contoso.com/adfs/ls/?username=x" if kind == "Federated" else ""
    realm = user_realm.Realm(kind, "contoso.com", url, "microsoftonline.us", "Contoso")
    assert user_realm.read_answer(user_realm.write_answer(realm, "hybridge@contoso.com")) == realm


def test_an_unknown_name_space_and_a_published_answer() -> None:
    unknown = user_realm.read_answer(user_realm.write_answer(user_realm.Realm("Unknown"), "a@b.example"))
    assert isinstance(unknown, user_realm.Realm) and unknown.name_space_type == "Unknown"
    published = (
        b'{"State":4,"UserState":1,"Login":"example.com","NameSpaceType":"Managed","DomainName":"example.com",'
        b'"FederationBrandName":"Example","CloudInstanceName":"microsoftonline.com",'
        b'"CloudInstanceIssuerUri":"urn:federation:MicrosoftOnline"}'
    )
    read = user_realm.read_answer(HttpAnswer(status=200, body=published))
    assert isinstance(read, user_realm.Realm)
    assert (read.name_space_type, read.cloud_instance) == ("Managed", "microsoftonline.com")


def test_no_person_is_named_to_ask_about_a_domain() -> None:
    asked = user_realm.ask("login.microsoftonline.us", "contoso.com")
    assert asked.url == "https://login.microsoftonline.us/getuserrealm.srf?login=hybridge@contoso.com&json=1"
    assert user_realm.read_domain("hybridge@Contoso.com") == "contoso.com"


def test_federation_metadata_name_the_certificates_in_order() -> None:
    metadata = federation_metadata.Metadata("http://sts.contoso.com/adfs/services/trust", (SIGNING, b"0second"))
    assert federation_metadata.read_answer(federation_metadata.write_answer(metadata)) == metadata
    facts = read_certificate(SIGNING)
    assert facts is not None and facts.not_after.year == 2046


@pytest.mark.parametrize("body", [b"", b"<html/>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"\x00" * 100])
def test_what_are_no_metadata_is_a_failure(body: bytes) -> None:
    read = federation_metadata.read_answer(HttpAnswer(status=200, body=body))
    assert isinstance(read, Failure) and read.reason is FailureReason.MALFORMED


def test_a_domain_and_its_federation_are_read_as_written() -> None:
    plain = domains.read_one(domains.write_one(DOMAIN))
    assert isinstance(plain, EntraDomain) and not plain.issuer_uri
    assert domains.read_federation(domains.write_federation(DOMAIN), plain) == DOMAIN
    assert domains.read_one(HttpAnswer(status=404)) is None
    assert domains.read_path("/v1.0/domains/contoso.com") == ("contoso.com", False)
    assert domains.read_path("/v1.0/domains/contoso.com/federationConfiguration") == ("contoso.com", True)
    assert domains.read_path("/v1.0/domains") is None


def test_a_user_is_read_as_written() -> None:
    user = EntraUser(premises=ONLINE, identity="a.ada@contoso.com", object_id="1", mail="ada@contoso.com")
    assert users.read_one(users.write_one(user)) == user
    assert user.scope == "ada@contoso.com"
    assert users.read_one(HttpAnswer(status=404)) is None
    assert users.read_path("/v1.0/users/ada@contoso.com") == "ada@contoso.com"
    assert users.read_path("/v1.0/users/ada@contoso.com/presence") == ""


def test_the_openid_configuration_tells_the_cloud() -> None:
    told = oauth.write_openid_configuration("login.microsoftonline.us", "5f1c8a3e-6f0d-4c7e-9b52-0c0ffee0c0de")
    read = oauth.read_openid_configuration(told)
    assert not isinstance(read, Failure)
    assert (read.cloud_instance, read.sub_scope) == ("microsoftonline.us", "")


@given(st.binary(max_size=300), st.sampled_from([200, 302, 404, 500]))
def test_junk_never_raises(body: bytes, status: int) -> None:
    answer = HttpAnswer(status=status, body=body)
    for read in (user_realm.read_answer, federation_metadata.read_answer):
        assert isinstance(read(answer), Failure)
    assert isinstance(users.read_one(answer), Failure | None)
    assert isinstance(domains.read_one(answer), Failure | None)
