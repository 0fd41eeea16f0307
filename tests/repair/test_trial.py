"""What Exchange says with -WhatIf: everything is asked through the hand, nothing is changed, nothing journaled."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.repair.desk import ON, Desk, plan

from hybridge.org import records as r
from hybridge.plan import Plan
from hybridge.repair.trial import Opinion, Trial, WhatIfOnly, try_out
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, HttpAnswer, HttpAsk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "journals")


async def tried(desk: Desk, wanted: Plan | None = None) -> tuple[Trial, ...]:
    before, asked = desk.organization, len(desk.estate.log)
    found = await try_out(wanted or plan(), desk.answerer, desk.hands, desk.clock)
    assert desk.organization is before, "nothing may change"
    assert not desk.root.exists(), "nothing may be journaled"
    assert {one.method for one in desk.estate.log[asked:]} <= {"GET"}
    return found


async def test_what_can_be_asked_is_asked_and_what_hangs_on_it_is_named(desk: Desk) -> None:
    found = await tried(desk)
    assert [one.opinion for one in found] == [Opinion.ACCEPTED] * 2 + [Opinion.NOT_ASKED] * 6
    assert found[0].tried[0].cmdlet.startswith(f"New-MailUser -Name '{apps.INTEGRATION_ACCOUNT}'")
    assert not found[0].tried[0].refused
    assert "once the object exists" in found[0].says
    assert [one.cmdlet.partition(" ")[0] for one in found[1].tried] == ["New-ManagementRole"]
    assert found[2].says == "It needs what step 1, 2 makes."
    assert found[3].says == "It needs what step 1, 3 makes."
    assert found[7].says == "Only what on-premises cmdlets write can be tried with -WhatIf."


async def test_steps_made_meanwhile_let_the_next_be_asked(desk: Desk) -> None:
    first = msgspec.structs.replace(plan(), id="first", changes=plan().changes[:3])
    await desk.apply(first)
    desk.root = desk.root / "other"
    found = await tried(desk)
    assert [one.opinion for one in found[:5]] == [Opinion.ALREADY_SO] * 3 + [Opinion.ACCEPTED] * 2
    assert found[3].tried[0].cmdlet.startswith("New-PartnerApplication ")


async def test_what_exchange_refuses_is_shown(desk: Desk) -> None:
    await desk.apply(msgspec.structs.replace(plan(), id="first", changes=plan().changes[:3]))
    desk.root = desk.root / "other"
    taken = r.PartnerApplication(premises=ON, identity="Other", application_identifier=apps.TEAMS_SCHEDULER)
    desk.estate.organization = desk.organization.put(taken)

    class Refusing:
        def __init__(self, inner: Desk) -> None:
            self.inner = inner.answerer

        async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
            if ask.name == "New-PartnerApplication":
                assert ("WhatIf", True) in ask.parameters
                return CmdletAnswer(errors=("An application with this identifier exists.",))
            return await self.inner.cmdlet(ask)

        async def http(self, ask: HttpAsk) -> HttpAnswer:
            return await self.inner.http(ask)

        dns = desk.answerer.dns
        tls = desk.answerer.tls

    found = await try_out(plan(), Refusing(desk), desk.hands, desk.clock)
    assert found[3].opinion is Opinion.REFUSED
    assert "An application with this identifier exists." in found[3].says
    assert found[3].tried[0].refused


async def test_drift_is_told(desk: Desk) -> None:
    stranger = r.PartnerApplication(premises=ON, identity="TeamsScheduler", application_identifier="other")
    desk.estate.organization = desk.organization.put(stranger)
    found = await tried(desk)
    assert found[3].opinion is Opinion.DRIFTED
    assert "was changed meanwhile" in found[3].says


async def test_nothing_that_could_write_gets_past_the_answerer(desk: Desk) -> None:
    only = WhatIfOnly(desk.answerer)
    host = "https://graph.microsoft.com"
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        answer = await only.http(HttpAsk(method=method, url=f"{host}/v1.0/servicePrincipals/1"))
        assert answer.failure is not None and "was not sent" in answer.failure.says
    online = CmdletAsk(premises=Premises.ONLINE, name="Set-Mailbox", parameters=(("Identity", "a"),))
    refused = await only.cmdlet(online)
    assert refused.failure is not None and "was not sent" in refused.failure.says
    assert desk.estate.log == []


async def test_changes_of_a_record_that_is_there_are_tried_in_full(desk: Desk) -> None:
    await desk.apply(msgspec.structs.replace(plan(), id="first", changes=plan().changes[:1]))
    desk.root = desk.root / "other"
    user = plan().changes[0].after
    assert isinstance(user, r.MailUser)
    shown = msgspec.structs.replace(user, hidden_from_address_lists_enabled=False)
    change = msgspec.structs.replace(plan().changes[0], before=user, after=shown)
    (found,) = await tried(desk, msgspec.structs.replace(plan(), changes=(change,)))
    assert found.opinion is Opinion.ACCEPTED
    assert [one.cmdlet for one in found.tried] == [
        f"Set-MailUser -Identity '{apps.INTEGRATION_ACCOUNT}' -HiddenFromAddressListsEnabled $false"
    ]
