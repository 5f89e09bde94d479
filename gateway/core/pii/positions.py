"""Turn pattern trees into one automaton of positions (Glushkov's construction).

A position is one character of one pattern; ``follow`` says which positions may come next. There
are no empty moves, so a set of positions is all that is ever alive at a point of the text.
Source: V. M. Glushkov, "The abstract theory of automata", 1961.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.core.pii.detector import SEPARATORS, Detector
from gateway.core.pii.syntax import (
    Chars,
    Choice,
    Loop,
    Node,
    Repeat,
    Sequence,
    Words,
    parse_class,
    parse_pattern,
)
from gateway.core.pii.word_tree import WordTree, WordTrees


@dataclass(frozen=True, slots=True)
class _Part:
    """What the construction knows of a part: can it be empty, where it begins, where it ends."""

    empty: bool
    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()


_NOTHING = _Part(empty=True)


@dataclass(slots=True)
class Automaton:
    """The positions of all patterns added so far; the lists are indexed by position.

    *owner* is the number under which the pattern was added.
    """

    options: list[frozenset[str]] = field(default_factory=list)
    follow: list[set[int]] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    _interned: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    _trees: WordTrees = field(default_factory=WordTrees)
    accepting: set[int] = field(default_factory=set)
    leading: set[int] = field(default_factory=set)

    def add(self, detector: Detector, owner: int = 0) -> frozenset[int]:
        """Add the whole of *detector*; return the positions where it begins.

        Raises ``ValueError`` for a bad pattern and for one that matches the empty text.
        """
        if detector.shortest_group:
            body = self._build_grouped(detector, owner)
        else:
            body = self._build(parse_pattern(detector.pattern, detector.lists), owner)
        if body.empty:
            raise ValueError("a pattern must not match the empty text")
        whole = body
        if detector.tail:
            tail = self._build(Loop(parse_pattern(detector.tail)), owner)
            whole = self._join(whole, _Part(empty=True, first=tail.first, last=tail.last))
        if detector.lead:
            start = self._build(Chars(parse_class(detector.lead_start)), owner)
            loop = self._build(Loop(Chars(parse_class(detector.lead))), owner)
            self.leading |= start.first | loop.first
            more = _Part(empty=True, first=loop.first, last=loop.last)
            whole = self._join(self._join(start, more), whole)
        self.accepting |= whole.last
        return whole.first

    def add_boundary(self, detector: Detector, owner: int = 0) -> frozenset[int]:
        """Add what watches the end of a value of *detector*; return the positions of its start."""
        pattern = detector.not_before or detector.followed_by
        whole = self._build(parse_pattern(pattern, detector.lists), owner)
        if whole.empty:
            raise ValueError("a boundary must not match the empty text")
        self.accepting |= whole.last
        return whole.first

    def _build(self, node: Node, owner: int) -> _Part:
        match node:
            case Chars(options):
                return self._one(options, owner)
            case Sequence(parts):
                whole = _NOTHING
                for part in parts:
                    whole = self._join(whole, self._build(part, owner))
                return whole
            case Choice(choices):
                return self._either([self._build(option, owner) for option in choices])
            case Repeat(part, low, high):
                return self._repeat(part, (low, high), owner)
            case Words(words):
                return self._spell(self._trees.of(words), owner)
        body = self._build(node.part, owner)
        self._connect(body, body)
        return body

    def _build_grouped(self, detector: Detector, owner: int) -> _Part:
        """Build the pattern times a counter of how long the present group is, up to the limit."""
        plain = Automaton()
        whole = plain._build(parse_pattern(detector.pattern, detector.lists), owner)
        built: dict[tuple[int, int], int] = {}

        def enter(positions: Iterable[int], length: int) -> frozenset[int]:
            entered: set[int] = set()
            for position in positions:
                separates = plain.options[position] <= SEPARATORS
                if separates and length < detector.shortest_group:
                    continue
                here = position, 0 if separates else min(length + 1, detector.shortest_group)
                if here not in built:
                    built[here] = self.position(plain.options[position], owner)
                    self.follow[built[here]] |= enter(plain.follow[position], here[1])
                entered.add(built[here])
            return frozenset(entered)

        first = enter(whole.first, 0)
        last = frozenset(built[here] for here in built if here[0] in whole.last)
        return _Part(empty=whole.empty, first=first, last=last)

    def position(self, options: frozenset[str], owner: int) -> int:
        """Add a position for one character out of *options*; return its number."""
        if not options:
            raise ValueError("a character class must not be empty")
        # Many positions have the same options; one set for all of them saves memory and time.
        self.options.append(self._interned.setdefault(options, options))
        self.follow.append(set())
        self.owner.append(owner)
        return len(self.owner) - 1

    def _one(self, options: frozenset[str], owner: int) -> _Part:
        here = frozenset({self.position(options, owner)})
        return _Part(empty=False, first=here, last=here)

    def _spell(self, tree: WordTree, owner: int) -> _Part:
        """Build a *tree* of words; its leaves are one position."""
        parts = [self._one(tree.leaves, owner)] if tree.leaves else []
        for heads, rest in tree.branches:
            parts.append(self._join(self._one(heads, owner), self._spell(rest, owner)))
        return self._either(parts)

    def _repeat(self, part: Node, bounds: tuple[int, int], owner: int) -> _Part:
        low, high = bounds
        optional = _NOTHING
        for _ in range(high - low):
            more = self._join(self._build(part, owner), optional)
            optional = _Part(empty=True, first=more.first, last=more.last)
        needed = _NOTHING
        for _ in range(low):
            needed = self._join(needed, self._build(part, owner))
        return self._join(needed, optional)

    def _connect(self, left: _Part, right: _Part) -> None:
        for position in left.last:
            self.follow[position] |= right.first

    def _join(self, left: _Part, right: _Part) -> _Part:
        self._connect(left, right)
        return _Part(
            empty=left.empty and right.empty,
            first=left.first | right.first if left.empty else left.first,
            last=left.last | right.last if right.empty else right.last,
        )

    @staticmethod
    def _either(parts: list[_Part]) -> _Part:
        return _Part(
            empty=any(part.empty for part in parts),
            first=frozenset().union(*(part.first for part in parts)),
            last=frozenset().union(*(part.last for part in parts)),
        )
