"""The options of what a client is given: what is shown can be typed."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.grants import (
    parse_grants,
    parse_members,
    parse_networks,
    parse_parameters,
    parse_quota,
    parse_request_limits,
    parse_scrub,
    show_grants,
)
from gateway.core.grants import Grant, Operation, Parameter, every_operation
from gateway.core.scrub_rules import SILENT, ScrubRules, Treatment

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


def test_rules_for_found_values_are_read() -> None:
    """Each option is a rule; ``none`` takes all away, and without options nothing changes."""
    masked = ScrubRules(Treatment.BLOCK, {"PHONE": Treatment.MASK})
    assert parse_scrub(["default=block", "PHONE=mask"]) == masked
    assert (parse_scrub(["none"]), parse_scrub([])) == (SILENT, None)


@pytest.mark.parametrize("wrong", [["PHONE=block", "PHONE=mask"], ["PHONE"], ["phone=mask"]])
def test_no_rule_is_without_effect(wrong: list[str]) -> None:
    """A type named twice is refused, as is one that nobody knows: no block is undone in silence."""
    with pytest.raises(typer.BadParameter):
        parse_scrub(wrong)


def test_limits_of_requests_are_read() -> None:
    """Each by name and number; nothing leaves them, none lifts all."""
    assert parse_request_limits(["choices=2", "tools=0"]) == {"choices": 2, "tools": 0}
    assert parse_request_limits(["none"]) == {}
    assert parse_request_limits(None) is None
    for wrong in ("choices", "choices=", "choices=x", "canary=1", "choices=-1", "choices=9999"):
        with pytest.raises(typer.BadParameter):
            parse_request_limits([wrong])


def test_extra_members_are_written_with_commas() -> None:
    """No option leaves them, the word none takes them away, what is known is refused."""
    assert parse_members("a,b_1") == {"a", "b_1"}
    assert parse_members("none") == frozenset()
    assert parse_members(None) is None
    for wrong in ("", "a,", "a b", "cache_salt"):
        with pytest.raises(typer.BadParameter):
            parse_members(wrong)
