"""Which contexts hold at a place of the text: the words seen so far, and how far each reaches."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.core.pii.detector import Context
from gateway.core.pii.folding import FOLD, INVISIBLE, spellings
from gateway.core.pii.keywords import Keywords

_LETTERS: Final = frozenset(string.ascii_lowercase)


@dataclass(slots=True)
class _Word:
    """A word of the context number *place* that ended at offset *end*.

    *last* is the last offset at which a value may begin, or None while that is open.
    """

    place: int
    end: int
    last: int | None = None


class Announcements:
    """What was announced in one stream. *reaches* and *keywords* are those of its machine.

    Offsets are those of the text that the stream keeps. While *words* is empty no context holds.
    """

    __slots__ = ("_reaches", "_state", "words")

    def __init__(self, keywords: Keywords, reaches: Reaches) -> None:
        self._reaches = reaches
        self._state = keywords.first
        self.words: list[_Word] = []

    def watch(self, delta: str, at: int) -> None:
        """Look for words in *delta*, which begins at offset *at*."""
        state = self._state
        for char in delta:
            state = state[char]
            at += 1
            if state.found and char not in INVISIBLE:
                self.words += [_Word(place, at) for place in state.found]
        self._state = state

    def holding(self, at: int, text: str) -> tuple[int, int]:
        """Return the bits of the contexts that hold at offset *at*, and up to where that is so."""
        mask, until = 0, len(text)
        over = False
        for word in self.words:
            if word.end > at:
                until = min(until, word.end)
                continue
            last = word.last if word.last is not None else self._reaches.last(word, text)
            if last < at:
                over = True
                continue
            mask |= 1 << word.place
            until = min(until, last + 1)
        if over:
            self.words = [w for w in self.words if w.end > at or w.last is None or w.last >= at]
        return mask, until

    def shift(self, dropped: int) -> None:
        """Take note that the text now begins *dropped* characters later."""
        for word in self.words:
            word.end -= dropped
            if word.last is not None:
                word.last -= dropped
        self.words = [word for word in self.words if (word.last or word.end) > 0]


@dataclass(slots=True)
class _Reach:
    """How far behind its word a context holds."""

    gap: int
    is_filler: re.Pattern[str] | None = None
    stop: re.Pattern[str] | None = None


class Reaches:
    """How far each of *contexts* holds, worked out in the text behind its word."""

    def __init__(self, contexts: Iterable[Context]) -> None:
        self._reaches = [_reach(context) for context in contexts]

    def last(self, word: _Word, text: str) -> int:
        """Return the last offset at which a value may begin, or ``len(text)`` if that is open.

        A result other than ``len(text)`` does not change when the text goes on; it is noted in
        *word*.
        """
        reach, end, size = self._reaches[word.place], word.end, len(text)
        last = limit = min(size, end + reach.gap)
        if reach.is_filler is not None:
            found = reach.is_filler.match(text, end, limit)
            last = found.end() if found else end
        elif reach.stop is not None:
            found = reach.stop.search(text, end, limit)
            last = found.start() if found else limit
        elif end < size:
            last = word.last = end + reach.gap  # whatever comes
        if end < size and _is_letter(text[end]) and _is_letter(text[end - 1]):
            last = end - 1  # the word goes on: it is another one
        if last < size:
            word.last = last
        return last


def _is_letter(char: str) -> bool:
    return FOLD.get(char, char) in _LETTERS


def _reach(context: Context) -> _Reach:
    if context.filler is not None:
        return _Reach(context.gap, re.compile(f"[{_escaped(context.filler)}]+"), None)
    if context.is_unbroken:
        return _Reach(context.gap)
    return _Reach(context.gap, stop=re.compile(f"[{_escaped(context.stops)}]"))


def _escaped(chars: frozenset[str]) -> str:
    written = spellings(chars) | (INVISIBLE if " " in chars else frozenset())
    return "".join(sorted(map(re.escape, written)))
