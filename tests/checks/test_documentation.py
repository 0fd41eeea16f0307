"""Every check is its own documentation: question, reason, sources, and a page with the same parts in the same order."""

from __future__ import annotations

import inspect
import re

import pytest

from hybridge.checks.base import Check
from hybridge.checks.registry import all_causes, all_checks
from hybridge.docs import page, parts

PARTS = ("How it is decided", "How to cure it by hand", "How hybridge cures it", "How to undo")
EVERY = pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
SLUG = re.compile(r"[a-z]+(-[a-z]+)*")


def document(check: Check) -> str:
    return inspect.getdoc(inspect.getmodule(type(check))) or ""


@EVERY
def test_the_question_and_the_reason(check: Check) -> None:
    assert check.title.endswith("?") and check.title[0].isupper()
    assert check.why.endswith(".") and check.why[0].isupper()
    assert check.causes


@EVERY
def test_sources_are_titles(check: Check) -> None:
    assert check.sources
    assert not any("://" in source or not source.strip() for source in check.sources)


@EVERY
def test_the_page_has_its_parts_in_order(check: Check) -> None:
    headings = re.findall(r"^## (.+)$", document(check), re.MULTILINE)
    assert tuple(headings) == PARTS
    first, *_ = document(check).split("\n\n")
    assert first.endswith(".")
    for part in re.split(r"^## .+$", document(check), flags=re.MULTILINE)[1:]:
        assert len(part.strip()) > 20


@EVERY
def test_commands_can_be_copied(check: Check) -> None:
    """No typographic quote or dash, and every fence is closed: what is copied is what is typed."""
    text = document(check)
    assert text.isascii()
    assert text.count("```") % 2 == 0
    for block in re.findall(r"```powershell\n(.*?)```", text, re.DOTALL):
        assert block.count('"') % 2 == 0, block
        assert all(block.count(left) == block.count(right) for left, right in ("()", "{}", "[]")), block


@EVERY
def test_the_page_is_made(check: Check) -> None:
    made = page(check)
    assert made.startswith(f"# {check.name}")
    assert all(f"`{cause.slug}`" in made for cause in check.causes)


@EVERY
def test_the_page_says_all_that_a_person_asks(check: Check) -> None:
    """What it asks, why a person cares, how it is decided, both cures, the undo, the causes, the sources."""
    made = page(check)
    wanted = [check.title, check.why, *(f"## {part}" for part in PARTS), "## Causes", "## Sources"]
    places = [made.index(part) for part in wanted]
    assert places == sorted(places)
    assert set(parts(check)) == {"what it is about", *PARTS}


def test_causes_are_named_and_said() -> None:
    names = [name for name, _, _ in all_causes()]
    assert len(names) == len(set(names))
    for name, _, cause in all_causes():
        assert SLUG.fullmatch(cause.slug), name
        assert cause.says.endswith(".") and cause.says.isascii(), name


def test_an_effect_has_no_fault_and_belongs_to_a_symptom_check() -> None:
    for name, check, cause in all_causes():
        if cause.breaks is None and not cause.given:
            assert check.symptom and not cause.healable, name


def test_no_cause_check_hangs_under_another() -> None:
    assert [check.name for check in all_checks() if check.explained_by and not check.symptom] == []
