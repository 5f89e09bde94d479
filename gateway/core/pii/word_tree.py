"""Lists of words as trees that share beginnings, and where words end alike, their endings.

A list that several patterns name becomes a tree once: lists of names hold thousands of words.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.pii.syntax import either_case


class WordTree(NamedTuple):
    """Some words: the last characters of those that end here, and how the others go on."""

    leaves: frozenset[str]
    branches: tuple[tuple[frozenset[str], WordTree], ...]


class WordTrees:
    """The trees of all lists that were asked for."""

    __slots__ = ("_trees",)

    def __init__(self) -> None:
        self._trees: dict[frozenset[str], WordTree] = {}

    def of(self, words: frozenset[str]) -> WordTree:
        """Return the tree of *words*, none of them empty; lower case stands for either case."""
        tree = self._trees.get(words)
        if tree is None:
            tree = self._trees[words] = self._grow(words)
        return tree

    def _grow(self, words: frozenset[str]) -> WordTree:
        rests: dict[str, set[str]] = {}
        leaves: set[str] = set()
        for word in words:
            if len(word) == 1:
                leaves.add(word)
            else:
                rests.setdefault(word[0], set()).add(word[1:])
        heads: dict[frozenset[str], set[str]] = {}
        for first, rest in rests.items():
            heads.setdefault(frozenset(rest), set()).add(first)
        branches = [(_written(firsts), self.of(rest)) for rest, firsts in heads.items()]
        return WordTree(_written(leaves), tuple(branches))


def _written(chars: set[str]) -> frozenset[str]:
    return frozenset().union(*map(either_case, chars))
