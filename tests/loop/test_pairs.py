"""The closed loop for every pair of causes that meet, in process; for some of the partner applications over TLS too.

Where one of the two hides the other, the plan that cures the first names the second, or the next look finds it. Where
one puts the other out of force (an allow list under a policy that blocks), the loop is walked all the same, and the
pair counts as skipped with that reason.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.loop.pairs import PROCEDURE, Pair, PairWalk, pairs
from tests.loop.walk import NOW, Walk, mailboxes_for, new_estate
from tests.thorough import some_of

from hybridge.config import load
from hybridge.lab.apps.keepings import kept
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.serve.calls import open_calls
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock

TWO = ("ada@contoso.com", "grace@contoso.com")
"""A delegation that works: enough for causes of the organization."""
OVER_TLS = tuple(pair for pair in pairs() if all(name.startswith("partner_apps/") for name in pair.names))[::6]
"""Some of those of the partner applications, spread over all of them."""


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """One for all estates, as making it takes longer than a look."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def estate_at(clock: SetClock) -> Estate:
    estate = new_estate(clock)
    kept(estate).signing_key = signing_key()
    return estate


@pytest.mark.parametrize("pair", some_of(pairs(), 6), ids=str)
async def test_two_causes_at_once(pair: Pair, tmp_path: Path) -> None:
    order = pair.ordered()
    if isinstance(order, str):
        pytest.skip(order)
    clock = SetClock(NOW)
    estate = estate_at(clock)
    answerer = InProcess(estate)
    procedure = all(name.startswith(PROCEDURE) for name in pair.names)
    mailboxes = TWO if procedure else mailboxes_for(pair.one, pair.other)
    walk = Walk(estate, Verbs(estate, answerer), clock, tmp_path, answerer, mailboxes)
    idle = await PairWalk(walk, pair).whole(order)
    if idle:
        pytest.skip(f"{', '.join(idle)} is without effect beside {', '.join(pair.names - idle)}")


@pytest.mark.parametrize("first", dict.fromkeys(pair.one.name for pair in OVER_TLS))
async def test_two_causes_at_once_over_tls(first: str, tmp_path: Path) -> None:
    clock = SetClock(NOW)
    estate = estate_at(clock)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running, open_calls(running) as calls:
        verbs = running.control.verbs = Verbs(estate, calls)
        file = tmp_path / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, clock) as live:
            for number, pair in enumerate(OVER_TLS):
                order = pair.ordered()
                if pair.one.name != first or isinstance(order, str):
                    continue
                try:
                    await PairWalk(Walk(estate, verbs, clock, tmp_path / str(number), live, TWO), pair).whole(order)
                except AssertionError as wrong:
                    wrong.add_note(str(pair))
                    raise
                estate.reset()
