"""SetUserOofSettings of the lab: what changes, what stays, and who may."""

from datetime import timedelta
from typing import Any

import pytest
from tests.lab.notify.office import ADA, GRACE, NOW, Office

from hybridge.lab.mail.budgets import MANNERS, Budgets, UnknownManner
from hybridge.wire.ews import get_user_oof_settings, set_user_oof_settings
from hybridge.wire.ews.set_user_oof_settings import Request

LATER = NOW + timedelta(days=2)


def set_(office: Office, request: Request, acting: str = ADA) -> Any:
    return set_user_oof_settings.read_answer(office.post(set_user_oof_settings.write_request(request), acting=acting))


def get(office: Office, mailbox: str = ADA) -> Any:
    body = get_user_oof_settings.write_request(get_user_oof_settings.Request(mailbox))
    return get_user_oof_settings.read_answer(office.post(body, acting=mailbox))


def test_replies_are_scheduled_and_the_old_duration_and_words_stay_when_off(office: Office) -> None:
    html = "<html><body>Away &amp; happy</body></html>"
    assert set_(office, Request(ADA, "Scheduled", "Known", NOW, LATER, html, "Out")).code == "NoError"
    said = get(office)
    assert (said.oof_state, said.external_audience, said.start_at, said.end_at) == ("Scheduled", "Known", NOW, LATER)
    assert (said.internal_reply, said.external_reply) == (html, "Out")
    assert set_(office, Request(ADA, "Disabled", "None")).code == "NoError"
    said = get(office)
    assert (said.oof_state, said.external_audience, said.start_at, said.end_at) == ("Disabled", "None", NOW, LATER)
    assert said.internal_reply == html
    assert set_(office, Request(ADA, "Enabled")).code == "NoError"
    assert get(office).end_at == LATER


@pytest.mark.parametrize(
    ("state", "start", "end"),
    [
        ("Scheduled", NOW, NOW),
        ("Scheduled", LATER, NOW),
        ("Scheduled", None, None),
        ("Enabled", LATER, NOW),
    ],
)
def test_a_duration_must_end_after_it_begins(office: Office, state: str, start: Any, end: Any) -> None:
    said = set_(office, Request(ADA, state, "All", start, end))
    assert said.code == "ErrorInvalidScheduledOofDuration"
    assert get(office).oof_state == "Disabled"


def test_only_ones_own_mailbox(office: Office) -> None:
    assert set_(office, Request(GRACE, "Enabled")).code == "ErrorAccessDenied"
    assert set_(office, Request("nobody@contoso.com", "Enabled")).code == "ErrorNonExistentMailbox"
    assert get(office, GRACE).oof_state == "Disabled"


def test_a_reset_takes_replies_back(office: Office) -> None:
    set_(office, Request(ADA, "Enabled", internal_reply="Away"))
    office.estate.reset()
    assert (get(office).oof_state, get(office).internal_reply) == ("Disabled", "")


def test_the_availability_of_a_busy_server_is_an_error_inside(office: Office) -> None:
    office.known.budgets.take_up("busy-inside:1")
    body = get_user_oof_settings.write_request(get_user_oof_settings.Request(ADA))
    said = get_user_oof_settings.read_answer(office.post(body))
    assert isinstance(said, get_user_oof_settings.Response)
    assert said.code == "ErrorInternalServerError"
    assert get(office).code == "NoError"


def test_manners_are_named_and_wear_out() -> None:
    budgets = Budgets()
    budgets.take_up(*MANNERS)
    assert all(name in budgets for name in MANNERS)
    budgets.take_up("busy", "unavailable:1")
    assert [budgets.refusal() for _ in range(4)] == ["busy", "busy", "unavailable", ""]
    budgets.take_up("challenged:0")
    assert {budgets.refusal() for _ in range(100)} == {"challenged"}
    for strange in ("rude", "busy:x", "busy:", "late:3"):
        with pytest.raises(UnknownManner, match=strange):
            budgets.take_up(strange)
    assert "challenged" in budgets, "nothing changed"
