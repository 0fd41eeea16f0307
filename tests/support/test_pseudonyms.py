"""Pseudonyms are the same everywhere, and the services of Microsoft keep their names."""

from __future__ import annotations

from hybridge.support.pseudonyms import Pseudonyms

TEXT = (
    "Ada@contoso.com delegates to grace@contoso.com; https://mail.contoso.com/a?Email=ada%40contoso.com, "
    "Ada Lovelace (alias ada), contoso.mail.onmicrosoft.com, https://outlook.office365.com/, mycontoso.com"
)


def test_people_and_domains_get_other_names() -> None:
    others = Pseudonyms([TEXT, "ada@contoso.mail.onmicrosoft.com"], [("ada@contoso.com", "Ada Lovelace")])
    assert others.apply(TEXT) == (
        "person1@domain1.example delegates to person2@domain1.example; "
        "https://mail.domain1.example/a?Email=person1%40domain1.example, "
        "person1 (alias person1), domain2.example, https://outlook.office365.com/, mycontoso.com"
    )
    assert others.key["person2"] == "grace@contoso.com"
    assert others.key["domain1.example"] == "contoso.com"


def test_the_organization_is_hidden_even_without_an_address() -> None:
    assert Pseudonyms([], domains=["Contoso.com"]).apply("mail.CONTOSO.com") == "mail.domain1.example"


def test_an_address_nobody_mentioned_before_still_goes() -> None:
    assert "eve" not in Pseudonyms(["ada@contoso.com"]).apply("eve@contoso.com")


def test_codes_of_urls_are_no_part_of_a_name() -> None:
    others = Pseudonyms(["Identity=%27ada%40contoso.com%27 and '20'ada@contoso.com'", "hybridge@contoso.com"])
    assert others.apply("%27ada%40contoso.com%27") == "%27person1%40domain1.example%27"
    assert set(others.key.values()) == {"contoso.com", "ada@contoso.com", "hybridge@contoso.com"}
    assert others.apply("Made by hybridge 1.0") == "Made by hybridge 1.0"


def test_nothing_known_changes_nothing() -> None:
    assert Pseudonyms(["no names"]).apply("no names") == "no names"
