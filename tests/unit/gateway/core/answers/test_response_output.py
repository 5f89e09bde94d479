"""One item of a streamed response."""

import pytest

from gateway.core.answers.joined_texts import JoinedTexts
from gateway.core.answers.response_output import KINDS, OutputItem, Place, index_in, place_of
from gateway.core.errors import ScrubFailed
from gateway.core.sse import MAX_EVENT_BYTES
from gateway.core.text_scrubbers import TextScrubbers

TEXT = Place(KINDS["output_text"], 0)
ARGUMENTS = Place(KINDS["arguments"], 0)


def new(kind: str = "message") -> OutputItem:
    """Return an item of *kind* at index 3."""
    head = {"id": "it_1", "type": kind, "status": "in_progress", "name": "send"}
    return OutputItem(3, head, JoinedTexts(TextScrubbers()))


def test_held_text_comes_before_what_repeats_it() -> None:
    """The end of a text repeats just what its deltas said."""
    message = new()
    assert [e["delta"] for e in message.say(TEXT, "tel 138")] == ["tel "]
    assert list(message.say(TEXT, "00138000")) == []
    where = {"item_id": "it_1", "output_index": 3, "content_index": 0}
    assert list(message.end_text(TEXT, "canary")) == [
        {"type": "response.output_text.delta", **where, "delta": "[PHONE]", "logprobs": []},
        {"type": "response.output_text.done", **where, "text": "tel [PHONE]", "logprobs": []},
    ]
    part = {"type": "output_text", "text": "tel [PHONE]", "annotations": []}
    assert list(message.end_part(TEXT, "canary")) == [
        {"type": "response.content_part.done", **where, "part": part}
    ]
    assert list(message.finish({}, status="completed")) == []
    whole = {"id": "it_1", "type": "message", "status": "completed", "name": "send"}
    assert message.whole() == whole | {"content": [part]}


def test_a_text_that_comes_at_once_is_said_once() -> None:
    """Without deltas the first event that holds the text counts, and it goes out as deltas."""
    call = new("function_call")
    *deltas, done = call.end_text(ARGUMENTS, '{"a":13800138000}')
    assert "".join(str(event["delta"]) for event in deltas) == '{"a":"[PHONE]"}'
    assert done["arguments"] == '{"a":"[PHONE]"}'
    assert done["name"] == "send"
    reasoning = new("reasoning")
    received = {
        "content": [{"type": "reasoning_text", "text": "13800138000"}, {"type": "canary"}],
        "summary": [{"type": "summary_text", "text": "x"}],
    }
    assert len(list(reasoning.finish(received, status="completed"))) == 2
    assert "canary" not in str(reasoning.whole())
    assert reasoning.whole()["content"] == [{"type": "reasoning_text", "text": "[PHONE]"}]
    assert reasoning.whole()["summary"] == [{"type": "summary_text", "text": "x"}]


def test_a_part_may_begin_with_text() -> None:
    """It is opened empty, and its beginning follows as a delta."""
    opened, begun = new().open_part(TEXT, "so, ")
    assert opened["part"]["text"] == ""
    assert begun["delta"] == "so, "


def test_what_does_not_belong_together_is_refused() -> None:
    """A text that such an item does not have, words after the end, and too much at one go."""
    with pytest.raises(ScrubFailed):
        list(new().say(ARGUMENTS, "x"))
    message = new()
    list(message.end_text(TEXT, "x"))
    with pytest.raises(ScrubFailed):
        list(message.say(TEXT, "x"))
    with pytest.raises(ScrubFailed):
        list(new().say(TEXT, "x" * (MAX_EVENT_BYTES + 1)))


@pytest.mark.parametrize("index", [-1, 128, True, "0", None])
def test_an_index_is_a_small_number(index: object) -> None:
    """Anything else is not understood."""
    with pytest.raises(ScrubFailed):
        index_in({"content_index": index}, "content_index")
    with pytest.raises(ScrubFailed):
        place_of(KINDS["refusal"], {"content_index": index})


def test_arguments_stand_in_no_part() -> None:
    """An item has one text of that kind."""
    assert place_of(KINDS["arguments"], {}) == ARGUMENTS


def test_a_text_is_repeated_once_by_each_kind_of_event() -> None:
    """More often is more work than the text itself, for next to no bytes of the model server."""
    message = new()
    list(message.end_text(TEXT, "x"))
    list(message.end_part(TEXT, "x"))
    with pytest.raises(ScrubFailed):
        list(message.end_text(TEXT, "x"))
    with pytest.raises(ScrubFailed):
        list(message.end_part(TEXT, "x"))


def test_a_part_of_a_strange_type_is_not_understood() -> None:
    """A type is a string."""
    with pytest.raises(ScrubFailed):
        list(new().finish({"content": [{"type": ["output_text"]}]}, status="completed"))
