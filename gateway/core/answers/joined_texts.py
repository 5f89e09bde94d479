"""The texts of one answer that clients put together, such as the parts of a response.

Each goes on where the last one of its kind ended: a value that begins in one part and ends in
another is replaced in the later one, as is a value that begins in a prompt.
"""

from __future__ import annotations

from gateway.core.text_scrubbers import REACH, Slices, TextScrubber, TextScrubbers


class JoinedTexts:
    """Makes the scrubbers of an answer's texts, by their kind. ``arguments`` stand for themselves.

    Texts are joined in the order in which they come.
    """

    __slots__ = ("_scrubbers", "_tails")

    def __init__(self, scrubbers: TextScrubbers) -> None:
        self._scrubbers = scrubbers
        self._tails: dict[str, str] = {}

    def new(self, kind: str) -> TextScrubber:
        """Return the scrubber of the next text of *kind*."""
        if kind == "arguments":
            return self._scrubbers.new(kind)
        return _Joined(self, kind, self._scrubbers.new(kind, after=self._tails.get(kind, "")))

    def in_slices(self, kind: str, text: str) -> Slices[str]:
        """Scrub a whole text as ``TextScrubbers.in_slices`` does."""
        after = self._tails.get(kind, "")
        safe = yield from self._scrubbers.in_slices(kind, text, after=after)
        self.note(kind, text)
        return safe

    def note(self, kind: str, text: str) -> None:
        """Remember that *text* of *kind* has come."""
        self._tails[kind] = (self._tails.get(kind, "") + text)[-REACH:]


class _Joined:
    """The scrubber of one text, of which the next one gets to know."""

    __slots__ = ("_kind", "_scrubber", "_texts")

    def __init__(self, texts: JoinedTexts, kind: str, scrubber: TextScrubber) -> None:
        self._texts = texts
        self._kind = kind
        self._scrubber = scrubber

    def feed(self, delta: str) -> str:
        self._texts.note(self._kind, delta)
        return self._scrubber.feed(delta)

    def finish(self) -> str:
        return self._scrubber.finish()
