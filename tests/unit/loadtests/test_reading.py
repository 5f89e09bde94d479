"""What the benchmark makes of the streams that arrived."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from loadtests.invented import Answer, answer
from loadtests.reading import (
    Arrival,
    Reading,
    find_faults,
    find_gaps,
    find_latencies,
    read_stream,
    read_whole,
    split_events,
)
from loadtests.script import Delta
from loadtests.wire import DONE, Ask, Writer

ASK = Ask(chat=True, model="tiny", streamed=True, with_usage=True)


def stream_of(pieces: tuple[str, ...]) -> bytes:
    """Return the bytes of a whole stream."""
    writer = Writer(ASK, request_id="chatcmpl-1", created=1)
    events = [writer.delta(Delta({"content": piece})) for piece in pieces]
    return b"".join([writer.role(0), *events, writer.usage(len(pieces)), DONE])


@given(st.lists(st.integers(0, 4000), max_size=20))
def test_cutting_makes_no_difference(cuts: list[int]) -> None:
    """The same events and words are read however the bytes were cut."""
    made = answer(tokens=12, pii_share=0.05, variant=1)
    data = stream_of(made.pieces)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    arrivals = [
        Arrival(float(number), data[start:end])
        for number, (start, end) in enumerate(itertools.pairwise(edges))
    ]
    reading = read_stream(arrivals)
    assert reading.text == made.text
    assert reading.is_done
    assert find_faults(reading, made, redacted=False) == []


def test_comments_and_event_names_are_not_data() -> None:
    """Keep-alive comments are left out, and an event keeps its data alone."""
    data = b": keep-alive\n\nevent: x\ndata: {}\n\n: pad\ndata: [DONE]\n\n"
    assert [event for _, event in split_events([Arrival(0.0, data)])] == [b"{}", b"[DONE]"]


def test_a_word_arrives_with_its_last_event() -> None:
    """The time of a word that is spread over events is that of the event that ends it."""
    first, second = stream_of((" zuba",)), stream_of(("de",))
    reading = read_stream([Arrival(1.0, first), Arrival(2.0, second)])
    assert reading.word_times == (("zubade", 2.0),)
    assert reading.first_text_at == 1.0


def test_faults_are_found() -> None:
    """Loss, disorder, an open end and personal data that came through are each reported."""
    wanted = Answer((" zuba", " zude", " a@example.com"), ("zuba", "zude"), ("a@example.com",))
    good = Reading("zuba zude [EMAIL]", True, 0.0, (("zuba", 0.0), ("zude", 0.0)))
    swapped = Reading("zude zuba", True, 0.0, (("zude", 0.0), ("zuba", 0.0)))
    lost = Reading("zuba", False, 0.0, (("zuba", 0.0),))
    leaked = Reading("zuba zude a@example.com", True, 0.0, good.word_times)
    assert find_faults(good, wanted, redacted=True) == []
    assert find_faults(good, wanted, redacted=False) == ["personal data missing"]
    assert find_faults(swapped, wanted, redacted=True) == ["0 words lost, 2 of 2 there"]
    assert find_faults(lost, wanted, redacted=True) == [
        "1 words lost, 1 of 2 there",
        "not finished",
    ]
    assert find_faults(leaked, wanted, redacted=True) == ["personal data arrived"]
    assert find_faults(leaked, wanted, redacted=None) == []


def test_latency_counts_from_the_place_in_the_schedule() -> None:
    """The model sends a role and its stamp, then a word each interval; the rest is the way."""
    wanted = Answer((" zuba", " zude"), ("zuba", "zude"), ())
    times = (("zuba", 10.25), ("zude", 10.75))
    reading = Reading("", True, 10.25, times, sent_from=10.0)
    late = find_latencies(reading, wanted, pace_seconds=0.1)
    assert [round(value, 6) for value in late] == [0.05, 0.45]
    assert find_latencies(replace(reading, sent_from=None), wanted, pace_seconds=0.1) == []


def test_gaps_are_between_events_with_text() -> None:
    """What lies between two events counts, whatever words are in them."""
    reading = Reading("", True, 1.0, (), event_times=(1.0, 1.25, 2.0))
    assert find_gaps(reading) == [0.25, 0.75]
    assert find_gaps(replace(reading, event_times=(1.0,))) == []


def test_whole_answer_is_read_like_a_stream() -> None:
    """An answer that was not streamed gives the same words."""
    body = b'{"choices":[{"message":{"content":"so zuba and zude"}}]}'
    assert [word for word, _ in read_whole(body, 3.0).word_times] == ["zuba", "zude"]
