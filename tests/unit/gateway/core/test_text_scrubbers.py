"""The scrubbers of one answer."""

from __future__ import annotations

import pytest

from gateway.core.errors import ScrubFailed
from gateway.core.masks import Masks
from gateway.core.pii.actions import Actions, PartialMask
from gateway.core.text_scrubbers import Slices, TextScrubbers


def drain(slices: Slices[str]) -> tuple[int, str]:
    """Return how many pauses *slices* makes, and its result."""
    pauses = 0
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return pauses, end.value
        pauses += 1


def test_whole_texts_are_scrubbed_as_streams_are() -> None:
    """Arguments stay JSON, other texts are plain."""
    assert drain(TextScrubbers().in_slices("content", "tel 13800138000")) == (1, "tel [PHONE]")
    said = drain(TextScrubbers().in_slices("arguments", '{"a":13800138000}'))
    assert said == (1, '{"a":"[PHONE]"}')


def test_a_value_across_two_slices_is_replaced() -> None:
    """A long text is scrubbed with a pause after each slice, and the borders hide nothing."""
    filler = "so " * 664
    text = filler + "13800138000 " + filler
    assert drain(TextScrubbers().in_slices("content", text)) == (2, filler + "[PHONE] " + filler)


def test_only_a_text_goes_on_from_a_prompt() -> None:
    """A value begun in the prompt is replaced in a text; other fields begin anew."""
    scrubbers = TextScrubbers(("tel 1",))
    assert scrubbers.new("text").feed("3800138000, x") == "[PHONE], "
    assert scrubbers.new("content").feed("3800138000,") == "3800138000,"


def test_each_choice_goes_on_from_its_own_prompt() -> None:
    """With two choices for each prompt the third continues the second; a fifth belongs to none."""
    scrubbers = TextScrubbers(("so", "tel 1"), 2)
    assert scrubbers.new("text", choice=1).feed("3800138000, x") == "3800138000, "
    assert scrubbers.new("text", choice=2).feed("3800138000, x") == "[PHONE], "
    with pytest.raises(ScrubFailed):
        scrubbers.new("text", choice=4)


@pytest.mark.parametrize(
    ("field", "text"), [("content", "13800138000"), ("arguments", "[13800138000]")]
)
def test_the_rules_hold_for_every_field(field: str, text: str) -> None:
    """What replaces a value is the same in plain text and in JSON."""
    scrubbers = TextScrubbers(actions=Actions({"PHONE": PartialMask()}))
    assert "138****8000" in drain(scrubbers.in_slices(field, text))[1]


@pytest.mark.parametrize("field", ["content", "text", "arguments"])
def test_masked_values_come_back_in_every_field(field: str) -> None:
    """The client's own value stands where the model said its token, after all scrubbing."""
    masks = Masks(b"{}")
    token = masks.token("PHONE", "13900139000")
    scrubbers = TextScrubbers(("tel ",), masks=masks)
    said = drain(scrubbers.in_slices(field, f'{{"a":"{token} 13800138000"}}'))[1]
    assert said == '{"a":"13900139000 [PHONE]"}'
