"""vLLM's own ways to say what an answer looks like."""

from typing import Any

import pytest

from gateway.core.errors import SealgateError
from gateway.core.requests.structured_outputs import structured_outputs, template_options


@pytest.mark.parametrize(
    "value",
    [
        {"json": {"type": "object"}},
        {"json_object": True, "disable_any_whitespace": True},
        {"choice": ["yes", "no"]},
        {"regex": "[a-z]+"},
        {"grammar": 'root ::= "a"'},
    ],
)
def test_one_form_passes(value: dict[str, Any]) -> None:
    """Each of them alone."""
    assert structured_outputs("structured_outputs", value) == value


@pytest.mark.parametrize(
    "value",
    [
        "canary",
        {},
        {"disable_any_whitespace": True},
        {"json": {}, "choice": ["a"]},
        {"json": "canary"},
        {"json_object": False},
        {"choice": []},
        {"choice": [1]},
        {"regex": "(canary+)+"},
        {"grammar": 5},
        {"structural_tag": "canary"},
        {"whitespace_pattern": "canary"},
        {"_backend": "canary"},
    ],
)
def test_everything_else_is_refused(value: Any) -> None:
    """Several at once, none, or one that is not known; no value is repeated."""
    with pytest.raises(SealgateError) as caught:
        structured_outputs("structured_outputs", value)
    assert "canary" not in caught.value.detail


def test_templates_get_known_options_only() -> None:
    """What a template, or the function that renders it, would take beside them is refused."""
    options = {"enable_thinking": False, "thinking_budget": 5, "reasoning_effort": "low"}
    assert template_options("chat_template_kwargs", options) == options
    for name in ("chat_template", "tokenize", "tools", "messages", "x"):
        with pytest.raises(SealgateError):
            template_options("chat_template_kwargs", {name: True})
