"""What each step costs, from rounds with and without it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loadtests.stand_ins import STAND_INS
from loadtests.steps import BARE, SEAL, WHOLE, Cost, as_json, as_markdown, steps_of
from tests.unit.loadtests.test_results import row

CPU = {WHOLE: 0.1, BARE: 0.02, SEAL: 0.08, "scrub": 0.06, "tls": 0.09}


def measured() -> dict[tuple[str, str], list]:
    """Return two rounds of each variant; in the second a neighbour was busy."""
    return {
        (load, variant): [
            replace(row(variant, cpu=CPU.get(variant, 0.1)), load=load),
            replace(row(variant, cpu=CPU.get(variant, 0.1) + 0.03), load=load),
        ]
        for load in ("paced", "whole")
        for variant in (WHOLE, BARE, SEAL, *STAND_INS)
    }


def test_a_step_is_what_the_whole_takes_more() -> None:
    """Each step is the difference of the least rounds; what is left is a step of its own."""
    found = steps_of(measured())
    assert found.whole.per_token == pytest.approx(100)
    assert found.steps["scrub"].per_token == pytest.approx(40)
    assert found.steps["scrub"].per_request == pytest.approx(4)
    assert found.steps[SEAL].per_token == pytest.approx(20)
    assert found.steps[BARE].per_token == pytest.approx(20)
    assert found.steps["record"].per_token == pytest.approx(0)
    assert found.noise.per_token == pytest.approx(15)


def test_what_is_done_once_is_spread_over_the_tokens() -> None:
    """A step that no token passes is measured by requests: 1 ms over 100 tokens is 10 µs."""
    rounds = measured()
    rounds["whole", "token"] = [replace(row("token", cpu=0.09), load="whole")]
    rounds.pop(("paced", "token"))
    token = steps_of(rounds).steps["token"]
    assert token.per_request == pytest.approx(1)
    assert token.per_token == pytest.approx(10)


def test_by_how_much_the_sum_misses_is_said() -> None:
    """20 + 10 + 40 + 20 of 100 is 10 % too little, and the table says so."""
    found = steps_of(measured())
    assert found.gap.per_token == pytest.approx(-0.1)
    assert "-10 % (tokens)" in as_markdown(found)
    value = as_json(found, at=datetime(2026, 1, 2, tzinfo=UTC))
    assert {one["name"] for one in value["steps"]} == {BARE, SEAL, *STAND_INS}
    assert found.added == Cost(pytest.approx(90), pytest.approx(9))
