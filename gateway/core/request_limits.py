"""How much a request may ask for: limits of the gateway, and of one client in their place.

Pure numbers; ``core/requests/limits`` says what in a request each of them counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from gateway.core.errors import MalformedRequest


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The most that a request may ask for (ADR 0029); the defaults hold where nothing is set.

    *output_tokens* are those of one answer, and what is asked for where the caller names none;
    *stop_characters* are those of one stop string; *alternatives* are tokens beside each token;
    *schema_bytes* and *schema_depth* are those of one JSON schema, of a tool or of the answer.
    """

    output_tokens: int = 2**24  # more than any context, so the model's own is the limit
    choices: int = 8  # each costs as much as a request of its own
    stop_strings: int = 4  # as in OpenAI's API reference
    stop_characters: int = 256
    biases: int = 300
    alternatives: int = 20  # as in OpenAI's API reference; vLLM's own limit may be lower
    messages: int = 4096
    tools: int = 128
    schema_bytes: int = 65_536
    schema_depth: int = 40
    images: int = 8


DEFAULTS: Final = RequestLimits()

HIGHEST: Final = RequestLimits(
    choices=32,
    stop_strings=64,
    stop_characters=1024,
    biases=1024,
    tools=512,
    schema_bytes=524_288,
    schema_depth=64,
    images=64,
)
"""What no limit can be set above: more was never tried."""

NAMES: Final = tuple(field.name for field in fields(RequestLimits))


def parse_limits(given: Mapping[str, int]) -> Mapping[str, int]:
    """Return the limits *given* by name. Raises ``MalformedRequest`` for what cannot be one."""
    highest = asdict(HIGHEST)
    for name, limit in given.items():
        if name not in highest:
            raise MalformedRequest(f"A limit is one of {', '.join(NAMES)}.")
        if not 0 <= limit <= highest[name]:
            raise MalformedRequest(f"The limit '{name}' is a number from 0 to {highest[name]}.")
    return dict(given)


def limits_for(own: Mapping[str, int], gateway: RequestLimits) -> RequestLimits:
    """Return the limits of a client with limits of its *own* at a *gateway* with others."""
    return replace(gateway, **own) if own else gateway
