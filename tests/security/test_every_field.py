"""Every field of every API in which the model's words can stand: nothing gets past its scrubber."""

from __future__ import annotations

import json

import orjson
import pytest
from chunk_invariance import assert_chunk_invariant
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answers.asked import Asked
from gateway.core.apis import APIS
from gateway.core.errors import SealgateError
from gateway.core.text_scrubbers import TextScrubber, TextScrubbers
from tests.fakes.answers import stream_scrubber, whole_scrubber
from tests.fakes.streams import FIELDS, Field, pieces_of

fields = pytest.mark.parametrize("field", FIELDS, ids=lambda f: f"{f.operation}-{f.name}")

TEXT = "Ring 13800138000, or write to ann@example.com; 卡号 4111 1111 1111 1111. So long"
VALUES = ("13800138000", "ann@example.com", "4111 1111 1111 1111")


def streamed(field: Field, pieces: list[str], *, size: int = 1 << 20) -> bytes:
    """Return the stream that comes out when *pieces* are said, in reads of *size* bytes."""
    scrubber = stream_scrubber(field.operation)
    stream = field.stream(pieces)
    reads = [stream[at : at + size] for at in range(0, len(stream), size)]
    return b"".join([scrubber.feed(read) for read in reads]) + scrubber.finish()


def whole(field: Field, text: str) -> bytes:
    """Return the answer that comes out when *text* is said at once."""
    scrubber = whole_scrubber(field.operation)
    body = field.whole(text)
    return scrubber.feed(body) + scrubber.finish()


def parsed(field: Field, text: str) -> object:
    """Return the *text* of a field as its readers understand it."""
    return json.loads(text) if field.is_json else text


@fields
def test_values_are_replaced_whole_and_streamed(field: Field) -> None:
    """Both say the same, and nowhere in them is a value: not where a text is repeated either."""
    text = field.written(TEXT)
    out = streamed(field, pieces_of(text, range(0, len(text), 3)))
    once = whole(field, text)
    said = parsed(field, field.read(out))
    assert said == parsed(field, field.said_whole(orjson.loads(once)))
    assert "[PHONE]" in str(said)
    assert "[EMAIL]" in str(said)
    for value in VALUES:
        assert value.encode() not in out
        assert value.encode() not in once


@fields
def test_every_cut_of_the_words_says_the_same(field: Field) -> None:
    """However a text falls into events, it reads the same, whole or streamed."""
    short = field.written("tel 13800138000 ok")

    def stream(pieces: list[str]) -> list[str]:
        return [field.read(streamed(field, list(pieces)))]

    assert_chunk_invariant(stream, lambda text: field.read(streamed(field, [text])), short)


@fields
def test_every_cut_of_the_bytes_says_the_same(field: Field) -> None:
    """Reads may end inside a character, a line end or an event, and may hold many events."""
    pieces = pieces_of(field.written(TEXT), range(0, 90, 7))
    by_bytes = streamed(field, pieces, size=1)
    for size in (7, 64):  # less than an event
        assert streamed(field, pieces, size=size) == by_bytes
    for size in (500, 1 << 20):
        together = streamed(field, pieces, size=size)
        assert field.read(together) == field.read(by_bytes)
        assert together.count(b"\n\n") <= field.stream(pieces).count(b"\n\n") + 1  # what was held


@given(
    st.sampled_from(FIELDS),
    st.text(alphabet='a1 380-@.com漢é"\\{', max_size=40),
    st.lists(st.integers(0, 200), max_size=8),
)
def test_any_text_in_any_pieces(field: Field, text: str, cuts: list[int]) -> None:
    """Random texts and cuts, and a value that stands among them."""
    written = field.written(f"{text} 13800138000 {text}")
    out = streamed(field, pieces_of(written, cuts))
    said = field.read(out)
    assert said == field.read(streamed(field, [written]))
    assert parsed(field, said) == parsed(
        field, field.said_whole(orjson.loads(whole(field, written)))
    )
    assert b"13800138000" not in out


class Faulty:
    """A scrubber of texts that fails at the *at*-th call of all that are made alike."""

    def __init__(self, inner: TextScrubber, calls: list[int], at: int) -> None:
        self._inner = inner
        self._calls = calls
        self._at = at

    def _count(self) -> None:
        self._calls[0] += 1
        if self._calls[0] == self._at:
            raise ZeroDivisionError("canary 13800138000")

    def feed(self, delta: str) -> str:
        """Scrub *delta*, or fail."""
        self._count()
        return self._inner.feed(delta)

    def finish(self) -> str:
        """Return the rest, or fail."""
        self._count()
        return self._inner.finish()


class FaultyScrubbers(TextScrubbers):
    """Makes scrubbers that fail."""

    __slots__ = ("at", "calls")

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at
        self.calls = [0]

    def new(self, field: str, *, choice: int = 0, after: str = "") -> TextScrubber:
        """Return a scrubber that counts with all others."""
        return Faulty(super().new(field, choice=choice, after=after), self.calls, self.at)


@fields
@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_fault_at_any_call_lets_nothing_out(field: Field, is_streamed: bool) -> None:
    """Whichever call of the engine fails: what was said is safe, and nothing more is ever said."""
    text = field.written("so 13800138000 on and so on")
    pieces = pieces_of(text, range(0, len(text), 5))
    body = field.stream(pieces) if is_streamed else field.whole(text)
    at = 0
    while True:
        at += 1
        scrubbers = FaultyScrubbers(at)
        scrubber = APIS[field.operation].new_scrubber(Asked(scrubbers), streamed=is_streamed)
        out: list[bytes] = []
        try:
            out.extend(scrubber.feed(body[i : i + 40]) for i in range(0, len(body), 40))
            out.append(scrubber.finish())
        except ZeroDivisionError:
            assert b"1380013" not in b"".join(out)
            with pytest.raises(SealgateError):
                scrubber.feed(b"data: [DONE]\n\n")
            with pytest.raises(SealgateError):
                scrubber.finish()
        else:
            break
    assert at > 2  # it failed at every call that there was
