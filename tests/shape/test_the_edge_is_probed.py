"""How names are published is known by probes only: nothing that asks may look at the records the lab keeps of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "hybridge"
KEPT_BY_THE_LAB = re.compile(r"\b(PublishedHost|PublishedPath|PublishedService|PublishedRealm|TrustedKeys)\b")


@pytest.mark.parametrize("package", ["collectors", "net", "doctor", "repair/hands"])
def test_no_one_who_asks_knows_the_answer(package: str) -> None:
    offending = [
        f"{path.relative_to(SOURCE)}:{number}: {line.strip()}"
        for path in sorted((SOURCE / package).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if KEPT_BY_THE_LAB.search(line)
    ]
    assert not offending, offending
