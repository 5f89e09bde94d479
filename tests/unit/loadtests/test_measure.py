"""What the benchmark makes of the answers of one round."""

import orjson

from loadtests.client import Received
from loadtests.invented import answer
from loadtests.measure import Load, Outcome, bodies_of
from loadtests.reading import Arrival

WHOLE = Load("whole", "tiny", 2, 20, streamed=False, prompt_bytes=1000)


def received(content: str, *, status: int = 200, error: str | None = None) -> Received:
    """Return an answer that came at once."""
    body = orjson.dumps({"choices": [{"message": {"content": content}}]})
    return Received(1.0, status, [Arrival(1.5, body)], error)


def test_good_and_bad_answers_are_counted() -> None:
    """Every answer is a request of the row; one that failed is a fault and gives no time."""
    wanted = answer(tokens=20, pii_share=0.0, variant=0)
    outcome = Outcome(WHOLE)
    outcome.add_clock(seconds=2.0, cpu=0.5)
    outcome.add(received(wanted.text), wanted, redacted=True)
    outcome.add(received(wanted.text, status=503), wanted, redacted=True)
    outcome.add(received(wanted.text, error="connection lost"), wanted, redacted=True)
    row = outcome.row("gateway")
    assert (row.requests, row.tokens, row.cpu_seconds) == (3, 60, 0.5)
    assert row.faults == ("status 503", "connection lost")
    assert row.first_token_seconds == (0.5,)


def test_requests_are_as_long_as_the_load_says() -> None:
    """A longer prompt makes a longer body, and each stream asks for an answer of its own."""
    bodies = [orjson.loads(body) for body in bodies_of(WHOLE, 2)]
    assert [body["seed"] for body in bodies] == [0, 1]
    assert 950 < len(bodies[0]["messages"][0]["content"]) < 1100
    assert not bodies[0]["stream"]
