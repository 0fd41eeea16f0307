"""One pipeline: which cmdlet it asks for, and what it writes.

psrpcore has no public way to end a pipeline as Failed, so that message is made here. Its ``start`` would announce the
state Running, which real servers do not.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from psrpcore import PowerShell, ServerPipeline
from psrpcore.types import PipelineState, PSInvocationState, PSRPMessageType

from hybridge.lab.cmdlets.outcome import Caller, ConnectionCut, ErrorSeen, Outcome
from hybridge.lab.psrp import errors, objects
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk

_log = logging.getLogger(__name__)

PAGE = 100
"""Objects written before others have their turn."""

Execute = Callable[[CmdletAsk, Caller], Awaitable[Outcome]]
"""Runs one cmdlet for somebody. It may wait."""


def read_ask(pipeline: Any) -> CmdletAsk | ErrorSeen:
    """The cmdlet a pipeline asks for, or the error it is refused with."""
    commands = pipeline.commands if isinstance(pipeline, PowerShell) else []
    if not commands or any(command.is_script for command in commands):
        return errors.NO_LANGUAGE
    if len(commands) > 1:
        return errors.ONE_AT_A_TIME
    (command,) = commands
    parameters = tuple(((name or "").strip("-:"), objects.plain(value)) for name, value in command.parameters)
    return CmdletAsk(premises=Premises.ON_PREMISES, name=command.command_text, parameters=parameters)


Room = Callable[[], Awaitable[None]]
"""Waits until there is room for another page of output."""


async def run(pipeline: ServerPipeline, execute: Execute, caller: Caller, room: Room) -> None:
    """Run the pipeline to its end, leaving its messages in the pool's outgoing buffer, a page at a time."""
    pipeline.state = PSInvocationState.Running
    ask = read_ask(pipeline.metadata)
    outcome = Outcome(errors=(ask,)) if isinstance(ask, ErrorSeen) else await _executed(execute, ask, caller)
    if pipeline.state is PSInvocationState.Running:  # not stopped meanwhile
        await _write_objects(pipeline, outcome, room)
    if pipeline.state is PSInvocationState.Running:
        write(pipeline, outcome)


async def _executed(execute: Execute, ask: CmdletAsk, caller: Caller) -> Outcome:
    """The outcome; a defect of the executor becomes an error record, or the client would wait for ever.

    ``ConnectionCut`` passes: the shell tells the client by ending the connection.
    """
    try:
        return await execute(ask, caller)
    except ConnectionCut:
        raise
    except Exception:
        _log.exception("The lab failed to run %s", ask.name)
        return Outcome(errors=(errors.DEFECT,))


async def _write_objects(pipeline: ServerPipeline, outcome: Outcome, room: Room) -> None:
    """Send the objects of an outcome. A long list lets others have their turn, and waits for who reads it."""
    for number, one in enumerate(outcome.objects, start=1):
        pipeline.write_output(objects.build(one))
        if number % PAGE == 0:
            await room()
            if pipeline.state is not PSInvocationState.Running:  # stopped meanwhile
                return


def write(pipeline: ServerPipeline, outcome: Outcome) -> None:
    """Send what follows the objects of an outcome: warnings and errors, then how it ended."""
    for warning in outcome.warnings:
        pipeline.prepare_message(objects.warning(warning), message_type=PSRPMessageType.WarningRecord)
    for error in outcome.errors:
        if error.terminating:
            fail(pipeline, error)
            return
        pipeline.write_error(
            errors.exception(error),
            category_info=errors.category(error),
            target_object=error.target or None,
            fully_qualified_error_id=error.error_id,
        )
    pipeline.complete()


def fail(pipeline: ServerPipeline, error: ErrorSeen) -> None:
    """End the pipeline as Failed because of ``error``."""
    failed = PSInvocationState.Failed
    pipeline.prepare_message(PipelineState(PipelineState=int(failed), ExceptionAsErrorRecord=errors.record(error)))
    pipeline.state = failed
