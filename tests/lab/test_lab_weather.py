"""Weather over a lab in process: what each kind does to a write and to those who look afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
import pytest

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.weather import CmdletRule, Does, HttpRule, Weather, weather_of
from hybridge.lab.weathers import WEATHERS, UnknownWeather, call_up
from hybridge.org.records import MailUser, ServicePrincipal
from hybridge.terms.applications import CLOUD_VOICEMAIL, INTEGRATION_ACCOUNT, TEAMS_SCHEDULER
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.graph import service_principals

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
GRAPH = (WORLDWIDE.graph,)
ON = Premises.ON_PREMISES


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


class Lab:
    """A lab, its weather, and one object to write by Graph and one by cmdlet."""

    def __init__(self) -> None:
        self.estate = Estate(contoso(NOW, certificate()), clock=lambda: NOW, certificate=certificate())
        self.answerer = InProcess(self.estate)

    @property
    def weather(self) -> Weather:
        return weather_of(self.estate)

    @property
    def keys(self) -> int:
        """How many keys the scheduler's principal really has."""
        found = self.estate.organization.one(ServicePrincipal, Premises.ONLINE, TEAMS_SCHEDULER)
        return len(found.key_credentials) if found else -1

    @property
    def hidden(self) -> bool:
        """Whether the integration account is really hidden."""
        found = self.estate.organization.one(MailUser, ON, INTEGRATION_ACCOUNT)
        return found is not None and found.hidden_from_address_lists_enabled

    async def drop_keys(self) -> HttpAnswer:
        """Take every key from the scheduler's principal."""
        found = self.estate.organization.one(ServicePrincipal, Premises.ONLINE, TEAMS_SCHEDULER)
        object_id = found.object_id if found else "gone"
        return await self.answerer.http(service_principals.ask_patch_keys(*GRAPH, object_id, ()))

    async def keys_seen(self, app_id: str = TEAMS_SCHEDULER) -> int:
        seen = service_principals.read_one(await self.answerer.http(service_principals.ask_one(*GRAPH, app_id)))
        assert not isinstance(seen, Failure)
        return len(seen.key_credentials) if seen else -1

    async def cmdlet(self, name: str, **parameters: object) -> CmdletAnswer:
        given = (("Identity", INTEGRATION_ACCOUNT), *parameters.items())
        return await self.answerer.cmdlet(CmdletAsk(premises=ON, name=name, parameters=given))

    async def show(self) -> CmdletAnswer:
        """Show the account in address lists."""
        return await self.cmdlet("Set-MailUser", HiddenFromAddressListsEnabled=False)

    async def hidden_seen(self) -> bool:
        (seen,) = (await self.cmdlet("Get-MailUser")).objects
        return bool(seen["HiddenFromAddressListsEnabled"])


@pytest.fixture
def lab() -> Lab:
    return Lab()


async def test_fine_weather_answers_truly(lab: Lab) -> None:
    assert (await lab.drop_keys()).status == 204
    assert (lab.keys, await lab.keys_seen()) == (0, 0)


async def test_a_refused_write_changes_nothing_and_names_the_time(lab: Lab) -> None:
    lab.weather.turn(
        HttpRule(does=Does.REFUSE, hosts=GRAPH, status=429, code="TooManyRequests", message="Wait.", seconds=7)
    )
    answer = await lab.drop_keys()
    assert (answer.status, answer.header("retry-after"), lab.keys) == (429, "7", 1)
    assert msgspec.json.decode(answer.body)["error"]["code"] == "TooManyRequests"
    assert await lab.keys_seen() == 1, "reads are not meant"


async def test_a_refusal_without_a_code_is_a_line_of_text(lab: Lab) -> None:
    lab.weather.turn(HttpRule(does=Does.REFUSE, status=503, message="Busy."))
    answer = await lab.drop_keys()
    assert (answer.status, answer.body) == (503, b"Busy.")


@pytest.mark.parametrize(("does", "keys"), [(Does.DROP_BEFORE, 1), (Does.DROP_AFTER, 0)])
async def test_a_dropped_connection_gives_no_answer(lab: Lab, does: Does, keys: int) -> None:
    lab.weather.turn(HttpRule(does=does, hosts=GRAPH))
    answer = await lab.drop_keys()
    assert answer.failure is not None
    assert answer.failure.reason is FailureReason.UNREACHABLE
    assert lab.keys == keys


async def test_a_rule_begins_late_and_wears_out(lab: Lab) -> None:
    lab.weather.turn(HttpRule(does=Does.REFUSE, hosts=GRAPH, status=500, code="x", skip=1, times=2))
    assert [(await lab.drop_keys()).status for _ in range(5)] == [204, 500, 500, 204, 204]


async def test_a_rule_is_for_its_host_and_path(lab: Lab) -> None:
    lab.weather.turn(
        HttpRule(does=Does.REFUSE, hosts=("login.microsoftonline.com",)),
        HttpRule(does=Does.REFUSE, hosts=GRAPH, path="/v1.0/users"),
    )
    assert (await lab.drop_keys()).status == 204
    lab.weather.turn(HttpRule(does=Does.REFUSE, hosts=GRAPH, path="/V1.0/serviceprincipals"))
    assert (await lab.drop_keys()).status == 503


async def test_a_slow_answer_moves_the_clock_and_nobody_waits(lab: Lab) -> None:
    lab.weather.turn(HttpRule(does=Does.SLOW, hosts=GRAPH, seconds=30))
    assert (await lab.drop_keys()).status == 204
    assert lab.estate.now() == NOW + timedelta(seconds=30)


async def test_a_write_that_arrives_twice_answers_for_the_second(lab: Lab) -> None:
    lab.estate.organization = lab.estate.organization.drop(
        ServicePrincipal(premises=Premises.ONLINE, identity=TEAMS_SCHEDULER).address
    )
    lab.weather.turn(HttpRule(does=Does.TWICE, hosts=GRAPH))
    answer = await lab.answerer.http(service_principals.ask_create(*GRAPH, TEAMS_SCHEDULER))
    assert answer.status == 409
    assert lab.keys == 0, "it is there all the same"


async def test_a_late_write_is_done_and_only_those_who_look_at_it_wait(lab: Lab) -> None:
    lab.weather.turn(HttpRule(does=Does.LATE, hosts=GRAPH, reads=2))
    assert (await lab.drop_keys()).status == 204
    assert lab.keys == 0
    assert [await lab.keys_seen(CLOUD_VOICEMAIL) for _ in range(3)] == [1, 1, 1]
    assert [await lab.keys_seen() for _ in range(4)] == [1, 1, 0, 0]


async def test_what_is_late_stays_late_in_fine_weather_but_not_after_a_reset(lab: Lab) -> None:
    for end, seen in ((lab.weather.turn, 1), (lab.weather.clear, 0)):
        lab.estate.reset()
        lab.weather.turn(HttpRule(does=Does.LATE, hosts=GRAPH, reads=9))
        await lab.drop_keys()
        end()
        assert await lab.keys_seen() == seen
    lab.weather.turn(HttpRule(does=Does.REFUSE, hosts=GRAPH))
    lab.estate.reset()
    assert (lab.weather.rules, (await lab.drop_keys()).status) == ((), 204)


async def test_a_late_write_that_is_taken_back_is_late_no_more(lab: Lab) -> None:
    before = lab.estate.organization
    lab.weather.turn(HttpRule(does=Does.LATE, hosts=GRAPH, reads=9))
    await lab.drop_keys()
    found = before.one(ServicePrincipal, Premises.ONLINE, TEAMS_SCHEDULER)
    assert found is not None
    keys = tuple(key.key for key in found.key_credentials if key.key)
    await lab.answerer.http(service_principals.ask_patch_keys(*GRAPH, found.object_id, keys))
    assert lab.estate.organization == before
    assert await lab.keys_seen() == 1


async def test_a_401_passes_untouched(lab: Lab) -> None:
    lab.weather.turn(HttpRule(does=Does.DROP_BEFORE, methods=("GET", "POST"), times=1))
    anonymous = HttpAsk(method="GET", url="https://mail.contoso.com/EWS/Exchange.asmx")
    assert (await lab.answerer.http(anonymous)).status == 401
    assert (await lab.drop_keys()).status == 204, "PATCH is not meant"
    create = await lab.answerer.http(service_principals.ask_create(*GRAPH, TEAMS_SCHEDULER))
    assert create.failure is not None, "the rule was not worn out"


@pytest.mark.parametrize(("does", "hidden"), [(Does.DROP_BEFORE, True), (Does.DROP_AFTER, False)])
async def test_a_cmdlet_whose_session_ends_may_have_run(lab: Lab, does: Does, hidden: bool) -> None:
    lab.weather.turn(CmdletRule(does=does, times=1))
    answer = await lab.show()
    assert answer.failure is not None
    assert "it is not known whether it was carried out" in answer.failure.says
    assert lab.hidden is hidden
    assert (await lab.show()).failure is None


async def test_a_cmdlet_that_only_reads_is_repeated_once(lab: Lab) -> None:
    lab.weather.turn(CmdletRule(does=Does.DROP_BEFORE, names=("get-",), times=1))
    assert await lab.hidden_seen()
    lab.weather.turn(CmdletRule(does=Does.DROP_BEFORE, names=("get-",)))
    assert (await lab.cmdlet("Get-MailUser")).failure is not None


async def test_a_cmdlet_is_seen_late_by_cmdlets(lab: Lab) -> None:
    lab.weather.turn(CmdletRule(does=Does.LATE, reads=2))
    assert (await lab.show()).failure is None
    assert not lab.hidden
    assert [await lab.hidden_seen() for _ in range(3)] == [True, True, False]


async def test_every_weather_has_a_sentence_and_can_be_called_up(lab: Lab) -> None:
    for name, weather in WEATHERS.items():
        assert weather.says.endswith(".") and weather.rules, name
        call_up(lab.weather, (name,))
        assert (lab.weather.name, lab.weather.rules) == (name, weather.rules)
    call_up(lab.weather, ("graph-late", "directory-late"))
    assert lab.weather.name == "graph-late, directory-late"
    call_up(lab.weather, ())
    assert (lab.weather.name, lab.weather.rules) == ("", ())
    with pytest.raises(UnknownWeather, match="There is no weather 'hail'; choose graph-slow"):
        call_up(lab.weather, ("hail",))
