r"""The small pattern language of the detectors, parsed into a tree.

Characters stand for themselves; ``\d`` is a digit and ``\x`` the character x; ``[a-z.]`` a class;
``( )`` groups, ``|`` separates alternatives; ``?``, ``{m}`` and ``{m,n}`` repeat. There is no
unbounded repetition, no look-around and no back-reference: a match is always of finite length and
is found without backtracking.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Final

_DIGITS: Final = frozenset(string.digits)
_SPECIAL: Final = frozenset("()|?{}[]*+")


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of *options*."""

    options: frozenset[str]


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


Node = Chars | Sequence | Choice | Repeat | Loop


def parse_pattern(pattern: str) -> Node:
    """Return the tree of *pattern*, or raise ``ValueError`` with the offset of the fault."""
    parser = _Parser(pattern)
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

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
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
            return Chars(self.members())
        if char == "\\":
            return Chars(self.escape())
        if char in _SPECIAL:
            raise self.fault("misplaced sign")
        return Chars(frozenset(char))

    def escape(self) -> frozenset[str]:
        char = self.take()
        return _DIGITS if char == "d" else frozenset(char)

    def members(self) -> frozenset[str]:
        members: set[str] = set()
        while (char := self.take()) != "]":
            if char == "\\":
                members |= self.escape()
            elif self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in {"", "]"}:
                self.at += 1
                members |= {chr(c) for c in range(ord(char), ord(self.take()) + 1)}
            else:
                members.add(char)
        return frozenset(members)
