"""vLLM's ``structured_outputs``, and the few options of chat templates that are known.

Both are members of vLLM's own. Everything in them that is not on a list is refused.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.core.grants import Parameter
from gateway.core.requests.allow_list import Granted
from gateway.core.requests.fields import (
    Check,
    Exact,
    exact_object,
    flag,
    integer,
    json_object,
    list_of,
    malformed,
    one_of,
    text,
)
from gateway.core.requests.patterns import verify_grammar, verify_pattern

MAX_WORDS: Final = 1024
_MAX_THINKING: Final = 2**24


def structured_outputs(name: str, value: Any) -> Any:
    """Accept exactly one form of the answer: a schema, a few words, a pattern or a grammar."""
    checked = exact_object(name, value, members=_MEMBERS)
    if len(checked.keys() & _FORMS) != 1:
        raise malformed(name, f"an object with one of {', '.join(sorted(_FORMS))}")
    return checked


def template_options(name: str, value: Any) -> Any:
    """Accept options that chat templates of known models read; nothing else reaches a template."""
    return exact_object(name, value, members=_OPTIONS)


def _regex(name: str, value: Any) -> Any:
    verify_pattern(text(name, value))
    return Exact(value)


def _grammar(name: str, value: Any) -> Any:
    verify_grammar(text(name, value))
    return Exact(value)


def _only_true(name: str, value: Any) -> Any:
    if value is not True:
        raise malformed(name, "true")
    return value


_FORMS: Final = frozenset({"json", "json_object", "choice", "regex", "grammar"})
_MEMBERS: Final[dict[str, Check]] = {
    "json": json_object,
    "json_object": _only_true,
    "choice": list_of(text, at_most=MAX_WORDS),
    "regex": _regex,
    "grammar": _grammar,
    "disable_any_whitespace": flag,
    "disable_additional_properties": flag,
}
_OPTIONS: Final[dict[str, Check]] = {
    "enable_thinking": flag,
    "thinking": flag,
    "preserve_thinking": flag,
    "thinking_budget": integer(0, _MAX_THINKING),
    "reasoning_effort": one_of("none", "minimal", "low", "medium", "high"),
}

TEMPLATE_OPTIONS: Final = Granted(Parameter.CHAT_TEMPLATE_KWARGS, template_options)
"""The member ``chat_template_kwargs``."""
