"""What each step costs, from rounds with and without it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loadtests.gateway_process import DPOP, FULL, MASKED
from loadtests.stand_ins import STAND_INS
from loadtests.stats import Row
from loadtests.steps import (
    BARE,
    OPTIONS,
    SEAL,
    STEPS,
    WHOLE,
    Cost,
    as_json,
    as_markdown,
    only,
    steps_of,
    without,
)
from tests.unit.loadtests.test_results import row

# Scrubbing saves 0.04 where it is left out and adds 0.05 where it is alone, and so on.
CPU = {
    WHOLE: 0.1,
    BARE: 0.02,
    without("scrub"): 0.06,
    only("scrub"): 0.07,
    without(SEAL): 0.08,
    only(SEAL): 0.04,
    without("tls"): 0.09,
    FULL: 0.13,
    MASKED: 0.12,
}


def measured() -> dict[tuple[str, str], list[Row]]:
    """Return two rounds of each variant; in the second a neighbour was busy."""
    steps = [*map(without, (*STAND_INS, SEAL)), *map(only, (*STAND_INS, SEAL))]
    variants = (WHOLE, BARE, FULL, *OPTIONS, *steps)
    usual = {name: 0.02 if name.startswith(only("")) else 0.1 for name in variants} | CPU
    return {
        (load, name): [
            replace(row(name, cpu=usual[name] + more), load=load) for more in (0.0, 0.03)
        ]
        for load in ("paced", "whole")
        for name in variants
    }


def test_a_step_is_what_it_saves_and_what_it_adds() -> None:
    """Each step is the mean of both, of the least rounds; what is left is a step of its own."""
    found = steps_of(measured())
    assert found.whole.per_token == pytest.approx(100)
    assert found.steps["scrub"].per_token == pytest.approx(45)
    assert found.steps["scrub"].per_request == pytest.approx(4.5)
    assert found.steps[SEAL].per_token == pytest.approx(20)
    assert found.steps[BARE].per_token == pytest.approx(20)
    assert found.steps["record"].per_token == pytest.approx(0)
    assert found.noise.per_token == pytest.approx(15)


def test_what_clients_may_have_besides_is_beyond_the_whole() -> None:
    """Options are not part of the sum, and what all of them come to is measured, not added."""
    found = steps_of(measured())
    assert found.options[MASKED].per_token == pytest.approx(20)
    assert found.options[DPOP].per_token == pytest.approx(0)
    assert found.full.per_token == pytest.approx(130)


def test_what_is_done_once_is_spread_over_the_tokens() -> None:
    """A step that no token passes is measured by requests: 1 ms over 100 tokens is 10 µs."""
    rounds = measured()
    rounds["whole", without("token")] = [replace(row("token", cpu=0.09), load="whole")]
    rounds["whole", only("token")] = [replace(row("token", cpu=0.03), load="whole")]
    for name in (without("token"), only("token")):
        rounds.pop(("paced", name))
    token = steps_of(rounds).steps["token"]
    assert token.per_request == pytest.approx(1)
    assert token.per_token == pytest.approx(10)


def test_by_how_much_the_sum_misses_is_said() -> None:
    """20 + 45 + 20 + 5 of 100 is 10 % too little, and the table says so."""
    found = steps_of(measured())
    assert found.gap.per_token == pytest.approx(-0.1)
    text = as_markdown(found)
    assert "-10 % (tokens)" in text
    assert "+ masked" in text
    value = as_json(found, at=datetime(2026, 1, 2, tzinfo=UTC))
    assert {one["name"] for one in value["steps"]} == STEPS.keys()
    assert found.added == Cost(pytest.approx(90), pytest.approx(9))


def test_every_stand_in_is_a_step() -> None:
    """What can be left out is in the table, and the table has nothing that was not measured."""
    assert STEPS.keys() == {BARE, SEAL, *STAND_INS}
