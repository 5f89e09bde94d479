"""Questions about words of names."""

import pytest

from gateway.core.pii.detectors import name_checks


def test_words_leave_out_initials_and_particles() -> None:
    """Only words that can be names are asked about."""
    assert name_checks.name_words("thandiwe q. van der merwe") == ["thandiwe", "merwe"]


@pytest.mark.parametrize("name", ["richard feynman", "j. k. rowling", "harley davidson"])
def test_everybody_knows_public_figures(name: str) -> None:
    """People and brands that everybody knows are told apart, with or without initials."""
    assert name_checks.is_public(name)
    assert not name_checks.is_public("kwame boateng")


def test_surnames_go_by_list_and_ending() -> None:
    """A surname that is in no list counts by its ending; ordinary words never do."""
    assert name_checks.is_surname("papadakis")
    assert name_checks.is_surname("zzzqvist")
    assert not name_checks.is_surname("station")
    assert not name_checks.is_surname("qqq")
    assert name_checks.may_be_surname("king")
    assert not name_checks.may_be_surname("bank")
    assert name_checks.is_known("emeka")
    assert name_checks.is_ordinary("station")
    assert name_checks.is_famous("feynman")


def test_pinyin_is_one_or_two_syllables() -> None:
    """Given names in Pinyin are told from other words."""
    assert name_checks.is_pinyin("yixin")
    assert name_checks.is_pinyin("xiao ming")
    assert not name_checks.is_pinyin("distance")
