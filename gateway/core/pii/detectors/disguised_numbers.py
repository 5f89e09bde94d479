"""Numbers in which letters stand for digits that look like them, as ``S`` for 5 and ``B`` for 8.

They count behind a word for what they are; three digits at least must be digits.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, Detector, words_of
from gateway.core.pii.detectors.checks import AFTER_PHONE, has_luhn

_DIGITS: Final = {ord(sign): digit for sign, digit in zip("oilsbzgq|", "011582991", strict=True)}
_SIGN: Final = r"[0-9OoIlSBZGq|]"
_FEWEST_DIGITS: Final = 3


def _read(value: str) -> str:
    """Return the digits of *value*, or nothing if none is disguised or too few are plain."""
    disguised = any(char in _DIGITS for char in map(ord, value))
    if not disguised or sum(char.isdigit() for char in value) < _FEWEST_DIGITS:
        return ""
    return "".join([char for char in value.translate(_DIGITS) if char.isdigit()])


def _is_phone(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return 10 <= len(_read(value)) <= 13


def _is_card(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(_read(value)) > 12 and has_luhn(_read(value))


def _is_ssn(value: str, before: str) -> bool:  # noqa: ARG001 - the form of Detector.check
    return len(_read(value)) == len("219099999")


def _detector(label: str, lengths: tuple[int, int], after: Context, **more: object) -> Detector:
    low, high = lengths
    return Detector(
        label=label,
        name=f"{label.lower().replace('_', '-')}-disguised",
        pattern=rf"{_SIGN}([ .\-]?{_SIGN}){{{low - 2},{high - 2}}}{_SIGN}",
        not_after=r"[a-z0-9]",
        not_before=r"[a-z0-9]",
        after=(after,),
        **more,  # type: ignore[arg-type]
    )


DISGUISED_NUMBERS: Final = (
    _detector("PHONE", (10, 13), AFTER_PHONE, check=_is_phone),
    _detector(
        "BANK_CARD",
        (13, 19),
        Context(words=words_of("card visa mastercard amex pan debit credit"), gap=30, filler=None),
        check=_is_card,
    ),
    _detector(
        "SSN",
        (9, 9),
        Context(words=words_of("ssn social social_security"), gap=30, filler=None),
        check=_is_ssn,
    ),
)
