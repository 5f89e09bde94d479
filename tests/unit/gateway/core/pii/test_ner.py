"""What a model returns is checked."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.core.errors import ScrubFailed
from gateway.core.pii.ner import Span, verify_spans


def test_spans_come_in_order_and_do_not_overlap() -> None:
    """Of two that overlap the first keeps its type, and both are covered."""
    spans = [Span(6, 9, "NAME"), Span(0, 4, "NAME"), Span(2, 5, "ADDRESS"), Span(0, 2, "ADDRESS")]
    assert verify_spans(spans, "x" * 9) == [Span(0, 5, "NAME"), Span(6, 9, "NAME")]
    assert verify_spans([], "") == []


@pytest.mark.parametrize(
    "span",
    [
        Span(0, 5, "NAME"),
        Span(-1, 2, "NAME"),
        Span(2, 2, "NAME"),
        Span(3, 2, "NAME"),
        Span(0, 1, "PERSON"),
    ],
)
def test_what_cannot_be_kept_ends_the_answer(span: Span) -> None:
    """A span outside its sentence, an empty one or one of an unknown type is no small matter."""
    with pytest.raises(ScrubFailed):
        verify_spans([span], "abcd")


@pytest.mark.parametrize(
    "returned",
    [None, 1, [None], [(0, 1)], [(0.0, 1.0, "NAME")], [("0", "1", "NAME")], [(0, 1, ["NAME"])]],
)
def test_what_is_no_span_ends_the_answer_too(returned: Any) -> None:
    """Nothing of it shows in the error or behind it."""
    with pytest.raises(ScrubFailed) as raised:
        verify_spans(returned, "abcd")
    assert (raised.value.__context__, raised.value.__cause__) == (None, None)
