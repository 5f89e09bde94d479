"""Rules for found values as people write them."""

from __future__ import annotations

import pytest

from gateway.core.errors import MalformedRequest
from gateway.core.scrub_rules import SILENT, ScrubRules, Treatment
from gateway.core.written_rules import parse_scrub_rules


def test_types_and_default_are_read() -> None:
    """``default`` stands for all types that are not named."""
    rules = parse_scrub_rules({"PHONE": "mask", "default": "block"})
    assert rules == ScrubRules(Treatment.BLOCK, {"PHONE": Treatment.MASK})
    assert parse_scrub_rules({}) == SILENT


@pytest.mark.parametrize(
    "written",
    [{"CANARY": "mask"}, {"phone": "mask"}, {"PHONE": "canary"}, {"PHONE": "off"}, {"PHONE": ""}],
)
def test_what_is_misspelt_is_refused(written: dict[str, str]) -> None:
    """An unknown type or form is an error that lists the known ones and repeats nothing."""
    with pytest.raises(MalformedRequest) as caught:
        parse_scrub_rules(written)
    assert "is one of" in caught.value.detail
    assert "canary" not in caught.value.detail.lower()
