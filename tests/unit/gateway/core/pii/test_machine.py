"""The automaton made deterministic while it is used."""

import pytest

from gateway.core.pii import machine as machine_module
from gateway.core.pii.detector import Detector
from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.machine import Machine
from gateway.core.pii.stream import StreamScrubber

ABC = Detector(label="ABC", pattern="abc", not_after="[x]")


def test_a_state_leads_to_the_next() -> None:
    """Characters of the pattern lead on, all others nowhere."""
    state = Machine([ABC]).starts[""]["a"]
    assert state is not None
    assert state["Ｂ"] is not None
    assert state["a"] is None
    assert state["漢"] is None
    assert state["\u200b"] is state


def test_the_left_boundary_bars_a_start() -> None:
    """After a barred character nothing begins."""
    machine = Machine([ABC])
    assert machine.starts["x"]["a"] is None
    assert machine.starts["漢"]["a"] is not None


@pytest.mark.parametrize("barred", ["", "[x]"])
def test_the_search_finds_every_start(barred: str) -> None:
    """The quick search never passes over a place where a value begins."""
    machine = Machine([Detector(label="A", pattern="a", not_after=barred)])
    assert machine.search_start("漢--ａ").start() == 3
    assert machine.search_start("--𝐚").start() == 2
    assert (machine.search_start("xa") is None) == bool(barred)


def test_a_basic_plane_is_enough_where_nothing_else_begins_a_value() -> None:
    """A pattern whose first character has one spelling needs no other plane."""
    machine = Machine([Detector(label="E", pattern="证a")])
    assert machine.search_start("𝐚𝐚证a").start() == 2


def test_the_cache_of_states_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the cache is full it starts anew, and streams that hold states go on rightly."""
    monkeypatch.setattr(machine_module, "MAX_STATES", 5)
    scrubber = StreamScrubber(machine=Machine(DETECTORS))
    text = "call 202-555-0143, card 4111 1111 1111 1111, ann@example.com!"
    out = "".join(scrubber.feed(char) for char in text) + scrubber.finish()
    assert out == "call [PHONE], card [BANK_CARD], [EMAIL]!"
