"""The options of what a client is given: what is shown can be typed."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.grants import (
    parse_grants,
    parse_networks,
    parse_parameters,
    parse_quota,
    show_grants,
)
from gateway.core.grants import Grant, Operation, Parameter, every_operation

NAMES = st.sampled_from(["a", "b/c", "d:1"])


@given(st.frozensets(st.builds(Grant, NAMES, st.sampled_from(Operation))))
def test_shown_grants_are_read_back(grants: frozenset[Grant]) -> None:
    """Every set of grants is shown as the options that give it."""
    assert parse_grants(show_grants(grants)) == grants


def test_bare_name_is_every_operation() -> None:
    """A model without operations is granted with all, and options add up."""
    assert parse_grants(["a", "a=completions"]) == every_operation(["a"])
    with pytest.raises(typer.BadParameter):
        parse_grants(["a=nothing"])


def test_networks_have_no_host_bits() -> None:
    """A network is written as one; what is none is wrong use."""
    assert [str(network) for network in parse_networks(["::1/128"])] == ["::1/128"]
    with pytest.raises(typer.BadParameter):
        parse_networks(["10.0.0.1/8"])


def test_quota_is_what_is_named() -> None:
    """Options that are left out change nothing, none lifts a limit."""
    assert parse_quota({"a": None}) is None
    assert parse_quota({"a": None, "b": "7", "c": "none"}) == {"b": 7, "c": None}


def test_parameters_are_written_with_commas():
    """Nothing leaves them as they are, and none takes all of them away."""
    assert parse_parameters("echo,logprobs") == {Parameter.ECHO, Parameter.LOGPROBS}
    assert parse_parameters("none") == frozenset()
    assert parse_parameters(None) is None
    for wrong in ("canary", "", "echo,"):
        with pytest.raises(typer.BadParameter):
            parse_parameters(wrong)
