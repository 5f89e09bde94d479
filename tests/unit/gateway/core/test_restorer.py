"""The client's own values put back."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.json_text import JsonTextScrubber
from gateway.core.masks import Masks
from gateway.core.pii import StreamScrubber
from gateway.core.pii.actions import PLACEHOLDERS
from gateway.core.pii.labels import LABELS
from gateway.core.restorer import Restorer

MASKS = Masks(b"{}")
PHONE = MASKS.token("PHONE", '138-0013 "8000"')
NAME = MASKS.token("NAME", "Ann [x")
VALUES = {PHONE: '138-0013 "8000"', NAME: "Ann [x"}


class Plain:
    """A scrubber that lets everything through, at once or at the end."""

    def __init__(self, *, holds: bool = False) -> None:
        self.holds = holds
        self.held = ""

    def feed(self, delta: str) -> str:
        """Return *delta*, or keep it."""
        self.held += delta
        return "" if self.holds else self.finish()

    def finish(self) -> str:
        """Return what is held."""
        rest, self.held = self.held, ""
        return rest


def restored(text: str) -> str:
    """Return *text* with all tokens of it replaced by their values."""
    for token, value in VALUES.items():
        text = text.replace(token, value)
    return text


def test_tokens_of_the_request_come_back_and_no_others() -> None:
    """Values stand where their tokens were; what was not issued stays as it is."""
    text = f"[PHONE] {PHONE}{NAME}, [PHONE_aaaaaaaa] [PHONE_ab12cd34ef56] 138****8000 [[{NAME}]]"
    restorer = Restorer(Plain(), MASKS)
    assert restorer.feed(text) + restorer.finish() == restored(text)


PARTS = st.sampled_from(
    [PHONE, NAME, PHONE[:-1], NAME[1:], "[", "]", "[PHONE_", "a", "[[", PHONE.upper(), "138"]
)


@given(st.lists(PARTS, max_size=8).map("".join), st.lists(st.integers(0, 60), max_size=6))
def test_the_result_does_not_depend_on_the_pieces(text: str, cuts: list[int]) -> None:
    """Any cutting gives the whole text restored."""
    restorer = Restorer(Plain(), MASKS)
    places = sorted({0, len(text), *[min(cut, len(text)) for cut in cuts]})
    out = [restorer.feed(text[a:b]) for a, b in itertools.pairwise(places)]
    assert "".join(out) + restorer.finish() == restored(text)


def test_nothing_but_the_beginning_of_a_token_is_held() -> None:
    """Text leaves at once, also after a bracket, unless it may be one of the tokens."""
    restorer = Restorer(Plain(), MASKS)
    assert restorer.feed("a [b") == "a [b"
    assert restorer.feed(" [PHONE_") == " "
    assert restorer.feed("a") == "[PHONE_a"
    assert restorer.feed(PHONE[:-1]) == ""
    assert restorer.feed("]") == VALUES[PHONE]


def test_the_end_brings_out_what_was_held() -> None:
    """A token that the scrubber inside held to the end comes back, and half a one is text."""
    for said, expected in ((PHONE, VALUES[PHONE]), (PHONE[:9], PHONE[:9])):
        for holds in (False, True):
            restorer = Restorer(Plain(holds=holds), MASKS)
            assert restorer.feed(said) + restorer.finish() == expected


def test_values_the_model_says_by_itself_stay_hidden() -> None:
    """Only the token brings the value out: its own characters are scrubbed like any other's."""
    masks = Masks(b"{}")
    token = masks.token("PHONE", "13800138000")
    restorer = Restorer(StreamScrubber(), masks)
    said = restorer.feed(f"13800138000 or {token} or 13900139000") + restorer.finish()
    assert said == "[PHONE] or 13800138000 or [PHONE]"


@pytest.mark.parametrize("label", sorted(LABELS))
def test_no_detector_takes_a_token_for_a_value(label: str) -> None:
    """A token that the model says comes back, whatever it says around it."""
    masks = Masks(b"{}")
    token = masks.token(label, "x")
    for said in (
        f"call {token}, please",
        f"phone: {token} password: {token}; passport no. {token}",
        f"My name is {token}. I live at {token}.",
        f"{label.lower()}={token}&email={token}",
        f"姓名：{token}，电话{token}，住址{token}，身份证号码是{token}。",
        f"护照号{token} 密码：{token} 卡号 {token}",
        f'{{"name": "{token}", "id": "{token}", "api_key": "{token}"}}',
        f"https://example.com/?tel={token}",
        f"{token}先生 {token}@{token}",
        f"whatsapp: {token} and so on, iban/account {token}{token} ok",
        f"passport number = '{token} and so on",
    ):
        restorer = Restorer(StreamScrubber(), masks)
        assert restorer.feed(said) + restorer.finish() == said.replace(token, "x")


def test_the_signs_of_tokens_bring_out_nothing() -> None:
    """A model that says the character that stands for a token inside gets no value for it."""
    sign = MASKS.find_sign(PHONE) or ""
    restorer = Restorer(Plain(), MASKS)
    assert restorer.feed(f"a{sign}b") + restorer.finish() == "a\ufffdb"


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_json_stays_json(size: int) -> None:
    """In a string a value is escaped; where no string is it becomes one; escapes hide no token."""

    def plain(**options: object) -> Restorer:
        actions = options["actions"]
        quoted = actions.quoted  # type: ignore[attr-defined]
        return Restorer(StreamScrubber(**options), MASKS, quoted=quoted)  # type: ignore[arg-type]

    scrubber = JsonTextScrubber(actions=PLACEHOLDERS, new_scrubber=plain)
    escaped = f"\\u005b{PHONE[1:]}"
    text = f'{{"a":"{PHONE}","b":"x {escaped}","c":{PHONE},"{NAME}":1}}'
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    said = "".join([scrubber.feed(piece) for piece in pieces]) + scrubber.finish()
    value = VALUES[PHONE]
    assert json.loads(said) == {"a": value, "b": f"x {value}", "c": value, "Ann [x": 1}


def test_brackets_without_end_cost_no_more_than_other_text() -> None:
    """Nobody can keep the gateway busy with signs that might begin a token."""
    text = "[" * 300_000
    restorer = Restorer(Plain(), MASKS)
    began = time.process_time()
    assert restorer.feed(text) + restorer.finish() == text
    assert time.process_time() - began < 5
