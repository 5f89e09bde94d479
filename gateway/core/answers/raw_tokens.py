"""Token ids and the prompt's log-probabilities, as the model server says them: nothing is scrubbed.

Only their form is checked. They are for developers to whom an operator granted them (ADR-0021);
everybody else is refused before the model server is asked.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.core.answers.asked import Asked
from gateway.core.answers.fields import count, member
from gateway.core.errors import ScrubFailed
from gateway.core.grants import Parameter

_IDS: Final = ("token_ids", "prompt_token_ids")


def raw_members(received: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """Return those raw members of an answer, or of a choice of it, that its request asked for."""
    shown: dict[str, Any] = {}
    if Parameter.TOKEN_IDS in asked.parameters:
        for name in _IDS:
            ids = member(received, name, list)
            if ids is not None:
                shown[name] = [count(token) for token in ids]
    if Parameter.PROMPT_LOGPROBS in asked.parameters:
        entries = member(received, "prompt_logprobs", list)
        if entries is not None:
            shown["prompt_logprobs"] = [_tokens(entry) for entry in entries]
    return shown


def _tokens(entry: Any) -> dict[str, Any] | None:
    if entry is None:
        return None
    if type(entry) is not dict or not all(type(told) is dict for told in entry.values()):
        raise ScrubFailed
    return {
        name: {part: told.get(part) for part in ("logprob", "rank", "decoded_token")}
        for name, told in entry.items()
    }
