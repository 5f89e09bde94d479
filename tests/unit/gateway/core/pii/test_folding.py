"""How written characters are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pii.folding import (
    FOLD,
    INVISIBLE,
    MAX_INVISIBLE_RUN,
    InvisibleLimiter,
    fold,
    spellings,
)


@pytest.mark.parametrize(
    "written", ["138", "１３８", "①③⑧", "𝟙𝟛𝟠", "१३८", "١٣٨", "¹³⁸", "〡〣〨", "1\u200b3\u200d8"]
)
def test_digits_of_every_script_are_read_as_digits(written: str) -> None:
    """Full-width, circled and other digits mean the same, invisible signs nothing."""
    assert fold(written) == "138"


def test_letters_spaces_and_dashes_are_folded() -> None:
    """Case, width, and the kinds of space and dash make no difference."""
    assert fold("ＡbＣ\u00a0–\u3000—") == "abc - -"


def test_folding_keeps_offsets() -> None:
    """A character is read as exactly one character, and never as an invisible one."""
    assert all(len(plain) == 1 and plain not in INVISIBLE for plain in FOLD.values())
    assert INVISIBLE.isdisjoint(FOLD)


def test_spellings_are_the_inverse_of_folding() -> None:
    """Every way to write a character leads back to it."""
    assert {"1", "１", "①"} <= spellings(frozenset("1"))
    assert all(fold(written) == "1" for written in spellings(frozenset("1")))


@given(st.lists(st.text(alphabet="aé\u200b")))
def test_the_limit_of_invisible_characters_does_not_depend_on_cuts(pieces: list[str]) -> None:
    """Dropping the surplus gives the same for every chunking."""
    limiter, whole = InvisibleLimiter(), InvisibleLimiter()
    assert "".join(limiter.feed(piece) for piece in pieces) == whole.feed("".join(pieces))


def test_only_the_surplus_is_dropped() -> None:
    """Nobody can make the scrubber hold text without end; ordinary runs stay."""
    limiter = InvisibleLimiter()
    assert limiter.feed("a" + "\u200b" * 1000 + "b") == "a" + "\u200b" * MAX_INVISIBLE_RUN + "b"
    assert limiter.feed("\u200b") == "\u200b"
    assert limiter.feed("c") == "c"
    assert limiter.feed("") == ""


@pytest.mark.parametrize("sign", ["🌸", "→", "★", "●", "✓", "❤️", "№", "➡"])
def test_decorations_are_read_as_a_middle_dot(sign: str) -> None:
    """Emoji, arrows, bullets and stars may stand anywhere in a number, for show."""
    assert fold(f"1{sign}3") == "1·3"


@pytest.mark.parametrize("sign", ["×", "÷", "≤", "€", "°", "㎡", "○", "∑"])
def test_signs_that_say_something_are_no_decoration(sign: str) -> None:
    """Operators, currencies, units and the round zero are read as they are."""
    assert fold(f"1{sign}3") == f"1{sign}3"


@pytest.mark.parametrize("filler", ["\u3164", "\uffa0", "\u115f", "\u2800", "\u180e", "\u17b5"])
def test_fillers_of_every_script_are_invisible(filler: str) -> None:
    """Letters that show nothing mean nothing."""
    assert fold(f"1{filler}3") == "13"


def test_capitals_of_other_looks_are_letters() -> None:
    """Small capitals and letters on a dark ground are read as letters."""
    assert fold("ᴛᴏᴍ🅰🆃🅩") == "tomatz"
