"""JSON schemas that a caller sends: of tools and of the answer's format.

Those that the model must obey may not constrain strings by a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.core.errors import MalformedRequest, UnsupportedParameter

# A regular expression in a schema steers the model character by character: a way to make it spell
# out what it remembers, and to keep the grammar compiler busy.
_PATTERNS: Final = frozenset({"pattern", "patternProperties"})
# Under these keywords the member names are the schema author's own.
_NAMED_SCHEMAS: Final = frozenset(
    {"properties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
# Under these keywords stand plain values, not schemas.
_VALUES: Final = frozenset({"enum", "const", "default", "examples", "required"})
# A reference to any other place could turn a plain value, which is not looked into, into a schema.
_REFERENCE: Final = re.compile(r"#/(?:\$defs|definitions)/[A-Za-z0-9_.-]{1,128}")
_DYNAMIC_REFERENCES: Final = frozenset({"$dynamicRef", "$recursiveRef"})


def verify_no_patterns(name: str, schema: Any) -> None:
    """Refuse a JSON *schema* that constrains strings by a regular expression.

    A reference may only name a definition, ``#/$defs/NAME`` or ``#/definitions/NAME``; those are
    checked like all other schemas, wherever they stand.
    """
    if isinstance(schema, list):
        for item in schema:
            verify_no_patterns(name, item)
    if not isinstance(schema, dict):
        return
    for keyword, inner in schema.items():
        if keyword in _PATTERNS:
            raise UnsupportedParameter(f"The schema in '{name}' holds a regular expression.")
        if keyword in _DYNAMIC_REFERENCES or (keyword == "$ref" and not _is_definition(inner)):
            raise UnsupportedParameter(
                f"The schema in '{name}' refers to something else than '#/$defs/NAME'."
            )
        if keyword in _NAMED_SCHEMAS and isinstance(inner, dict):
            verify_no_patterns(name, list(inner.values()))
        elif keyword not in _VALUES:
            verify_no_patterns(name, inner)


def _is_definition(reference: Any) -> bool:
    return isinstance(reference, str) and _REFERENCE.fullmatch(reference) is not None


def verify_obeyed_schemas(tools: Sequence[Mapping[str, Any]], *, member: str, forced: bool) -> None:
    """Refuse regular expressions in the schemas of those *tools* that the model has to obey.

    It obeys all of them if it is *forced* to call one, and always those that are strict; *member*
    is where their schema is. Raises ``MalformedRequest`` for a choice without tools.
    """
    if forced and not tools:
        raise MalformedRequest("The field 'tool_choice' needs 'tools'.")
    for tool in tools:
        if forced or tool.get("strict"):
            verify_no_patterns("tools", tool.get(member, {}))
