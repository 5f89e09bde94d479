"""Check digits and context questions that several detectors share.

All functions take text that is folded already: lower-case ASCII where there is an ASCII form.
"""

from __future__ import annotations

import re
import string
from typing import Final

from gateway.core.pii.detector import Context, words_of
from gateway.core.pii.numerals import CHINESE, LOOK_ALIKES, spell_digits

_GROUPS: Final = re.compile(r"[0-9a-z]+")
_NOT_DIGITS: Final = re.compile(r"[^0-9]+")
_INSIDE_A_NUMBER: Final = re.compile(r"[0-9][.\-]$")
# What a Luhn-doubled digit adds: its double, or the sum of the double's digits.
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# What stands before a telephone number when its shape alone would not be enough.
AFTER_PHONE: Final = Context(
    words=words_of(
        "phone phones telephone cellphone tel telno phoneno mobile mobileno mob cell fax "
        "ph tlf telefon telefono call calls called calling text texting ring dial dialled "
        "whatsapp wechat contact "
        "number numbers hotline sms "
        "电话 手机 联系 致电 拨打 座机 传真 短信 來電 来电 電話 手機 聯繫"
    ),
    gap=24,
    filler=None,
)


# A digit as a digit, a Chinese numeral or a letter that looks like one: a single character, which
# costs far less in long patterns than ``\\N`` with its English words.
SIGN_OF_DIGIT: Final = f"[0-9{''.join(CHINESE)}{''.join(LOOK_ALIKES)}]"


def spread_words(text: str) -> tuple[str, ...]:
    """Return ``words_of`` *text*, also as forms set them: ``姓  名``, ``住 院 号``."""
    words = words_of(text)
    return (*words, *[(" " * gap).join(word) for word in words for gap in (1, 2, 4)])


def composed(
    things: str, numbers: str, joints: tuple[str, ...] = (" ", "_", "-", "")
) -> tuple[str, ...]:
    """Return every one of *things* joined to every one of *numbers*: ``chart_no``, ``chartno``.

    Both are as in ``words_of``. Words are found in either case, so this is ``chartNo`` as well.
    """
    return tuple(
        dict.fromkeys(
            thing.replace(" ", joint) + joint + number
            for thing in words_of(things)
            for number in words_of(numbers)
            for joint in joints
        )
    )


def said_digits_of(value: str) -> str:
    """Return the digits of *value*, numerals and look-alike letters spelled as digits."""
    return digits_of(spell_digits(value))


def digits_of(value: str) -> str:
    """Return the ASCII digits of *value*, separators dropped."""
    return _NOT_DIGITS.sub("", value)


def group_lengths(value: str) -> list[int]:
    """Return how many letters and digits stand between the separators of *value*."""
    return [len(group) for group in _GROUPS.findall(value)]


def has_luhn(digits: str) -> bool:
    """Say whether the last of *digits* is the Luhn check digit (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        digit = ord(char) - 48
        total += _DOUBLED[digit] if place % 2 else digit
    return total % 10 == 0


def continues_a_number(before: str) -> bool:
    """Say whether a value after the text *before* is only the rest of a longer number.

    So it is in ``3.13800138000`` or ``2024-555-010-0100``: a digit and a separator come first.
    """
    return _INSIDE_A_NUMBER.search(before) is not None


def letters_before(before: str) -> str:
    """Return the Latin letters right before the value, such as ``tel`` in ``my tel``, or ``""``."""
    return before[len(before.rstrip(string.ascii_lowercase)) :]


def mentions(before: str, words: tuple[str, ...]) -> bool:
    """Say whether one of *words* stands in the text *before* the value."""
    return any(word in before for word in words)
