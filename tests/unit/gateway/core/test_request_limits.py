"""Limits of requests."""

import pytest

from gateway.core.errors import MalformedRequest
from gateway.core.request_limits import DEFAULTS, HIGHEST, NAMES, limits_for, parse_limits


def test_a_client_has_those_of_the_gateway_unless_it_has_its_own() -> None:
    """One by one."""
    assert limits_for({}, DEFAULTS) is DEFAULTS
    own = limits_for({"choices": 1}, DEFAULTS)
    assert (own.choices, own.tools) == (1, DEFAULTS.tools)


def test_limits_are_known_and_within_reason() -> None:
    """From nothing at all to the highest; other names and numbers are refused."""
    for name in NAMES:
        highest = getattr(HIGHEST, name)
        assert parse_limits({name: highest}) == {name: highest}
        assert parse_limits({name: 0}) == {name: 0}
        assert getattr(DEFAULTS, name) <= highest
        for wrong in (highest + 1, -1):
            with pytest.raises(MalformedRequest, match=name):
                parse_limits({name: wrong})
    with pytest.raises(MalformedRequest):
        parse_limits({"canary": 1})
