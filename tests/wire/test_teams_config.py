"""The Teams configuration service, both halves."""

from urllib.parse import urlsplit

import pytest

from hybridge.org.records import TeamsAppSetupPolicy, TeamsUpgradePolicy
from hybridge.terms.clouds import TEAMS_CONFIG_RESOURCE
from hybridge.terms.premises import Premises
from hybridge.wire import teams_config as tc
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, Sign

HOST = "api.interfaces.records.teams.microsoft.com"
SETUP = tuple(
    TeamsAppSetupPolicy(premises=Premises.ONLINE, identity=name, pinned_app_bar_apps=apps, allow_user_pinning=free)
    for name, apps, free in (("Global", ("b", "a"), False), ("First line", (), True))
)
UPGRADE = (TeamsUpgradePolicy(premises=Premises.ONLINE, identity="UpgradeToTeams", mode="TeamsOnly"),)


def test_policies_travel() -> None:
    assert tc.read_app_setup_policies(tc.write_policies(SETUP)) == SETUP
    assert tc.read_upgrade_policies(tc.write_policies(UPGRADE)) == UPGRADE


def test_asks() -> None:
    ask = tc.ask_all(HOST, tc.APP_SETUP)
    assert ask.url == f"https://{HOST}/Skype.Policy/configurations/TeamsAppSetupPolicy"
    assert (ask.sign, ask.scope) == (Sign.ENTRA, f"{TEAMS_CONFIG_RESOURCE}/.default")
    assert tc.read_ask(urlsplit(ask.url).path) == ("TeamsAppSetupPolicy", "")
    assert tc.read_ask("/Skype.Policy/other") is None


@pytest.mark.parametrize("policy", [*SETUP, *UPGRADE], ids=lambda policy: policy.identity)
def test_writes_travel(policy: TeamsAppSetupPolicy | TeamsUpgradePolicy) -> None:
    kind = type(policy).__name__
    ask = tc.ask_put(HOST, kind, policy.identity, tc.properties_of(policy))
    put = tc.read_put_ask(urlsplit(ask.url).path, ask.body)
    assert put == tc.Put(kind, policy.identity, tc.properties_of(policy))
    read = tc.read_upgrade_policy if isinstance(policy, TeamsUpgradePolicy) else tc.read_app_setup_policy
    assert read({"Identity": policy.identity, **put.properties}) == policy


def test_what_is_no_write() -> None:
    assert tc.read_put_ask("/Skype.Policy/configurations/TeamsUpgradePolicy", b"{}") is None
    assert tc.read_put_ask("/Skype.Policy/configurations/TeamsUpgradePolicy/configuration/Global", b"[]") is None
    assert tc.read_put(HttpAnswer(status=200)) is None
    assert tc.read_put(HttpAnswer(status=403)) is not None


def test_apps_come_in_their_order_whatever_they_hold() -> None:
    body = (
        b'[{"Identity":"Tag:x","PinnedAppBarApps":[{"Id":"c","Order":"x"},{"Id":"b","Order":2},{"Id":"a","Order":1},'
        b'{"Id":7},5],"AllowUserPinning":"yes"},{"Identity":null},7]'
    )
    (read,) = tc.read_app_setup_policies(HttpAnswer(status=200, body=body))  # type: ignore[misc]
    assert isinstance(read, TeamsAppSetupPolicy)
    assert (read.identity, read.pinned_app_bar_apps, read.allow_user_pinning) == ("x", ("a", "b", "c"), True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HttpAnswer(status=200, body=b"{}"), FailureReason.MALFORMED),
        (HttpAnswer(status=200, body=b"<html>"), FailureReason.MALFORMED),
        (HttpAnswer(status=200, body=b"[" * 99999), FailureReason.MALFORMED),
        (HttpAnswer(status=401, body=b'{"error":{"code":"x"}}'), FailureReason.SIGN_IN),
        (HttpAnswer(status=500), FailureReason.UNREACHABLE),
    ],
)
def test_no_policies(answer: HttpAnswer, reason: FailureReason) -> None:
    for read in (tc.read_app_setup_policies(answer), tc.read_upgrade_policies(answer)):
        assert isinstance(read, Failure)
        assert read.reason is reason
