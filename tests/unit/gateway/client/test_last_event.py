"""The event that ends a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.last_event import LastEventHold

WORDS = (
    *(b"data: ", b"data:", b"[DONE]", b"[DO", b"NE]", b"\n", b"\r\n", b"\n\n", b"x", b"d", b"a"),
    *(b"event: ", b"event:", b"message_stop", b"response.", b"completed", b"incomplete", b"ev"),
)
PARTS = st.lists(st.sampled_from(WORDS), max_size=20)
ENDS = (
    b"data: [DONE]",
    b"data:[DONE]",
    b"event: message_stop",
    b"event:message_stop",
    b"event: response.completed",
    b"event: response.incomplete",
)


@given(PARTS, st.integers(1, 9))
def test_any_cutting(parts, size):
    """Every cutting gives out the same: all before [DONE] at once, the rest at the end."""
    text = b"".join(parts)
    whole, pieces = LastEventHold(), LastEventHold()
    first = whole.feed(text)
    shown = b"".join(pieces.feed(text[at : at + size]) for at in range(0, len(text), size))
    assert first == shown
    assert first + whole.finish() == shown + pieces.finish() == text
    lines = shown.replace(b"\r", b"\n").split(b"\n")
    assert not any(line.startswith(ENDS) for line in lines)


@pytest.mark.parametrize("end", ENDS)
def test_the_last_event_of_every_api_is_held(end):
    """Whatever comes before it leaves at once; it and all after it come with the end."""
    hold = LastEventHold()
    before = b"event: message_start\ndata: {}\n\n"
    assert hold.feed(before + end + b"\ndata: {}\n\n") == before
    assert hold.finish() == end + b"\ndata: {}\n\n"


def test_events_are_not_delayed():
    """An event leaves whole as soon as it is in, and so does text that only mentions the mark."""
    hold = LastEventHold()
    for event in (b"data: 1\n\n", b": data: [DONE]\n\n", b'data: {"t":"data: [DONE]"}\n\n'):
        assert hold.feed(event) == event
    assert hold.feed(b"data: [DONE]\n\n") == b""
    assert hold.feed(b"\n") == b""
    assert hold.finish() == b"data: [DONE]\n\n\n"


@pytest.mark.parametrize("cut", range(1, 12))
def test_mark_in_two_pieces(cut):
    """The mark is found across a border, and released when it turns out to be something else."""
    hold = LastEventHold()
    assert hold.feed(b"data: [DONE]"[:cut]) == b""
    assert hold.feed(b"data: [DONE]"[cut:]) == b""
    other = LastEventHold()
    other.feed(b"data: [DONE]"[:cut])
    assert other.feed(b"?\n\n") == b"data: [DONE]"[:cut] + b"?\n\n"
