"""Applications of the lab's Graph and the permissions consented to, asked directly; and the cmdlets beside them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
import pytest
from tests.lab.cmdlet_shell import Shell

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import ROUTING_DOMAIN, AuthCertificate, contoso
from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION, HYBRID_APPLICATION_ID
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.org import records as r
from hybridge.terms import applications as apps
from hybridge.terms import hybrid_application as terms
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_v2
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph import app_role_assignments as permissions
from hybridge.wire.graph import applications, errors, service_principals

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
GRAPH = "graph.microsoft.com"


@cache
def certificate(age: int = 365) -> AuthCertificate:
    return make_auth_certificate(NOW, timedelta(days=age))


class Tenant:
    """A lab of its own."""

    def __init__(self) -> None:
        self.estate = Estate(contoso(NOW, certificate()), clock=lambda: NOW, certificate=certificate())
        self._answerer = InProcess(self.estate)

    async def ask(self, ask: HttpAsk) -> HttpAnswer:
        return await self._answerer.http(ask)

    async def application(self) -> r.EntraApplication:
        read = applications.read_one(await self.ask(applications.ask_with_app_id(GRAPH, HYBRID_APPLICATION_ID)))
        assert isinstance(read, r.EntraApplication), read
        return read

    async def listed(self, ask: HttpAsk) -> tuple[r.EntraApplication, ...]:
        read = applications.read_all(await self.ask(ask))
        assert not isinstance(read, Failure), read
        return read

    async def refused(self, ask: HttpAsk) -> tuple[int, str]:
        before = self.estate.organization
        answer = await self.ask(ask)
        assert self.estate.organization == before
        return answer.status, json.loads(answer.body)["error"]["code"]


async def test_an_application_is_read_as_it_is() -> None:
    lab = Tenant()
    (mine,) = lab.estate.organization.all(r.EntraApplication)
    assert await lab.application() == mine
    (listed,) = await lab.listed(applications.ask_named(GRAPH, HYBRID_APPLICATION.upper()))
    assert listed.object_id == mine.object_id and listed.key_credentials[0].key is None
    assert await lab.listed(applications.ask_beginning_with(GRAPH, "ExchangeServerApp-")) == (listed,)
    assert await lab.listed(applications.ask_beginning_with(GRAPH, "Other")) == ()
    assert await lab.listed(applications.ask_deleted(GRAPH, HYBRID_APPLICATION)) == ()


async def test_keys_come_with_their_bytes_only_where_they_are_selected() -> None:
    lab = Tenant()
    asked = applications.ask_one(GRAPH, (await lab.application()).object_id)
    bare = msgspec.structs.replace(asked, url=asked.url.partition("?")[0])
    read = applications.read_one(await lab.ask(bare))
    assert isinstance(read, r.EntraApplication)
    assert [key.key for key in read.key_credentials] == [None]


async def test_a_patch_of_keys_takes_whole_objects_and_new_ones() -> None:
    lab = Tenant()
    mine = await lab.application()
    answer = await lab.ask(applications.ask_one(GRAPH, mine.object_id))
    objects = applications.read_key_objects(answer)
    assert not isinstance(objects, Failure)
    new = certificate(30)
    done = await lab.ask(applications.ask_patch_keys(GRAPH, mine.object_id, objects, (new.der,)))
    assert done.status == 204
    first, second = (await lab.application()).key_credentials
    assert first == mine.key_credentials[0]
    assert (second.key, second.custom_key_identifier, second.end_at) == (new.der, new.thumbprint, new.not_after)


async def test_a_key_that_is_there_cannot_be_changed() -> None:
    lab = Tenant()
    mine = await lab.application()
    other = {"keyId": mine.key_credentials[0].key_id, "key": None}
    changed = applications.ask_patch_keys(GRAPH, mine.object_id, (other,))
    assert await lab.refused(changed) == (400, "KeyNotUpdatable")
    no_certificate = applications.ask_patch_keys(GRAPH, mine.object_id, (), (b"no certificate",))
    assert await lab.refused(no_certificate) == (400, "Request_BadRequest")


async def test_every_new_application_has_an_id_of_its_own() -> None:
    lab = Tenant()
    ids = set()
    for _ in range(2):
        ask = applications.ask_create(
            GRAPH, "Another", (f"{apps.EXCHANGE_ONLINE}/{terms.FULL_ACCESS_AS_APP}/Role",), ()
        )
        made = applications.read_one(await lab.ask(ask))
        assert isinstance(made, r.EntraApplication)
        ids.add(made.application_id)
        principal = service_principals.read_one(
            await lab.ask(service_principals.ask_create(GRAPH, made.application_id))
        )
        assert isinstance(principal, r.ServicePrincipal) and principal.display_name == "Another"
    assert len(ids) == 2
    assert len(await lab.listed(applications.ask_named(GRAPH, "another"))) == 2


async def test_deleting_takes_everything_along_and_restoring_only_the_application() -> None:
    lab = Tenant()
    mine = await lab.application()
    assert (await lab.ask(applications.ask_delete(GRAPH, mine.object_id))).status == 204
    organization = lab.estate.organization
    assert not organization.all(r.EntraApplication) and not organization.all(r.AppRoleAssignment)
    assert organization.one(r.ServicePrincipal, ONLINE, HYBRID_APPLICATION_ID) is None
    (deleted,) = await lab.listed(applications.ask_deleted(GRAPH, HYBRID_APPLICATION))
    assert (await lab.ask(applications.ask_restore(GRAPH, deleted.object_id))).status == 200
    assert await lab.application() == mine
    assert await lab.refused(permissions.ask_all(GRAPH, HYBRID_APPLICATION_ID)) == (404, "Request_ResourceNotFound")
    assert await lab.refused(applications.ask_restore(GRAPH, mine.object_id)) == (404, "Request_ResourceNotFound")


async def test_a_permission_is_given_once_and_taken_back() -> None:
    lab = Tenant()
    (given,) = lab.estate.organization.all(r.AppRoleAssignment)
    read = permissions.read_all(await lab.ask(permissions.ask_all(GRAPH, HYBRID_APPLICATION_ID)), HYBRID_APPLICATION)
    assert read == (given,)
    principal = lab.estate.organization.one(r.ServicePrincipal, ONLINE, HYBRID_APPLICATION_ID)
    resource = lab.estate.organization.one(r.ServicePrincipal, ONLINE, apps.EXCHANGE_ONLINE)
    assert principal is not None and resource is not None
    grant = permissions.ask_grant(GRAPH, principal.object_id, resource.object_id, terms.FULL_ACCESS_AS_APP)
    assert (await lab.refused(grant))[0] == 400
    revoke = permissions.ask_revoke(GRAPH, principal.object_id, given.assignment_id)
    assert errors.read_done(await lab.ask(revoke), "it") is None
    assert lab.estate.organization.all(r.AppRoleAssignment) == ()
    assert (await lab.refused(revoke))[0] == 404
    assert (await lab.ask(grant)).status == 201
    (again,) = lab.estate.organization.all(r.AppRoleAssignment)
    assert (again.identity, again.resource_display_name) == (given.identity, given.resource_display_name)
    nowhere = permissions.ask_grant(GRAPH, principal.object_id, "nobody", terms.FULL_ACCESS_AS_APP)
    assert (await lab.refused(nowhere))[0] == 400


@pytest.mark.parametrize("path", ["/v1.0/applications?$filter=appId eq 'x'", "/v1.0/applications/nobody?$select=id"])
async def test_what_is_not_there_is_said(path: str) -> None:
    lab = Tenant()
    asked = applications.ask_one(GRAPH, "x")
    url = f"https://{GRAPH}{path}".replace(" ", "%20")
    assert (await lab.refused(msgspec.structs.replace(asked, url=url)))[0] in (400, 404)


async def test_exchange_online_says_who_it_is_when_asked() -> None:
    lab = Tenant()
    host, mailbox = "outlook.office365.com", f"{terms.ROUTING_MAILBOX}@contoso.onmicrosoft.com"
    url = "https://outlook.office365.com/EWS/Exchange.asmx"
    located = autodiscover_v2.read_answer(await lab.ask(autodiscover_v2.ask_server_location(host, mailbox)))
    assert located == autodiscover_v2.Found("EWS", url, "Exchange Online")
    plain = autodiscover_v2.read_answer(await lab.ask(autodiscover_v2.ask(host, mailbox, "EWS")))
    assert plain == autodiscover_v2.Found("EWS", url)


# Cmdlets --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cmdlet"),
    [
        (r.SettingOverride, "Get-SettingOverride"),
        (r.OrganizationRelationship, "Get-OrganizationRelationship"),
        (r.IntraOrganizationConnector, "Get-IntraOrganizationConnector"),
        (r.AuthServer, "Get-AuthServer"),
        (r.OrganizationConfig, "Get-OrganizationConfig"),
    ],
)
def test_every_record_is_shown_and_reads_back_equal(kind: type[r.Record], cmdlet: str) -> None:
    shell = Shell()
    assert shell.records(cmdlet) == shell.organization.all(kind, ON) != ()


def test_overrides_are_made_changed_and_removed() -> None:
    shell = Shell()
    healthy = shell.organization
    parameters = {"Component": "OwaServer", "Section": "IMSettings", "Reason": "Configure IM"}
    shell.run("New-SettingOverride", "IM Override", Parameters=("IMServerName=a", "Other=b"), **parameters)
    made = shell.organization.one(r.SettingOverride, ON, "im override")
    assert made is not None and made.parameters == ("IMServerName=a", "Other=b")
    shell.run("Set-SettingOverride", "IM Override", Parameters=("Enabled=true",), Server=("EX1",))
    changed = shell.organization.one(r.SettingOverride, ON, "IM Override")
    assert changed is not None and (changed.parameters, changed.server) == (("Enabled=true",), ("EX1",))
    assert "already exists" in shell.refused("New-SettingOverride", "IM Override", Parameters=("a=b",), **parameters)
    assert "name=value" in shell.refused("Set-SettingOverride", "IM Override", Parameters=("nothing",))
    assert "mandatory" in shell.refused("New-SettingOverride", "Other", Component="OwaServer")
    shell.run("Remove-SettingOverride", "IM Override", Confirm=False)
    assert shell.organization == healthy


def test_the_auth_server_is_asked_as_an_application() -> None:
    shell = Shell()
    healthy = shell.organization
    (server,) = (one for one in shell.organization.all(r.AuthServer) if one.type == "AzureAD")
    shell.run("Set-AuthServer", server.identity, ApplicationIdentifier=None, DomainName=None)
    (bare,) = (one for one in shell.organization.all(r.AuthServer) if one.type == "AzureAD")
    assert (bare.application_identifier, bare.domain_name) == ("", ())
    domains = {"Add": ("contoso.com", ROUTING_DOMAIN)}
    shell.run("Set-AuthServer", server.identity, ApplicationIdentifier=HYBRID_APPLICATION_ID, DomainName=domains)
    assert shell.organization == healthy
    says = shell.refused(
        "Set-AuthServer", server.identity, ApplicationIdentifier="x", IsDefaultAuthorizationEndpoint=True
    )
    assert "Parameter set cannot be resolved" in says


def test_a_relationship_is_told_where_to_ask() -> None:
    shell = Shell()
    healthy = shell.organization
    (relationship,) = shell.organization.all(r.OrganizationRelationship, ON)
    shell.run("Set-OrganizationRelationship", relationship.identity, TargetSharingEpr=None)
    (bare,) = shell.organization.all(r.OrganizationRelationship, ON)
    assert bare.target_sharing_epr == ""
    assert "absolute URL" in shell.refused(
        "Set-OrganizationRelationship", relationship.identity, TargetSharingEpr="outlook"
    )
    shell.run("Set-OrganizationRelationship", relationship.identity, TargetSharingEpr=relationship.target_sharing_epr)
    assert shell.organization == healthy
