"""What is put in the place of a value."""

import pytest

from gateway.core.errors import AnswerBlocked
from gateway.core.pii.actions import Actions, Block, PartialMask, Placeholder, Pseudonym
from gateway.core.pii.stream import StreamScrubber
from gateway.core.secret import Secret

KEY = Secret(b"k" * 32)


def test_a_placeholder_shows_the_label_alone() -> None:
    """Nothing of the value is in it; its form can be chosen."""
    assert Placeholder().replace("PHONE", "13800138000") == "[PHONE]"
    assert Placeholder("<{}>").replace("PHONE", "1") == "<PHONE>"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("13812345678", "138****5678"),
        ("138 1234-5678", "138****5678"),
        ("11010519491231002x", "110***********002X"),
        ("1234567890", "[X]"),
        ("", "[X]"),
    ],
)
def test_a_mask_hides_enough(value: str, masked: str) -> None:
    """At least a third of a value is hidden, or all of it."""
    shown = PartialMask().replace("X", value)
    assert shown == masked


def test_a_pseudonym_depends_on_key_label_and_value_alone() -> None:
    """The same value has the same token, however it was written; another key gives another."""
    one, other = Pseudonym(KEY), Pseudonym(Secret(b"o" * 32))
    token = one.replace("PHONE", "13800138000")
    assert token == one.replace("PHONE", "138-0013 8000")
    assert token.startswith("[PHONE_")
    assert len(token) == len("[PHONE_]") + 12
    assert token != other.replace("PHONE", "13800138000")
    assert token != one.replace("CARD", "13800138000")
    assert token != one.replace("PHONE", "13800138001")


def test_a_short_key_is_refused() -> None:
    """A key that could be guessed would give the values away."""
    with pytest.raises(ValueError, match="32"):
        Pseudonym(Secret(b"k" * 31))


def test_block_ends_the_answer() -> None:
    """A value of a blocked kind raises, and the stream has shown nothing of it."""
    scrubber = StreamScrubber(actions=Actions({"PHONE": Block()}))
    assert scrubber.feed("to: 13800138000") == "to: "
    with pytest.raises(AnswerBlocked):
        scrubber.feed(", ")


def test_each_label_has_its_action() -> None:
    """A label that is not named gets the default; quoted, the result is a string of JSON."""
    actions = Actions({"PHONE": PartialMask()}, quoted=True)
    assert actions.replace("PHONE", "13812345678") == '"138****5678"'
    assert actions.replace("EMAIL", "a@b.cc") == '"[EMAIL]"'
