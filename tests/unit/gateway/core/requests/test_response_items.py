"""The input of requests for a response."""

from typing import Any

import pytest

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.requests.response_items import response_input


def test_a_string_is_an_input() -> None:
    """It is what the user says."""
    assert response_input("input", "hi") == "hi"


@pytest.mark.parametrize("status", ["completed", "in_progress", "incomplete", None])
def test_items_of_an_earlier_answer_come_back(status: str | None) -> None:
    """Without their state: the model would go on inside an item that is not finished."""
    returned = {"id": "it_1", "status": status}
    parts = [
        {"type": "output_text", "text": "so ", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "no"},
    ]
    thought = [{"type": "reasoning_text", "text": t} for t in ("a", "b")]
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        returned | {"type": "reasoning", "content": thought, "encrypted_content": None},
        returned | {"type": "message", "role": "assistant", "content": parts},
        returned | {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [{"type": "input_text", "text": "5"}],
        },
    ]
    assert response_input("input", items) == [
        {"type": "message", "role": "user", "content": items[0]["content"]},
        {
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "ab"}],
        },
        {"type": "message", "role": "assistant", "content": "so no"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "5"},
    ]


def test_a_reasoning_may_be_a_summary() -> None:
    """Nothing of it is lost, and an empty one is none."""
    summary = [{"type": "summary_text", "text": "x"}]
    [item] = response_input("input", [{"type": "reasoning", "summary": summary, "content": []}])
    assert item == {"type": "reasoning", "summary": summary, "content": []}


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"role": "canary", "content": "x"}, MalformedRequest),
        ({"role": "user"}, MalformedRequest),
        ({"role": "user", "content": []}, MalformedRequest),
        ({"role": "user", "content": [{"type": "input_image"}]}, UnsupportedParameter),
        ({"role": "user", "content": [{"type": "input_file"}]}, UnsupportedParameter),
        ({"role": "user", "content": [{"type": "input_text"}]}, MalformedRequest),
        ({"role": "assistant", "content": [{"type": "canary"}]}, MalformedRequest),
        ({"type": "item_reference", "id": "canary"}, MalformedRequest),
        ({"type": "web_search_call"}, MalformedRequest),
        ({"type": "function_call", "call_id": "c", "name": "f"}, MalformedRequest),
        ({"type": "function_call_output", "call_id": "c"}, MalformedRequest),
        ({"type": "message", "role": "user", "content": "x", "odd": 1}, UnsupportedParameter),
        ("canary", MalformedRequest),
    ],
)
def test_other_items_are_refused(item: Any, error: type[SealgateError]) -> None:
    """What is no text, points elsewhere or is not known."""
    with pytest.raises(error) as caught:
        response_input("input", [item])
    assert "canary" not in caught.value.detail
