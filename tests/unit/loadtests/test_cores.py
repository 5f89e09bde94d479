"""Which processor cores a contender has to itself."""

from __future__ import annotations

import os

import pytest

from loadtests.cores import keep_off, own_cores, starting_on


@pytest.mark.parametrize(
    ("workers", "every", "own"),
    [(1, (0, 1), {1}), (2, (0, 1), {0, 1}), (2, (2, 3, 5, 7), {5, 7}), (1, (4,), {4})],
)
def test_contender_has_a_core_for_each_worker_if_one_is_left_for_the_load(workers, every, own):
    """The last cores are the contender's; where they are all, it shares them."""
    assert own_cores(workers, every=every) == own


def test_load_keeps_off_and_what_it_starts_elsewhere_stays_there():
    """A process starts on the cores that were said, and the one that starts it is not moved."""
    every = os.sched_getaffinity(0)
    try:
        keep_off(own_cores())
        kept = os.sched_getaffinity(0)
        assert kept == (every - own_cores() or every)
        with starting_on(own_cores()):
            assert os.sched_getaffinity(0) == own_cores()
        assert os.sched_getaffinity(0) == kept
        with starting_on(None):
            assert os.sched_getaffinity(0) == kept
    finally:
        os.sched_setaffinity(0, every)
