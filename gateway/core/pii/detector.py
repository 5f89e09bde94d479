"""What a detector is: a declaration of one kind of personal data, without any scanning code.

A detector cannot ask for unbounded memory: its pattern is finite, and what may be longer is either
shortened from the left (``lead``) or swallowed after the placeholder was sent (``tail``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# How many characters before a value a check gets to see, for words such as "phone" or "身份证".
CONTEXT_LENGTH: Final = 24
# What may stand between the groups of a number.
SEPARATORS: Final = frozenset(" .-")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detector:
    """One kind of personal data. Patterns read folded text: lower-case ASCII, see ``folding``.

    *label* is what the reader sees in brackets. *pattern* is finite (syntax in ``syntax``).
    *not_after* is a character class that may not stand before the value, *not_before* a finite
    pattern that may not follow it. *check* gets the folded value and the folded text of at most
    ``CONTEXT_LENGTH`` characters before it, and says whether the value counts.

    *words*: the value counts only where one of these, folded, stands in the text before it. Where
    none does, the value is not even looked for, which makes such a detector cheap.

    *shortest_group*: after fewer letters and digits than this a separator (``SEPARATORS``) ends the
    value, so that single digits in a row are no card number; the last group may be shorter.

    *lead* is a character class that stands before the pattern, once or more, and belongs to the
    value; of a longer run the last *lead_limit* characters are replaced. A lead begins with a
    character of the class *lead_start*. *tail* is a pattern that
    may follow in any number: the value is replaced at once, and the tail is then dropped as it
    comes. A detector with a tail has neither a check nor a right boundary, since both would come
    too late.
    """

    label: str
    pattern: str
    not_after: str = ""
    not_before: str = ""
    check: Callable[[str, str], bool] | None = None
    words: tuple[str, ...] = ()
    shortest_group: int = 0
    lead: str = ""
    lead_start: str = ""
    lead_limit: int = 0
    tail: str = ""

    def __post_init__(self) -> None:
        """Refuse a declaration that could not be kept, with ``ValueError``."""
        if self.tail and (self.check is not None or self.not_before or self.words):
            raise ValueError("a detector with a tail has neither check nor right boundary")
        if len({bool(self.lead), bool(self.lead_start), self.lead_limit > 0}) != 1:
            raise ValueError("a lead needs a start and a limit, and neither goes without a lead")
