"""Which form a found value gets."""

from __future__ import annotations

import pytest

from gateway.core.scrub_rules import SILENT, ScrubRules, Treatment, read_scrub_rules, settle

MASK, PSEUDONYM, BLOCK = Treatment.MASK, Treatment.PSEUDONYM, Treatment.BLOCK


def test_a_level_names_types_or_speaks_for_all_others() -> None:
    """The rule for a type counts before the level's default, and silence is no rule."""
    rules = ScrubRules(PSEUDONYM, {"PHONE": MASK})
    assert (rules.find("PHONE"), rules.find("EMAIL")) == (MASK, PSEUDONYM)
    assert SILENT.find("PHONE") is None


@pytest.mark.parametrize(
    ("levels", "settled"),
    [
        ([SILENT, SILENT, SILENT], Treatment.PLACEHOLDER),
        ([SILENT, SILENT, ScrubRules(MASK)], MASK),
        ([SILENT, ScrubRules(PSEUDONYM), ScrubRules(MASK)], PSEUDONYM),
        ([ScrubRules(Treatment.PLACEHOLDER), ScrubRules(PSEUDONYM), SILENT], Treatment.PLACEHOLDER),
        ([ScrubRules(MASK), SILENT, ScrubRules(None, {"PHONE": PSEUDONYM})], MASK),
    ],
)
def test_the_first_level_that_chooses_gives_the_form(levels, settled) -> None:
    """The client counts before the model and the model before the gateway."""
    assert settle(levels, "PHONE") is settled


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("rules", [ScrubRules(BLOCK), ScrubRules(MASK, {"PHONE": BLOCK})])
def test_a_block_anywhere_wins(place: int, rules: ScrubRules) -> None:
    """No level can make a type weaker that another one blocks."""
    levels = [ScrubRules(MASK, {"PHONE": PSEUDONYM})] * 3
    levels[place] = rules
    assert settle(levels, "PHONE") is BLOCK


def test_no_treatment_lets_a_value_pass() -> None:
    """There are four ways to hide a value and no way to show it."""
    assert set(Treatment) == {"placeholder", "mask", "pseudonym", "block"}


def test_rules_are_read_as_they_were_written() -> None:
    """Stored rules come back the same, and a type that is gone does no harm."""
    rules = ScrubRules(PSEUDONYM, {"PHONE": MASK, "GONE": BLOCK})
    assert rules.as_written() == {"default": "pseudonym", "GONE": "block", "PHONE": "mask"}
    assert read_scrub_rules(rules.as_written()) == rules
    assert read_scrub_rules({}) == SILENT
    with pytest.raises(ValueError, match="pass"):
        read_scrub_rules({"PHONE": "pass"})
