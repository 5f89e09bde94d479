"""Members that nobody here knows."""

from typing import Any

import pytest

from gateway.core.answers.unknown import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_PATHS,
    RAW,
    UnknownStream,
    merge,
    scrub_unknown,
    unknown_members,
)
from gateway.core.errors import ScrubFailed
from gateway.core.text_scrubbers import TextScrubbers


def scrubbed(members: dict[str, Any]) -> Any:
    """Return what passes of *members* in a whole answer."""
    slices = scrub_unknown(members, TextScrubbers())
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return end.value


def test_what_is_known_or_raw_is_not_unknown() -> None:
    """Known members have a rule of their own; those that hold tokens or prompts never pass."""
    received = {"known": 1, "news": 2, **dict.fromkeys(RAW, "canary")}
    assert unknown_members(received, frozenset({"known"})) == {"news": 2}


def test_values_are_replaced_at_any_depth() -> None:
    """In strings, in numbers and in names; what is no personal data stays."""
    members = {
        "a": ["tel 13800138000", True, None, 0.5],
        "ann@example.com": {"b": 13800138000, "c": 12},
    }
    assert scrubbed(members) == {
        "a": ["tel [PHONE]", True, None, 0.5],
        "[EMAIL]": {"b": "[PHONE]", "c": 12},
    }


def test_what_no_scrubber_reads_is_dropped() -> None:
    """Lists with whole numbers may be tokens or bytes, and so may members of a raw name."""
    members = {"ids": [49, 51, 56], "in": {"logprobs": "canary", "x": [[1], "y"]}}
    assert scrubbed(members) == {"in": {"x": ["y"]}}


def test_depth_and_size_are_bounded() -> None:
    """What is nested too deeply is dropped, and all of what is too large."""
    deep: Any = "x"
    for _ in range(MAX_DEPTH + 1):
        deep = {"a": deep}
    assert "x" not in str(scrubbed({"b": 1, **deep}))
    assert scrubbed({"a": "x " * MAX_BYTES}) == {}
    assert scrubbed({}) == {}


def test_a_value_over_events_is_caught() -> None:
    """Texts at one place go on from event to event, and what is held comes at the end."""
    stream = UnknownStream(TextScrubbers())
    said = [stream.take({"news": {"said": piece}}) for piece in ("tel 138", "0013", "8000")]
    merged: dict[str, Any] = {}
    for one in [*said, stream.finish()]:
        merge(merged, one)
    assert merged == {"news": {"said": "tel [PHONE]"}}
    assert stream.finish() == {}


def test_a_stream_passes_texts_alone() -> None:
    """Whatever cannot be joined soundly is dropped: numbers, lists, odd names, raw members."""
    stream = UnknownStream(TextScrubbers())
    members = {
        "number": 138,
        "list": ["x, "],
        "a1": "x, ",
        "logprobs": "x, ",
        "deep": {"token_ids": "x, ", "ok": "x, "},
        "none": None,
    }
    assert stream.take(members) == {"deep": {"ok": "x, "}}


def test_a_text_that_was_all_said_has_no_rest() -> None:
    """At the end only what is held comes out."""
    stream = UnknownStream(TextScrubbers())
    assert stream.take({"a": "so, "}) == {"a": "so, "}
    assert stream.finish() == {}


def test_places_of_a_stream_are_bounded() -> None:
    """A stream that says something somewhere else each time fills no memory."""
    stream = UnknownStream(TextScrubbers())
    names = [a + b for a in "abcdefgh" for b in "abcdefgh"]
    said = [name for name in names if stream.take({name: "x, "})]
    assert len(said) == MAX_PATHS


def test_a_place_is_a_text_or_an_object() -> None:
    """A member that is both in turn is not understood."""
    stream = UnknownStream(TextScrubbers())
    stream.take({"a": "held"})
    stream.take({"a": {"b": "held"}})
    with pytest.raises(ScrubFailed):
        stream.finish()
    with pytest.raises(ScrubFailed):
        merge({"a": "x"}, {"a": {"b": "x"}})


def test_nothing_follows_the_rest() -> None:
    """A text after the end would go on with what is out; an empty one says nothing."""
    stream = UnknownStream(TextScrubbers())
    assert stream.take({"x": "tel 138"}) == {"x": "tel "}
    assert stream.finish() == {"x": "138"}
    assert stream.take({"x": ""}) == {}
    with pytest.raises(ScrubFailed):
        stream.take({"x": "0013"})
