"""Lists of what a request may hold."""

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
