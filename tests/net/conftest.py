"""Fixtures of the network tests. A module that says ``BOTH_LOOPS = True`` runs its tests on asyncio and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from tests.net.farm import Authority


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Which event loops a test runs on."""
    module = item.getparent(pytest.Module)
    if module is not None and getattr(module.obj, "BOTH_LOOPS", False):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The CA that signs the servers' certificates."""
    folder: Path = tmp_path_factory.mktemp("authority")
    return Authority(folder)


@pytest.fixture(scope="session")
def system_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """What the system trusts in these tests."""
    return Authority(tmp_path_factory.mktemp("system"), "System")


@pytest.fixture(autouse=True)
def few_system_authorities(system_authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading the system's real list takes 20 ms in each test."""
    monkeypatch.setenv("SSL_CERT_FILE", system_authority.ca_file)
    monkeypatch.setenv("SSL_CERT_DIR", str(Path(system_authority.ca_file).parent))
