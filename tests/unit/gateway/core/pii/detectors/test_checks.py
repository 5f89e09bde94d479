"""Check digits and context questions that detectors share."""

import pytest

from gateway.core.pii.detectors.checks import (
    composed,
    continues_a_number,
    digits_of,
    group_lengths,
    has_luhn,
    mentions,
)


def test_luhn_accepts_published_test_cards() -> None:
    """The numbers that card networks publish for tests have a valid check digit."""
    assert has_luhn("4111111111111111")
    assert has_luhn("378282246310005")


def test_luhn_notices_every_wrong_digit() -> None:
    """No single wrong digit goes unnoticed."""
    good = "4111111111111111"
    for place, right in enumerate(good):
        for wrong in set("0123456789") - {right}:
            assert not has_luhn(good[:place] + wrong + good[place + 1 :])


def test_digits_and_groups_leave_separators_out() -> None:
    """Separators are neither digits nor groups."""
    assert digits_of("+1 (202) 555") == "1202555"
    assert digits_of("1、2·３") == "12"
    assert group_lengths("12 345-x") == [2, 3, 1]


@pytest.mark.parametrize(("before", "expected"), [("3.", True), ("1-", True), ("a-", False)])
def test_a_digit_and_a_separator_continue_a_number(before: str, *, expected: bool) -> None:
    """Only a separator after a digit says that a number goes on."""
    assert continues_a_number(before) is expected


def test_mentions_finds_any_word() -> None:
    """One of the words is enough, and silence says no."""
    assert mentions("my phone is ", ("tel", "phone"))
    assert not mentions("", ("tel", "phone"))


def test_labels_are_composed() -> None:
    """Each thing meets each word for number, with each joint."""
    assert composed("chart med_rec", "no") == (
        "chart no", "chart_no", "chart-no", "chartno",
        "med rec no", "med_rec_no", "med-rec-no", "medrecno",
    )  # fmt: skip
