"""Whether the configured accounts may carry a plan out, asked before it begins."""

from __future__ import annotations

from collections.abc import Sequence

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import say
from hybridge.collectors.rights import collect_rights
from hybridge.config import Config
from hybridge.evidence import Evidence
from hybridge.net.clock import SystemClock
from hybridge.plan import Plan
from hybridge.repair.hands.base import Hand
from hybridge.repair.rights import Accounts, Judged, judge, needed
from hybridge.wire.ask import Answerer


async def rights_for(plan: Plan, hands: Sequence[Hand], answerer: Answerer, config: Config) -> Judged:
    """What the accounts lack for ``plan``. ``answerer`` is the live one itself: it reads its own token."""
    wanted = needed(plan, hands)
    readings = await collect_rights(answerer, config.cloud, wanted.cmdlets, wanted.permissions)
    evidence = Evidence(now=SystemClock().now(), readings=readings)
    return judge(wanted, evidence, accounts_of(config))


def accounts_of(config: Config) -> Accounts:
    """The accounts as the configuration names them."""
    return Accounts(
        exchange=config.exchange.username or "(none configured)", application=config.entra.client_id or "(none)"
    )


async def stop_without_rights(
    plan: Plan, hands: Sequence[Hand], answerer: Answerer, config: Config, quiet: bool
) -> None:
    """End the command when a right is missing, before anything of ``plan`` is begun."""
    judged = await rights_for(plan, hands, answerer, config)
    for unasked in judged.unasked:
        say(f"  {unasked}", quiet)
    if judged.lacks:
        raise refusal_of(judged)


def refusal_of(judged: Judged) -> Stop:
    """The missing rights as the end of a command."""
    says = " ".join(one.says for one in judged.lacks)
    steps = dict.fromkeys(one.next_step for one in judged.lacks)
    return Stop(f"The plan was not started. {says}", " ".join(steps), Exit.SIGN_IN)
