"""Rules, masks and a model for names in every field of every API, streamed and whole."""

from __future__ import annotations

import json

import orjson
import pytest

from gateway.core.errors import AnswerBlocked
from gateway.core.masks import Masks
from gateway.core.pii.actions import Actions, Block, PartialMask, Pseudonym
from gateway.core.pii.ner import SentenceModel, Span
from gateway.core.secret import Secret
from gateway.core.text_scrubbers import TextScrubbers
from tests.fakes.answers import stream_scrubber, whole_scrubber
from tests.fakes.streams import FIELDS, Field, pieces_of

fields = pytest.mark.parametrize("field", FIELDS, ids=lambda f: f"{f.operation}-{f.name}")
MASKS = Masks(b"{}")
TOKEN = MASKS.token("PHONE", '139 "0013" 9000')


class Names:
    """A model that knows one name."""

    def find(self, sentence: str) -> list[Span]:
        """Return where the name is."""
        at = sentence.find("Xyzzyq")
        return [Span(at, at + 6, "NAME")] if at >= 0 else []


def both(field: Field, text: str, scrubbers: TextScrubbers) -> list[object]:
    """Return what the field says as a stream in pieces of three characters, and whole."""
    written = field.written(text)
    stream = stream_scrubber(field.operation, scrubbers)
    out = stream.feed(field.stream(pieces_of(written, range(0, len(written), 3))))
    once = whole_scrubber(field.operation, scrubbers)
    once.feed(field.whole(written))
    said = [field.read(out + stream.finish()), field.said_whole(orjson.loads(once.finish()))]
    return [json.loads(text)["a"] if field.is_json else text for text in said]


@fields
def test_forms_hold(field: Field) -> None:
    """A mask and a pseudonym stand where their rules say, the same streamed and whole."""
    actions = Actions({"PHONE": PartialMask()}, default=Pseudonym(Secret(b"k" * 32)))
    streamed, whole = both(field, "tel 13812345678 a@b.cc ok", TextScrubbers(actions=actions))
    assert streamed == whole
    assert str(whole).startswith("tel 138****5678 [EMAIL_")


@fields
@pytest.mark.parametrize("streamed", [True, False])
def test_a_blocked_value_ends_the_answer(field: Field, streamed: bool) -> None:
    """The error is its own, nothing of the value comes out, and nothing more ever does."""
    text = field.written("fine, fine. tel 13812345678, so long")
    scrubbers = TextScrubbers(actions=Actions({"PHONE": Block()}))
    if streamed:
        scrubber = stream_scrubber(field.operation, scrubbers)
        stream = field.stream(pieces_of(text, range(0, len(text), 3)))
        reads = (scrubber.feed(stream[at : at + 50]) for at in range(0, len(stream), 50))
        out: list[bytes] = []
        with pytest.raises(AnswerBlocked):
            out.extend(reads)
        assert b"138" not in b"".join(out)
        with pytest.raises(AnswerBlocked):
            scrubber.feed(b"")
    else:
        whole = whole_scrubber(field.operation, scrubbers)
        whole.feed(field.whole(text))
        for _ in range(2):
            with pytest.raises(AnswerBlocked):
                whole.finish()


@fields
def test_masked_values_come_back_and_others_stay_hidden(field: Field) -> None:
    """The token of this request becomes its value; what only looks like one stays as it is."""
    forged = "[PHONE] [PHONE_bcdfghjk] [PHONE_ab12cd34ef56] 138****5678"
    text = f"{forged} {TOKEN}, not 13900139000"
    expected = f'{forged} 139 "0013" 9000, not [PHONE]'
    assert both(field, text, TextScrubbers(masks=MASKS)) == [expected, expected]


@fields
def test_without_its_masks_a_token_is_text(field: Field) -> None:
    """In another answer, of whatever client, the same token brings nothing out."""
    for scrubbers in (TextScrubbers(), TextScrubbers(masks=Masks(b"{}"))):
        assert both(field, f"say {TOKEN}", scrubbers) == [f"say {TOKEN}"] * 2


@fields
def test_a_model_for_names_sees_every_field(field: Field) -> None:
    """What it finds is replaced, streamed and whole."""
    scrubbers = TextScrubbers(model=SentenceModel(Names(), 100))
    said = both(field, "Ask Xyzzyq, 13800138000. Then go", scrubbers)
    assert said == ["Ask [NAME], [PHONE]. Then go"] * 2
