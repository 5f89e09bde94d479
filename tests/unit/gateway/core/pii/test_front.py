"""All open values at once."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pii.detector import Detector
from gateway.core.pii.front import WIDEST_LEARNT, Front
from gateway.core.pii.machine import Machine

LEAD = Detector(
    label="L", pattern="@", lead="[ab]", lead_start="[ab]", lead_limit=3, not_after="[ab]"
)
MACHINE = Machine(
    [LEAD, Detector(label="A", pattern="a[ab]{1,12}x"), Detector(label="B", pattern="b")]
)


def test_a_step_says_what_became_of_each_value() -> None:
    """Who goes on, whose beginning is fixed now, whether one starts or is complete."""
    machine = Machine([LEAD])
    front = machine.first_front
    first = front["a"]
    assert first is not None
    assert first.starts
    assert not first.accepts
    assert first.front.has_lead
    second = first.front["@"]
    assert second is not None
    assert second.frozen == ((0, 3),)
    assert second.accepts
    third = second.front[" "]
    assert third is not None
    assert third.kept == ()


def test_what_changes_nothing_is_no_step() -> None:
    """A character in the middle of a lead, or one that nobody knows, leads nowhere else."""
    machine = Machine([LEAD])
    first = machine.first_front["a"]
    assert first is not None
    front = first.front
    for char in "bab":
        step = front[char]
        front = front if step is None else getattr(step, "front", step)
    assert front["a"] is None
    assert front["\u200b"] is None
    assert machine.first_front["?"] is None


@given(st.text("ab", min_size=20, max_size=20))
def test_wide_fronts_are_not_kept(text: str) -> None:
    """With very many open values nothing is remembered, since it would hardly be met again."""
    front: Front = MACHINE.first_front
    for char in "a" * 10 + text:
        step = front[char]
        front = front if step is None else getattr(step, "front", step)
        if len(front.states) > WIDEST_LEARNT:
            assert front["\u200b"] is None
            assert not front


def test_forgetting_leaves_a_front_usable() -> None:
    """What is dropped is worked out again."""
    front = MACHINE.first_front
    before = front["a"]
    front.forget()
    assert not front
    assert front["a"] == before
