"""Fixtures of the source tests: a certificate authority, and none of the system's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.net.farm import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The CA that signs the servers' certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def few_system_authorities(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading the system's real list takes 20 ms in each test."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    monkeypatch.setenv("SSL_CERT_DIR", str(Path(authority.ca_file).parent))
