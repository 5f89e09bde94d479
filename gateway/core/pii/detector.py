"""What a detector is: a declaration of one kind of personal data, without any scanning code.

A detector cannot ask for unbounded memory: its pattern is finite, and what may be longer is either
shortened from the left (``lead``) or swallowed after the placeholder was sent (``tail``).
``README.md`` beside this file shows how to write one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from gateway.core.pii.numerals import spell_digits

# How many characters before a value a check gets to see.
CONTEXT_LENGTH: Final = 40
# How far behind a keyword a value may begin: text that far back is kept for every stream.
LONGEST_GAP: Final = 60
# The same where anything may stand between: no text is needed. Some twenty rows under a table head.
LONGEST_REACH: Final = 1500
# What may stand between the groups of a number.
SEPARATORS: Final = frozenset(" .-")
# What may stand between a keyword and its value where nothing but the value may follow.
FILLER: Final = frozenset(
    " \t\r\n:：=是为為即\"'“”‘’「」『』*|>-—#()（）[]{}【】〔〕《》`_~,，、;→·"
).union("\\")
# Signs that end a sentence: what was announced before them is not announced any more.
SENTENCE_ENDS: Final = frozenset("。！？!?；")


@cache
def _has_said_digits(pattern: str) -> bool:
    """Say whether *pattern* asks for a digit however it is said. Patterns may be very long."""
    return "\\N" in pattern


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of *text*, which spaces separate; ``_`` stands for a space in a word."""
    return tuple([word.replace("_", " ") for word in text.split()])


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """One of *words* stands at most *gap* characters before the value.

    Between the two may be characters of the class *filler* only, or, with ``filler=None``, anything
    that is not in *stops*. With neither the gap may be as long as ``LONGEST_REACH``, else as
    ``LONGEST_GAP``. Words are found however they are written (case, width, invisible signs).
    A word that begins or ends with a Latin letter must not touch another letter there: ``tel`` is
    not found in *hotel* or *tell*. Words are looked up in text that has been seen already, so they
    hold nothing back. Share one ``Context`` between detectors: each costs a little.
    """

    words: tuple[str, ...]
    gap: int = 12
    filler: frozenset[str] | None = FILLER
    stops: frozenset[str] = SENTENCE_ENDS

    def __post_init__(self) -> None:
        """Refuse a context that reaches too far or has no words, with ``ValueError``."""
        longest = LONGEST_REACH if self.is_unbroken else LONGEST_GAP
        if not 0 <= self.gap <= longest:
            raise ValueError(f"a gap is at most {longest} characters")
        if not self.words or not all(self.words):
            raise ValueError("a context needs words")

    @property
    def is_unbroken(self) -> bool:
        """Whether anything may stand between, so that the gap alone says how far it reaches."""
        return self.filler is None and not self.stops


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detector:
    r"""One kind of personal data. Patterns read folded text, see ``folding`` and ``syntax``.

    *label* is what the reader sees in brackets, *name* tells the rule apart from others of the same
    label. *pattern* is finite. *lists* are sets of words that the pattern refers to as ``<name>``.
    *not_after* is a character class that may not stand right before the value. *not_before* is a
    finite pattern that may not follow it, *followed_by* one that must; keep both to a few
    characters, since a value waits for them. *check* gets the value and the text of at most
    ``CONTEXT_LENGTH`` characters before it, both folded, and says whether the value counts; for a
    pattern with ``\N`` the value has its digits spelled as digits.

    *after*: the value counts only after one of these contexts. Where none holds, the value is not
    even looked for, which makes such a detector cheap. *unless*: contexts after which it does not
    count. *first_in_row*: the value may not begin behind a digit and separators, as a later number
    of a list does.

    *shortest_group*: after fewer letters and digits than this a separator (``SEPARATORS``) ends the
    value, so that single digits in a row are no card number; the last group may be shorter.

    *lead* is a character class that stands before the pattern, once or more, and belongs to the
    value; of a longer run the last *lead_limit* characters are replaced. A lead begins with a
    character of the class *lead_start*. *tail* is a pattern that may follow in any number: the
    value is replaced at once, as soon as *check* agrees, and the tail is dropped as it comes. A
    detector with a tail has no right boundary, since that would come too late.
    """

    label: str
    pattern: str
    name: str = ""
    lists: Mapping[str, Iterable[str]] = field(default_factory=dict)
    not_after: str = ""
    not_before: str = ""
    followed_by: str = ""
    check: Callable[[str, str], bool] | None = None
    after: tuple[Context, ...] = ()
    unless: tuple[Context, ...] = ()
    first_in_row: bool = False
    shortest_group: int = 0
    lead: str = ""
    lead_start: str = ""
    lead_limit: int = 0
    tail: str = ""

    def __post_init__(self) -> None:
        """Refuse a declaration that could not be kept, with ``ValueError``."""
        if self.tail and (self.not_before or self.followed_by):
            raise ValueError("a detector with a tail has no right boundary")
        if self.not_before and self.followed_by:
            raise ValueError("a right boundary says what must follow or what must not")
        if len({bool(self.lead), bool(self.lead_start), self.lead_limit > 0}) != 1:
            raise ValueError("a lead needs a start and a limit, and neither goes without a lead")

    @property
    def rule(self) -> str:
        """The name of the rule, or the label where it has none."""
        return self.name or self.label

    def read(self, folded: str) -> str:
        """Return the *folded* text of a value as its check gets it."""
        return spell_digits(folded) if _has_said_digits(self.pattern) else folded
