"""Embeddings."""

from base64 import b64encode
from typing import Any

import orjson
import pytest

from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.grants import Operation
from gateway.core.tally import Tally
from tests.fakes.answers import whole_scrubber


def answer(*embeddings: Any, **members: Any) -> dict[str, Any]:
    """Return embeddings as vLLM says them, with canaries beside them."""
    data = [
        {"index": index, "object": "canary", "embedding": embedding, "input": "canary"}
        for index, embedding in enumerate(embeddings)
    ]
    usage = {"prompt_tokens": 3, "total_tokens": 3, "completion_tokens": 0}
    frame = {"id": "canary", "object": "list", "created": 7, "model": "tiny"}
    return {**frame, "data": data, "usage": usage, **members}


def run(received: Any, tally: Tally | None = None) -> Any:
    """Scrub embeddings."""
    scrubber = whole_scrubber(Operation.EMBEDDINGS, tally=tally)
    scrubber.feed(orjson.dumps(received))
    return orjson.loads(scrubber.finish())


@pytest.mark.parametrize("embedding", [[0.25, -1, 3e-9], b64encode(bytes(12)).decode(), []])
def test_numbers_pass_in_both_forms(embedding: Any) -> None:
    """And nothing beside them."""
    tally = Tally()
    assert run(answer(embedding), tally) == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        "model": "tiny",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    assert tally.tokens(request_bytes=0) == 3


@pytest.mark.parametrize(
    ("received", "error"),
    [
        (answer(["canary"]), ScrubFailed),
        (answer([13800138000]), ScrubFailed),
        (answer([True]), ScrubFailed),
        (answer([[0.5]]), ScrubFailed),
        (answer("canary!"), ScrubFailed),
        (answer("AAAA"), ScrubFailed),  # three bytes are no number
        (answer("AAAAA"), ScrubFailed),
        (answer(None), ScrubFailed),
        (answer([0.5] * 65_537), ScrubFailed),
        (answer(data=None), ScrubFailed),
        (answer(data=["canary"]), ScrubFailed),
        (answer(data=[{}] * 2049), ScrubFailed),
        (answer([0.5], model="a b"), ScrubFailed),
        (answer([0.5], usage={"total_tokens": "canary"}), ScrubFailed),
        ({"error": "canary"}, UpstreamUnavailable),
        ({"object": "error", "message": "canary"}, UpstreamUnavailable),
    ],
)
def test_what_is_no_number_is_withheld(received: Any, error: type[SealgateError]) -> None:
    """The error repeats nothing."""
    with pytest.raises(error) as caught:
        run(received)
    assert "canary" not in str(caught.value)
