"""What a long test leaves to ``make thorough``: the marker ``thorough``, obeyed by ``conftest.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def some_of(values: Sequence[T], each: int) -> list[Any]:
    """``values`` as parameters: every one of ``each`` in any run, the others in a thorough one."""
    marks = pytest.mark.thorough
    return [pytest.param(one, marks=() if not number % each else marks) for number, one in enumerate(values)]
