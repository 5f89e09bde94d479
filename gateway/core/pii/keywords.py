"""Find the words of all contexts in a text, one character at a time, whatever stands around them.

One look-up a character, however many words there are; the machine is made deterministic while it
is used, like that of the values.
"""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from gateway.core.pii.detector import Context
from gateway.core.pii.folding import FOLD, INVISIBLE, fold

# Beyond this many learnt steps the machine forgets, so that no text can fill the memory.
MAX_STEPS: Final = 200_000
_LETTERS: Final = frozenset(string.ascii_lowercase)


class _Node:
    """A beginning of some words: how they go on, and the contexts of the words that end here."""

    __slots__ = ("after", "ends")

    def __init__(self) -> None:
        self.after: defaultdict[str, _Node] = defaultdict(_Node)
        self.ends: set[int] = set()


class KeywordState(dict[str, "KeywordState"]):
    """The words that may be under way. *found*: the contexts of which a word ends here."""

    __slots__ = ("_after_letter", "_keywords", "_nodes", "found")

    def __init__(self, keywords: Keywords, nodes: frozenset[_Node], *, after_letter: bool) -> None:
        super().__init__()
        self._keywords = keywords
        self._nodes = nodes
        self._after_letter = after_letter
        self.found = tuple(sorted({place for node in nodes for place in node.ends}))

    def __missing__(self, char: str) -> KeywordState:
        """Work out the next state, and remember it."""
        state = self
        if char not in INVISIBLE:
            state = self._keywords.step(
                self._nodes, FOLD.get(char, char), after_letter=self._after_letter
            )
        self[char] = state
        self._keywords.note_step()
        return state


class Keywords:
    """The words of *contexts*; ``first`` is the state before a text."""

    def __init__(self, contexts: Iterable[Context]) -> None:
        self._anywhere = _Node()
        self._at_word_start = _Node()
        for place, context in enumerate(contexts):
            for word in context.words:
                self._add(fold(word), place)
        self._states: dict[tuple[frozenset[_Node], bool], KeywordState] = {}
        self._steps = 0
        self.first = self._state(frozenset(), after_letter=False)

    def _add(self, word: str, place: int) -> None:
        node = self._at_word_start if word[0] in _LETTERS else self._anywhere
        for char in word:
            node = node.after[char]
        node.ends.add(place)

    def _state(self, nodes: frozenset[_Node], *, after_letter: bool) -> KeywordState:
        key = nodes, after_letter
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = KeywordState(self, nodes, after_letter=after_letter)
        return state

    def step(self, nodes: frozenset[_Node], plain: str, *, after_letter: bool) -> KeywordState:
        """Return the state after the folded character *plain*."""
        starts = [self._anywhere] if after_letter else [self._anywhere, self._at_word_start]
        following = frozenset(
            [node.after[plain] for node in (*nodes, *starts) if plain in node.after]
        )
        return self._state(following, after_letter=plain in _LETTERS)

    def note_step(self) -> None:
        """Count what was learnt; forget everything when it is too much."""
        self._steps += 1
        if self._steps >= MAX_STEPS:
            self._steps = 0
            for state in self._states.values():
                state.clear()
