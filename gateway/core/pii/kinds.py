"""Which characters no pattern tells apart: they share one *kind*, a small number.

A few hundred kinds stand for all of Unicode, so the machine stays small and learns quickly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import Final

from gateway.core.pii.folding import INVISIBLE, READ

# A character that stands in no pattern at all, and one that a pattern steps over.
OTHER: Final = 0
SKIPPED: Final = -1
# More than the characters that people use; beyond it the table starts anew.
_MAX_KNOWN: Final = 100_000
_NONE: Final[frozenset[int]] = frozenset()


class Kinds(dict[str, int]):
    """The kind of every written character, told apart by membership in *sets*.

    ``members[kind]`` holds the numbers of the sets, in the order given, that the kind belongs to.
    A character belongs to the sets of what it is read as, and to those of *as_written* also if it
    stands there itself. *complements*: the set of this number holds what the set of that number
    does not.
    """

    def __init__(
        self,
        sets: Iterable[frozenset[str]],
        *,
        complements: Mapping[int, int] | None = None,
        as_written: Container[int] = (),
    ) -> None:
        super().__init__()
        others = complements or {}
        signatures: dict[str, set[int]] = defaultdict(set)
        unlike: dict[str, set[int]] = defaultdict(set)
        for number, chars in enumerate(sets):
            for char in chars if number not in others else ():
                signatures[char].add(number)
                if number in as_written and READ.get(char, char) != char:
                    unlike[char].add(number)
        for char, numbers in unlike.items():
            signatures[char] = signatures.get(READ[char], set()) | numbers
        kinds: dict[frozenset[int], int] = {_NONE: OTHER}
        self._read = {
            char: kinds.setdefault(frozenset(signature), len(kinds))
            for char, signature in signatures.items()
        }
        self._unlike = {char: self._read[char] for char in unlike}
        self.members = tuple([_with_complements(signature, others) for signature in kinds])

    def __missing__(self, char: str) -> int:
        """Look *char* up as it is read."""
        if len(self) >= _MAX_KNOWN:
            self.clear()
        kind = self[char] = self._look_up(char)
        return kind

    def listed(self) -> dict[str, int]:
        """Return the kind of every character of which it is not ``OTHER``."""
        kinds = {char: self._look_up(char) for char in {*self._read, *READ, *INVISIBLE}}
        return {char: kind for char, kind in kinds.items() if kind != OTHER}

    def _look_up(self, char: str) -> int:
        if char in INVISIBLE:
            return SKIPPED
        if char in self._unlike:
            return self._unlike[char]
        return self._read.get(READ.get(char, char), OTHER)


def _with_complements(signature: frozenset[int], others: Mapping[int, int]) -> frozenset[int]:
    return signature.union([other for other, number in others.items() if number not in signature])
