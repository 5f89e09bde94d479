"""Members that an operator lets through by name."""

import pytest

from gateway.core.errors import MalformedRequest
from gateway.core.requests.allow_list import DROPPED, REFUSED
from gateway.core.requests.chat import CHAT
from gateway.core.requests.extra_members import MAX_MEMBERS, parse_extra_members


def test_plain_names_can_be_given() -> None:
    """Each once."""
    assert parse_extra_members(["novel", "novel_2", "novel"]) == {"novel", "novel_2"}
    assert parse_extra_members([]) == frozenset()


@pytest.mark.parametrize(
    "name", sorted({*REFUSED, *DROPPED, *CHAT.allowed, "suffix", "background"})
)
def test_no_name_on_a_list_can_be_given(name: str) -> None:
    """Of whichever API: what is refused stays refused, what is checked stays checked."""
    with pytest.raises(MalformedRequest, match="known"):
        parse_extra_members([name])


@pytest.mark.parametrize("name", ["", "a b", "a\n", "1a", "_a", "é", "x" * 41])
def test_odd_names_are_refused(name: str) -> None:
    """They are not repeated."""
    with pytest.raises(MalformedRequest, match="letters"):
        parse_extra_members([name])


def test_they_are_few() -> None:
    """As many as somebody can have looked into."""
    names = [f"novel_{number}" for number in range(MAX_MEMBERS + 1)]
    assert len(parse_extra_members(names[1:])) == MAX_MEMBERS
    with pytest.raises(MalformedRequest, match="at most"):
        parse_extra_members(names)
