"""The words in which a failure of OAuth between two Exchange organizations is told, and what each means.

The first entry that fits decides: a longer text often holds the words of a more general one. Exchange says why it
refused a token in the header ``x-ms-diagnostics``, ``<number>;reason="...";error_category="..."``; the numbers are
2000000 and what follows. Sources: MS-XOAUTH, Microsoft's pages on OAuth between Exchange organizations and on hybrid
modern authentication, and failures printed in public threads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class OAuthFailure:
    """One known failure. ``slug`` names it; ``words`` is a regular expression, matched without regard to case."""

    slug: str
    words: str
    says: str

    def fits(self, text: str) -> bool:
        """Whether ``text`` tells of this failure."""
        return re.search(self.words, text, re.IGNORECASE) is not None


FAILURES = (
    OAuthFailure(
        "role-missing",
        r"has not assigned any of the RBAC roles",
        "The account of the calling application holds no role that allows the call.",
    ),
    OAuthFailure(
        "key-not-found",
        r"AADSTS50012|AADSTS700027|key was not found",
        "The authentication certificate is not among the keys of the application Exchange signs in as.",
    ),
    OAuthFailure(
        "application-unknown",
        r"AADSTS700016|unauthorized_client",
        "The tenant knows no application with the id Exchange signs in with.",
    ),
    OAuthFailure(
        "certificate-required",
        r"auth strength was 1, required is 2|\b2000001\b",
        "The token was got with a client secret where a certificate is required.",
    ),
    OAuthFailure(
        "stale-keys",
        r"\b2000000\b|token has an invalid signature|invalid_signature",
        "Exchange no longer knows the keys Microsoft signs its tokens with.",
    ),
    OAuthFailure(
        "token-expired",
        r"\b2000002\b|token_expired",
        "The token had expired when it came: the clocks of the two sides differ.",
    ),
    OAuthFailure(
        "scheme-changed",
        r"hostname component of the audience claim value is invalid",
        "Something in front of Exchange ends TLS or changes the host, so the token names another address.",
    ),
    OAuthFailure(
        "audience-refused",
        r"\b2000003\b|audience claim value is invalid|invalid_resource",
        "The token is for another name: the public name is missing among the names of the service principal.",
    ),
    OAuthFailure(
        "tenant-unknown",
        r"\b2000004\b|tenant for tenant guid .* does not exist|invalid_tenant",
        "The side that was asked does not know the tenant of the token.",
    ),
    OAuthFailure(
        "user-ambiguous",
        r"user-context in the token is ambiguous|2000005;.*ambiguous",
        "Several people on the side that was asked go by the name in the token.",
    ),
    OAuthFailure(
        "user-unknown",
        r"\b2000005\b|user specified by the user-context in the token does not exist|invalid_user",
        "The side that was asked does not know the person the test was made for.",
    ),
    OAuthFailure(
        "application-refused",
        r"\b2000006\b|invalid_client",
        "The application that called is no enabled partner application.",
    ),
    OAuthFailure("server-failed", r"\b2000007\b|internal_error", "Exchange failed while it judged the token."),
    OAuthFailure("grant-refused", r"\b2000008\b|invalid_grant", "The grant behind the token was refused."),
    OAuthFailure(
        "no-certificate",
        r"no valid authentication certificate",
        "Exchange has no valid authentication certificate to sign with.",
    ),
    OAuthFailure(
        "no-issuer",
        r"No auth server is enabled",
        "Exchange trusts none of the issuers the other side names.",
    ),
    OAuthFailure(
        "forbidden",
        r"\(403\)|HTTP status 403|\b403\b.*Forbidden|shared service principal",
        "The other side refuses rich coexistence: the dedicated hybrid application is not in use.",
    ),
    OAuthFailure(
        "unauthorized",
        r"\(401\)|HTTP status 401|Unauthorized",
        "The other side, or something in front of it, refuses without a reason.",
    ),
    OAuthFailure(
        "unreachable",
        r"\((?:404|502|503)\)|HTTP status (?:404|5\d\d)|could not be resolved|unable to connect|timed? ?out|names no",
        "The other side was not reached.",
    ),
)
"""Every known failure, the special before the general."""


def recognize(text: str) -> OAuthFailure | None:
    """The failure ``text`` tells of; None for words nobody has described."""
    return next((one for one in FAILURES if one.fits(text)), None)
