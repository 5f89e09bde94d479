"""The invented answers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.invented import (
    VARIANTS,
    answer,
    cut_item,
    find_stamp,
    invented_item,
    numbered_word,
    stamp,
)
from loadtests.invented import with_check_digit as chinese_id


@pytest.mark.parametrize("variant", range(VARIANTS))
def test_answer_has_exactly_the_tokens_asked_for(variant: int) -> None:
    """An answer has as many pieces as tokens, all its words once, and personal data in it."""
    made = answer(tokens=200, pii_share=0.05, variant=variant)
    assert len(made.pieces) == 200
    assert len(set(made.words)) == len(made.words)
    assert made.planted
    assert all(item in made.text for item in made.planted)
    assert not any(item in piece for item in made.planted for piece in made.pieces)


def test_answer_without_personal_data() -> None:
    """A share of zero plants nothing."""
    made = answer(tokens=50, pii_share=0.0, variant=3)
    assert made.planted == ()
    assert len(made.words) == 50


def test_variants_share_no_word() -> None:
    """Streams that are mixed up with each other cannot look complete."""
    one = answer(tokens=300, pii_share=0.05, variant=1)
    two = answer(tokens=300, pii_share=0.05, variant=2)
    assert not set(one.words) & set(two.words)


def test_check_digit_is_the_published_one() -> None:
    """The example of the standard keeps its check character X."""
    assert chinese_id("11010519491231002") == "11010519491231002X"


def test_cards_pass_their_check() -> None:
    """The card numbers have a valid check digit, as those that networks publish do."""
    source = random.Random(1)
    cards = {item for lead, item in (invented_item(source) for _ in range(200)) if lead == " card "}
    assert cards
    for card in cards:
        digits = [int(digit) for digit in card.replace(" ", "")][::-1]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
        assert (sum(digits[::2]) + sum(doubled)) % 10 == 0


def test_cut_item_keeps_the_item() -> None:
    """A cut item is spread over several pieces and is whole again when joined."""
    assert "".join(cut_item("anna.berg@example.com")) == "anna.berg@example.com"
    assert max(map(len, cut_item("anna.berg@example.com"))) == 3
    assert numbered_word(10) == "zudeba"


@given(st.floats(0, 1e7), st.floats(0, 900))
def test_stamp_is_found_again(sent_at: float, took: float) -> None:
    """A time that was said comes back to 20 microseconds, for up to a quarter of an hour."""
    found = find_stamp(f" {stamp(sent_at)} zuba", near=sent_at + took + 1e-4)
    assert found == pytest.approx(sent_at, abs=2e-5)
    assert find_stamp(" zuba", near=0.0) is None
