"""Leads exchangelib to a lab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from exchangelib.protocol import BaseProtocol, Protocol
from requests.adapters import HTTPAdapter

from hybridge.lab.contoso import MAIL_HOST
from hybridge.lab.serve.running import RunningLab


@contextmanager
def dialling(lab: RunningLab) -> Iterator[None]:
    """With exchangelib dialling ``lab``, trusting its authority and checking the real name."""

    class ToTheLab(HTTPAdapter):
        def get_connection_with_tls_context(
            self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
        ) -> Any:
            trust = {"ca_certs": str(lab.ca_file), "cert_reqs": "CERT_REQUIRED"}
            name = {"server_hostname": MAIL_HOST, "assert_hostname": MAIL_HOST}
            return self.poolmanager.connection_from_host("127.0.0.1", lab.https_port, "https", trust | name)

        def cert_verify(self, *_: Any, **__: Any) -> None:
            """The pool has its authority already."""

        def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
            request.headers["Host"] = MAIL_HOST

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", ToTheLab)
        yield
        Protocol.clear_cache()
