"""What scrubbing costs."""

from __future__ import annotations

import random

import pytest

from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.machine import Machine
from loadtests.scrub_cost import TEXTS, measure


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_the_same_each_time(name: str) -> None:
    """Two runs measure the same text."""
    assert TEXTS[name](random.Random(7)) == TEXTS[name](random.Random(7))


def test_prose_is_hardly_held_back() -> None:
    """The bar of four characters on average is kept on both kinds of prose."""
    machine = Machine(DETECTORS)
    for name in ("English prose", "Chinese prose"):
        cost = measure(machine, TEXTS[name](random.Random(7))[:4000])
        assert cost.held_mean <= 4
        assert cost.pieces_us > 0
