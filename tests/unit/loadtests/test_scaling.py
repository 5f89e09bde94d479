"""What scaling makes of what it measured."""

import math
from dataclasses import replace

import pytest

from loadtests.scaling import Findings, Memory, Payload, Point, Soak, as_markdown

POINT = Point("workers-1", 100, 5000.0, 4900.0, 40.0, 0.02, 0.05, 0)


def test_saturation_is_less_than_was_offered() -> None:
    """A ramp ends where a seventh of the tokens does not arrive in time."""
    assert not POINT.is_saturated
    assert replace(POINT, tokens_per_second=4200.0).is_saturated


def test_memory_is_counted_per_stream() -> None:
    """What open streams take more than none, divided by how many there were."""
    assert Memory(1000, 100.0, 150.0).kilobytes_per_stream == pytest.approx(51.2)


def test_a_soak_forgets_how_caches_filled() -> None:
    """The slope is that of the second half, in MB an hour."""
    filling = [(0.0, 100.0), (10.0, 150.0), (30.0, 180.0), (45.0, 180.5), (60.0, 181.0)]
    found = Soak(1.0, filling, 100, 0)
    assert found.megabytes_per_hour == pytest.approx(120.0)
    assert math.isnan(Soak(1.0, filling[:1], 0, 0).megabytes_per_hour)


def test_everything_found_is_said() -> None:
    """Points, sizes, memory and soak are in the text, and what was not measured is left out."""
    found = Findings([POINT], [Payload(1000, 1.0, 3.0)], Memory(10, 1.0, 2.0))
    text = as_markdown(found)
    assert "20.0 / 50.0" in text
    assert "3.00" in text
    assert "102 KB for each" in text
    assert "Soak" not in text
    assert "MORE GAVE NOTHING" not in text
    missing = Memory(7, 1.0, 2.0, missing=("status 503",) * 3)
    assert "3 MORE GAVE NOTHING: status 503." in as_markdown(Findings(memory=missing))
    assert "Soak: 1 minutes" in as_markdown(Findings(soak=Soak(1.0, [(60.0, 2.0)], 3, 0)))
