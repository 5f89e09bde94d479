r"""The small pattern language of the detectors, parsed into a tree.

Characters stand for themselves, a lower-case letter for both cases, an upper-case one for itself
alone. ``[a-z.]`` is a class. ``( )`` groups, ``|`` separates alternatives; ``?``, ``{m}`` and
``{m,n}`` repeat; ``<name>`` is any word of a list that the detector brings along. Escapes:

====== ============================================
``\d`` a digit
``\N`` a digit however it is said, see ``numerals``
``\h`` a Chinese character
``\u`` an upper-case letter
``\l`` a lower-case letter
``\s`` a sign that people put between digits
``\n`` a newline
``\x`` any other character x: itself
====== ============================================

There is no unbounded repetition, no look-around and no back-reference: a match is always of finite
length and is found without backtracking.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Final
from weakref import WeakValueDictionary

from gateway.core.pii.numerals import CHINESE, ENGLISH, LOOK_ALIKES, TIMES, TIMES_GAP

_DIGITS: Final = frozenset(string.digits)
_SPECIAL: Final = frozenset("()|?{}[]*+<>")
_HAN: Final = (range(0x3007, 0x3008), range(0x3400, 0x4DC0), range(0x4E00, 0xA000))
# Signs between the digits of a number that is grouped, listed, quoted, put into cells or lines.
LOOSE_SEPARATORS: Final = frozenset(
    " \t\r\n.,-/_|:;·*'\"“”‘’()[]{}<>+=~#&$^!?@…、，。；：（）【】《》「」『』〔〕\\"
).union("`")


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of *options*."""

    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class Words:
    """One of the *words*, character by character as in a pattern."""

    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sequence:
    """All *parts*, one after the other; no parts match the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the *options*."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """*part* at least *low* and at most *high* times."""

    part: Node
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Loop:
    """*part* once or more. Never parsed; the machine builds it for leads and tails only."""

    part: Node


Node = Chars | Words | Sequence | Choice | Repeat | Loop

_CLASS_ESCAPES: Final = {
    "d": _DIGITS,
    "u": frozenset(string.ascii_uppercase),
    "l": frozenset(string.ascii_lowercase),
    "s": LOOSE_SEPARATORS,
    "n": frozenset("\n"),
}


# The classes that are in use: patterns say many of them again and again, and some are large.
_CLASSES: Final[WeakValueDictionary[str, frozenset[str]]] = WeakValueDictionary()
# The rest of a class, up to its end.
_CLASS: Final = re.compile(r"(?:[^\\\]]|\\.)*\]", re.DOTALL)


def is_han(char: str) -> bool:
    """Return whether *char* is a Chinese character; the empty text is none."""
    return bool(char) and any(ord(char) in each for each in _HAN)


@cache
def han() -> frozenset[str]:
    """Return all Chinese characters. They take 4 MB, which only who reads patterns needs."""
    return frozenset(map(chr, chain.from_iterable(_HAN)))


def either_case(char: str) -> frozenset[str]:
    """Return what a pattern means by *char*: a lower-case letter stands for both cases."""
    return frozenset(char + char.upper()) if char in string.ascii_lowercase else frozenset(char)


_ONE_DIGIT: Final = Choice(
    (
        Chars(_DIGITS.union(CHINESE, *map(either_case, LOOK_ALIKES))),
        Words(frozenset(ENGLISH)),
    )
)
_SAID_DIGIT: Final = Choice(
    (
        _ONE_DIGIT,
        Sequence(
            (Words(frozenset(TIMES)), Repeat(Chars(frozenset(TIMES_GAP)), 0, 1), _ONE_DIGIT),
        ),
    )
)


def parse_pattern(pattern: str, lists: Mapping[str, Iterable[str]] | None = None) -> Node:
    """Return the tree of *pattern*, or raise ``ValueError`` with the offset of the fault.

    *lists* are the words that ``<name>`` stands for.
    """
    parser = _Parser(pattern, lists or {})
    node = parser.choice()
    if parser.at < len(pattern):
        raise parser.fault("unexpected character")
    return node


def parse_class(pattern: str) -> frozenset[str]:
    """Return the characters of a *pattern* that is a single class; of ``""``, none."""
    if not pattern:
        return frozenset()
    node = parse_pattern(pattern)
    if isinstance(node, Chars):
        return node.options
    raise ValueError("a single character class is needed")


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str, lists: Mapping[str, Iterable[str]]) -> None:
        self.pattern = pattern
        self.lists = lists
        self.named: dict[str, Words] = {}
        self.at = 0

    def fault(self, reason: str) -> ValueError:
        return ValueError(f"{reason} at offset {self.at} of a pattern")

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise self.fault("unexpected end")
        self.at += 1
        return char

    def choice(self) -> Node:
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in {"", "|", ")"}:
            parts.append(self.repeated())
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self) -> Node:
        part = self.atom()
        if self.peek() == "?":
            self.at += 1
            return Repeat(part, 0, 1)
        if self.peek() != "{":
            return part
        self.at += 1
        low = self.number()
        high = low
        if self.peek() == ",":
            self.at += 1
            high = self.number()
        if self.take() != "}" or high < max(low, 1):
            raise self.fault("bad repetition")
        return Repeat(part, low, high)

    def number(self) -> int:
        start = self.at
        while self.peek() in _DIGITS:
            self.at += 1
        if start == self.at:
            raise self.fault("number expected")
        return int(self.pattern[start : self.at])

    def atom(self) -> Node:
        char = self.take()
        if char == "(":
            node = self.choice()
            self.take()  # the closing sign: a choice ends nowhere else but at the end
            return node
        if char == "[":
            return Chars(self.known_members())
        if char == "<":
            return self.words()
        if char == "\\":
            if self.peek() == "N":
                self.at += 1
                return _SAID_DIGIT
            return Chars(self.escape())
        if char in _SPECIAL:
            raise self.fault("misplaced sign")
        return Chars(either_case(char))

    def words(self) -> Node:
        end = self.pattern.find(">", self.at)
        name = self.pattern[self.at : end]
        if end < 0 or name not in self.lists:
            raise self.fault("unknown list")
        self.at = end + 1
        if name not in self.named:
            self.named[name] = Words(frozenset(self.lists[name]))
        words = self.named[name].words
        if not words or "" in words:
            raise self.fault("a list must hold words")
        return self.named[name]

    def escape(self) -> frozenset[str]:
        char = self.take()
        if char == "h":
            return han()
        return _CLASS_ESCAPES.get(char) or frozenset(char)

    def known_members(self) -> frozenset[str]:
        """Return the members of a class; of the same class, the same set while it is in use."""
        written = _CLASS.match(self.pattern, self.at)
        members = _CLASSES.get(written.group()) if written else None
        if members is None or written is None:
            start, members = self.at, self.members()
            _CLASSES[self.pattern[start : self.at]] = members
        else:
            self.at = written.end()
        return members

    def members(self) -> frozenset[str]:
        members: set[str] = set()
        while (char := self.take()) != "]":
            if char == "\\":
                members |= self.escape()
            elif self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in {"", "]"}:
                self.at += 1
                for code in range(ord(char), ord(self.take()) + 1):
                    members |= either_case(chr(code))
            else:
                members |= either_case(char)
        return frozenset(members)
