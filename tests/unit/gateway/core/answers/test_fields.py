"""The allow-list of an answer."""

from typing import Any

import pytest

from gateway.core.answers import fields
from gateway.core.errors import ScrubFailed, UpstreamUnavailable

ENVELOPE: dict[str, Any] = {"id": "cmpl-1", "created": 5, "model": "org/tiny"}


def test_an_envelope_has_four_members() -> None:
    """Only id, object, created and model come out."""
    received = ENVELOPE | {"object": "canary", "prompt_text": "canary"}
    assert fields.envelope(received, "kind") == ENVELOPE | {"object": "kind"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "a b"},
        {"id": 1},
        {"model": None},
        {"model": "a b"},
        {"created": 1.5},
        {"created": -1},
    ],
)
def test_a_wrong_envelope_is_no_answer(wrong: dict[str, Any]) -> None:
    """Names that are not plain names are not passed on."""
    with pytest.raises(ScrubFailed):
        fields.envelope(ENVELOPE | wrong, "kind")


def test_the_first_envelope_is_that_of_all_events() -> None:
    """Of a later event it is verified and not shown, and an identifier is no telephone number."""
    first = fields.envelope(ENVELOPE | {"id": "tel-13800138000"}, "kind")
    assert first == ENVELOPE | {"id": "redacted", "object": "kind"}
    assert fields.envelope(ENVELOPE | {"id": "138", "model": "00138000"}, "kind", first) == first
    with pytest.raises(ScrubFailed):
        fields.envelope(ENVELOPE | {"id": 1}, "kind", first)


@pytest.mark.parametrize("received", [{"error": None}, ENVELOPE | {"object": "error"}])
def test_an_error_of_the_model_server_is_not_shown(received: dict[str, Any]) -> None:
    """Its text echoes the prompt, so only the fact comes out."""
    with pytest.raises(UpstreamUnavailable):
        fields.envelope(received, "kind")


def test_members_have_exactly_their_type() -> None:
    """Null and absent are one; true is no number."""
    assert fields.member({"a": "x"}, "a", str) == "x"
    assert fields.member({"a": None}, "a", str) is None
    assert fields.member({}, "a", str) is None
    with pytest.raises(ScrubFailed):
        fields.member({"a": True}, "a", int)


@pytest.mark.parametrize(
    "value", [None, [], {}, {"index": "1"}, {"index": -1}, {"index": 8}, {"index": True}]
)
def test_an_index_is_a_small_number(value: Any) -> None:
    """No index, or one out of range, cannot be told apart from others."""
    assert fields.index_of({"index": 7}, 7) == 7
    with pytest.raises(ScrubFailed):
        fields.index_of(value, 7)


def test_finish_reasons_are_known_words() -> None:
    """A reason that is not listed could be text."""
    assert fields.finish_reason({"finish_reason": "length"}) == "length"
    assert fields.finish_reason({}) is None
    with pytest.raises(ScrubFailed):
        fields.finish_reason({"finish_reason": "canary"})
    with pytest.raises(UpstreamUnavailable):
        fields.finish_reason({"finish_reason": "error"})


def test_usage_is_three_numbers() -> None:
    """Details, and anything that is not a number, stay out."""
    counts = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert fields.usage({"usage": counts | {"prompt_tokens_details": {"x": "canary"}}}) == counts
    assert fields.usage({"usage": None}) is None
    for wrong in ("canary", 2**60, 1.5, None):
        with pytest.raises(ScrubFailed):
            fields.usage({"usage": {"prompt_tokens": wrong}})


def test_the_role_is_the_assistant() -> None:
    """No other role speaks in an answer."""
    assert fields.role({"role": "assistant"}) == "assistant"
    assert fields.role({}) is None
    with pytest.raises(ScrubFailed):
        fields.role({"role": "canary"})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, None),
        ("get_weather", "get_weather"),
        ("say 13800138000", "redacted"),
        ("call_13800138000", "redacted"),
        ("", "redacted"),
    ],
)
def test_tool_names_look_like_names(name: str | None, expected: str | None) -> None:
    """The model writes the name, so it passes only as a plain name without personal data."""
    assert fields.tool_name({"name": name}) == expected


def test_tool_call_ids_look_like_ids() -> None:
    """Some parsers let the model write the identifier; a bad one is replaced."""
    assert fields.tool_call_id({"id": "chatcmpl-tool-9d1c"}, 2) == "chatcmpl-tool-9d1c"
    assert fields.tool_call_id({"id": "x 13800138000"}, 2) == "call_2"
