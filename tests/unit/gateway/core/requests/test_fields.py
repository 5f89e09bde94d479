"""Checks of single request fields."""

import math
from functools import partial
from typing import Any

import pytest

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.request_limits import HIGHEST
from gateway.core.requests import fields

GOOD = [
    (fields.integer(1, 8), 8),
    (fields.number(0, 2), 1),
    (fields.number(0, 2), 0.5),
    (fields.one_of("a", "b"), "b"),
    (fields.flag, False),
    (fields.text, ""),
    (fields.identifier, "get_weather-2.v1:x"),
    (fields.model_name, "org/model@1"),
    (fields.stop, "END"),
    (fields.stop, ["a", "b"]),
    (fields.logit_bias, {"50256": -100, "1": 0.5}),
    (fields.prompt, "x"),
    (fields.prompt, ["x", "y"]),
    (fields.prompt, [1, 2]),
    (fields.prompt, [[1], [2]]),
]
BAD = [
    (fields.integer(1, 8), 9),
    (fields.integer(1, 8), True),
    (fields.integer(1, 8), 1.0),
    (fields.number(0, 2), "1"),
    (fields.number(0, 2), True),
    (fields.number(0, 2), 2.5),
    (fields.number(0, 2), math.nan),
    (fields.one_of("a"), "canary"),
    (fields.one_of("a"), ["a"]),
    (fields.flag, 1),
    (fields.text, 1),
    (fields.identifier, "canary canary"),
    (fields.identifier, ""),
    (fields.identifier, "a" * 129),
    (fields.model_name, "a b"),
    (fields.model_name, 3),
    (fields.stop, ["canary"] * (HIGHEST.stop_strings + 1)),
    (fields.stop, "canary" * HIGHEST.stop_characters),
    (fields.stop, [1]),
    (fields.logit_bias, []),
    (fields.logit_bias, {"canary": 1}),
    (fields.logit_bias, {"1": 101}),
    (fields.logit_bias, {str(i): 1 for i in range(HIGHEST.biases + 1)}),
    (fields.prompt, [1, "canary"]),
    (fields.prompt, [[1, 2]] * 9),
    (fields.prompt, []),
    (fields.prompt, ["x"] * 9),
]


@pytest.mark.parametrize(("check", "value"), GOOD)
def test_good_values_come_back(check: fields.Check, value: Any) -> None:
    """A value that passes is returned as it is."""
    assert check("field", value) == value


@pytest.mark.parametrize(("check", "value"), BAD)
def test_bad_values_are_named_not_repeated(check: fields.Check, value: Any) -> None:
    """The error names the field and never holds the value."""
    with pytest.raises(MalformedRequest) as caught:
        check("field", value)
    assert "'field'" in caught.value.detail
    assert "canary" not in caught.value.detail


@pytest.mark.parametrize(
    "check", [fields.identifier, fields.model_name, fields.one_of("ann", "bob")]
)
def test_what_is_no_text_is_marked(check: fields.Check) -> None:
    """Names, identifiers and words of ours go on as they are; all else is text to be masked."""
    assert type(check("field", "ann")) is fields.Exact
    assert type(fields.text("field", "ann")) is str
    assert type(fields.speaker_name("field", "ann")) is str


def test_members_of_a_free_object_are_the_callers() -> None:
    """Any object is taken and marked; nothing else is."""
    assert type(fields.json_object("field", {"a": 1})) is fields.FreeObject
    with pytest.raises(MalformedRequest):
        fields.json_object("field", [])


def test_an_exact_object_has_only_known_members() -> None:
    """Known members are checked, null ones left out, unknown ones refused."""
    check = partial(fields.exact_object, members={"a": fields.flag})
    assert check("field", {"a": True}) == {"a": True}
    assert check("field", {"a": None}) == {}
    with pytest.raises(UnsupportedParameter, match="'b'"):
        check("field", {"b": 1})
    with pytest.raises(MalformedRequest):
        check("field", [])


def test_needed_members_must_be_there() -> None:
    """What is missing is named."""
    fields.require("field", {"a": 1}, ["a"])
    with pytest.raises(MalformedRequest, match="'b'"):
        fields.require("field", {"a": 1}, ["b"])


@pytest.mark.parametrize("name", ["canary canary", "a" * 41, "", "канарейка", "1a"])
def test_odd_names_are_not_repeated(name: str) -> None:
    """A member name is the caller's text; only a short plain one is shown."""
    assert fields.unsupported(name).detail == "A field of the request is not supported."


def test_a_refusal_points_to_the_place_at_fault() -> None:
    """Through lists and objects, and to the one above a name that is not plain."""
    members = {
        "a": fields.list_of(partial(fields.exact_object, members={"b": fields.flag}), at_most=3)
    }
    check = partial(fields.exact_object, members=members)
    for value, pointer in (
        ({"a": [{"b": True}, {"b": 1}]}, "/a/1/b"),
        ({"a": [{"c": 1}]}, "/a/0/c"),
        ({"a": [{"canary canary": 1}]}, "/a/0"),
        ({"canary canary": 1}, ""),
        ({"a": 5}, "/a"),
    ):
        with pytest.raises(SealgateError) as caught:
            check("field", value)
        assert caught.value.pointer == pointer
