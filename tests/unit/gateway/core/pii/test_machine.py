"""The automaton made deterministic while it is used."""

import pytest

from gateway.core.pii import machine as machine_module
from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.front import Front
from gateway.core.pii.machine import LONGEST_ROW_GAP, Machine
from gateway.core.pii.stream import StreamScrubber

ABC = Detector(label="ABC", pattern="abc", not_after="[x]")


def step(machine: Machine, text: str, mask: int = 0) -> Front:
    """Return the front after *text*."""
    front = machine.first_front
    front = machine.front(front.profile, mask, ())
    for char in text:
        step = front[char]
        front = front if step is None else getattr(step, "front", step)
    return front


def test_a_front_leads_to_the_next() -> None:
    """Characters of the pattern lead on, all others nowhere."""
    machine = Machine([ABC])
    assert len(step(machine, "a").states) == 1
    assert step(machine, "aＢ").states
    assert step(machine, "a漢").states == ()
    assert step(machine, "a\u200b") is step(machine, "a")


def test_the_left_boundary_bars_a_start() -> None:
    """After a barred character nothing begins."""
    assert step(Machine([ABC]), "xa").states == ()
    assert step(Machine([ABC]), "漢a").states
    assert Machine([ABC]).front_after("zx")["a"] is not None
    assert not hasattr(Machine([ABC]).front_after("zx\u200b")["a"], "starts")


def test_a_context_opens_and_closes_a_start() -> None:
    """A detector begins only under its contexts, and not under those that speak against it."""
    first, second = Context(("a",)), Context(("b",))
    machine = Machine([Detector(label="X", pattern="x", after=(first,), unless=(second,))])
    assert [len(step(machine, "x", mask).states) for mask in range(4)] == [0, 1, 0, 0]


def test_a_later_number_of_a_row_is_no_start() -> None:
    """What begins a row may begin behind separators, but not behind a digit and separators."""
    machine = Machine([Detector(label="X", pattern=r"\d", first_in_row=True)])
    assert step(machine, "1").states
    assert step(machine, "a, 1").states
    assert not step(machine, "1, 2").states
    assert step(machine, "1" + "," * LONGEST_ROW_GAP + "2").states


@pytest.mark.parametrize("limit", ["MAX_STATES", "MAX_FRONTS", "MAX_STEPS"])
def test_what_is_learnt_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """When there is too much, the machine forgets, and streams under way go on rightly."""
    monkeypatch.setattr(machine_module, limit, 5)
    scrubber = StreamScrubber(machine=Machine(DETECTORS))
    text = "call 202-555-0143, card 4111 1111 1111 1111, ann@example.com!"
    out = "".join(scrubber.feed(char) for char in text) + scrubber.finish()
    assert out == "call [PHONE], card [BANK_CARD], [EMAIL]!"


def test_the_table_of_contexts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Very many combinations of contexts cannot fill the memory."""
    monkeypatch.setattr(machine_module, "MAX_FRONTS", 4)
    contexts = tuple(Context((word,)) for word in "abcdef")
    machine = Machine([Detector(label=c.words[0], pattern="x", after=(c,)) for c in contexts])
    starts = [machine.entry(0, mask)[machine.kinds["x"]] for mask in range(64)]
    assert [start is None for start in starts] == [mask == 0 for mask in range(64)]
