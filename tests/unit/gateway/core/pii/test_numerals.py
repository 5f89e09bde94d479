"""Digits however they are said or written."""

import pytest

from gateway.core.pii.numerals import spell_digits


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("一三八〇零幺两", "1380012"),
        ("壹贰叁肆伍陆柒捌玖零", "1234567890"),
        ("one three-eight oh", "1 3-8 0"),
        ("double five triple zero", "55 000"),
        ("double-七", "77"),
        ("l38oo", "13800"),
        ("七3四", "734"),
        ("i38 o o", "138 0 0"),
        ("oil tool", "011 tool"),
        ("", ""),
    ],
)
def test_digits_are_spelled_as_digits(said: str, digits: str) -> None:
    """Numerals, words, their multiples and look-alike letters become digits."""
    assert spell_digits(said) == digits
