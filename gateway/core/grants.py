"""What a client may be given: models by operation, a data class, a quota, proof of possession.

Pure values; what they decide is in ``policy``. An empty grant denies, a missing quota does not
limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Operation(StrEnum):
    """The inference calls that the gateway understands."""

    CHAT_COMPLETIONS = "chat_completions"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    EMBEDDINGS = "embeddings"


class Grant(NamedTuple):
    """Leave to make one kind of call to one model or LoRA adapter."""

    model: str
    operation: Operation

    @property
    def permission(self) -> str:
        """The name under which the use of this grant is recorded and reclaimed."""
        return f"models:call:{self.operation}:{self.model}"


def every_operation(models: Iterable[str]) -> frozenset[Grant]:
    """Return the grants of each operation of each of *models*."""
    return frozenset(Grant(model, operation) for model in models for operation in Operation)


class Parameter(StrEnum):
    """What a request may ask for only where an operator granted it (ADR-0021, ADR-0029).

    ``logprobs`` are those of an answer in which no value was found; ``echo`` repeats the prompt,
    scrubbed; ``stop_reason`` says at which of the caller's own strings an answer ended.
    ``token_ids`` and ``prompt_logprobs`` are raw: nothing in them is scrubbed. The others are of
    requests: images as data URLs, regular expressions and grammars that the model has to obey,
    options of its chat template, and prompts of token ids.
    """

    LOGPROBS = "logprobs"
    ECHO = "echo"
    STOP_REASON = "stop_reason"
    TOKEN_IDS = "token_ids"  # noqa: S105 - no password
    PROMPT_LOGPROBS = "prompt_logprobs"
    DATA_URLS = "data_urls"
    PATTERNS = "patterns"
    GRAMMARS = "grammars"
    CHAT_TEMPLATE_KWARGS = "chat_template_kwargs"
    TOKEN_PROMPTS = "token_prompts"  # noqa: S105 - no password


RAW_PARAMETERS = frozenset({Parameter.TOKEN_IDS, Parameter.PROMPT_LOGPROBS})
"""Unscrubbed: only for developers, whose models are not in production."""

UNMASKABLE_PARAMETERS = frozenset(
    {Parameter.DATA_URLS, Parameter.PATTERNS, Parameter.GRAMMARS, Parameter.TOKEN_PROMPTS}
)
"""What nothing can be masked in: not for clients whose models are to see no personal data."""


class DataClass(StrEnum):
    """How much harm the content of a request could do, from the least to the most."""

    PUBLIC = "public"
    INTERNAL = "internal"
    SENSITIVE = "sensitive"
    CORE = "core"

    @property
    def rank(self) -> int:
        """The place in the order, from 0 for public."""
        return _RANKS[self]


_RANKS = {data_class: rank for rank, data_class in enumerate(DataClass)}


class TokenBinding(StrEnum):
    """What a client must prove, besides its token, that the token is its own.

    ``dpop`` is RFC 9449, ``certificate`` is RFC 8705, ``either`` takes one of both. With ``none``
    bearer tokens are taken too; a token that is bound needs its proof whatever this says.
    """

    NONE = "none"
    DPOP = "dpop"
    CERTIFICATE = "certificate"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a client may use; ``None`` does not limit. Tokens are those of vLLM's usage."""

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrent_streams: int | None = None

    @property
    def limits_tokens(self) -> bool:
        """Whether tokens have to be counted."""
        return self.tokens_per_minute is not None or self.tokens_per_day is not None


UNLIMITED = Quota()
