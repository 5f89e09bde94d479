"""Messages in one piece."""

from typing import Any

import orjson
import pytest

from gateway.core.answers.asked import Asked
from gateway.core.answers.messages import head_of_block, stop_of, usage_of
from gateway.core.apis import APIS
from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.grants import Operation
from gateway.core.tally import Tally
from tests.fakes.streams import block, message


def run(received: dict[str, Any], asked: Asked | None = None) -> Any:
    """Scrub a whole message."""
    scrubber = APIS[Operation.MESSAGES].new_scrubber(asked or Asked(), streamed=False)
    scrubber.feed(orjson.dumps(received))
    return orjson.loads(scrubber.finish())


def test_a_message_is_scrubbed_and_rebuilt() -> None:
    """Text, thinking and the input of tools, which is an object here."""
    thinking = block("thinking", "tel 13800138000") | {"signature": "0123abcd"}
    use = block("tool_use", '{"to":["ann@example.com",{"13800138000":13800138000}],"n":5}')
    tally = Tally()
    received = message(thinking, block("text", "tel 13800138000"), use, container="canary")
    out = run(received, Asked(tally=tally))
    assert out == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "tiny",
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
        "content": [
            {"type": "thinking", "thinking": "tel [PHONE]", "signature": "0123abcd"},
            {"type": "text", "text": "tel [PHONE]"},
            {
                "type": "tool_use",
                "id": "call_1",
                "name": "send",
                "input": {"to": ["[EMAIL]", {"[PHONE]": "[PHONE]"}], "n": 5},
            },
        ],
    }
    assert tally.tokens(request_bytes=0) == 7


def test_unknown_blocks_and_members_are_scrubbed() -> None:
    """A block of a kind that nobody knows passes as scrubbed members."""
    news = {"type": "news", "said": "tel 13800138000"}
    out = run(message(news, block("text", "x") | {"more": "ann@example.com"}))
    assert out["content"] == [
        {"type": "news", "said": "tel [PHONE]"},
        {"type": "text", "text": "x", "more": "[EMAIL]"},
    ]


def test_a_stop_sequence_is_shown_to_whoever_sent_it() -> None:
    """It is the caller's own string, or it is the model's and not shown."""
    received = message(stop_reason="stop_sequence", stop_sequence="END")
    assert run(received, Asked(stops=frozenset({"END"})))["stop_sequence"] == "END"
    out = run(received)
    assert (out["stop_reason"], out["stop_sequence"]) == ("stop_sequence", None)
    assert stop_of({}, Asked()) == {"stop_reason": None, "stop_sequence": None}


def test_tokens_of_the_cache_are_counted() -> None:
    """The tokens of the prompt are named apart there, and cost all the same."""
    counts = {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 100}
    asked = Asked()
    assert usage_of({"usage": counts}, asked) == counts
    assert asked.tally.tokens(request_bytes=0) == 107


def test_names_that_may_be_the_models_are_checked() -> None:
    """A name that is personal data, or no name, is replaced; so is a signature."""
    use = block("tool_use", "{}") | {"name": "ring 13800138000", "id": "13800138000"}
    head = {"type": "tool_use", "id": "call_3", "name": "redacted", "input": {}}
    assert head_of_block(use, 3) == head
    thought = {"type": "thinking", "signature": "ann@example.com"}
    assert head_of_block(thought, 0) == {
        "type": "thinking",
        "thinking": "",
        "signature": "redacted",
    }


@pytest.mark.parametrize(
    ("received", "error"),
    [
        ({"type": "error", "error": {"message": "canary"}}, UpstreamUnavailable),
        ({"error": "canary"}, UpstreamUnavailable),
        ({}, ScrubFailed),
        (message(id="a b"), ScrubFailed),
        (message(model=5), ScrubFailed),
        (message(stop_reason="canary"), ScrubFailed),
        (message(usage={"input_tokens": "canary"}), ScrubFailed),
        (message(content="canary"), ScrubFailed),
        (message("canary"), ScrubFailed),  # type: ignore[arg-type]
        (message(*[{}] * 129), ScrubFailed),
        (message({"type": "tool_use", "input": "canary"}), ScrubFailed),
    ],
)
def test_what_is_not_understood_is_withheld(
    received: dict[str, Any], error: type[SealgateError]
) -> None:
    """The error repeats nothing."""
    with pytest.raises(error) as caught:
        run(received)
    assert "canary" not in str(caught.value)
