"""JSON schemas of callers."""

from typing import Any

import pytest

from gateway.core.errors import MalformedRequest, UnsupportedParameter
from gateway.core.grants import Parameter
from gateway.core.requests.schemas import MAX_COUNT, use_schemas, verify_schema

PATTERNS = frozenset({Parameter.PATTERNS})


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {"pattern": {"type": "string"}}},
        {"enum": [{"pattern": "x"}]},
        {"$ref": "#/$defs/name", "$defs": {"name": {"type": "string"}}},
        {"maxLength": MAX_COUNT},
    ],
)
def test_plain_schemas_pass(schema: dict[str, Any]) -> None:
    """A member may be called pattern, and a value may look like a schema."""
    assert not verify_schema(schema, patterns=False)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "canary"},
        {"items": [{"patternProperties": {}}]},
        {"properties": {"a": {"pattern": "canary"}}},
        {"patternProperties": {"x": {"pattern": "canary"}}},
    ],
)
def test_regular_expressions_are_found_wherever_they_stand(schema: dict[str, Any]) -> None:
    """They are refused without the grant, and the error repeats nothing."""
    with pytest.raises(UnsupportedParameter) as caught:
        verify_schema(schema, patterns=False)
    assert "canary" not in caught.value.detail
    assert verify_schema(schema, patterns=True)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/enum/0"},
        {"$dynamicRef": "#/$defs/name"},
        {"x-guidance": {"whitespace_pattern": "(canary)+"}},
        {"properties": {"a": {"x-guidance": {}}}},
        {"items": {"maxItems": MAX_COUNT + 1}},
        {"minLength": "1"},
        {"pattern": "(a+)+"},
        {"pattern": 1},
        {"patternProperties": {"(a+)+": {}}},
        {"patternProperties": {"a": {"$ref": "http://example.com"}}},
    ],
)
def test_what_no_compiler_should_see_is_refused(schema: dict[str, Any]) -> None:
    """Whatever was granted."""
    with pytest.raises(UnsupportedParameter):
        verify_schema(schema, patterns=True)


def test_the_model_obeys_formats_and_strict_or_forced_tools() -> None:
    """Other schemas are advice; the refusal points to the one at fault."""
    schema = {"pattern": "a"}
    tool = {"function": {"name": "f", "parameters": schema}}
    assert use_schemas({"tools": [tool]}, frozenset(), forced=False) == frozenset()
    strict = {"function": {**tool["function"], "strict": True}}
    for checked, forced, pointer in (
        ({"tools": [{}, tool]}, True, "/tools/1/function/parameters"),
        ({"tools": [strict]}, False, "/tools/0/function/parameters"),
        ({"tools": [{"input_schema": schema}]}, True, "/tools/0/input_schema"),
        ({"text": {"format": {"schema": schema}}}, False, "/text/format/schema"),
        ({"structured_outputs": {"json": schema}}, False, "/structured_outputs/json"),
    ):
        with pytest.raises(UnsupportedParameter) as caught:
            use_schemas(checked, frozenset(), forced=forced)
        assert caught.value.pointer == pointer
        assert use_schemas(checked, PATTERNS, forced=forced) == PATTERNS


def test_a_choice_needs_tools() -> None:
    """Nothing can be forced where there is nothing."""
    with pytest.raises(MalformedRequest):
        use_schemas({}, frozenset(), forced=True)
