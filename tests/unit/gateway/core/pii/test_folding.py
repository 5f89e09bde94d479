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
