"""What a model that finds names by their meaning looks like to the scrubber (ADR 0023).

It gets one sentence at a time and is not trusted with anything else: what it returns is checked,
and what cannot be kept ends the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from operator import index
from typing import NamedTuple, Protocol

from gateway.core.errors import ScrubFailed
from gateway.core.pii.labels import LABELS


class Span(NamedTuple):
    """A value from offset *start* to *end* of a sentence, of a type that detectors know too."""

    start: int
    end: int
    label: str


class EntityFinder(Protocol):
    """A model. It is called from one thread, and need not be safe for several.

    When it is late another one takes its place, so two of them must not share what either needs.
    """

    def find(self, sentence: str) -> Sequence[Span]:
        """Return the values in *sentence*, in any order. May take its time, but not for ever.

        The gateway asks through ``backends/timed_finder``, which makes ``ScrubFailed`` of whatever
        a model raises, and of one that is late.
        """


class SentenceModel(NamedTuple):
    """A *finder*, and after how many characters it looks at a text that has no end of sentence."""

    finder: EntityFinder
    holdback_characters: int


def verify_spans(spans: Sequence[Span], sentence: str) -> list[Span]:
    """Return *spans* in order, of those that overlap the first and longest.

    Raises ``ScrubFailed`` for one that is not inside *sentence* or of no known type, and for what
    is no span at all.
    """
    with suppress(TypeError, ValueError):  # which may show what they are about
        # Whole numbers of some library are fine, fractions are not.
        whole = [Span(index(start), index(end), label) for start, end, label in spans]
        if all(_is_inside(span, sentence) for span in whole):
            return _joined(sorted(whole, key=lambda span: (span.start, -span.end)))
    raise ScrubFailed


def _is_inside(span: Span, sentence: str) -> bool:
    return 0 <= span.start < span.end <= len(sentence) and span.label in LABELS


def _joined(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in spans:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:  # what hangs over belongs to a value too
            kept[-1] = kept[-1]._replace(end=span.end)
    return kept
