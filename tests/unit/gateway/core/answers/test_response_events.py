"""Streamed responses."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import orjson
import pytest

from gateway.core.answers.asked import Asked
from gateway.core.answers.response_events import ResponseEvents
from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.grants import Operation
from gateway.core.sse import ServerSentEvent
from gateway.core.tally import Tally
from tests.fakes.answers import stream_scrubber
from tests.fakes.streams import Event, events_of, item, named, response, response_events


def run(*events: Event, tally: Tally | None = None) -> list[Any]:
    """Return the events that come out when *events* go in."""
    scrubber = stream_scrubber(Operation.RESPONSES, tally=tally)
    return events_of(scrubber.feed(named(*events)) + scrubber.finish())


def test_events_are_rebuilt_in_order() -> None:
    """Each kind of event comes out, counted anew; a value is nowhere in them."""
    tally = Tally()
    out = run(*response_events("output_text", ["tel 1380", "0138000", " ok"]), tally=tally)
    assert [event["type"].removeprefix("response.") for event in out] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in out] == list(range(len(out)))
    assert "canary" not in str(out)
    assert out[2]["item"]["content"] == []
    said = "tel [PHONE] ok"
    assert "".join([event.get("delta", "") for event in out]) == said
    assert out[7]["text"] == out[8]["part"]["text"] == said
    assert out[9]["item"] == out[10]["response"]["output"][0]
    assert out[9]["item"]["content"][0]["text"] == said
    assert tally.tokens(request_bytes=0) == 7


def test_a_stream_that_skips_events_loses_no_text() -> None:
    """What nobody ended is ended with the response."""
    events = response_events("output_text", ["tel 13800138000"])
    kept = [event for event in events if not event["type"].endswith(".done")]
    out = run(*kept)
    assert out[-2]["delta"] == "[PHONE]"
    assert out[-1]["response"]["output"][0]["content"][0]["text"] == "tel [PHONE]"


def test_events_and_items_of_unknown_kinds_are_dropped() -> None:
    """So are their texts, wherever they are repeated; what follows keeps its place."""
    news = {"type": "news", "said": "canary"}
    more: list[Event] = [
        {"type": "response.news.delta", "delta": "canary"},
        {"type": "response.output_item.added", "output_index": 5, "item": news},
        {"type": "response.output_text.delta", "output_index": 5, "delta": "canary"},
        {"type": "response.content_part.added", "output_index": 5, "part": {}},
        {"type": "response.output_item.done", "output_index": 5, "item": news},
        {"type": "response.content_part.added", "output_index": 0, "part": {"type": "song"}},
        {"type": "response.output_text.sung", "output_index": 0, "content_index": 0},
        {
            "type": "response.content_part.sung",
            "output_index": 0,
            "content_index": 0,
            "part": {"type": "output_text", "text": "canary"},
        },
    ]
    events = response_events("output_text", ["x"])
    out = run(*events[:4], *more, *events[4:])
    assert "canary" not in str(out)
    assert len(out) == len(events)


def test_a_response_cut_by_its_limit_is_whole() -> None:
    """It ends with an event of its own."""
    *events, end = response_events("output_text", ["x"])
    end |= {"type": "response.incomplete"}
    end["response"] = response(incomplete_details={"reason": "max_output_tokens"})
    assert run(*events, end)[-1]["response"]["status"] == "incomplete"


def added(kind: str = "output_text") -> Event:
    """Return the event that adds an item at index 0."""
    return {"type": "response.output_item.added", "output_index": 0, "item": item(kind, "")}


DELTA = {
    "type": "response.output_text.delta",
    "output_index": 0,
    "content_index": 0,
    "delta": "canary",
}
END = {"type": "response.completed", "response": response()}


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([{"type": "error", "message": "canary"}], UpstreamUnavailable),
        ([{"type": "x", "error": {"message": "canary"}}], UpstreamUnavailable),
        ([{"type": "response.failed", "response": {}}], UpstreamUnavailable),
        ([{"type": "response.created", "response": response(status="failed")}], None),
        ([{"type": "response.created", "response": "canary"}], ScrubFailed),
        ([DELTA], ScrubFailed),
        ([added("arguments"), DELTA], ScrubFailed),
        ([added(), added()], ScrubFailed),
        ([added() | {"output_index": 128}], ScrubFailed),
        ([added() | {"type": "response.output_item.moved"}], ScrubFailed),
        ([added() | {"item": "canary"}], ScrubFailed),
        ([added() | {"type": "response.output_item.done"}], ScrubFailed),
        ([added(), DELTA | {"delta": 5}], ScrubFailed),
        ([added(), added() | {"type": "response.output_item.done", "item": {}}], ScrubFailed),
        ([END, END], ScrubFailed),
    ],
)
def test_what_is_not_understood_ends_everything(
    events: list[Event], error: type[SealgateError] | None
) -> None:
    """Errors of the model server are not shown, and nothing comes after them."""
    scrubber = stream_scrubber(Operation.RESPONSES)
    if error is None:  # the event says what the state is
        assert b"in_progress" in scrubber.feed(named(*events))
        return
    with pytest.raises(error) as caught:
        scrubber.feed(named(*events))
    assert "canary" not in str(caught.value)
    with pytest.raises(error):
        scrubber.finish()


@pytest.mark.parametrize("data", [b"[]", b"canary", b'{"type":5}', b"{}", b"[DONE]"])
def test_an_event_is_an_object_with_a_type(data: bytes) -> None:
    """Anything else is not understood, and neither is a name that is not its type."""
    for stream in (b"data: " + data + b"\n\n", b"event: x\n" + named(DELTA).split(b"\n", 1)[1]):
        with pytest.raises(ScrubFailed):
            stream_scrubber(Operation.RESPONSES).feed(stream)


def test_a_mark_behind_the_end_is_dropped() -> None:
    """``[DONE]`` is no part of this API, but some servers send it."""
    scrubber = stream_scrubber(Operation.RESPONSES)
    assert b"DONE" not in scrubber.feed(named(END) + b"data: [DONE]\n\n") + scrubber.finish()


def test_a_stream_without_its_last_event_is_not_whole() -> None:
    """Whatever was said, the client is told that it is not all."""
    scrubber = stream_scrubber(Operation.RESPONSES)
    scrubber.feed(named(*response_events("output_text", ["x"])[:-1]))
    with pytest.raises(UpstreamUnavailable):
        scrubber.finish()


def test_events_that_repeat_a_long_answer_pass() -> None:
    """The last events are as long as the answer, and nothing of them is scrubbed again."""
    pieces = ["so on. " * 50] * 100
    out = run(*response_events("output_text", pieces))
    assert out[-1]["response"]["output"][0]["content"][0]["text"] == "".join(pieces)


def test_an_item_ends_once() -> None:
    """Its last event repeats all of it, so a second one is not understood."""
    begin, *_ = [e for e in response_events("output_text", ["x"]) if e["type"].endswith("m.added")]
    end = {**begin, "type": "response.output_item.done"}
    with pytest.raises(ScrubFailed):
        run(begin, end, end)


@pytest.mark.parametrize(
    ("limit", "outcome"), [(13, nullcontext()), (12, pytest.raises(ScrubFailed))]
)
def test_what_is_remembered_is_bounded(limit: int, outcome: AbstractContextManager[Any]) -> None:
    """A stream that never ends does not fill the memory."""
    rebuilder = ResponseEvents(Asked(), max_characters=limit)
    with outcome:
        for event in response_events("output_text", ["four", " and", " five"]):
            rebuilder.take(ServerSentEvent("", orjson.dumps(event)))
