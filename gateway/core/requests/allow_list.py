"""What one kind of request may hold: which members pass which check, which are dropped or refused.

The model server takes unknown members silently and knows many that bring out text where no scrubber
looks, or that turn the model into an oracle. So what is not on a list is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from gateway.core.grants import Parameter
from gateway.core.requests.fields import (
    LEFT_OUT,
    Check,
    checked_at,
    malformed,
    place,
    plain,
    unsupported,
)

# Why members are refused, in the caller's error.
NOT_SCRUBBED: Final = "it repeats text where it cannot be scrubbed"
ORACLE: Final = "it steers the model token by token"
PROMPTS_ARE_TEXT: Final = "prompts are text"
SERVERS_TEMPLATE: Final = "the template is the server's"
NOTHING_IS_KEPT: Final = "nothing is kept between requests"
STARVES: Final = "it takes its share from others"
SERVERS_OWN: Final = "it is the server's own"

# What SDKs add on the caller's behalf and the model server has no use for. It says who is behind
# the caller, so it stays here.
DROPPED: Final = frozenset(
    ["user", "metadata", "service_tier", "safety_identifier", "prompt_cache_key"]
)

# Members of every API of the model server that are refused, unless they say what leaving them out
# says.
REFUSED: Final[Mapping[str, tuple[Any, str]]] = {
    "prompt_logprobs": (False, NOT_SCRUBBED),
    "return_token_ids": (False, NOT_SCRUBBED),
    "return_tokens_as_token_ids": (False, NOT_SCRUBBED),
    "return_prompt_text": (False, NOT_SCRUBBED),
    "prompt_text": (False, NOT_SCRUBBED),
    "chat_template": (None, SERVERS_TEMPLATE),
    "chat_template_kwargs": (None, SERVERS_TEMPLATE),
    "prompt_embeds": (None, PROMPTS_ARE_TEXT),
    "prompt_token_ids": (None, PROMPTS_ARE_TEXT),
    "structured_outputs": (None, "use the schema of the answer's format"),
    "allowed_token_ids": (None, ORACLE),
    "logprob_token_ids": (None, ORACLE),
    "stop_token_ids": ([], ORACLE),
    "bad_words": ([], ORACLE),
    "min_tokens": (0, ORACLE),
    "ignore_eos": (False, ORACLE),
    "skip_special_tokens": (True, SERVERS_TEMPLATE),
    "spaces_between_special_tokens": (True, SERVERS_TEMPLATE),
    "add_generation_prompt": (True, SERVERS_TEMPLATE),
    "continue_final_message": (False, SERVERS_TEMPLATE),
    "documents": (None, SERVERS_TEMPLATE),
    "include_stop_str_in_output": (False, NOT_SCRUBBED),
    "return_token_offsets": (False, NOT_SCRUBBED),
    "use_beam_search": (False, STARVES),
    "length_penalty": (1.0, "it is for beams"),
    "priority": (0, STARVES),
    "cache_salt": (None, SERVERS_OWN),
    "request_id": (None, SERVERS_OWN),
    "session_id": (None, SERVERS_OWN),
    "kv_transfer_params": (None, SERVERS_OWN),
    "ec_transfer_params": (None, SERVERS_OWN),
    "lora_request": (None, "an adapter is a model by name"),
    "vllm_xargs": (None, SERVERS_OWN),
    "mm_processor_kwargs": (None, SERVERS_OWN),
    "media_io_kwargs": (None, SERVERS_OWN),
    "truncate_prompt_tokens": (None, "prompts are read whole"),
}


class Granted(NamedTuple):
    """A refused member that passes *check* for callers who were granted its *parameter*."""

    parameter: Parameter
    check: Check


@dataclass(frozen=True, slots=True)
class AllowList:
    """The members of one kind of request.

    *allowed* pass their check and go upstream, unless it leaves them out; those in *needed* must be
    there, *dropped* ones are taken and go no further. *refused* ones are refused for the reason
    that stands beside the value that asks for nothing; so is everything else, without one. Of the
    refused ones, those in *granted* pass for some callers.
    """

    allowed: Mapping[str, Check]
    needed: tuple[str, ...]
    refused: Mapping[str, tuple[Any, str]] = field(default_factory=lambda: REFUSED)
    dropped: frozenset[str] = DROPPED
    granted: Mapping[str, Granted] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Every member that is known, whatever becomes of it."""
        return self.dropped.union(self.allowed, self.refused, self.granted)

    def check(
        self,
        received: dict[str, Any],
        granted: frozenset[Parameter] = frozenset(),
        extra: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        """Return what of *received* goes upstream, where the caller was *granted* some parameters.

        Of members that no list knows those named in *extra* pass, if they are plain values.
        Raises ``MalformedRequest`` or ``UnsupportedParameter``, which name members and never hold
        values.
        """
        checked: dict[str, Any] = {}
        for name, value in received.items():
            check = self._find_check(name, value, granted)
            if check is None and name in extra and name not in self.names:
                check = plain
            if check is not None:
                passed = LEFT_OUT if value is None else checked_at(check, name, value, at=name)
                if passed is not LEFT_OUT:
                    checked[name] = passed
            elif name not in self.dropped:
                self._verify_neutral(name, value)
        for name in self.needed:
            if name not in checked:
                raise place(malformed(name, "given"), name)
        return checked

    def used(self, checked: dict[str, Any]) -> frozenset[Parameter]:
        """Return the parameters that *checked* asks for."""
        return frozenset(self.granted[name].parameter for name in checked if name in self.granted)

    def _find_check(self, name: str, value: Any, granted: frozenset[Parameter]) -> Check | None:
        gate = self.granted.get(name)
        if gate is None:
            return self.allowed.get(name)
        # What asks for nothing asks for no grant either.
        is_open = gate.parameter in granted and not self._is_neutral(name, value)
        return gate.check if is_open else None

    def _is_neutral(self, name: str, value: Any) -> bool:
        neutral, _ = self.refused[name]
        # The types too: 0 and false are equal in Python and mean different things here.
        return value is None or (type(value) is type(neutral) and value == neutral)

    def _verify_neutral(self, name: str, value: Any) -> None:
        """Refuse a member outside the list, unless it asks for nothing."""
        if name not in self.refused:
            raise place(unsupported(name), name)
        if not self._is_neutral(name, value):
            raise place(unsupported(name, self.refused[name][1]), name)
