"""The words of all contexts as positions of the automaton: found like values, but anywhere.

A word that begins with a Latin letter begins only where no letter stands before it. Words are found
however they are written, since their positions read folded text in either case.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Final

from gateway.core.pii.detector import Context
from gateway.core.pii.folding import fold
from gateway.core.pii.positions import Automaton
from gateway.core.pii.syntax import either_case

# The owner of the positions of words.
NOBODY: Final = -1
LETTERS: Final = frozenset(string.ascii_letters)
# Stands for all characters that are no letters, of which there is no list.
NO_LETTERS: Final = frozenset({"no letter"})


class Keywords:
    """The words of *contexts* in *automaton*.

    *ends* are, by position, the places of the contexts of which a word ends there. *first* is where
    a text begins: the position of a character that is no letter.
    """

    __slots__ = ("_automaton", "_next", "ends", "first")

    def __init__(self, contexts: Iterable[Context], automaton: Automaton) -> None:
        self._automaton = automaton
        self._next: dict[tuple[int, str], int] = {}
        self.ends: dict[int, set[int]] = {}
        # One of these two is alive after every character; from there all words begin.
        letter = automaton.position(LETTERS, NOBODY)
        self.first = automaton.position(NO_LETTERS, NOBODY)
        for before in (letter, self.first):
            automaton.follow[before] |= {letter, self.first}
        for place, context in enumerate(contexts):
            for word in map(fold, context.words):
                self.ends.setdefault(self._add(word), set()).add(place)
        for (before, char), position in self._next.items():
            if before == self.first and char not in LETTERS:
                automaton.follow[letter].add(position)

    def _add(self, word: str) -> int:
        """Add *word*, which shares its beginning with others; return its last position."""
        position = self.first
        for char in word:
            step = position, char
            if step not in self._next:
                self._next[step] = self._automaton.position(either_case(char), NOBODY)
                self._automaton.follow[position].add(self._next[step])
            position = self._next[step]
        return position
