"""What requests with several choices have in common."""

from typing import Any

import pytest

from gateway.core.errors import MalformedRequest
from gateway.core.requests.choices import ask_for_usage, stops_of


@pytest.mark.parametrize(
    ("options", "shown"),
    [({}, False), ({"include_usage": False}, False), ({"include_usage": True}, True)],
)
def test_a_stream_always_asks_for_its_cost(options: dict[str, Any], shown: bool) -> None:
    """Whether the caller sees it is the caller's choice."""
    checked = {"stream": True, "stream_options": options}
    assert ask_for_usage(checked) is shown
    assert checked["stream_options"] == {"include_usage": True}


def test_stops_are_one_string_or_several() -> None:
    """Both ways of writing them are the same."""
    assert stops_of({"stop": "END"}) == stops_of({"stop": ["END"]}) == {"END"}
    assert stops_of({}) == frozenset()


def test_options_of_a_stream_need_a_stream() -> None:
    """Without one they are a mistake; without both nothing is added."""
    with pytest.raises(MalformedRequest):
        ask_for_usage({"stream_options": {}})
    plain: dict[str, Any] = {}
    assert ask_for_usage(plain) is False
    assert plain == {}
