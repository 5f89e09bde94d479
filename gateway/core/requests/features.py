"""Parts of requests that only some clients may use, inside members that everybody may use.

The list is closed: what is granted is one of the names in ``Parameter``, never a member by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from gateway.core.errors import UnsupportedParameter
from gateway.core.grants import Parameter
from gateway.core.requests.places import find_places, placed

MEDIA_PARTS: Final = frozenset({"image_url", "image"})
"""The types of parts that hold an image, in any API."""


def _is_medium(part: Any) -> bool:
    return part.get("type") in MEDIA_PARTS


def _is_tokens(prompt: Any) -> bool:
    return isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], str)


def _is_given(value: Any) -> bool:
    return value is not None


class _Feature(NamedTuple):
    """What needs the grant of a *parameter*: a value at *path* that *asks* for it."""

    parameter: Parameter
    path: str
    asks: Callable[[Any], bool]


_FEATURES: Final = (
    _Feature(Parameter.DATA_URLS, "messages/*/content/*", _is_medium),
    _Feature(Parameter.TOKEN_PROMPTS, "prompt", _is_tokens),
    _Feature(Parameter.PATTERNS, "structured_outputs/regex", _is_given),
    _Feature(Parameter.GRAMMARS, "structured_outputs/grammar", _is_given),
)
_EMBEDDED: Final = (_Feature(Parameter.TOKEN_PROMPTS, "input", _is_tokens),)


def use_features(checked: dict[str, Any], granted: frozenset[Parameter]) -> frozenset[Parameter]:
    """Return which of the *granted* parameters the parts of a *checked* request use.

    Raises ``UnsupportedParameter`` for a part that needs another one.
    """
    return _use(checked, granted, _FEATURES)


def use_embedded_features(
    checked: dict[str, Any], granted: frozenset[Parameter]
) -> frozenset[Parameter]:
    """Do the same for a request of embeddings, whose prompts have another name."""
    return _use(checked, granted, _EMBEDDED)


def _use(
    checked: dict[str, Any], granted: frozenset[Parameter], features: tuple[_Feature, ...]
) -> frozenset[Parameter]:
    used = set()
    for parameter, path, asks in features:
        for pointer, value in find_places(checked, path):
            if asks(value):
                if parameter not in granted:
                    raise placed(
                        UnsupportedParameter(f"This needs the grant of '{parameter}'."), pointer
                    )
                used.add(parameter)
    return frozenset(used)
