"""A checked inference request: what the gateway knows of it, and what goes upstream.

The upstream body is written anew from what was checked, which leaves no room for two parsers to
differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import orjson

from gateway.core.grants import Operation, Parameter
from gateway.core.requests.fields import Exact


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """A checked request; *upstream* is what vLLM gets to see of it.

    *prompts* holds the ends of the prompts that its answers continue without a break, and *n* says
    how many choices each has: choice ``i`` continues prompt ``i // n``. A chat has none, since
    template tokens stand between the last message and the answer, and fields that would have the
    model continue a message are refused or left out. A caller who writes half a value into a
    message gets the other half back only from a model that completes it on demand, and alone it is
    no value; what the caller puts together is out of reach here.

    *usage_shown* says whether the caller asked for the token counts of a stream; vLLM is asked for
    them in any case. *stops* are the strings at which the caller wants answers to end, and
    *parameters* is what it asked for beside what every client may.

    Nothing that the caller wrote is in the ``repr``.
    """

    operation: Operation
    model: str
    stream: bool
    upstream: dict[str, Any] = field(repr=False)
    prompts: tuple[str, ...] = field(default=(), repr=False)
    n: int = 1
    usage_shown: bool = True
    stops: frozenset[str] = field(default=frozenset(), repr=False)
    parameters: frozenset[Parameter] = frozenset()

    @property
    def upstream_body(self) -> bytes:
        """What is sent: *upstream* as JSON."""
        # A copy: the library's own has room for 4 KiB, and it lives as long as the answer runs.
        return bytes(memoryview(orjson.dumps(self.upstream)))

    def salted(self, cache_salt: str) -> Self:
        """Return the request with our *cache_salt*. Every API of vLLM takes it, no caller may."""
        return replace(self, upstream={**self.upstream, "cache_salt": Exact(cache_salt)})


def rebuilt(operation: Operation, checked: dict[str, Any], **known: Any) -> InferenceRequest:
    """Return the request that sends *checked* upstream; *known* are its other attributes."""
    stream = checked.get("stream", False)
    return InferenceRequest(operation, checked["model"], stream, checked, **known)
