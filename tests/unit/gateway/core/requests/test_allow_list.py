"""Lists of what a request may hold."""

import re
from typing import Any

import pytest

from gateway.core.errors import MalformedRequest, UnsupportedParameter
from gateway.core.requests.allow_list import DROPPED, REFUSED, AllowList
from gateway.core.requests.fields import flag

LIST = AllowList({"a": flag, "b": flag}, needed=("a",))


def test_only_what_was_checked_goes_upstream() -> None:
    """Null is absent, and what says who asks stays here."""
    received = {"b": None, "a": True, **dict.fromkeys(DROPPED, "canary")}
    assert LIST.check(received) == {"a": True}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_member_may_ask_for_nothing(name: str) -> None:
    """Its neutral value and null are let through, any other is refused with the reason."""
    neutral, reason = REFUSED[name]
    assert LIST.check({"a": True, name: neutral}) == {"a": True}
    assert LIST.check({"a": True, name: None}) == {"a": True}
    with pytest.raises(UnsupportedParameter, match=reason):
        LIST.check({"a": True, name: "canary"})


@pytest.mark.parametrize(
    ("received", "error"),
    [
        ({}, MalformedRequest),
        ({"a": None}, MalformedRequest),
        ({"a": 1}, MalformedRequest),
        ({"a": True, "unknown": 1}, UnsupportedParameter),
        ({"a": True, "ignore_eos": 0}, UnsupportedParameter),
    ],
)
def test_everything_else_is_refused(received: dict[str, Any], error: type[Exception]) -> None:
    """What is missing, wrong or unknown is an error; 0 is not false."""
    with pytest.raises(error):
        LIST.check(received)


def test_an_extra_member_passes_as_a_plain_value() -> None:
    """For its client alone; nothing that is made of parts, and null is absent."""
    extra = frozenset({"novel"})
    for value in (1, 0.5, True, "x" * 256):
        assert LIST.check({"a": True, "novel": value}, extra=extra) == {"a": True, "novel": value}
        with pytest.raises(UnsupportedParameter, match="novel"):
            LIST.check({"a": True, "novel": value}, extra=frozenset({"other"}))
    assert LIST.check({"a": True, "novel": None}, extra=extra) == {"a": True}
    for made_of_parts in ([1], {"a": 1}, "x" * 257):
        with pytest.raises(MalformedRequest) as caught:
            LIST.check({"a": True, "novel": made_of_parts}, extra=extra)
        assert caught.value.pointer == "/novel"


@pytest.mark.parametrize("name", sorted(LIST.names))
def test_a_list_counts_more_than_the_name_of_an_extra_member(name: str) -> None:
    """A name that a later version knows keeps the check of that version."""
    extra = frozenset({name})
    try:
        expected = LIST.check({"a": True, name: "canary"})
    except (MalformedRequest, UnsupportedParameter) as refusal:
        with pytest.raises(type(refusal), match=re.escape(refusal.detail)):
            LIST.check({"a": True, name: "canary"}, extra=extra)
    else:
        assert LIST.check({"a": True, name: "canary"}, extra=extra) == expected
