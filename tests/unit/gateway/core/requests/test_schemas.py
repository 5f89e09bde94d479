"""JSON schemas of callers."""

from typing import Any

import pytest

from gateway.core.errors import UnsupportedParameter
from gateway.core.requests.schemas import verify_no_patterns


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {"pattern": {"type": "string"}}},
        {"enum": [{"pattern": "x"}]},
        {"$ref": "#/$defs/name", "$defs": {"name": {"type": "string"}}},
    ],
)
def test_plain_schemas_pass(schema: dict[str, Any]) -> None:
    """A member may be called pattern, and a value may look like a schema."""
    verify_no_patterns("x", schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "canary"},
        {"items": [{"patternProperties": {}}]},
        {"properties": {"a": {"pattern": "canary"}}},
        {"$ref": "#/enum/0"},
        {"$dynamicRef": "#/$defs/name"},
    ],
)
def test_regular_expressions_are_refused_wherever_they_stand(schema: dict[str, Any]) -> None:
    """So are references to what is not looked into; the error repeats nothing."""
    with pytest.raises(UnsupportedParameter) as caught:
        verify_no_patterns("tools", schema)
    assert "'tools'" in caught.value.detail
    assert "canary" not in caught.value.detail
