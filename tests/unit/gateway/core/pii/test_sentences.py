"""The scrubber that asks a model sentence by sentence."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import AnswerBlocked, ScrubFailed
from gateway.core.masks import Masks
from gateway.core.pii import StreamScrubber
from gateway.core.pii.actions import PLACEHOLDERS, Actions, Block, PartialMask
from gateway.core.pii.ner import SentenceModel, Span
from gateway.core.pii.sentences import SentenceScrubber


class Words:
    """A model that takes every word with a Q for a name, and remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def find(self, sentence: str) -> list[Span]:
        """Return the words with a Q."""
        self.seen.append(sentence)
        return [Span(*word.span(), "NAME") for word in re.finditer(r"\S*Q\S*", sentence)]


class Plain:
    """A scrubber that changes nothing."""

    def feed(self, delta: str) -> str:
        """Return *delta*."""
        return delta

    def finish(self) -> str:
        """Return nothing."""
        return ""


def scrubber(
    model: Words, *, holdback: int = 100, actions: Actions = PLACEHOLDERS
) -> SentenceScrubber:
    """Return a scrubber over the patterns and *model*."""
    inner = StreamScrubber(actions=actions)
    return SentenceScrubber(inner, SentenceModel(model, holdback), actions)


def test_the_model_gets_whole_sentences_and_no_found_values() -> None:
    """A sentence leaves when it is over; what the patterns found is hidden from the model."""
    model = Words()
    scrub = scrubber(model)
    assert scrub.feed("Ask zQz, 13800138000") == ""
    assert scrub.feed(". Then go") == "Ask [NAME] [PHONE]. "
    assert scrub.finish() == "Then go"
    assert model.seen == ["Ask zQz, [PHONE]. ", "Then go"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("好的。再见！x", ["好的。", "再见！", "x"]),
        ("v3.14 at example.com? yes", ["v3.14 at example.com? ", "yes"]),
        ('He said "go." Then\nx', ['He said "go." ', "Then\n", "x"]),
        ("...... 1\n\n", []),
    ],
)
def test_ends_of_sentences(text: str, sentences: list[str]) -> None:
    """Signs of both scripts end one, a point inside a word does not; signs alone are not shown."""
    model = Words()
    scrub = scrubber(model)
    assert scrub.feed(text) + scrub.finish() == text
    assert model.seen == sentences


def test_a_text_without_end_is_cut_at_a_space() -> None:
    """After so many characters the model is asked, at a border of words if there is one."""
    model = Words()
    scrub = scrubber(model, holdback=20)
    assert scrub.feed("one two Qthree four five") == "one two [NAME] four "
    scrub = scrubber(model, holdback=20)
    assert scrub.feed("一二三四五六七八九十" * 3) == "一二三四五六七八九十" * 2


def test_sentences_without_words_cost_no_more_than_other_text() -> None:
    """Nobody can keep the gateway busy with ends of sentences, and none is shown to the model."""
    model, text = Words(), "\n" * 300_000
    scrub = SentenceScrubber(Plain(), SentenceModel(model, 100), PLACEHOLDERS)
    began = time.process_time()
    assert scrub.feed(text) == text
    assert time.process_time() - began < 5
    assert model.seen == []


PARTS = st.sampled_from(
    ["Qa", " ", "b", ". ", ".", "。", "\n", '"', "13800138000", "[PHONE]", "tel ", "一", "? Q"]
)


@given(
    st.lists(PARTS, max_size=25).map("".join),
    st.lists(st.integers(0, 120), max_size=6),
    st.sampled_from([20, 33, 100]),
)
def test_the_result_does_not_depend_on_the_pieces(
    text: str, cuts: list[int], holdback: int
) -> None:
    """Any cutting gives the same text, and shows the model the same sentences."""
    whole, pieces = Words(), Words()
    once = scrubber(whole, holdback=holdback)
    expected = once.feed(text) + once.finish()
    places = sorted({0, len(text), *[min(cut, len(text)) for cut in cuts]})
    scrub = scrubber(pieces, holdback=holdback)
    out = [scrub.feed(text[a:b]) for a, b in pairwise(places)]
    assert "".join(out) + scrub.finish() == expected
    assert pieces.seen == whole.seen
    assert all(len(sentence) <= holdback for sentence in whole.seen)


def test_placeholders_and_tokens_stay() -> None:
    """What stands for a value already is never taken for one; what is around it is."""
    masks = Masks(b"{}")
    sign = masks.find_sign(masks.token("NAME", "x"))
    for kept in ("[PHONE]", "[PHONE_0123456789ab]", sign):
        scrub = scrubber(Words())
        assert scrub.feed(f"Q{kept}Q {kept}") + scrub.finish() == f"[NAME]{kept}[NAME] {kept}"
    for name in ("[Q_X]", "[NAME_mcQueen]", "[NAME_mcQueensson]"):
        scrub = scrubber(Words())
        assert scrub.feed(name) + scrub.finish() == "[NAME]"


def test_a_name_in_the_form_of_a_token_is_none() -> None:
    """Lower-case letters in brackets hide nothing from the model, unless they are a pseudonym."""
    model = Words()
    for said in ("[NAME_johnsmith]", "[NAME_kqvzxtbd]"):
        span = [Span(0, len(said), "NAME")]
        model.find = lambda _, span=span: span
        scrub = scrubber(model)
        assert scrub.feed(said) + scrub.finish() == "[NAME]"


def test_the_rules_for_types_hold_for_the_model_too() -> None:
    """What the model finds gets the form of its type, is counted, or ends the answer."""
    counted: list[str] = []
    actions = Actions({"NAME": PartialMask()}, count=counted.append)
    assert scrubber(Words(), actions=actions).feed("Qwertyuiopas ? ") == "QWE*****OPAS ? "
    assert counted == ["NAME"]
    with pytest.raises(AnswerBlocked):
        scrubber(Words(), actions=Actions({"NAME": Block()})).feed("zQz. Then")


def test_a_broken_model_ends_the_answer() -> None:
    """Whatever the model raises comes through, with the sentence unsaid."""

    class Broken(Words):
        def find(self, sentence: str) -> list[Span]:
            raise ScrubFailed

    scrub = scrubber(Broken())
    assert scrub.feed("Ask zQz") == ""
    with pytest.raises(ScrubFailed):
        scrub.feed(". Then")
