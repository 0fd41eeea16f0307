"""The cloud apps of the lab, asked directly: Entra and its tokens, Graph, the Teams configuration service."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hybridge.lab.apps import entra, router
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.keepings import kept
from hybridge.lab.apps.presence_board import last_known, post
from hybridge.lab.apps.tokens import ENTRA_ISSUER, TEAMS_MIDDLE_TIER, TokenRefused, fits, mint, read_bearer
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.behaviour.presence import ShownPresence
from hybridge.lab.contoso import TENANT_ID, AuthCertificate, contoso
from hybridge.lab.estate import ENTRA_CLIENT, Estate
from hybridge.org import records as r
from hybridge.terms import applications as apps
from hybridge.terms.clouds import TEAMS_CONFIG_RESOURCE
from hybridge.terms.premises import Premises
from hybridge.wire import oauth, teams_config
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk, Sign
from hybridge.wire.graph import presence, service_principals, user_configurations

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA = "ada@contoso.com"
LOGIN, GRAPH = "login.microsoftonline.com", "graph.microsoft.com"
TEAMS = "api.interfaces.records.teams.microsoft.com"
SCHEDULER = apps.TEAMS_SCHEDULER


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificates() -> tuple[AuthCertificate, AuthCertificate]:
    """The one in force and another."""
    return make_auth_certificate(NOW), make_auth_certificate(NOW, age=timedelta(days=30))


@pytest.fixture
def estate() -> Estate:
    return new_estate()


def new_estate() -> Estate:
    certificate = certificates()[0]
    lab = Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate, randomness=random.Random(1))
    kept(lab).signing_key = signing_key()
    return lab


def send(estate: Estate, ask: HttpAsk) -> HttpAnswer:
    """One ask, signed as its ``sign`` says, answered by the app of its host."""
    url = urlsplit(ask.url)
    headers = {name.lower(): value for name, value in ask.headers}
    if ask.sign is Sign.ENTRA:
        headers["authorization"] = f"Bearer {mint(estate, ENTRA_CLIENT, ask.scope.removesuffix('/.default'))}"
    request = Request(
        method=ask.method,
        host=url.hostname or "",
        path=unquote(url.path),
        query=dict(parse_qsl(url.query)),
        headers=headers,
        body=ask.body,
    )
    return router.answer(estate, request)


# Entra


def token(estate: Estate, path: str = f"/{TENANT_ID}/oauth2/v2.0/token", **form: str) -> dict[str, Any]:
    """The JSON answer of the token endpoint, with the HTTP status in it."""
    whole = {
        "grant_type": "client_credentials",
        "client_id": ENTRA_CLIENT,
        "client_secret": estate.entra_clients[ENTRA_CLIENT],
        "scope": f"https://{GRAPH}/.default",
        **form,
    }
    answer = send(estate, HttpAsk(method="POST", url=f"https://{LOGIN}{path}", body=urlencode(whole).encode()))
    return {**msgspec.json.decode(answer.body), "status": answer.status}


def test_client_credentials_give_a_token_any_library_can_read(estate: Estate) -> None:
    given = token(estate)
    assert (given["status"], given["token_type"], given["expires_in"]) == (200, "Bearer", 3599)
    keys = msgspec.json.decode(
        send(estate, HttpAsk(method="GET", url=f"https://{LOGIN}/common/discovery/v2.0/keys")).body
    )
    header = jwt.get_unverified_header(given["access_token"])
    (key,) = (key for key in keys["keys"] if key["kid"] == header["kid"])
    claims = jwt.decode(
        given["access_token"],
        jwt.PyJWK(key),
        algorithms=["RS256"],
        audience=f"https://{GRAPH}",
        issuer=ENTRA_ISSUER,
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )
    assert (claims["appid"], claims["tid"]) == (ENTRA_CLIENT, TENANT_ID)
    assert claims["exp"] == int((NOW + timedelta(hours=1)).timestamp())


@pytest.mark.parametrize(
    ("form", "status", "number"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_secret": ""}, 401, 7000215),
        ({"client_id": "nobody"}, 400, 700016),
        ({"grant_type": "password"}, 400, 70003),
        ({"scope": "User.Read"}, 400, 1002012),
        ({"client_assertion": "a.b.c"}, 401, 700027),
    ],
)
def test_what_the_token_endpoint_refuses(estate: Estate, form: dict[str, str], status: int, number: int) -> None:
    refused = token(estate, **form)
    assert (refused["status"], refused["error_codes"]) == (status, [number])
    assert refused["error_description"].startswith(f"AADSTS{number}: ")


def test_the_older_endpoint_takes_a_resource(estate: Estate) -> None:
    given = token(estate, "/contoso.com/oauth2/token", resource="https://example.org", scope="")
    read = read_bearer(estate, f"Bearer {given['access_token']}")
    assert read is not None
    assert (read.signed, read.audience) == (True, "https://example.org")


def test_other_tenants_and_methods(estate: Estate) -> None:
    assert token(estate, "/fabrikam.com/oauth2/v2.0/token")["error_codes"] == [90002]
    read = send(estate, HttpAsk(method="GET", url=f"https://{LOGIN}/common/oauth2/v2.0/token"))
    assert read.status == 400
    assert send(estate, HttpAsk(method="GET", url=f"https://{LOGIN}/common/nothing")).status == 404


def test_what_entra_publishes(estate: Estate) -> None:
    for tenant in ("contoso.com", TENANT_ID.upper()):
        asked = oauth.ask_openid_configuration(LOGIN, tenant)
        document = oauth.read_openid_configuration(send(estate, asked))
        assert isinstance(document, oauth.OpenIdConfiguration)
        assert document.tenant_id == TENANT_ID
    instance = send(estate, HttpAsk(method="GET", url=f"https://{LOGIN}/common/discovery/instance"))
    assert b"tenant_discovery_endpoint" in instance.body


def test_a_token_of_another_estate_is_not_signed(estate: Estate) -> None:
    other = new_estate()
    del kept(other).signing_key
    foreign = read_bearer(estate, f"Bearer {mint(other, ENTRA_CLIENT, 'x')}")
    assert foreign is not None
    assert not foreign.signed
    assert read_bearer(estate, "Basic abc") is None
    assert read_bearer(estate, "Bearer ") is None


# Tokens of the Teams services


def keys(estate: Estate, *credentials: r.KeyCredential, app_id: str = SCHEDULER) -> None:
    """Give the service principal of ``app_id`` exactly these keys."""
    estate.organization = estate.organization.edit(
        r.ServicePrincipal, lambda one: one.identity == app_id, key_credentials=credentials
    )


def refused(estate: Estate) -> bool:
    try:
        mint(estate, SCHEDULER, "audience")
    except TokenRefused as because:
        assert str(because).startswith("AADSTS700027: ")
        return True
    return False


def test_the_schedulers_key_must_be_exchanges_certificate(estate: Estate) -> None:
    der, other = (one.der for one in certificates())
    thumbprint = certificates()[0].thumbprint
    late = NOW + timedelta(seconds=1)
    for credential, is_refused in (
        (r.KeyCredential(key=der, end_at=late), False),
        (r.KeyCredential(key=der), False),
        (r.KeyCredential(key=der, end_at=NOW), True),
        (r.KeyCredential(key=other, custom_key_identifier=thumbprint, end_at=late), True),
        (r.KeyCredential(key=None, custom_key_identifier=thumbprint.lower(), end_at=late), False),
    ):
        assert fits(credential, der, NOW) is not is_refused
        keys(estate, credential)
        assert refused(estate) is is_refused
    keys(estate)
    assert refused(estate)
    assert mint(estate, TEAMS_MIDDLE_TIER, "audience", ADA), "a user's token needs no key"


def test_the_certificate_must_be_in_force(estate: Estate) -> None:
    healthy = estate.organization
    assert not refused(estate)
    for organization in (
        healthy.edit(r.ExchangeCertificate, not_after=NOW),
        healthy.edit(r.AuthConfig, current_certificate_thumbprint=""),
        healthy.drop(*(one.address for one in healthy.all(r.ExchangeCertificate))),
        healthy.drop(*(one.address for one in healthy.all(r.ServicePrincipal))),
    ):
        estate.organization = organization
        assert refused(estate)


def test_the_token_endpoint_refuses_a_service_without_its_key(estate: Estate) -> None:
    estate.entra_clients[SCHEDULER] = "secret"
    assert token(estate, client_id=SCHEDULER, client_secret="secret")["status"] == 200
    keys(estate)
    said = token(estate, client_id=SCHEDULER, client_secret="secret")
    assert (said["status"], said["error_codes"]) == (401, [700027])
    assert "AADSTS700027: The service principal" in said["error_description"]
    assert entra.mint is mint


# Graph: service principals


def principal(estate: Estate, app_id: str = SCHEDULER) -> r.ServicePrincipal:
    found = service_principals.read_one(send(estate, service_principals.ask_one(GRAPH, app_id)))
    assert isinstance(found, r.ServicePrincipal)
    return found


def patch(estate: Estate, *ders: bytes, app_id: str = SCHEDULER) -> Failure | None:
    found = estate.organization.one(r.ServicePrincipal, ONLINE, app_id)
    assert found is not None
    return service_principals.read_patched(
        send(estate, service_principals.ask_patch_keys(GRAPH, found.object_id, ders))
    )


def test_graph_wants_a_token_for_graph(estate: Estate) -> None:
    asked = service_principals.ask_one(GRAPH, SCHEDULER)
    anonymous = msgspec.structs.replace(asked, sign=Sign.NONE)
    elsewhere = msgspec.structs.replace(asked, scope="https://example.org/.default")
    for ask in (anonymous, elsewhere):
        answer = send(estate, ask)
        assert answer.status == 401
        said = service_principals.read_one(answer)
        assert isinstance(said, Failure)
        assert said.reason is FailureReason.SIGN_IN
    old = mint(estate, ENTRA_CLIENT, f"https://{GRAPH}")
    estate.move_clock(timedelta(hours=1))
    late = msgspec.structs.replace(anonymous, headers=(("Authorization", f"Bearer {old}"),))
    assert send(estate, late).status == 401


def test_a_principal_is_read_as_it_is(estate: Estate) -> None:
    assert principal(estate) == estate.organization.one(r.ServicePrincipal, ONLINE, SCHEDULER)
    asked = service_principals.ask_one(GRAPH, SCHEDULER)
    bare = msgspec.structs.replace(asked, url=asked.url.partition("?")[0])
    unselected = service_principals.read_one(send(estate, bare))
    assert isinstance(unselected, r.ServicePrincipal)
    assert [key.key for key in unselected.key_credentials] == [None]
    by_object = f"https://{GRAPH}/v1.0/servicePrincipals/{principal(estate).object_id}?$select=keyCredentials"
    assert service_principals.read_one(send(estate, msgspec.structs.replace(asked, url=by_object))) == principal(estate)


def test_keys_are_replaced_and_described_by_their_certificate(estate: Estate) -> None:
    (present, other) = certificates()
    before = principal(estate)
    assert patch(estate, present.der, other.der) is None
    kept_key, new_key = principal(estate).key_credentials
    assert kept_key == before.key_credentials[0]
    assert new_key.custom_key_identifier == other.thumbprint
    assert new_key.display_name == "CN=Microsoft Exchange Server Auth Certificate"
    assert (new_key.key, new_key.end_at) == (other.der, other.not_after)
    assert new_key.key_id not in ("", kept_key.key_id)
    assert patch(estate, other.der, other.der) is None
    assert principal(estate).key_credentials == (new_key,)


def test_a_key_that_comes_back_is_the_key_that_was_there(estate: Estate) -> None:
    before = estate.organization
    foreign = r.KeyCredential(key_id="old", custom_key_identifier="X", display_name="odd", key=certificates()[1].der)
    keys(estate, foreign)
    broken = estate.organization
    assert patch(estate, certificates()[0].der) is None
    assert estate.organization == before
    assert patch(estate, certificates()[1].der) is None
    assert estate.organization == broken
    assert patch(estate) is None
    assert principal(estate).key_credentials == ()


def test_graph_refuses_wrong_patches(estate: Estate) -> None:
    before = estate.organization
    found = principal(estate)
    ask = service_principals.ask_patch_keys(GRAPH, found.object_id, (certificates()[0].der,))
    body = msgspec.json.decode(ask.body)
    body["keyCredentials"][0]["keyId"] = "kept"
    for changed, code in (
        (msgspec.structs.replace(ask, body=msgspec.json.encode(body)), b"KeyNotUpdatable"),
        (msgspec.structs.replace(ask, body=b"{}"), b"Request_BadRequest"),
        (msgspec.structs.replace(ask, body=b"cut"), b"Request_BadRequest"),
    ):
        answer = send(estate, changed)
        assert (answer.status, code in answer.body) == (400, True)
    assert isinstance(patch(estate, b"0 this is no certificate"), Failure)
    elsewhere = msgspec.structs.replace(ask, url=f"https://{GRAPH}/v1.0/servicePrincipals/unknown")
    assert send(estate, elsewhere).status == 404
    assert estate.organization == before


def test_a_principal_is_made_and_deleted(estate: Estate) -> None:
    healthy = estate.organization
    found = principal(estate)
    delete = HttpAsk(
        method="DELETE",
        url=f"https://{GRAPH}/v1.0/servicePrincipals/{found.object_id}",
        sign=Sign.ENTRA,
        scope=f"https://{GRAPH}/.default",
    )
    assert send(estate, delete).status == 204
    gone = estate.organization
    assert service_principals.read_one(send(estate, service_principals.ask_one(GRAPH, SCHEDULER))) is None
    made = send(estate, service_principals.ask_create(GRAPH, SCHEDULER))
    assert made.status == 201
    assert principal(estate).key_credentials == ()
    assert send(estate, service_principals.ask_create(GRAPH, SCHEDULER)).status == 409
    assert patch(estate, certificates()[0].der) is None
    assert estate.organization == healthy
    assert send(estate, delete).status == 204
    assert estate.organization == gone
    assert send(estate, service_principals.ask_create(GRAPH, "unknown")).status == 400


def test_what_graph_has_not(estate: Estate) -> None:
    asked = service_principals.ask_one(GRAPH, SCHEDULER)
    listing = msgspec.structs.replace(asked, url=f"https://{GRAPH}/v1.0/servicePrincipals")
    nothing = msgspec.structs.replace(asked, url=f"https://{GRAPH}/v1.0/groups")
    assert (send(estate, listing).status, send(estate, nothing).status) == (400, 404)


# Graph: policies of users, presence


def configuration(estate: Estate, user: str = ADA) -> r.CsOnlineUser | None:
    found = user_configurations.read_one(send(estate, user_configurations.ask_one(GRAPH, user)))
    assert not isinstance(found, Failure)
    return found


def assign(estate: Estate, policy_type: str, policy_id: str, user: str = ADA) -> Failure | None:
    found = estate.organization.one(r.CsOnlineUser, ONLINE, user)
    user_id = found.object_id if found else user
    ask = user_configurations.ask_assign(GRAPH, user_id, policy_type, policy_id)
    return user_configurations.read_assigned(send(estate, ask))


def test_policies_are_assigned_and_taken_back(estate: Estate) -> None:
    before = estate.organization
    asked = user_configurations.ask_policy_id(GRAPH, "TeamsUpgradePolicy", "SfBOnly")
    policy_id = user_configurations.read_policy_id(send(estate, asked))
    assert isinstance(policy_id, str)
    assert assign(estate, "TeamsUpgradePolicy", policy_id) is None
    assert configuration(estate) == estate.organization.one(r.CsOnlineUser, ONLINE, ADA)
    assigned = configuration(estate)
    assert assigned is not None
    assert (assigned.teams_upgrade_policy, assigned.teams_app_setup_policy) == ("SfBOnly", "")
    assert assign(estate, "TeamsUpgradePolicy", "") is None
    assert estate.organization == before


def test_policies_graph_does_not_know(estate: Estate) -> None:
    before = estate.organization
    assert isinstance(assign(estate, "TeamsUpgradePolicy", "TeamsUpgradePolicy:Ghost"), Failure)
    assert isinstance(assign(estate, "TeamsMessagingPolicy", "x"), Failure)
    assert isinstance(assign(estate, "TeamsUpgradePolicy", "SfBOnly", user="nobody"), Failure)
    ghost = user_configurations.ask_policy_id(GRAPH, "TeamsUpgradePolicy", "Ghost")
    assert isinstance(user_configurations.read_policy_id(send(estate, ghost)), Failure)
    assert configuration(estate, "ghost@contoso.com") is None
    odd = msgspec.structs.replace(
        user_configurations.ask_one(GRAPH, ADA), url=f"https://{GRAPH}{user_configurations.PATH}?$filter=x"
    )
    assert send(estate, odd).status == 400
    assert estate.organization == before


def graph_presence(estate: Estate, user: str = ADA) -> tuple[str, str, bool] | None:
    found = presence.read_one(send(estate, presence.ask_one(GRAPH, user)), user)
    assert not isinstance(found, Failure)
    return (found.availability, found.activity, found.out_of_office) if found else None


def test_presence_is_what_the_board_shows(estate: Estate) -> None:
    user = estate.organization.one(r.CsOnlineUser, ONLINE, ADA)
    assert user is not None
    assert graph_presence(estate) == ("Available", "Available", False)
    estate.organization = estate.organization.edit(r.UserOofSettings, oof_state="Enabled")
    assert graph_presence(estate) == ("Available", "Available", False), "nobody has looked yet"
    post(estate, ADA, ShownPresence("Busy", "InAMeeting", True))
    assert graph_presence(estate) == graph_presence(estate, user.object_id) == ("Busy", "InAMeeting", True)
    assert last_known(estate, ADA.upper()).seen_at == NOW
    assert graph_presence(estate, "ghost@contoso.com") is None


def test_the_board_begins_with_the_healthy_calendar(estate: Estate) -> None:
    estate.organization = estate.organization.drop(*(one.address for one in estate.organization.all(r.CalendarEvent)))
    estate.move_clock(timedelta(hours=2))
    assert graph_presence(estate) == ("Busy", "InAMeeting", False)
    assert graph_presence(estate, "linus@contoso.com") == ("Available", "Available", False)


# Teams configuration


def test_policies_are_listed(estate: Estate) -> None:
    setup = teams_config.read_app_setup_policies(send(estate, teams_config.ask_all(TEAMS, "TeamsAppSetupPolicy")))
    upgrade = teams_config.read_upgrade_policies(send(estate, teams_config.ask_all(TEAMS, "TeamsUpgradePolicy")))
    assert setup == estate.organization.all(r.TeamsAppSetupPolicy)
    assert upgrade == estate.organization.all(r.TeamsUpgradePolicy)


def test_a_put_merges(estate: Estate) -> None:
    before = estate.organization.one(r.TeamsAppSetupPolicy, ONLINE, "Global")
    assert before is not None
    put = teams_config.ask_put(TEAMS, "TeamsAppSetupPolicy", "Global", {"AllowUserPinning": True})
    assert teams_config.read_put(send(estate, put)) is None
    after = estate.organization.one(r.TeamsAppSetupPolicy, ONLINE, "Global")
    assert after == msgspec.structs.replace(before, allow_user_pinning=True)
    back = teams_config.ask_put(TEAMS, "TeamsAppSetupPolicy", "Global", teams_config.properties_of(before))
    assert teams_config.read_put(send(estate, back)) is None
    assert estate.organization == estate.healthy
    mode = teams_config.ask_put(TEAMS, "TeamsUpgradePolicy", "UpgradeToTeams", {"Mode": "Islands"})
    assert teams_config.read_put(send(estate, mode)) is None
    changed = estate.organization.one(r.TeamsUpgradePolicy, ONLINE, "UpgradeToTeams")
    assert changed is not None
    assert changed.mode == "Islands"


def test_what_the_configuration_service_refuses(estate: Estate) -> None:
    listing = teams_config.ask_all(TEAMS, "TeamsUpgradePolicy")
    assert listing.scope.startswith(TEAMS_CONFIG_RESOURCE)
    assert send(estate, msgspec.structs.replace(listing, sign=Sign.NONE)).status == 401
    assert send(estate, msgspec.structs.replace(listing, scope=f"https://{GRAPH}/.default")).status == 401
    ghost = teams_config.ask_put(TEAMS, "TeamsUpgradePolicy", "Ghost", {})
    assert send(estate, ghost).status == 404
    assert send(estate, teams_config.ask_put(TEAMS, "TeamsOtherPolicy", "Global", {})).status == 404
    assert send(estate, msgspec.structs.replace(ghost, body=b"[]")).status == 400
    assert send(estate, teams_config.ask_all(TEAMS, "TeamsOtherPolicy")).status == 404
    assert send(estate, msgspec.structs.replace(listing, method="DELETE")).status == 404
    assert estate.organization == estate.healthy
