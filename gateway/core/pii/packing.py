"""The tables of all detectors as one row of 32-bit numbers, which the compiled walk reads.

The order is that of ``csrc/tables.c``, which checks every number that it uses as an index.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.core.pii.keywords import NOBODY
from gateway.core.pii.kinds import SKIPPED
from gateway.core.pii.tables import Tables

# "Nothing" in every place where it may stand.
_NONE: Final = 0xFFFFFFFF
_WORD: Final = 32
_PAGE: Final = 256


def pack(tables: Tables) -> bytes:
    """Return *tables* as the compiled walk reads them."""
    automaton, members = tables.automaton, tables.kinds.members
    # Behind the real positions stand those that no character reaches: they only lead on.
    follow: list[Iterable[int]] = [*automaton.follow, *[start.first for start in tables.starts]]
    follow += tables.boundaries.values()
    owner = [*automaton.owner, *range(len(tables.starts)), *tables.boundaries]
    ends: list[Iterable[int]] = [() for _ in owner]
    for position in automaton.accepting:
        ends[position] = (automaton.owner[position],)
    for position, contexts in tables.keywords.ends.items():
        ends[position] = contexts
    follow_from, follows = _ranges(follow)
    ends_from, all_ends = _ranges(ends)
    page_of, pages = _pages(tables.kinds.listed())
    added = len(owner) - len(tables.set_of)
    header = [len(owner), len(follows), len(all_ends), tables.sets, len(members)]
    header += [len(pages) // _PAGE, len(tables.detectors), len(tables.contexts)]
    header += [tables.digits, tables.separators, tables.letters, tables.keywords.first]
    rows: list[Sequence[int]] = [
        *(header, [*tables.set_of, *[0] * added], follow_from, follows),
        [_NONE if number == NOBODY else number for number in owner],
        [int(position in automaton.leading) for position in range(len(owner))],
        *(ends_from, all_ends),
        [word for numbers in members for word in _bits(_mask(numbers), tables.sets)],
        *(tables.bars, page_of, pages),
        *[_detector(tables, place) for place in range(len(tables.detectors))],
        *[_bits(start.after, len(tables.contexts)) for start in tables.starts],
        *[_bits(start.unless, len(tables.contexts)) for start in tables.starts],
        *[tuple(map(int, reach)) for reach in tables.reaches],
    ]
    packed = array("I")
    for row in rows:
        packed.extend(row)
    if packed.itemsize != 4:
        raise AssertionError(f"numbers have {packed.itemsize} bytes on {sys.platform}")
    return packed.tobytes()


def _ranges(lists: Iterable[Iterable[int]]) -> tuple[list[int], list[int]]:
    """Return where each of *lists* begins in all of them together, and these."""
    begins, together = [0], list[int]()
    for numbers in lists:
        together += sorted(numbers)
        begins.append(len(together))
    return begins, together


def _mask(numbers: Iterable[int]) -> int:
    return sum([1 << number for number in numbers])


def _bits(mask: int, size: int) -> list[int]:
    """Return the lowest *size* bits of *mask* in words."""
    return [mask >> at & _NONE for at in range(0, size, _WORD)]


def _pages(kinds: dict[str, int]) -> tuple[list[int], list[int]]:
    """Return the page of every 256 characters, and the pages: the kinds of the characters."""
    written: dict[int, list[int]] = {}
    for char, kind in kinds.items():
        page = written.setdefault(ord(char) // _PAGE, [0] * _PAGE)
        page[ord(char) % _PAGE] = _NONE if kind == SKIPPED else kind
    numbers: dict[tuple[int, ...], int] = {(0,) * _PAGE: 0}
    page_of = [0] * ((sys.maxunicode + 1) // _PAGE)
    for place, page in written.items():
        page_of[place] = numbers.setdefault(tuple(page), len(numbers))
    return page_of, [kind for page in numbers for kind in page]


def _detector(tables: Tables, place: int) -> list[int]:
    detector = tables.detectors[place]
    starts = len(tables.set_of)
    boundary = _NONE
    if place in tables.boundaries:
        boundary = starts + len(tables.starts) + list(tables.boundaries).index(place)
    asked = (detector.tail, detector.lead, detector.followed_by, detector.check is not None)
    return [
        *[int(bool(what)) for what in (*asked, detector.first_in_row)],
        *(detector.lead_limit, tables.starts[place].barred, starts + place, boundary),
    ]
