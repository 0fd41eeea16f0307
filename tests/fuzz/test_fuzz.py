"""A short round of the fuzzer over every reader, and what hypothesis finds beside it; ``make fuzz`` is the long one."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.mutate import mutated
from tests.fuzz.readers import Reader, readers, snapshot_reader
from tests.fuzz.run import Crash, attempt, liked, one_round
from tests.fuzz.seeds import seeds

ROUNDS = 300
KEYS = st.sampled_from(["value", "error", "code", "message", "keyCredentials", "Url", "Protocol", "key", "id", "keys"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | KEYS, inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ...]:
    return asyncio.run(seeds(tmp_path_factory.mktemp("seeds")))


@pytest.mark.parametrize("reader", readers(), ids=lambda one: one.name)
def test_reader_survives_broken_bodies(reader: Reader, bodies: tuple[bytes, ...]) -> None:
    chance = random.Random(reader.name)
    own = liked(reader, bodies)
    for _ in range(ROUNDS):
        one_round(reader, own, bodies, chance)


def test_snapshot_survives_broken_exports(bodies: tuple[bytes, ...], tmp_path: Path) -> None:
    reader = snapshot_reader(tmp_path)
    chance = random.Random(11)
    exports = [body for body in bodies if b"<Objs" in body]
    for _ in range(ROUNDS):
        one_round(reader, exports, exports, chance)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
def test_no_reader_minds_what_it_is_given(body: bytes) -> None:
    for reader in readers():
        attempt(reader, body)


def test_a_reader_that_trips_is_told() -> None:
    def trips(body: bytes) -> object:
        return json.loads(body)["value"][0]["id"]

    reader = Reader("tripping", trips, refusals=(ValueError,))
    whole = b'{"value": [{"id": "1"}]}'
    assert attempt(reader, whole)
    chance = random.Random(1)
    with pytest.raises(Crash, match="tripping"):
        for _ in range(200):
            attempt(reader, mutated(whole, whole, chance))
