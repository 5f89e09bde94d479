"""Streamed messages."""

from typing import Any

import pytest

from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.grants import Operation
from gateway.core.tally import Tally
from tests.fakes.answers import stream_scrubber
from tests.fakes.streams import Event, block, events_of, message, message_events, named


def run(*events: Event, tally: Tally | None = None) -> list[Any]:
    """Return the events that come out when *events* go in."""
    scrubber = stream_scrubber(Operation.MESSAGES, tally=tally)
    return events_of(scrubber.feed(named(*events)) + scrubber.finish())


def test_events_are_rebuilt_in_order() -> None:
    """Each kind of event comes out, and held text before the end of its block."""
    tally = Tally()
    out = run(*message_events("text", ["tel 1380", "0138000"]), tally=tally)
    assert [event["type"] for event in out] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert out[0]["message"]["usage"] == {"input_tokens": 5, "output_tokens": 0}
    assert out[2]["content_block"] == {"type": "text", "text": ""}
    assert [event["delta"]["text"] for event in out[3:5]] == ["tel ", "[PHONE]"]
    assert out[6]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert tally.tokens(request_bytes=0) == 7


def start(kind: str = "text", index: int = 0, **members: Any) -> Event:
    """Return the event that begins a block."""
    opened = block(kind, "") | members
    return {"type": "content_block_start", "index": index, "content_block": opened}


def delta(kind: str = "text_delta", index: int = 0, **members: Any) -> Event:
    """Return an event with a delta."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **members}}


def stop(index: int = 0) -> Event:
    """Return the event that ends a block."""
    return {"type": "content_block_stop", "index": index}


START: Event = {"type": "message_start", "message": message()}
END: Event = {"type": "message_stop"}


def test_unknown_blocks_leave_no_gap() -> None:
    """What nobody knows is dropped with all its events, and clients count on."""
    news = {"type": "content_block_start", "index": 0, "content_block": {"type": "news"}}
    out = run(
        START,
        news,
        delta("news_delta", said="canary"),
        stop(),
        {"type": "news", "said": "canary"},
        start(index=1, text="begun, "),
        delta("citations_delta", 1, citation="canary"),
        stop(1),
        END,
    )
    assert "canary" not in str(out)
    assert [event.get("index") for event in out] == [None, 0, 0, 0, None]
    assert out[2]["delta"] == {"type": "text_delta", "text": "begun, "}


def test_thinking_has_a_signature() -> None:
    """It passes if it may be one."""
    out = run(
        START,
        start("thinking"),
        delta("thinking_delta", thinking="13800138000"),
        delta("signature_delta", signature="0123abcd"),
        delta("signature_delta", signature="ann@example.com"),
        stop(),
        END,
    )
    said = [event["delta"] for event in out if event["type"] == "content_block_delta"]
    assert said == [
        {"type": "signature_delta", "signature": "0123abcd"},
        {"type": "signature_delta", "signature": "redacted"},
        {"type": "thinking_delta", "thinking": "[PHONE]"},
    ]


@pytest.mark.parametrize("end", [END, {"type": "message_delta", "delta": {}}])
def test_a_block_that_nobody_ended_is_ended(end: Event) -> None:
    """Its text is said before the message is over."""
    scrubber = stream_scrubber(Operation.MESSAGES)
    out = events_of(scrubber.feed(named(START, start(), delta(text="13800138000"), end)))
    assert [event["type"] for event in out[2:]] == [
        "content_block_delta",
        "content_block_stop",
        end["type"],
    ]
    assert out[2]["delta"]["text"] == "[PHONE]"


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([{"type": "error", "error": {"message": "canary"}}], UpstreamUnavailable),
        ([{"type": "x", "error": "canary"}], UpstreamUnavailable),
        ([{"type": "message_start", "message": "canary"}], ScrubFailed),
        ([START, START], ScrubFailed),
        ([start(), start()], ScrubFailed),
        ([start(index=128)], ScrubFailed),
        ([{"type": "content_block_start", "index": 0, "content_block": "canary"}], ScrubFailed),
        ([delta(text="canary")], ScrubFailed),
        ([start(), delta(text=5)], ScrubFailed),
        ([start(), delta("thinking_delta", thinking="canary")], ScrubFailed),
        ([start("tool_use"), delta(text="canary")], ScrubFailed),
        ([start(), stop(), delta(text="canary")], ScrubFailed),
        ([start(), stop(), stop()], ScrubFailed),
        ([END, END], ScrubFailed),
    ],
)
def test_what_is_not_understood_ends_everything(
    events: list[Event], error: type[SealgateError]
) -> None:
    """Errors of the model server are not shown, and nothing comes after them."""
    scrubber = stream_scrubber(Operation.MESSAGES)
    with pytest.raises(error) as caught:
        scrubber.feed(named(*events))
    assert "canary" not in str(caught.value)
    with pytest.raises(error):
        scrubber.finish()


@pytest.mark.parametrize("data", [b"[]", b"canary", b'{"type":5}', b"{}", b"[DONE]"])
def test_an_event_is_an_object_with_a_type(data: bytes) -> None:
    """Anything else is not understood, and neither is a name that is not its type."""
    for stream in (b"data: " + data + b"\n\n", b"event: x\n" + named(END).split(b"\n", 1)[1]):
        with pytest.raises(ScrubFailed):
            stream_scrubber(Operation.MESSAGES).feed(stream)


def test_a_stream_without_its_last_event_is_not_whole() -> None:
    """Whatever was said, the client is told that it is not all."""
    scrubber = stream_scrubber(Operation.MESSAGES)
    scrubber.feed(named(*message_events("text", ["x"])[:-1]))
    with pytest.raises(UpstreamUnavailable):
        scrubber.finish()
