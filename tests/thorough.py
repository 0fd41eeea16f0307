"""What a long test leaves to ``make thorough``: the marker ``thorough``, obeyed by ``conftest.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def some_of(values: Sequence[T], each: int) -> list[Any]:
    """``values`` (tuples for several arguments) as parameters: one of ``each`` always, the rest in a thorough run."""
    marks = pytest.mark.thorough
    given = (one if isinstance(one, tuple) else (one,) for one in values)
    return [pytest.param(*one, marks=() if not number % each else marks) for number, one in enumerate(given)]
