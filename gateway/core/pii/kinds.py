"""Which characters no pattern tells apart: they share one *kind*, a small number.

A few hundred kinds stand for all of Unicode, so the machine stays small and learns quickly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from gateway.core.pii.folding import INVISIBLE, READ

# A character that stands in no pattern at all, and one that a pattern steps over.
OTHER: Final = 0
SKIPPED: Final = -1
# More than the characters that people use; beyond it the table starts anew.
_MAX_KNOWN: Final = 100_000


class Kinds(dict[str, int]):
    """The kind of every written character, told apart by membership in *sets*.

    ``members[kind]`` holds the numbers of the sets, in the order given, that the kind belongs to.
    """

    def __init__(self, sets: Iterable[frozenset[str]]) -> None:
        super().__init__()
        signatures: dict[str, list[int]] = defaultdict(list)
        for number, chars in enumerate(sets):
            for char in chars:
                signatures[char].append(number)
        numbers: dict[tuple[int, ...], int] = {(): OTHER}
        self._plain = {
            char: numbers.setdefault(tuple(signature), len(numbers))
            for char, signature in signatures.items()
        }
        self.members = tuple(numbers)

    def __missing__(self, char: str) -> int:
        """Look *char* up as it is read."""
        if len(self) >= _MAX_KNOWN:
            self.clear()
        kind = SKIPPED
        if char not in INVISIBLE:
            kind = self._plain.get(READ.get(char, char), OTHER)
        self[char] = kind
        return kind
