"""The short way of an event in which only the text is new, against the long one."""

import time
from itertools import accumulate, pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answers.asked import Asked
from gateway.core.answers.choices import ChoiceEvents
from gateway.core.answers.event_stream import EventStreamScrubber
from gateway.core.answers.message_events import MessageEvents
from gateway.core.answers.repeated_event import (
    PROBE,
    RepeatedEvent,
    find_repeated_event,
    say_ordinary,
)
from gateway.core.errors import ScrubFailed
from gateway.core.sse import ServerSentEvent, encode_event
from gateway.core.tally import Tally

BEFORE, AFTER = b'{"n":1,"said":', b',"end":null}'
FRAME = {"id": "cmpl-1", "object": "x", "created": 7, "model": "tiny"}
DONE = b"data: [DONE]\n\n"


def find(data: bytes, text: str, *, name: str = "") -> RepeatedEvent | None:
    """Return the shape of *data*, sent as ``{"safe":…}`` in capitals."""
    probed = {"n": 1, "said": PROBE, "end": None}
    sent = b'{"safe":' + orjson.dumps(PROBE) + b"}"
    event = ServerSentEvent(name, data)
    return find_repeated_event(event, text, probed=probed, sent=sent, say=str.upper)


def take(shape: RepeatedEvent | None, *literals: bytes) -> tuple[bytes, int]:
    """Return what is said after events with these in the place of the text, and their number."""
    assert shape is not None
    blocks = [b"data: " + BEFORE + literal + AFTER for literal in literals]
    return say_ordinary(blocks, 0, shapes=[shape], tally=Tally())


def test_only_the_text_is_read_and_written() -> None:
    """Whatever a JSON string may hold is read; the rest is what was there when it was found."""
    shape = find(BEFORE + b'"abc"' + AFTER, "abc")
    assert take(shape, rb'"a\n\"\u00e4"') == (orjson.dumps({"safe": 'A\n"Ä'}), 1)


def test_events_that_came_together_are_said_together() -> None:
    """Scrubbed as one text, which then is cut into as many events, and counted each."""
    heard: list[str] = []

    def say(text: str) -> str:
        heard.append(text)
        return text.replace("secret", "[X]")

    shape = RepeatedEvent((b'<"', b'">'), (b"(", b")"), say)
    tally = Tally()
    said = say_ordinary(
        [b"other", b'<"a sec">', b'<"ret b">', b'<" c">', b"other", b'<"d">'],
        1, shapes=[RepeatedEvent((b'["', b'"]'), (b"", b""), say), shape], tally=tally,
    )  # fmt: skip
    assert heard == ["a secret b c"]
    assert said == (b'("a [X]")(" b c")', 3)
    assert tally.tokens(request_bytes=0) == 3


def test_a_text_with_the_sign_that_cuts_is_one_event() -> None:
    """The sign in a text of the model makes no event of its own."""
    shape = RepeatedEvent((b'<"', b'">'), (b"(", b")"), str)
    blocks = ['<"a\uffff">'.encode(), b'<"b">']
    said = say_ordinary(blocks, 0, shapes=[shape], tally=Tally())
    assert said == ('("a\uffffb")'.encode(), 2)
    assert say_ordinary(blocks[:1], 0, shapes=[shape], tally=Tally())[0] == '("a\uffff")'.encode()


@pytest.mark.parametrize(
    "literal",
    [
        b'"abc","x":"y"',
        b'"abc","xyz"',
        b'"abc',
        b'abc"',
        b"7",
        b'["abc"]',
        b'"\n"',
        b"",
        b"\xff",
        b'"abc"\n',  # the end of the line of data, whatever JSON makes of it
        b' "abc"',
        b'"abc"],["xyz"',
        rb'"abc\"',
        rb'"\ud800"',
    ],
)
def test_what_is_no_single_text_is_not_taken(literal: bytes) -> None:
    """Such an event goes the long way, and those around it do not."""
    shape = find(BEFORE + b'"abc"' + AFTER, "abc")
    assert take(shape, literal) == (b"", 0)
    assert take(shape, literal, b'"abc"') == (b"", 0)
    assert take(shape, b'"abc"', literal) == (b'{"safe":"ABC"}', 1)
    assert take(shape, b'"abc', b'abc"') == (b"", 0)
    assert take(shape, b'"a","b"', b'"c', b'd"') == (b"", 0)


def test_an_empty_text_is_taken_like_any_other() -> None:
    """As while a character is not complete yet; it makes no event."""
    shape = find(BEFORE + b'"abc"' + AFTER, "abc")
    said = take(shape, b'""', b'"a"', b'""', b'"b"', b'""')
    assert said == (b'{"safe":"A"}{"safe":"B"}', 5)
    assert take(shape, b'""') == (b"", 1)
    assert take(shape, b'""', b'""') == (b"", 2)


def test_quotes_are_not_shared() -> None:
    """One quote is not the beginning of a text and its end."""
    shape = find(BEFORE + b'"abc"' + AFTER, "abc")
    assert take(shape, b'"') == (b"", 0)


@pytest.mark.parametrize(
    "block",
    [
        b"data: " + BEFORE.replace(b"1", b"2") + b'"abc"' + AFTER,
        b"data: " + BEFORE + b'"abc"' + AFTER.replace(b"null", b"true"),
        b"data: " + BEFORE,
        b"event: e\ndata: " + BEFORE + b'"abc"' + AFTER,
        BEFORE + b'"abc"' + AFTER,
        b"",
    ],
)
def test_what_differs_anywhere_else_is_not_taken(block: bytes) -> None:
    """Such an event goes the long way."""
    shape = find(BEFORE + b'"abc"' + AFTER, "abc")
    assert shape is not None
    assert say_ordinary([block], 0, shapes=[shape], tally=Tally()) == (b"", 0)


def test_the_name_belongs_to_the_shape() -> None:
    """An event is one of those that have the same name."""
    shape = find(BEFORE + b'"abc"' + AFTER, "abc", name="e")
    assert shape is not None
    block = b"event: e\ndata: " + BEFORE + b'"abc"' + AFTER
    assert say_ordinary([block], 0, shapes=[shape], tally=Tally())[1] == 1
    assert take(shape, b'"abc"') == (b"", 0)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"n":1,"said":"abc","end":"abc"}', "abc"),  # which of the two?
        (rb'{"n":1,"said":"\u0061bc","end":null}', "abc"),  # written in another way
        (b'{"n":1,"said":"abc","end":null}', "abd"),
        (b'{"n":1,"other":"abc","end":null}', "abc"),
        (rb'{"n":1,"\"said":"abc","said" :"xyz","end":null}', "abc"),
        (b'{"n":1,\n"said":"abc","end":null}', "abc"),  # which is two lines of data
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


def run(reads: list[bytes], *, chat: bool) -> list[Any]:
    """Return the events that are sent for *reads* of a stream, and what they were said to cost."""
    tally = Tally()
    scrubber = EventStreamScrubber(ChoiceEvents(Asked(tally=tally), chat=chat))
    sent = b"".join([scrubber.feed(read) for read in [*reads, DONE]]) + scrubber.finish()
    return [*(line for line in sent.split(b"\n\n") if line), tally.tokens(request_bytes=0)]


def texts_of(sent: list[Any]) -> dict[Any, str]:
    """Return what each field of each choice says, joined."""
    said: dict[Any, str] = {}
    for line in sent[:-2]:
        for choice in orjson.loads(line.removeprefix(b"data: "))["choices"]:
            for field, value in choice.get("delta", {"text": choice.get("text")}).items():
                key = choice["index"], field
                said[key] = said.get(key, "") + str(value)
    return said


words = st.sampled_from(
    [
        "",
        "138",
        "0013",
        "8000",
        " ann@exa",
        "mple.com ",
        '"',
        "\\",
        "\n",
        "您好",
        "\x7f",
        PROBE,
        "x ",
    ]
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


cases = st.one_of(
    st.tuples(st.just(True), st.lists(chats)), st.tuples(st.just(False), st.lists(texts))
)


@given(cases)
def test_the_short_way_sends_what_the_long_way_sends(case: tuple[bool, list[Any]]) -> None:
    """A blank in another place in each event keeps them off the short way; nothing else differs."""
    chat, events = case
    short = [orjson.dumps(event) for event in events]
    long = [b" " * number + data for number, data in enumerate(short)]
    assert run([*map(encode_event, short)], chat=chat) == run([*map(encode_event, long)], chat=chat)


@given(cases, st.lists(st.integers(1, 900)))
def test_the_same_is_said_however_many_come_together(
    case: tuple[bool, list[Any]], sizes: list[int]
) -> None:
    """Where reads are cut changes what stands in which event, and neither words nor cost."""
    chat, events = case
    stream = b"".join([encode_event(orjson.dumps(event)) for event in events])
    ends = [0, *accumulate(sizes), len(stream)]
    together = run([stream[start:end] for start, end in pairwise(ends)], chat=chat)
    one_by_one = run([stream[at : at + 1] for at in range(len(stream))], chat=chat)
    assert texts_of(together) == texts_of(one_by_one)
    assert together[-2:] == one_by_one[-2:]


def test_a_text_after_the_end_is_refused_on_the_short_way_too() -> None:
    """What a choice says after it has ended is never sent; nothing is nothing."""
    scrubber = EventStreamScrubber(ChoiceEvents(Asked(), chat=True))
    word = encode_event(orjson.dumps(chat_event(0, {"content": "word "})))
    scrubber.feed(word)
    assert b"word" in scrubber.feed(word)
    scrubber.feed(encode_event(orjson.dumps(chat_event(0, {}, "stop"))))
    assert scrubber.feed(encode_event(orjson.dumps(chat_event(0, {"content": ""})))) == b""
    with pytest.raises(ScrubFailed):
        scrubber.feed(word)


@pytest.mark.parametrize("filler", [b"\n", b": c\n\n", b": " + b"c" * 40 + b"\n\n"])
def test_a_read_of_many_blocks_costs_what_it_is_long(filler: bytes) -> None:
    """Nobody can keep the gateway busy with events that say nothing, once a shape is known."""
    scrubber = EventStreamScrubber(ChoiceEvents(Asked(), chat=True))
    word = encode_event(orjson.dumps(chat_event(0, {"content": "word "})))
    scrubber.feed(word * 2)
    began = time.process_time()
    assert b"word" in scrubber.feed(filler * (200_000 // len(filler)) + word)
    assert time.process_time() - began < 2


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
    scrubber = EventStreamScrubber(MessageEvents(Asked()))
    sent: list[bytes] = []
    try:
        sent.extend(scrubber.feed(encode_event(data, name=name_of(data))) for data in events)
    except ScrubFailed:
        return sent, True
    return sent, False


def name_of(data: bytes) -> str:
    """Return the name under which vLLM sends this event."""
    return str(orjson.loads(data)["type"])


@given(st.lists(st.one_of(speeches, asides, ends)))
def test_messages_are_sent_alike_on_both_ways(events: list[Any]) -> None:
    """Block by block, also when one block breaks into another and when one has ended."""
    short = [orjson.dumps(event) for event in [*BLOCKS, *events]]
    long = [b" " * number + data for number, data in enumerate(short)]
    assert run_message(short) == run_message(long)
