"""What a client sees of a connection to a host that is published as its ``PublishedHost`` says: no socket, no wait.

The words are those the network side uses for the same on a real connection.
"""

from __future__ import annotations

from collections.abc import Callable

from hybridge.org.records import PublishedHost
from hybridge.wire.ask import TLS_VERSIONS, Failure, FailureReason, Stopped, TlsAnswer, Verification

_VERIFICATIONS = {
    "good": Verification.GOOD,
    "other-subject": Verification.GOOD,
    "expired": Verification.EXPIRED,
    "not-yet-valid": Verification.NOT_YET_VALID,
    "wrong-name": Verification.WRONG_NAME,
    "self-signed": Verification.SELF_SIGNED,
    "untrusted": Verification.UNTRUSTED,
    "no-chain": Verification.INCOMPLETE_CHAIN,
}
_OURS = ("1.2", "1.3")
"""Versions every client of today speaks."""


def no_connection(how: PublishedHost) -> Failure | None:
    """Why a client that verifies what it sees comes to no connection, or None. The name has resolved."""
    host = how.identity
    if how.network == "refused":
        return Failure(reason=FailureReason.UNREACHABLE, says=f"{host} refused the connection.")
    if how.network == "silent":
        return Failure(reason=FailureReason.UNREACHABLE, says=f"{host} did not finish the TLS handshake in time.")
    if not set(versions(how)) & set(_OURS):
        return Failure(reason=FailureReason.MALFORMED, says=f"{host} offers only TLS versions older than 1.2.")
    if _VERIFICATIONS[how.certificate] is not Verification.GOOD:
        says = f"The certificate of {host} is not trusted: {how.certificate}."
        return Failure(reason=FailureReason.CERTIFICATE, says=says)
    if how.client_certificate_requested:
        return Failure(reason=FailureReason.MALFORMED, says=f"{host} wants a client certificate.")
    return None


def versions(how: PublishedHost) -> tuple[str, ...]:
    """The versions of TLS the host speaks, oldest first."""
    oldest, newest = TLS_VERSIONS.index(how.oldest_tls), TLS_VERSIONS.index(how.newest_tls)
    return TLS_VERSIONS[min(oldest, newest) : newest + 1]


def seen(how: PublishedHost, chain: Callable[[str], tuple[bytes, ...]]) -> TlsAnswer:
    """What a look at TLS shows; ``chain`` gives the certificates sent in a variant. The name has resolved."""
    stopped = {"refused": Stopped.REFUSED, "silent": Stopped.TIMEOUT}.get(how.network)
    if stopped is not None:
        return TlsAnswer(failure=no_connection(how), stopped=stopped)
    verification = _VERIFICATIONS[how.certificate]
    good = verification is Verification.GOOD
    return TlsAnswer(
        chain=chain(how.certificate),
        version=how.newest_tls,
        accepted=versions(how),
        client_certificate=how.client_certificate_requested,
        verification=verification,
        says="" if good else f"The certificate of {how.identity} is not trusted: {how.certificate}.",
    )
