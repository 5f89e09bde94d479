"""The section ``requests``: how much a request may ask for, unless its client has other limits.

No limit can be turned off; what cannot be counted is not let through.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.core.request_limits import DEFAULTS, HIGHEST, RequestLimits


class RequestSettings(BaseModel):
    """The limits of requests by name, as ``RequestLimits`` has them (gateway/parameters.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output_tokens: Annotated[int, Field(ge=0, le=HIGHEST.output_tokens)] = DEFAULTS.output_tokens
    choices: Annotated[int, Field(ge=0, le=HIGHEST.choices)] = DEFAULTS.choices
    stop_strings: Annotated[int, Field(ge=0, le=HIGHEST.stop_strings)] = DEFAULTS.stop_strings
    stop_characters: Annotated[int, Field(ge=0, le=HIGHEST.stop_characters)] = (
        DEFAULTS.stop_characters
    )
    biases: Annotated[int, Field(ge=0, le=HIGHEST.biases)] = DEFAULTS.biases
    alternatives: Annotated[int, Field(ge=0, le=HIGHEST.alternatives)] = DEFAULTS.alternatives
    messages: Annotated[int, Field(ge=0, le=HIGHEST.messages)] = DEFAULTS.messages
    tools: Annotated[int, Field(ge=0, le=HIGHEST.tools)] = DEFAULTS.tools
    schema_bytes: Annotated[int, Field(ge=0, le=HIGHEST.schema_bytes)] = DEFAULTS.schema_bytes
    schema_depth: Annotated[int, Field(ge=0, le=HIGHEST.schema_depth)] = DEFAULTS.schema_depth
    images: Annotated[int, Field(ge=0, le=HIGHEST.images)] = DEFAULTS.images

    def limits(self) -> RequestLimits:
        """Return what is set here as limits."""
        return RequestLimits(**self.model_dump())
