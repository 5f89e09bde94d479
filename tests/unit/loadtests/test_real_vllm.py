"""What the benchmark of a real vLLM asks, and what it makes of the answers."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from loadtests.client import Received
from loadtests.reading import Arrival
from loadtests.real_vllm import TINY, Plan, count_tokens, questions_of, row_of, shares_of
from loadtests.results import Run
from tests.unit.loadtests.test_results import row

PLAN = Plan(streams=(1, 4), tokens=50, rounds=1, questions=("a", "b", "c"))
TEXT = b'data: {"choices":[{"delta":{"content":"hi"}}],"usage":null}\n\n'
USAGE = b'data: {"choices":[],"usage":{"completion_tokens":7}}\n\n'
DONE = b"data: [DONE]\n\n"


def received(*events: bytes, status: int = 200) -> Received:
    """Return an answer that came in one piece, half a second after it was asked for."""
    return Received(1.0, status, [Arrival(1.5, b"".join(events))])


def test_every_question_is_asked_in_full_waves() -> None:
    """Fewer questions than streams are asked again, so that all streams are always busy."""
    assert [len(wave) for wave in PLAN.bodies(1)] == [1, 1, 1]
    [wave] = PLAN.bodies(4)
    asked = [orjson.loads(body)["messages"][0]["content"] for body in wave]
    assert asked == ["a", "b", "c", "a"]
    assert orjson.loads(wave[0])["max_tokens"] == 50


def test_tokens_are_those_that_the_model_counted() -> None:
    """An answer without its end, or with another status than 200, has no tokens."""
    assert count_tokens(received(TEXT, USAGE, DONE)) == 7
    assert count_tokens(received(TEXT, USAGE)) is None
    assert count_tokens(received(TEXT, DONE, USAGE)) is None
    assert count_tokens(received(TEXT, USAGE, DONE, status=503)) is None


def test_a_cut_answer_is_a_fault() -> None:
    """What did not arrive is said, and does not count as tokens."""
    answers = [received(TEXT, USAGE, DONE), received(TEXT)]
    found = row_of("gateway", "2 streams", answers, wall=2.0, cpu=0.5)
    assert (found.tokens, found.requests) == (7, 2)
    assert found.faults == ("status 200, cut short",)
    assert found.first_token_seconds == (0.5, 0.5)


def test_shares_are_of_the_model_asked_directly() -> None:
    """Each way through is held against the direct way of the same round."""
    rows = [row("direct", cpu=0.0), replace(row("gateway", cpu=0.1), seconds=2.0)]
    [said] = shares_of(Run(tuple(rows), {}))
    assert said.startswith("paced: gateway carries 50 % (50–50)")


@pytest.mark.parametrize("model", [TINY, Path("/models/other")])
def test_questions_differ(model: Path) -> None:
    """No answer comes out of a cache that another question filled."""
    questions = questions_of(model)
    assert len(set(questions)) == len(questions) == 32
