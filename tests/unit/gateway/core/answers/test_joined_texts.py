"""Texts that clients put together."""

from typing import Any

import orjson
import pytest

from gateway.core.answers.joined_texts import JoinedTexts
from gateway.core.grants import Operation
from gateway.core.text_scrubbers import REACH, TextScrubbers
from tests.fakes.answers import stream_scrubber, whole_scrubber
from tests.fakes.streams import Event, block, events_of, item, message, named, nested, response

HALVES = ("tel 1380", "0138000 ok")
SAID = "tel 1380[PHONE] ok"


def whole(operation: Operation, received: dict[str, Any]) -> Any:
    """Return the whole answer that comes out."""
    scrubber = whole_scrubber(operation)
    scrubber.feed(orjson.dumps(received))
    return orjson.loads(scrubber.finish())


def test_a_text_goes_on_where_the_last_of_its_kind_ended() -> None:
    """However it is cut; another kind begins anew."""
    texts = JoinedTexts(TextScrubbers())
    first, other = texts.new("text"), texts.new("thinking")
    assert first.feed("tel ") + first.feed("1380") + first.finish() == HALVES[0]
    assert other.feed(HALVES[1]) + other.finish() == HALVES[1]
    second = texts.new("text")
    assert second.feed(HALVES[1]) + second.finish() == "[PHONE] ok"


def test_only_what_can_reach_is_remembered() -> None:
    """A long text costs the next one no more than a short one."""
    texts = JoinedTexts(TextScrubbers())
    list(texts.in_slices("text", "ann" + "x" * REACH))
    second = texts.new("text")
    assert second.feed("@example.com") + second.finish() == "[EMAIL]"


def test_arguments_stand_for_themselves() -> None:
    """Nobody joins the JSON of two calls."""
    texts = JoinedTexts(TextScrubbers())
    for half in ('{"a":"1380', '0138000"}'):
        call = texts.new("arguments")
        assert call.feed(half) + call.finish() == half


def test_the_parts_of_a_whole_answer_are_joined() -> None:
    """In all items of a response and all blocks of a message, as SDKs join them."""
    first, second = (item("output_text", half) for half in HALVES)
    out = whole(Operation.RESPONSES, response(first, second))
    assert "".join([one["content"][0]["text"] for one in out["output"]]) == SAID
    blocks = [block("text", HALVES[0]), block("thinking", "well"), block("text", HALVES[1])]
    out = whole(Operation.MESSAGES, message(*blocks))
    assert "".join([one.get("text", "") for one in out["content"]]) == SAID


@pytest.mark.parametrize("operation", [Operation.RESPONSES, Operation.MESSAGES])
def test_the_parts_of_a_stream_are_joined(operation: Operation) -> None:
    """As those of a whole answer are."""
    events: list[Event] = []
    for index, half in enumerate(HALVES):
        if operation is Operation.MESSAGES:
            begun = {"type": "content_block_start", "content_block": block("text", "")}
            said = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": half}}
            events += [{**event, "index": index} for event in (begun, said)]
            events.append({"type": "content_block_stop", "index": index})
        else:
            begun = {"type": "response.output_item.added", "item": item("output_text", "")}
            done = {"type": "response.output_item.done", "item": item("output_text", half)}
            events += [{**event, "output_index": index} for event in (begun, done)]
    out = events_of(stream_scrubber(operation).feed(named(*events)))
    texts = [nested(event, "delta", "text") or nested(event, "delta") for event in out]
    assert "".join([text for text in texts if isinstance(text, str)]) == SAID
