"""Answers in one piece, whatever their shape."""

from typing import Any

import pytest

from gateway.core.answers.whole_answer import WholeAnswerScrubber
from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.text_scrubbers import Slices


def as_it_is(received: dict[str, Any]) -> Slices[dict[str, Any]]:
    """Rebuild an answer in two slices, as itself; an empty one is an error upstream."""
    yield None
    if not received:
        raise UpstreamUnavailable
    yield None
    return received


def test_the_answer_comes_with_the_end() -> None:
    """However it is cut into reads, it is rebuilt as a whole, with a pause after each slice."""
    scrubber = WholeAnswerScrubber(as_it_is)
    assert scrubber.feed(b'{"a"') + scrubber.feed(b": 1}") == b""
    assert list(scrubber.finish_slices()) == [None, None, b'{"a":1}']


@pytest.mark.parametrize(
    ("body", "error"), [(b'{"a":1}', ScrubFailed), (b"{}", UpstreamUnavailable)]
)
def test_what_was_not_finished_is_gone(body: bytes, error: type[SealgateError]) -> None:
    """After a refusal, or an end that nobody waited for, the object is dead."""
    scrubber = WholeAnswerScrubber(as_it_is)
    scrubber.feed(body)
    slices = iter(scrubber.finish_slices())
    assert next(slices) is None
    if error is UpstreamUnavailable:
        with pytest.raises(error):
            next(slices)
    for again in (scrubber.finish, lambda: scrubber.feed(b"x")):
        with pytest.raises(error):
            again()


@pytest.mark.parametrize("body", [b"", b"[]", b"canary", b"1"])
def test_only_a_json_object_is_an_answer(body: bytes) -> None:
    """What is none is withheld, and the error does not carry it."""
    scrubber = WholeAnswerScrubber(as_it_is)
    scrubber.feed(body)
    with pytest.raises(ScrubFailed) as caught:
        scrubber.finish()
    assert caught.value.__context__ is None


def test_a_whole_answer_is_limited() -> None:
    """An answer beyond the limit is dropped at once."""
    scrubber = WholeAnswerScrubber(as_it_is, max_answer_bytes=10)
    scrubber.feed(b"x" * 10)
    with pytest.raises(ScrubFailed):
        scrubber.feed(b"x")
    with pytest.raises(ScrubFailed):
        scrubber.finish()
