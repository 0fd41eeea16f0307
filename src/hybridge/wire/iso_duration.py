"""Durations of ISO 8601 as Graph writes them: ``PT4H``, ``PT1H30M``, ``P1DT2H``. Years and months are none."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9})(?:\.\d{1,9})?S)?)?"
)


def write_duration(duration: timedelta) -> str:
    """``duration`` in whole seconds; a part of a second is dropped, and less than one second is ``PT0S``."""
    minutes, seconds = divmod(max(int(duration.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0S")


def read_duration(text: str) -> timedelta | None:
    """The duration, None where ``text`` is none. A part of a second is dropped."""
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        return None
    return timedelta(**{unit: int(number) for unit, number in match.groupdict().items() if number is not None})
