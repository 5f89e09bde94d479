"""The scrubbers of one answer."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import ScrubFailed
from gateway.core.masks import Masks
from gateway.core.pii.actions import Actions, PartialMask, Pseudonym
from gateway.core.pii.ner import SentenceModel, Span
from gateway.core.secret import Secret
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


class Words:
    """A model that takes every word with a Q for a name."""

    def find(self, sentence: str) -> list[Span]:
        """Return the words with a Q."""
        return [Span(*word.span(), "NAME") for word in re.finditer(r"[^\s\"]*Q[^\s\"]*", sentence)]


MASKS = Masks(b"{}")
TOKEN = MASKS.token("PHONE", '139 "0013" 9000')
EVERYTHING = TextScrubbers(
    actions=Actions({"PHONE": PartialMask()}, default=Pseudonym(Secret(b"k" * 32))),
    masks=MASKS,
    model=SentenceModel(Words(), 40),
)
PARTS = st.sampled_from(
    ["Qa", " ", "b. ", '"', "\\", "\\u0031", "{", "[", ":", ",", "13800138000", TOKEN, TOKEN[:9],
     "a@b.cc ", "。", "\n", "1380013"]
)  # fmt: skip


@pytest.mark.parametrize("field", ["content", "arguments"])
@given(st.lists(PARTS, max_size=16).map("".join), st.lists(st.integers(0, 150), max_size=5))
def test_with_everything_the_result_does_not_depend_on_the_pieces(
    field: str, text: str, cuts: list[int]
) -> None:
    """Patterns, forms, a model and masks together give the same for every cutting."""
    whole = EVERYTHING.new(field)
    expected = whole.feed(text) + whole.finish()
    places = sorted({0, len(text), *[min(cut, len(text)) for cut in cuts]})
    scrubber = EVERYTHING.new(field)
    said = [scrubber.feed(text[a:b]) for a, b in pairwise(places)]
    assert "".join(said) + scrubber.finish() == expected


def test_the_model_sees_strings_and_no_json() -> None:
    """Names, numbers and signs between strings are not its business, and JSON stays JSON."""
    text = f'{{"Qa": true, "b": ["{TOKEN} Qc 13812345678", {TOKEN}], "c": 13812345678}}'
    said = json.loads(drain(EVERYTHING.in_slices("arguments", text))[1])
    value = '139 "0013" 9000'
    name = EVERYTHING.new("content")
    pseudonym = name.feed("Qa") + name.finish()
    assert pseudonym.startswith("[NAME_")
    assert said[pseudonym] is True
    assert said["b"][0].startswith(f"{value} [NAME_")
    assert said["b"][0].endswith(" 138****5678")
    assert (said["b"][1], said["c"]) == (value, "138****5678")


def test_an_empty_text_is_a_slice_too() -> None:
    """So an answer of very many empty texts lets others have the processor."""
    assert list(TextScrubbers().in_slices("content", "")) == [None]
