"""What a model that finds names by their meaning looks like to the scrubber (ADR 0023).

It gets one sentence at a time and is not trusted with anything else: what it returns is checked,
and what cannot be kept ends the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.core.errors import ScrubFailed
from gateway.core.pii.labels import LABELS


class Span(NamedTuple):
    """A value from offset *start* to *end* of a sentence, of a type that detectors know too."""

    start: int
    end: int
    label: str


class EntityFinder(Protocol):
    """A model. It is called from one thread, and need not be safe for several."""

    def find(self, sentence: str) -> Sequence[Span]:
        """Return the values in *sentence*, in any order. May take its time, but not for ever."""


class SentenceModel(NamedTuple):
    """A *finder*, and after how many characters it looks at a text that has no end of sentence."""

    finder: EntityFinder
    holdback_characters: int


def verify_spans(spans: Sequence[Span], sentence: str) -> list[Span]:
    """Return *spans* in order, of those that overlap the first and longest.

    Raises ``ScrubFailed`` for one that is not inside *sentence* or of no known type.
    """
    kept: list[Span] = []
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not 0 <= start < end <= len(sentence) or label not in LABELS:
            raise ScrubFailed
        if not kept or start >= kept[-1].end:
            kept.append(Span(start, end, label))
        elif end > kept[-1].end:  # what hangs over belongs to a value too
            kept[-1] = kept[-1]._replace(end=end)
    return kept
