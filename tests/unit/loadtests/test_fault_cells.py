"""The judge of the faults: what was promised passes, everything else has a name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.fault_cells import Call, Cell, Promise, as_table, judge

PROMISE = Promise(refused=frozenset({"sealed"}), refused_later=frozenset({"plain"}))


def cell(*calls: Call) -> Cell:
    """Return a cell that keeps every promise, with *calls* besides."""
    good = [
        Call("sealed", -1, 200, 0.1),
        Call("sealed", 0.1, 200, 0.1),
        Call("sealed", 3, 503, 0.1),
        Call("plain", 2, 200, 0.1),
        Call("plain", 8, 503, 0.1),
        Call("act", 3, 201, 0.1),
        Call("act", -0.1, 503, 0.2),
        Call("sealed", 8.9, 200, 0.2),
    ]
    return Cell("fault", PROMISE, 9.0, (*good, *calls), recovered_after=0.5)


def test_what_was_promised_passes() -> None:
    """Refusals where they are due, also those of the moment in which it is noticed."""
    assert judge(cell()) == []
    assert "| fault | sealed | 2 | 1 | 100.0 | 100.0 | 100.0 |" in as_table([cell()])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Call("act", 1, 503, 0.1), "act: 1 refused"),
        (Call("act", 1, 500, 0.1), "act: 500"),
        (Call("act", -1, 503, 0.1), "before the fault"),
        (Call("act", 1, 201, 2.5), "waited 2.5 s"),
        (Call("sealed", 5, 200, 0.1), "sealed: 1 passed"),
        (Call("plain", 1, 503, 0.1), "1 refused too early"),
        (Call("plain", 8, 200, 0.1), "1 passed too late"),
        (Call("other", 20, 200, 0.1), "no call during the fault"),
    ],
)
def test_each_broken_promise_is_named(call: Call, words: str) -> None:
    """A refusal too many or too few, an error, a wait."""
    assert any(words in broken for broken in judge(cell(call)))


def test_gateway_that_does_not_come_back() -> None:
    """It has to recover by itself."""
    assert judge(replace(cell(), recovered_after=None)) == ["did not recover"]
