"""Places in a checked request: ``tools/*/function`` names a member of each element of a list.

What is not there is passed over, so one path serves every API that has the place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.core.errors import SealgateError


def find_places(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the JSON pointer and the value of each place in *value* that *path* names."""
    found = [("", value)]
    for step in path.split("/"):
        if not found:
            return
        found = [below for pointer, inner in found for below in _below(pointer, inner, step)]
    yield from found


def placed(refusal: SealgateError, pointer: str) -> SealgateError:
    """Return *refusal*, pointing to a place below *pointer*."""
    refusal.pointer = pointer + refusal.pointer
    return refusal


def _below(pointer: str, value: Any, step: str) -> Iterator[tuple[str, Any]]:
    if step == "*":
        if isinstance(value, list):
            for index, inner in enumerate(value):
                yield f"{pointer}/{index}", inner
    elif isinstance(value, dict) and step in value:
        yield f"{pointer}/{step}", value[step]
