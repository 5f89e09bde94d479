"""The automaton made deterministic while it is used."""

import pytest

from gateway.core.pii import states as states_module
from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.kinds import OTHER
from gateway.core.pii.machine import Machine
from gateway.core.pii.states import AT_DIGIT, LONGEST_ROW_GAP, NO_ROW, State, States
from gateway.core.pii.stream import StreamScrubber
from gateway.core.pii.tables import Tables

ABC = Detector(label="ABC", pattern="abc", not_after="[x]")


def states_of(*detectors: Detector) -> States:
    """Return the states of *detectors*, with nothing learnt."""
    return States(Tables(detectors))


def test_a_step_is_learnt_once() -> None:
    """The way on is worked out at the first use and then remembered, None as well."""
    asked: list[int] = []

    def learn(moves: frozenset[int], kind: int) -> State | None:
        asked.append(kind)
        return State(learn, moves) if kind == 1 else None

    state = State(learn, frozenset({7}))
    assert state[1] is state[1] is not None
    assert state[2] is None
    assert state[2] is None
    assert asked == [1, 2]


def test_a_state_is_only_itself() -> None:
    """States are told apart by identity and can be keys, although they are dicts."""
    one, two = State(lambda _, __: None, frozenset()), State(lambda _, __: None, frozenset())
    assert one != two
    assert len({one, two}) == 2


def test_the_left_boundary_bars_a_start() -> None:
    """After a barred character nothing begins."""
    states = states_of(ABC)
    kinds, bars = states.tables.kinds, states.tables.bars
    assert states.entry(bars[kinds["x"]], 0, NO_ROW)[kinds["a"]] is None
    assert states.entry(bars[kinds["漢"]], 0, NO_ROW)[kinds["a"]] is not None
    assert states.entry(bars[OTHER], 0, NO_ROW)[kinds["b"]] is None


def test_a_context_opens_and_closes_a_start() -> None:
    """A detector begins only under its contexts, and not under those that speak against it."""
    first, second = Context(("a",)), Context(("b",))
    states = states_of(Detector(label="X", pattern="x", after=(first,), unless=(second,)))
    kind = states.tables.kinds["x"]
    starts = [states.entry(OTHER, mask, NO_ROW)[kind] is not None for mask in range(4)]
    assert starts == [False, True, False, False]


def test_a_row_of_numbers_has_one_beginning() -> None:
    """It goes on over separators, but not over too many, and nothing else."""
    states = states_of(Detector(label="X", pattern=r"\d", first_in_row=True))
    kinds = states.tables.kinds
    row = states.next_row(NO_ROW, kinds["7"])
    assert row == AT_DIGIT
    assert states.entry(OTHER, 0, row)[kinds["1"]] is not None
    for _ in range(LONGEST_ROW_GAP - 1):
        row = states.next_row(row, kinds[","])
        assert states.entry(OTHER, 0, row)[kinds["1"]] is None
    assert states.next_row(row, kinds[","]) == states.next_row(AT_DIGIT, kinds["a"]) == NO_ROW


@pytest.mark.parametrize("limit", ["MAX_STATES", "MAX_STEPS"])
def test_what_is_learnt_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """When there is too much, everything is forgotten, and streams under way go on rightly."""
    monkeypatch.setattr(states_module, limit, 5)
    scrubber = StreamScrubber(machine=Machine(DETECTORS, compiled=False))
    text = "call 202-555-0143, card 4111 1111 1111 1111, ann@example.com!"
    out = "".join(scrubber.feed(char) for char in text) + scrubber.finish()
    assert out == "call [PHONE], card [BANK_CARD], [EMAIL]!"
