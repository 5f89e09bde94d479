"""JSON schemas that a caller sends: of tools and of the answer's format.

None is larger than a compiler of grammars can take. Those that the model must obey may constrain
strings by a regular expression only for callers who were granted that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import orjson

from gateway.core.errors import MalformedRequest, SealgateError, UnsupportedParameter
from gateway.core.grants import Parameter
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.fields import place
from gateway.core.requests.patterns import verify_pattern
from gateway.core.requests.places import find_places, placed

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
# Options of one compiler of grammars, among them regular expressions between values.
_OPTIONS: Final = "x-guidance"
# Compilers unroll what is counted.
_COUNTS: Final = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
)
MAX_COUNT: Final = 65_536

# Where the model has to obey a schema, in any API.
_FORMATS: Final = (
    "response_format/json_schema/schema",
    "text/format/schema",
    "output_config/format/schema",
    "structured_outputs/json",
)


class _Tools(NamedTuple):
    """Where an API has its tools, and where the schema of each is."""

    tools: str
    schema: str


_TOOLS: Final = (
    _Tools("tools/*/function", "parameters"),
    _Tools("tools/*", "parameters"),
    _Tools("tools/*", "input_schema"),
)


def use_schemas(
    checked: dict[str, Any], granted: frozenset[Parameter], *, forced: bool
) -> frozenset[Parameter]:
    """Return which of the *granted* parameters the obeyed schemas of a *checked* request use.

    The model obeys the schemas of the answer's format and of strict tools, and of all tools if it
    is *forced* to call one. Raises ``UnsupportedParameter`` for what was not granted, and
    ``MalformedRequest`` for a choice without tools.
    """
    if forced and not checked.get("tools"):
        raise place(MalformedRequest("The field 'tool_choice' needs 'tools'."), "tool_choice")
    uses = False
    for pointer, schema in _obeyed(checked, forced=forced):
        try:
            _verify_size(schema)
            uses |= verify_schema(schema, patterns=Parameter.PATTERNS in granted)
        except SealgateError as refusal:
            raise placed(refusal, pointer) from None
    return frozenset({Parameter.PATTERNS}) if uses else frozenset()


def _verify_size(schema: Any) -> None:
    """Refuse, before it is looked into, what no client may send."""
    if len(orjson.dumps(schema)) > HIGHEST.schema_bytes:
        raise UnsupportedParameter(f"A schema has at most {HIGHEST.schema_bytes} bytes.")


def _obeyed(checked: dict[str, Any], *, forced: bool) -> Iterator[tuple[str, Any]]:
    for path in _FORMATS:
        yield from find_places(checked, path)
    for tools, member in _TOOLS:
        for pointer, tool in find_places(checked, tools):
            if member in tool and (forced or tool.get("strict")):
                yield f"{pointer}/{member}", tool[member]


def verify_schema(schema: Any, *, patterns: bool) -> bool:
    """Return whether a JSON *schema* that the model obeys constrains strings by patterns.

    Raises ``UnsupportedParameter`` if it does and *patterns* are not let through, or if one of
    them is not simple. A reference may only name a definition, ``#/$defs/NAME`` or
    ``#/definitions/NAME``; those are checked like all other schemas, wherever they stand.
    """
    if isinstance(schema, list):
        return _any_of(verify_schema(item, patterns=patterns) for item in schema)
    if not isinstance(schema, dict):
        return False
    return _any_of(
        _verify_keyword(keyword, inner, patterns=patterns) for keyword, inner in schema.items()
    )


def _verify_keyword(keyword: str, inner: Any, *, patterns: bool) -> bool:
    if keyword in _PATTERNS:
        _verify_patterns(inner, patterns=patterns)
        if isinstance(inner, dict):
            verify_schema(list(inner.values()), patterns=patterns)
        return True
    if keyword in _DYNAMIC_REFERENCES or (keyword == "$ref" and not _is_definition(inner)):
        raise UnsupportedParameter("The schema refers to something else than '#/$defs/NAME'.")
    if keyword == _OPTIONS:
        raise UnsupportedParameter(f"The schema holds '{_OPTIONS}', options of its compiler.")
    if keyword in _COUNTS and not _is_count(inner):
        raise UnsupportedParameter(f"The schema counts to more than {MAX_COUNT}.")
    if keyword in _NAMED_SCHEMAS and isinstance(inner, dict):
        return verify_schema(list(inner.values()), patterns=patterns)
    return keyword not in _VALUES and verify_schema(inner, patterns=patterns)


def _verify_patterns(inner: Any, *, patterns: bool) -> None:
    if not patterns:
        raise UnsupportedParameter("The schema holds a regular expression.")
    for pattern in inner if isinstance(inner, dict) else [inner]:
        if not isinstance(pattern, str):
            raise UnsupportedParameter("A regular expression of the schema is no string.")
        verify_pattern(pattern)


def _any_of(found: Iterable[bool]) -> bool:
    return any(list(found))  # each is checked, whatever the others are


def _is_definition(reference: Any) -> bool:
    return isinstance(reference, str) and _REFERENCE.fullmatch(reference) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value <= MAX_COUNT
