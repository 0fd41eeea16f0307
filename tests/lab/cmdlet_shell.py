"""A shell on a fresh Contoso, for the tests of cmdlets: run one, look at the answer and at the organization."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.lab.powershell import run
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import CmdletAnswer, CmdletAsk

ON = Premises.ON_PREMISES
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ADA, GRACE, ALAN, MARIE = (f"{name}@contoso.com" for name in ("ada", "grace", "alan", "marie"))
CALENDAR = f"{ADA}:\\Calendar"


def _certificate() -> AuthCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Microsoft Exchange Server Auth Certificate")])
    begins, ends = NOW - timedelta(days=100), NOW + timedelta(days=1000)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return AuthCertificate(signed.public_bytes(Encoding.DER), begins, ends)


CERTIFICATE = _certificate()


def ask(name: str, *positional: Any, **parameters: Any) -> CmdletAsk:
    """One on-premises cmdlet."""
    given = (*(("", value) for value in positional), *parameters.items())
    return CmdletAsk(premises=ON, name=name, parameters=given)


class Shell:
    """Runs cmdlets on an estate of its own."""

    def __init__(self) -> None:
        self.estate = Estate(contoso(NOW, CERTIFICATE), clock=lambda: NOW, certificate=CERTIFICATE)

    @property
    def organization(self) -> Organization:
        return self.estate.organization

    def try_(self, name: str, *positional: Any, **parameters: Any) -> CmdletAnswer:
        """Whatever the cmdlet answers."""
        return run(self.estate, ask(name, *positional, **parameters), ADMINISTRATOR)

    def run(self, name: str, *positional: Any, **parameters: Any) -> CmdletAnswer:
        """The answer of a cmdlet that must succeed without an error."""
        answer = self.try_(name, *positional, **parameters)
        assert answer.failure is None
        assert answer.errors == ()
        return answer

    def records(self, name: str, *positional: Any, **parameters: Any) -> tuple[Record, ...]:
        """What the cmdlet shows, read back as records."""
        asked = ask(name, *positional, **parameters)
        found = cmdlets.read_answer(asked, run(self.estate, asked, ADMINISTRATOR))
        assert isinstance(found, tuple)
        return found

    def refused(self, name: str, *positional: Any, **parameters: Any) -> str:
        """The one sentence of a cmdlet that must refuse, having changed nothing."""
        before = self.organization
        answer = self.try_(name, *positional, **parameters)
        assert self.organization == before
        assert answer.objects == ()
        if answer.failure is not None:
            return answer.failure.says
        (says,) = answer.errors
        return says
