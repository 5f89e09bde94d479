"""Model answers made of numbered words and invented personal data, the same on every run.

Nobody is described: the mail domain is reserved for examples, the phone numbers come from the block
kept for fiction, the card numbers are the ones that card networks publish for testing, and the
identity numbers are drawn by lot. Each has the check digit that a real one would have, because a
scrubber is entitled to look at it.
"""

import random
import re
from dataclasses import dataclass
from functools import cache

VARIANTS = 8
"""Different answers per shape: few enough to be kept, enough that mixed-up streams show."""

EVENTS_BEFORE_TEXT = 2
"""A paced stream opens with the event of the role and that of the stamp."""

_STAMP_UNIT = 1e-5
_STAMP_DIGITS = 8  # wraps after 1,000 seconds, and so stays as short as other words
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru")
_STAMP = re.compile(rf"\bzt((?:{'|'.join(_SYLLABLES)}){{{_STAMP_DIGITS}}})\b")
_FIRST = ("anna", "bruno", "carla", "derek", "elena", "farid", "greta", "hugo")
_LAST = ("berg", "castell", "dorn", "eklund", "fabri", "graves", "holm", "ivers")
_CARDS = (
    "4111 1111 1111 1111",
    "5555 5555 5555 4444",
    "4012 8888 8888 1881",
    "5105 1051 0510 5100",
)
_REGIONS = ("110101", "310104", "440305", "510107")
_CN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CN_CHECK = "10X98765432"


@dataclass(frozen=True, slots=True)
class Answer:
    """One model answer, cut as a model would stream it."""

    pieces: tuple[str, ...]
    """What each event carries, in order."""
    words: tuple[str, ...]
    """The numbered words, in order: each must arrive exactly once."""
    planted: tuple[str, ...]
    """The invented personal data, whole: through a scrubbing gateway none may arrive."""

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.pieces)


def numbered_word(number: int) -> str:
    """Return *number* as a word of letters, which no pattern takes for personal data."""
    digits = str(number)
    return "zu" + "".join(_SYLLABLES[int(digit)] for digit in digits)


def stamp(at: float) -> str:
    """Return the time *at* as a word, which the model says first: see :func:`find_stamp`."""
    digits = str(round(at / _STAMP_UNIT) % 10**_STAMP_DIGITS).zfill(_STAMP_DIGITS)
    return "zt" + "".join(_SYLLABLES[int(digit)] for digit in digits)


def find_stamp(text: str, *, near: float) -> float | None:
    """Return the time that *text* is stamped with, the newest before *near*, or None.

    The clock is the monotonic one, which all processes of a machine share; 10 microseconds are
    the most exact that a stamp can say.
    """
    match = _STAMP.search(text)
    if match is None:
        return None
    syllables = match.group(1)
    digits = "".join(
        str(_SYLLABLES.index(syllables[start : start + 2])) for start in range(0, len(syllables), 2)
    )
    wrap: int = 10**_STAMP_DIGITS
    age = (round(near / _STAMP_UNIT) - int(digits)) % wrap
    return near - age * _STAMP_UNIT


def with_check_digit(body: str) -> str:
    """Return the 17 digits of *body* with the check character of GB 11643."""
    total = sum(int(digit) * weight for digit, weight in zip(body, _CN_WEIGHTS, strict=True))
    return body + _CN_CHECK[total % 11]


def invented_item(source: random.Random) -> tuple[str, str]:
    """Return a lead-in and one invented item of personal data drawn from *source*."""
    kind = source.randrange(4)
    if kind == 0:
        name = f"{source.choice(_FIRST)}.{source.choice(_LAST)}{source.randrange(100)}"
        return " mail ", f"{name}@example.com"
    if kind == 1:
        return " phone ", f"(212) 555-01{source.randrange(100):02}"
    if kind == 2:
        return " card ", source.choice(_CARDS)
    birthday = (
        f"19{source.randrange(50, 99)}{source.randrange(1, 13):02}{source.randrange(1, 29):02}"
    )
    return " 身份证号 ", with_check_digit(
        f"{source.choice(_REGIONS)}{birthday}{source.randrange(100, 999)}"
    )


def cut_item(item: str) -> list[str]:
    """Return *item* cut as by a tokenizer that groups digits by three."""
    return [item[start : start + 3] for start in range(0, len(item), 3)]


@cache
def answer(*, tokens: int, pii_share: float, variant: int) -> Answer:
    """Return answer number *variant*: *tokens* pieces, about *pii_share* of them personal data.

    The same arguments give the same answer in every process, so that a client knows what to expect
    from a server it shares nothing with.
    """
    source = random.Random(f"{tokens}/{pii_share}/{variant}")
    pieces: list[str] = []
    words: list[str] = []
    planted: list[str] = []
    personal = 0
    while len(pieces) < tokens:
        # Planted where the share falls behind, beginning at a place of its own in each variant.
        if personal < pii_share * (len(pieces) - variant):
            lead_in, item = invented_item(source)
            cut = [lead_in, *cut_item(item)]
            if len(pieces) + len(cut) < tokens:
                pieces += cut
                planted.append(item)
                personal += len(cut)
                continue
        word = numbered_word(variant * 100_000 + len(pieces))
        words.append(word)
        pieces.append(f" {word}")
    return Answer(tuple(pieces), tuple(words), tuple(planted))
