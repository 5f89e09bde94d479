"""The tokens of one request."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from gateway.core.errors import PayloadTooLarge
from gateway.core.masks import LONGEST_TOKEN, SIGNS, Masks
from gateway.core.pii.labels import LABELS


def letters(*several: str) -> Callable[[str], str]:
    """Return what chooses the letters of *several* one after the other."""
    following = iter("".join(several))
    return lambda _: next(following)


def test_the_same_value_has_the_same_token() -> None:
    """A token names the type; it comes again for its value and for no other."""
    masks = Masks(b"{}")
    token = masks.token("PHONE", "138-0013-8000")
    assert re.fullmatch(r"\[PHONE_[a-z]{8}\]", token)
    assert masks.token("PHONE", "138-0013-8000") == token
    others = {masks.token("PHONE", "13800138000"), masks.token("NAME", "138-0013-8000")}
    assert token not in others
    assert len(masks) == 3


def test_two_requests_share_no_token() -> None:
    """The same value has another token in another request, which knows nothing of the first."""
    one, other = Masks(b"{}"), Masks(b"{}")
    token = one.token("PHONE", "13800138000")
    assert other.token("PHONE", "13800138000") != token
    assert other.find_sign(token) is None


def test_what_the_request_holds_already_is_no_token() -> None:
    """A token that stands in the request, or was given, is never given out for another value."""
    choose = letters("bbbbbbbb", "cccccccc", "cccccccc", "dddddddd")
    masks = Masks(b'{"a":"see [PHONE_bbbbbbbb]"}', choose=choose)
    assert masks.token("PHONE", "1") == "[PHONE_cccccccc]"
    assert masks.token("PHONE", "2") == "[PHONE_dddddddd]"


def test_only_beginnings_of_tokens_may_become_one() -> None:
    """Text is told apart from the first letters of a token as early as can be."""
    masks = Masks(b"{}", choose=letters("bcdfghjk"))
    masks.token("PHONE", "1")
    for text in ("[", "[PHO", "[PHONE_bcdfghj"):
        assert masks.may_become(text)
    for text in ("[a", "[PHONE_c", "[PHONE_bcdfghjk]x", "P"):
        assert not masks.may_become(text)


def test_too_many_values_are_refused() -> None:
    """A request is no way to fill the memory."""
    masks = Masks(b"{}", limit=2)
    for value in ("1", "2", "1"):
        masks.token("PHONE", value)
    with pytest.raises(PayloadTooLarge):
        masks.token("PHONE", "3")


def test_every_token_has_a_sign_of_its_own() -> None:
    """A sign is one character that leads to the value; what is no token has none."""
    masks = Masks(b"{}")
    tokens = [masks.token("PHONE", value) for value in ("1", "2", "1")]
    signs = [masks.find_sign(token) or "" for token in tokens]
    assert [masks.get_value(sign) for sign in signs] == ["1", "2", "1"]
    assert all(re.fullmatch(f"[{SIGNS}]", sign) for sign in signs)
    assert masks.find_sign("[PHONE_aaaaaaaa]") is None


@pytest.mark.parametrize("label", sorted(LABELS))
def test_a_token_of_any_type_is_short_enough(label: str) -> None:
    """Whoever looks for the end of a token finds it."""
    assert len(Masks(b"{}").token(label, "x")) < LONGEST_TOKEN


def test_nothing_shows_in_the_repr() -> None:
    """Whoever prints the masks by accident prints no value."""
    masks = Masks(b"{}")
    masks.token("PHONE", "canary")
    assert "canary" not in repr(masks)
