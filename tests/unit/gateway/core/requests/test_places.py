"""Places in requests."""

from gateway.core.errors import MalformedRequest
from gateway.core.requests.places import find_places, placed


def test_a_place_is_found_wherever_it_is() -> None:
    """Each element of a list is looked into; what is not there is passed over."""
    request = {"tools": [{"function": {"name": "f"}}, {}, 5, {"function": {"name": "g"}}]}
    assert list(find_places(request, "tools/*/function/name")) == [
        ("/tools/0/function/name", "f"),
        ("/tools/3/function/name", "g"),
    ]
    assert list(find_places(request, "tools/name")) == []
    assert list(find_places(request, "tools/*/*")) == []


def test_a_refusal_is_placed_below() -> None:
    """A pointer that it has already goes on from there."""
    refusal = MalformedRequest()
    refusal.pointer = "/b"
    assert placed(refusal, "/a/0").pointer == "/a/0/b"
