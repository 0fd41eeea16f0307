"""Secrets, configuration, the connect-to table, clocks: values without a network."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hybridge.net.clock import SetClock, SystemClock, stopwatch
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig, config_failures
from hybridge.net.connect_to import ConnectTo, Place, read_place
from hybridge.net.secret import Secret
from hybridge.wire.ask import FailureReason

CANARY = "c4nary-s3cret"


def test_secret_is_never_shown() -> None:
    secret = Secret(CANARY)
    exchange = ExchangeConfig(username="svc", password=secret)
    entra = EntraConfig(client_secret=secret)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>30}", repr(exchange), repr(entra), repr([secret])]
    shown.append(repr(dataclasses.asdict(exchange)))
    assert CANARY not in "".join(shown)
    assert secret.reveal() == CANARY
    for write in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, pickle.dumps):
        with pytest.raises(TypeError):
            write({"password": secret})


def test_secret_is_a_value() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("ä")}) == 2
    assert Secret("a") and not Secret()
    assert copy.deepcopy(Secret("a")) == copy.copy(Secret("a")) == Secret("a")


def test_places() -> None:
    assert read_place("Mail.Contoso.com.") == Place("mail.contoso.com", None)
    assert read_place("mail.contoso.com:8443") == Place("mail.contoso.com", 8443)
    assert read_place("192.0.2.1:25") == Place("192.0.2.1", 25)
    assert read_place("2001:DB8::1") == Place("2001:db8::1", None)
    assert read_place("[2001:db8:0::1]:443") == Place("2001:db8::1", 443)
    assert read_place("[2001:db8::1]") == Place("2001:db8::1", None)
    for bad in (
        "",
        ":443",
        "host:",
        "host:0",
        "host:70000",
        "host:https",
        "a b",
        "2001:db8::1:443x",
        "[host]:1",
        "h:٣",
    ):
        with pytest.raises(ValueError, match=r"\.$"):
            read_place(bad)


def test_connect_to_table() -> None:
    table = ConnectTo({"mail.contoso.com": "127.0.0.1:1443", "192.0.2.7:443": "[::1]:2443", "192.0.2.8": "127.0.0.9"})
    assert table.find("MAIL.contoso.com.", 443) == ("127.0.0.1", 1443)
    assert table.find("192.0.2.7", 443) == ("::1", 2443)
    assert table.find("192.0.2.7", 80) is None
    assert table.find("192.0.2.8", 80) == ("127.0.0.9", 80)
    assert table.find("other", 443) is None
    assert table.knows_addresses and not ConnectTo({"h": "127.0.0.1"}).knows_addresses
    assert not ConnectTo({}) and not ConnectTo({"h": "not an address"})


def test_configuration_faults_are_sentences() -> None:
    assert config_failures(NetConfig(), ExchangeConfig(), EntraConfig()) == ()
    net = NetConfig(connect_to={"a:b": "127.0.0.1", "h": "elsewhere"}, nameserver="ns:x", timeout=0, per_host=0)
    exchange = ExchangeConfig(hosts=("https://mail.contoso.com",), username="svc", auth="digest")  # type: ignore[arg-type]
    entra = EntraConfig(cloud="moon", client_secret=Secret(CANARY), certificate_file="x.pem")
    failures = config_failures(net, exchange, entra)
    text = "\n".join(failure.says for failure in failures)
    for setting in (
        "net.connect_to",
        "'elsewhere'",
        "net.nameserver",
        "net.timeout",
        "net.per_host",
        "exchange.hosts",
        "exchange.password",
        "exchange.auth",
        "entra.cloud",
        "entra.certificate_file",
        "entra.tenant_id",
    ):
        assert setting in text
    assert CANARY not in text
    assert {failure.reason for failure in failures} == {FailureReason.NOT_CONFIGURED}
    half = config_failures(NetConfig(), ExchangeConfig(), EntraConfig(tenant_id="t", client_id="c"))
    assert len(half) == 1 and "neither" in half[0].says


def test_clocks() -> None:
    clock = SetClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(hours=2))
    assert clock.now() == datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert SystemClock().now().tzinfo is UTC
    assert stopwatch()() >= 0
