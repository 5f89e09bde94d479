"""The short way of an event in which only the text is new, against the long one."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answers.asked import Asked
from gateway.core.answers.choices import ChoiceEvents
from gateway.core.answers.message_events import MessageEvents
from gateway.core.answers.repeated_event import PROBE, RepeatedEvent, find_repeated_event
from gateway.core.errors import ScrubFailed
from gateway.core.sse import ServerSentEvent

BEFORE, AFTER = b'{"n":1,"said":', b',"end":null}'
FRAME = {"id": "cmpl-1", "object": "x", "created": 7, "model": "tiny"}
DONE = ServerSentEvent("", b"[DONE]")


def find(data: bytes, text: str, probed: Any = None) -> RepeatedEvent | None:
    """Return the shape of *data*, sent as ``{"safe":…}`` in capitals."""
    probed = probed or {"n": 1, "said": PROBE, "end": None}
    sent = b'{"safe":' + orjson.dumps(PROBE) + b"}"
    return find_repeated_event(data, text, probed=probed, sent=sent, say=str.upper)


def test_only_the_text_is_read_and_written() -> None:
    """Whatever a JSON string may hold is read; the rest is what was there when it was found."""
    shape = find(BEFORE + b'"abc"' + AFTER, "abc")
    assert shape is not None
    assert shape.take(BEFORE + rb'"a\n\"\u00e4"' + AFTER) == orjson.dumps({"safe": 'A\n"Ä'})


@pytest.mark.parametrize(
    "data",
    [
        BEFORE.replace(b"1", b"2") + b'"abc"' + AFTER,
        BEFORE + b'"abc"' + AFTER.replace(b"null", b"true"),
        BEFORE + b'"abc","x":"y"' + AFTER,
        BEFORE + b'"abc' + AFTER,
        BEFORE + b'""' + AFTER,
        BEFORE + b"7" + AFTER,
        BEFORE + b'["abc"]' + AFTER,
        BEFORE + b'"\n"' + AFTER,
        BEFORE + AFTER,
        BEFORE,
        b"",
    ],
)
def test_what_differs_anywhere_else_is_not_taken(data: bytes) -> None:
    """Such an event goes the long way."""
    shape = find(BEFORE + b'"abc"' + AFTER, "abc")
    assert shape is not None
    assert shape.take(data) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"n":1,"said":"abc","end":"abc"}', "abc"),  # which of the two?
        (rb'{"n":1,"said":"\u0061bc","end":null}', "abc"),  # written in another way
        (b'{"n":1,"said":"abc","end":null}', "abd"),
        (b'{"n":1,"other":"abc","end":null}', "abc"),
        (rb'{"n":1,"\"said":"abc","said" :"xyz","end":null}', "abc"),
    ],
)
def test_without_a_proof_there_is_no_shape(data: bytes, text: str) -> None:
    """The string that was found must be the text, and the only thing that can differ."""
    assert find(data, text) is None


def chat_event(index: int, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    """Return an event of one choice."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    return FRAME | {"choices": [choice]}


def text_event(index: int, text: str) -> dict[str, Any]:
    """Return an event of a completion."""
    return FRAME | {"choices": [{"index": index, "text": text, "finish_reason": None}]}


def run(events: list[bytes], *, chat: bool) -> list[Any]:
    """Return what is sent for *events*, read."""
    rebuilder = ChoiceEvents(Asked(), chat=chat)
    sent = b"".join([rebuilder.take(ServerSentEvent("", data)) for data in events])
    sent += rebuilder.take(DONE)
    return [line for line in sent.split(b"\n\n") if line]


words = st.sampled_from(
    ["138", "0013", "8000", " ann@exa", "mple.com ", '"', "\\", "\n", "您好", "\x7f", PROBE, "x "]
)
deltas = st.one_of(
    words.map(lambda text: {"content": text}),
    words.map(lambda text: {"reasoning": text}),
    words.map(lambda text: {"content": text, "reasoning": None, "audio": "raw"}),
    words.map(lambda text: {"content": text, "note": text}),
    words.map(lambda text: {"note": text}),
    st.just({"role": "assistant", "content": ""}),
    st.just({}),
)
chats = st.builds(chat_event, st.integers(0, 2), deltas)
texts = st.builds(text_event, st.integers(0, 2), words)


@given(
    st.one_of(st.tuples(st.just(True), st.lists(chats)), st.tuples(st.just(False), st.lists(texts)))
)
def test_the_short_way_sends_what_the_long_way_sends(case: tuple[bool, list[Any]]) -> None:
    """A blank in another place in each event keeps them off the short way; nothing else differs."""
    chat, events = case
    short = [orjson.dumps(event) for event in events]
    long = [b" " * number + data for number, data in enumerate(short)]
    assert run(short, chat=chat) == run(long, chat=chat)


def test_a_text_after_the_end_is_refused_on_the_short_way_too() -> None:
    """What a choice says after it has ended is never sent."""
    rebuilder = ChoiceEvents(Asked(), chat=True)
    word = ServerSentEvent("", orjson.dumps(chat_event(0, {"content": "word "})))
    rebuilder.take(word)
    assert b"word" in rebuilder.take(word)
    rebuilder.take(ServerSentEvent("", orjson.dumps(chat_event(0, {}, "stop"))))
    with pytest.raises(ScrubFailed):
        rebuilder.take(word)


def block_event(kind: str, index: int, **members: Any) -> dict[str, Any]:
    """Return an event about a block of a message."""
    return {"type": f"content_block_{kind}", "index": index, **members}


def said(index: int, kind: str, text: str, more: dict[str, Any]) -> dict[str, Any]:
    """Return the event that says *text* in a block."""
    return block_event("delta", index, delta={"type": f"{kind}_delta", kind: text} | more)


BLOCKS = [
    {"type": "message_start", "message": {"id": "m", "model": "tiny", "usage": {}}},
    block_event("start", 0, content_block={"type": "text", "text": ""}),
    block_event("start", 1, content_block={"type": "thinking", "thinking": ""}),
]
speeches = st.builds(
    said, st.integers(0, 1), st.sampled_from(["text", "thinking"]), words, st.just({})
)
asides = st.builds(said, st.just(0), st.just("text"), words, st.just({"note": "kept by nobody"}))
ends = st.builds(block_event, st.just("stop"), st.integers(0, 1))


def run_message(events: list[bytes]) -> tuple[list[bytes], bool]:
    """Return what is sent for *events* of a message, and whether it was refused in the end."""
    rebuilder = MessageEvents(Asked())
    sent: list[bytes] = []
    try:
        sent.extend(rebuilder.take(ServerSentEvent("", data)) for data in events)
    except ScrubFailed:
        return sent, True
    return sent, False


@given(st.lists(st.one_of(speeches, asides, ends)))
def test_messages_are_sent_alike_on_both_ways(events: list[Any]) -> None:
    """Block by block, also when one block breaks into another and when one has ended."""
    short = [orjson.dumps(event) for event in [*BLOCKS, *events]]
    long = [b" " * number + data for number, data in enumerate(short)]
    assert run_message(short) == run_message(long)
