"""What an answer has cost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tally import PROMPT_BYTES_PER_TOKEN, Tally

COUNTS = st.lists(st.integers(0, 100_000), max_size=8)


def test_answer_that_never_began_costs_nothing():
    """A call that the model server refused or that was cut while it waited is free of tokens."""
    assert Tally().tokens(request_bytes=4_000) == 0


def test_usage_is_the_truth():
    """Once vLLM has said what the answer cost, nothing is estimated."""
    tally = Tally()
    tally.see_pieces(3)
    tally.see_usage(40)
    assert tally.tokens(request_bytes=4_000_000) == 40


def test_cut_answer_costs_its_pieces_and_an_estimate_of_its_prompt():
    """Leaving before the usage comes makes neither the answer nor a long prompt free."""
    tally = Tally()
    tally.see_pieces(2)
    tally.see_pieces(1)
    assert tally.tokens(request_bytes=100 * PROMPT_BYTES_PER_TOKEN) == 103


@given(usages=COUNTS, pieces=COUNTS)
def test_cost_never_falls_while_the_answer_runs(usages, pieces):
    """Usage that comes again and again, as some servers send it, never takes anything back."""
    tally, before = Tally(), 0
    for usage in usages:
        tally.see_usage(usage)
        for piece in pieces:
            tally.see_pieces(piece)
        assert tally.tokens(request_bytes=0) >= max(before, usage)
        before = tally.tokens(request_bytes=0)
