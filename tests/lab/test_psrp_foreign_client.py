"""pypsrp, which knows nothing of us, uses the lab's remote PowerShell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import AuthenticationError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from tests.lab.cmdlet_shell import ADA, ON, Shell
from tests.lab.psrp_server import Served, invoke, serve

from hybridge.lab.cmdlets.outcome import Caller, Outcome, Written
from hybridge.lab.powershell import open_endpoint
from hybridge.lab.psrp.endpoint import SHELLS_PER_USER, PsrpEndpoint
from hybridge.org import records as r
from hybridge.terms import applications as apps
from hybridge.wire.ask import CmdletAsk

pytestmark = pytest.mark.wire


def properties(output: Any) -> dict[str, Any]:
    return dict(output.adapted_properties)


async def test_objects_arrive_with_their_types_and_values() -> None:
    async with serve(open_endpoint(Shell().estate)) as served:
        shell = await served.in_pool(lambda pool: invoke(pool, "Get-PartnerApplication"))
        applications = {properties(one)["Name"]: one for one in shell.output}
        assert set(applications) == {"Exchange Online", *apps.TEAMS_PAIR.values()}
        scheduler = applications["TeamsScheduler"]
        shown = properties(scheduler)
        assert shown["Enabled"] is True
        assert shown["ApplicationIdentifier"] == apps.TEAMS_SCHEDULER
        assert str(shown["LinkedAccount"]) == f"contoso.com/Users/{apps.INTEGRATION_ACCOUNT}"
        assert scheduler.types[0].endswith(".PartnerApplication")
        assert scheduler.to_string == "TeamsScheduler"
        assert (shell.state, shell.had_errors) == (PSInvocationState.COMPLETED, False)


async def test_a_hash_table_edits_a_list() -> None:
    lab = Shell()

    def work(pool: RunspacePool) -> list[PowerShell]:
        policy = "EnforceAllowList"
        edit = {"Add": ["x/*"], "Remove": ["OWA/*"]}
        return [
            invoke(pool, "Set-OrganizationConfig", EwsApplicationAccessPolicy=policy, EwsAllowList=edit),
            invoke(pool, "Set-OrganizationConfig", EwsApplicationAccessPolicy=policy, EwsAllowList=["only/*"]),
            invoke(pool, "Set-OrganizationConfig", EwsApplicationAccessPolicy=policy, EwsAllowList=["only/*"]),
            invoke(pool, "Set-OrganizationConfig", EwsApplicationAccessPolicy=policy, EwsAllowList=None),
        ]

    async with serve(open_endpoint(lab.estate)) as served:
        shells = await served.in_pool(work)
    assert [shell.streams.error for shell in shells] == [[], [], [], []]
    (warning,) = shells[2].streams.warning
    assert "no settings of 'Contoso' have been modified" in str(warning)
    (config,) = lab.organization.all(r.OrganizationConfig, ON)
    assert config.ews_allow_list is None


async def test_errors_have_the_shapes_of_exchange() -> None:
    def work(pool: RunspacePool) -> list[PowerShell]:
        script = PowerShell(pool)
        script.add_script("Get-Mailbox | Select-Object Name")
        script.invoke()
        piped = PowerShell(pool).add_cmdlet("Get-Mailbox").add_cmdlet("Set-Mailbox")
        piped.invoke()
        return [
            invoke(pool, "Get-Mailbox", Identity="nobody"),
            invoke(pool, "Get-Foo"),
            invoke(pool, "Get-Mailbox", Foo=1),
            script,
            piped,
        ]

    async with serve(open_endpoint(Shell().estate)) as served:
        absent, unknown, unbound, script, piped = await served.in_pool(work)

    (error,) = absent.streams.error
    assert (absent.state, absent.had_errors) == (PSInvocationState.COMPLETED, False)
    assert str(error) == (
        "The operation couldn't be performed because object 'nobody' couldn't be found on 'dc1.contoso.com'."
    )
    assert error.message == "NotSpecified: (:) [Get-Mailbox], ManagementObjectNotFoundException"
    assert error.reason == "ManagementObjectNotFoundException"
    assert "[FailureCategory=Cmdlet-ManagementObjectNotFoundException]" in str(error.fq_error)

    for shell, error_id, words in (
        (unknown, "CommandNotFoundException", "'Get-Foo' is not recognized as the name of a cmdlet"),
        (unbound, "NamedParameterNotFound,Get-Mailbox", "matches parameter name 'Foo'"),
        (script, "ScriptsNotAllowed", "The syntax is not supported by this runspace."),
        (piped, "PipelineNotSupported", "one cmdlet at a time"),
    ):
        (error,) = shell.streams.error
        assert (shell.state, shell.had_errors) == (PSInvocationState.FAILED, True)
        assert error.fq_error == error_id
        assert words in str(error)


async def test_pipelines_leave_nothing_behind() -> None:
    async with serve(open_endpoint(Shell().estate)) as served:

        def work(pool: RunspacePool) -> None:
            for number in range(40):
                shell = invoke(pool, "Get-CASMailbox", Identity=ADA)
                assert len(shell.output) == 1
                if number % 2:
                    shell.close()
            (shell_inside,) = served.endpoint._shells.values()
            assert len(shell_inside._boxes) == 1
            assert not shell_inside.busy
            assert shell_inside._pool.pipeline_table == {}

        await served.in_pool(work)
        assert served.endpoint.open_shells == 0


async def test_two_pools_at_once_and_two_pipelines_in_one() -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def execute(ask: CmdletAsk, caller: Caller) -> Outcome:
        if ask.name == "Wait-Gate":
            await gate.wait()
        return Outcome(objects=(Written("System.Test", {"Name": ask.name, "By": caller.principal}),))

    def work(pool: RunspacePool) -> tuple[list[Any], list[Any]]:
        slow = PowerShell(pool).add_cmdlet("Wait-Gate")
        slow.begin_invoke()
        quick = invoke(pool, "Get-Quick").output
        loop.call_soon_threadsafe(gate.set)
        return quick, slow.end_invoke()

    async with serve(PsrpEndpoint(execute)) as served:
        for quick, slow in await asyncio.gather(served.in_pool(work), served.in_pool(work)):
            assert [properties(one)["Name"] for one in (*quick, *slow)] == ["Get-Quick", "Wait-Gate"]


async def test_a_silent_cmdlet_is_polled_until_it_answers() -> None:
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def execute(ask: CmdletAsk, caller: Caller) -> Outcome:
        await answered.wait()
        return Outcome(objects=(Written("System.Test", {"Name": "late"}),))

    def work(pool: RunspacePool) -> list[Any]:
        shell = PowerShell(pool).add_cmdlet("Get-Late")
        shell.begin_invoke()
        shell.poll_invoke(timeout=1)  # ends by the fault "operation timed out"
        assert shell.state == PSInvocationState.RUNNING
        loop.call_soon_threadsafe(answered.set)
        return shell.end_invoke()

    async with serve(PsrpEndpoint(execute)) as served:
        (one,) = await served.in_pool(work)
        assert properties(one) == {"Name": "late"}
        assert served.statuses.count(500) == 1


async def test_large_values_travel_both_ways() -> None:
    async def execute(ask: CmdletAsk, caller: Caller) -> Outcome:
        ((_, value),) = ask.parameters
        return Outcome(objects=(Written("System.Test", {"Length": len(value), "Echo": value, "Bytes": b"\0\1"}),))

    large = "abc_x0041_äö\n" * 40_000
    async with serve(PsrpEndpoint(execute)) as served:
        shell = await served.in_pool(lambda pool: invoke(pool, "Get-Echo", Value=large))
    (one,) = shell.output
    assert properties(one)["Length"] == len(large)
    assert properties(one)["Echo"] == large


async def test_values_of_every_kind() -> None:
    seen: list[Any] = []
    values = {"Small": -5, "Big": 2**40, "Low": -(2**40), "Ratio": 0.1, "None": None, "No": False, "List": ["a", 1, []]}

    async def execute(ask: CmdletAsk, caller: Caller) -> Outcome:
        seen.extend(ask.parameters)
        return Outcome(objects=(Written("System.Test", values),))

    def work(pool: RunspacePool) -> PowerShell:
        shell = PowerShell(pool).add_cmdlet("Get-All").add_argument("first")
        for name, value in (
            ("-Flag", None),
            ("Truth", True),
            ("Count", 7),
            ("Names", ["a", "b"]),
            ("Edit", {"Add": "x"}),
        ):
            shell.add_parameter(name, value)
        shell.invoke()
        return shell

    async with serve(PsrpEndpoint(execute)) as served:
        (one,) = (await served.in_pool(work)).output
    shown = properties(one)
    assert [shown[name] for name in ("Small", "Big", "Low", "Ratio", "None", "No")] == [
        -5,
        2**40,
        -(2**40),
        0.1,
        None,
        False,
    ]
    assert seen == [
        ("", "first"),
        ("Flag", None),
        ("Truth", True),
        ("Count", 7),
        ("Names", ("a", "b")),
        ("Edit", {"Add": "x"}),
    ]


async def test_stopping_a_cmdlet() -> None:
    started = asyncio.Event()

    async def execute(ask: CmdletAsk, caller: Caller) -> Outcome:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    def work(pool: RunspacePool) -> int:
        shell = PowerShell(pool).add_cmdlet("Wait-Forever")
        shell.begin_invoke()
        shell.stop()
        return int(shell.state)

    async with serve(PsrpEndpoint(execute)) as served:
        assert await served.in_pool(work) == PSInvocationState.STOPPED
        assert started.is_set()
        assert served.endpoint.open_shells == 0


async def test_a_defect_of_the_executor_is_an_error_record(caplog: pytest.LogCaptureFixture) -> None:
    async def execute(ask: CmdletAsk, caller: Caller) -> Outcome:
        raise ZeroDivisionError

    async with serve(PsrpEndpoint(execute)) as served:
        shell = await served.in_pool(lambda pool: invoke(pool, "Get-Foo"))
    assert shell.state == PSInvocationState.FAILED
    assert shell.streams.error[0].fq_error == "LabDefect"
    assert "The lab failed to run Get-Foo" in caplog.text


async def test_other_requests_of_a_session() -> None:
    def work(pool: RunspacePool) -> tuple[int, bool, str]:
        pool.disconnect()
        pool.connect()
        pool.exchange_keys()
        free = pool.get_available_runspaces()
        with pytest.raises(WSManFaultError) as caught:
            pool.max_runspaces = 3  # pypsrp and psrpcore spell the message differently: a fault, not a bare 500
        return free, pool.is_alive(), str(caught.value)

    async with serve(open_endpoint(Shell().estate)) as served:
        free, alive, fault = await served.in_pool(work)
    assert (free, alive) == (1, True)
    assert "could not be processed" in fault


async def faulted(served: Served, work: Callable[[WSMan], Any], user: str = "") -> WSManFaultError:
    with pytest.raises(WSManFaultError) as caught:
        await (served.with_client(work, user=user) if user else served.with_client(work))
    return caught.value


async def test_who_may_open_a_session_and_how_many() -> None:
    def open_(wsman: WSMan) -> None:
        RunspacePool(wsman, configuration_name="Microsoft.Exchange").open()

    def wrong_resource(wsman: WSMan) -> None:
        RunspacePool(wsman, configuration_name="Microsoft.PowerShell").open()

    async with serve(open_endpoint(Shell().estate)) as served:
        assert (await faulted(served, open_, user=ADA)).code == 5
        assert (await faulted(served, wrong_resource)).code == 2150858811
        with pytest.raises(AuthenticationError):
            await served.with_client(open_, password="wrong")
        for _ in range(SHELLS_PER_USER):
            await served.with_client(open_)
        full = await faulted(served, open_)
        assert "maximum number of 18 concurrent shells" in str(full)
        assert served.endpoint.open_shells == SHELLS_PER_USER


async def test_idle_sessions_are_dropped_and_sessions_belong_to_one_account() -> None:
    time = 0.0

    async def execute(ask: CmdletAsk, caller: Caller) -> Outcome:
        return Outcome()

    endpoint = PsrpEndpoint(execute, idle_limit=60, clock=lambda: time)
    async with serve(endpoint) as served:

        def left_open(wsman: WSMan) -> str:
            pool = RunspacePool(wsman, configuration_name="Microsoft.Exchange")
            pool.open()
            return pool.id

        shell_id = await served.with_client(left_open)
        receive = (
            b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            b'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
            b'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>'
            b"<a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action>"
            b'<w:SelectorSet><w:Selector Name="ShellId">' + shell_id.encode() + b"</w:Selector></w:SelectorSet>"
            b"</s:Header><s:Body/></s:Envelope>"
        )
        assert (await served.post(receive))[0] == 200
        status, reply = await served.post(receive, principal="somebody else")
        assert status == 500
        assert b'Code="2150858843"' in reply
        time = 59.0
        assert (await served.post(receive))[0] == 200
        time = 120.0
        assert (await served.post(receive))[0] == 500
        assert endpoint.open_shells == 0
