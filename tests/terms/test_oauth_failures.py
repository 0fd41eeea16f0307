"""Every line of the dictionary of OAuth failures is recognized by the words in which it is really told."""

from __future__ import annotations

import pytest

from hybridge.terms.oauth_failures import FAILURES, recognize

TOLD = (
    ("stale-keys", '2000000;reason="The token has an invalid signature.";error_category="invalid_signature"'),
    ("certificate-required", '2000001;reason="Access token is not valid: auth strength was 1, required is 2."'),
    ("token-expired", '2000002;reason="The token has expired.";error_category="token_expired"'),
    ("audience-refused", "2000003;reason=\"The audience claim value is invalid 'aud'.\";invalid_resource"),
    (
        "scheme-changed",
        '2000003;reason="The hostname component of the audience claim value is invalid. '
        "Expected 'https://mail.contoso.com'. Actual 'http://mail.contoso.com'.\"",
    ),
    ("tenant-unknown", "2000004;reason=\"The tenant for tenant guid '1111' does not exist.\";invalid_tenant"),
    ("user-unknown", '2000005;reason="The user specified by the user-context in the token does not exist."'),
    ("user-ambiguous", '2000005;reason="The user specified by the user-context in the token is ambiguous."'),
    ("application-refused", '2000006;reason="The application is not a partner.";error_category="invalid_client"'),
    ("server-failed", '2000007;reason="An internal error.";error_category="internal_error"'),
    ("grant-refused", '2000008;reason="The grant is refused.";error_category="invalid_grant"'),
    (
        "key-not-found",
        "Unable to get token from Auth Server. Error code: 'invalid_client'. Description: 'AADSTS70002: Error "
        "validating credentials. AADSTS50012: Client assertion contains an invalid signature. "
        "[Reason - The key was not found., "
        "Thumbprint of key used by client: '6A99DE4CCC1D6A4F2C3E5B6A7C8D9E0F1A2B3C4D'",
    ),
    ("key-not-found", "AADSTS700027: Client assertion failed signature validation."),
    ("application-unknown", "Error code: 'unauthorized_client'. AADSTS700016: Application was not found."),
    (
        "role-missing",
        "ErrorAccessDenied: The caller has not assigned any of the RBAC roles requested in the management role header.",
    ),
    ("forbidden", "System.Net.WebException: The remote server returned an error: (403) Forbidden."),
    ("unauthorized", "The remote server returned an error: (401) Unauthorized."),
    ("unreachable", "The remote name could not be resolved: 'mail.contoso.com'"),
    ("unreachable", "The remote server returned an error: (503) Server Unavailable."),
    ("no-issuer", "No auth server is enabled that is among the trusted issuers of the challenge."),
    ("no-certificate", "Exchange has no valid authentication certificate to sign with."),
)


@pytest.mark.parametrize(("slug", "text"), TOLD)
def test_words_are_recognized(slug: str, text: str) -> None:
    found = recognize(f"Information:[OAuthCredentials:Authenticate] entering\r\nError: {text}")
    assert found is not None and found.slug == slug


def test_every_failure_has_words_of_its_own() -> None:
    assert {slug for slug, _ in TOLD} == {failure.slug for failure in FAILURES}
    assert len({failure.slug for failure in FAILURES}) == len(FAILURES)


def test_unknown_words_are_nobody_s() -> None:
    assert recognize("The SMTP address has no mailbox associated with it.") is None
    assert recognize("") is None
