"""Responses in one piece."""

from typing import Any

import orjson
import pytest

from gateway.core.answers.responses import frame, head_of_item, part
from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.grants import Operation
from gateway.core.tally import Tally
from tests.fakes.answers import whole_scrubber
from tests.fakes.streams import item, response


def run(received: dict[str, Any], tally: Tally | None = None) -> Any:
    """Scrub a whole response."""
    scrubber = whole_scrubber(Operation.RESPONSES, tally=tally)
    scrubber.feed(orjson.dumps(received))
    return orjson.loads(scrubber.finish())


def test_a_response_is_scrubbed_and_rebuilt() -> None:
    """Every text of every item is scrubbed; what repeats the request is left out."""
    call = item("arguments", '{"to":"ann@example.com"}')
    reasoning = item("reasoning_text", "tel 13800138000")
    said = item("output_text", "tel 13800138000")
    said["content"].append({"type": "refusal", "refusal": "202-555-0143"})
    said["content"][0] |= {"annotations": ["canary"], "logprobs": [{"token": "canary"}]}
    extra = {"tools": [{"name": "canary"}], "input_messages": ["canary"], "temperature": 0.5}
    tally = Tally()
    out = run(response(reasoning, said, call, **extra), tally)
    assert "canary" not in str(out)
    assert out["output"] == [
        {
            "id": "it_1",
            "type": "reasoning",
            "status": "completed",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "tel [PHONE]"}],
        },
        {
            "id": "it_1",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "tel [PHONE]", "annotations": []},
                {"type": "refusal", "refusal": "[PHONE]"},
            ],
        },
        {
            "id": "it_1",
            "type": "function_call",
            "status": "completed",
            "call_id": "call_1",
            "name": "send",
            "arguments": '{"to":"[EMAIL]"}',
        },
    ]
    assert (out["id"], out["model"], out["status"]) == ("resp_1", "tiny", "completed")
    assert (out["instructions"], out["metadata"], out["tools"]) == (None, {}, [])
    assert (out["temperature"], out["top_p"]) == (0.5, None)
    assert out["usage"]["total_tokens"] == 7
    assert tally.tokens(request_bytes=0) == 7


def test_unknown_items_and_members_are_scrubbed() -> None:
    """An item of a kind that nobody knows passes as scrubbed members."""
    news = {"type": "news", "said": "tel 13800138000"}
    said = item("output_text", "x") | {"more": "ann@example.com"}
    said["content"].append({"type": "song", "words": "13800138000"})
    said["content"][0]["more"] = "13800138000"
    first, second = run(response(news, said))["output"]
    assert first == {"type": "news", "said": "tel [PHONE]"}
    assert second["more"] == "[EMAIL]"
    assert second["content"][0]["more"] == "[PHONE]"
    assert second["content"][1] == {"type": "song", "words": "[PHONE]"}


def test_names_that_may_be_the_models_are_checked() -> None:
    """A name that is personal data, or no name, is replaced."""
    call = item("arguments", "{}") | {"name": "ring 13800138000", "call_id": "13800138000"}
    assert head_of_item(call | {"id": "a b"}, 3) == {
        "id": "item_3",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_3",
        "name": "redacted",
    }


def test_an_incomplete_response_says_why() -> None:
    """The reason is one of few words."""
    details = {"incomplete_details": {"reason": "max_output_tokens"}}
    out = run(response(status="incomplete", **details))
    assert (out["status"], out["incomplete_details"]) == (
        "incomplete",
        {"reason": "max_output_tokens"},
    )


@pytest.mark.parametrize(
    ("received", "error"),
    [
        ({}, ScrubFailed),
        (response(status="queued"), ScrubFailed),
        (response(status="failed"), UpstreamUnavailable),
        (response(error={"message": "canary"}), UpstreamUnavailable),
        (response(model="a b"), ScrubFailed),
        (response(id=5), ScrubFailed),
        (response(created_at="canary"), ScrubFailed),
        (response(temperature="canary"), ScrubFailed),
        (response(temperature=13800138000), ScrubFailed),
        (response(incomplete_details={"reason": "canary"}), ScrubFailed),
        (response(usage={"input_tokens": "canary"}), ScrubFailed),
        (response(output="canary"), ScrubFailed),
        (response("canary"), ScrubFailed),  # type: ignore[arg-type]
        (response(*[{}] * 129), ScrubFailed),
        (response({"type": "message", "content": ["canary"]}), ScrubFailed),
        (response({"type": "message", "content": [{}] * 129}), ScrubFailed),
        (response({"type": "message", "status": "canary"}), ScrubFailed),
    ],
)
def test_what_is_not_understood_is_withheld(
    received: dict[str, Any], error: type[SealgateError]
) -> None:
    """The error repeats nothing."""
    with pytest.raises(error) as caught:
        run(received)
    assert "canary" not in str(caught.value)


def test_a_frame_is_an_object() -> None:
    """Anything else is no response."""
    with pytest.raises(ScrubFailed):
        frame([])


def test_a_part_holds_its_text_where_clients_look() -> None:
    """Only text of an answer has notes, and it has none here."""
    assert part("output_text", "x") == {"type": "output_text", "text": "x", "annotations": []}
    assert part("refusal", "x") == {"type": "refusal", "refusal": "x"}
