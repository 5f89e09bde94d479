"""Regular expressions and grammars that the model has to obey: short and without nested repetition.

What passes is compiled by the model server, whose compiler must not be kept busy by it (ADR 0029).
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.errors import UnsupportedParameter

MAX_PATTERN_CHARACTERS: Final = 512
MAX_GRAMMAR_CHARACTERS: Final = 16_384
MAX_GRAMMAR_RULES: Final = 256
# Counted repetitions are unrolled by compilers of grammars, each of them as often as it says.
MAX_REPETITIONS: Final = 1_000
MAX_NESTING: Final = 16

# Groups that look around, refer back or set flags are not in here.
_TOKEN: Final = re.compile(
    r"\\(?P<escape>[^1-9])|(?P<set>\[\^?+\]?+(?:[^\]\\]|\\.)*+\])|(?P<open>\((?:\?:)?(?!\?))"
    r"|(?P<close>\))|(?P<often>[*+])|(?P<optional>\?)|\{(?P<low>[0-9]{1,6})(?:,(?P<high>[0-9]{1,6})?)?\}"
    r"|(?P<plain>[^\\\[()*+?{])",
    re.DOTALL,
)
_COUNTED: Final = re.compile(r"\{\s*+0*+([0-9]*+)\s*+(?:,\s*+0*+([0-9]*+))?")
_ENOUGH_DIGITS: Final = 6
_RULE: Final = re.compile(r"::=|:")


def verify_pattern(pattern: str) -> None:
    """Raise ``UnsupportedParameter`` unless *pattern* is a simple regular expression.

    One of at most ``MAX_PATTERN_CHARACTERS``, in which nothing that repeats is repeated itself,
    and what is counted comes to at most ``MAX_REPETITIONS``.
    """
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise UnsupportedParameter(
            f"A regular expression has at most {MAX_PATTERN_CHARACTERS} characters."
        )
    _Reader(pattern).read()


def verify_grammar(grammar: str) -> None:
    """Raise ``UnsupportedParameter`` unless *grammar* is short and counts no long repetitions."""
    counted = sum(
        int(digits[:_ENOUGH_DIGITS] or 0) for both in _COUNTED.findall(grammar) for digits in both
    )
    if (
        len(grammar) > MAX_GRAMMAR_CHARACTERS
        or len(_RULE.findall(grammar)) > MAX_GRAMMAR_RULES
        or counted > MAX_REPETITIONS
    ):
        raise UnsupportedParameter(
            f"A grammar has at most {MAX_GRAMMAR_CHARACTERS} characters and {MAX_GRAMMAR_RULES}"
            f" rules, and counts to {MAX_REPETITIONS}."
        )


class _Reader:
    """Reads a pattern from left to right, and knows of each open group whether it repeats."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._groups: list[bool] = [False]  # whether something repeats in it, the innermost last
        self._last_repeats = False  # whether something repeats in what was read last
        self._repetitions = 0

    def read(self) -> None:
        at = 0
        while at < len(self._pattern):
            token = _TOKEN.match(self._pattern, at)
            if token is None:
                raise UnsupportedParameter(
                    "A regular expression here is made of characters, sets, groups and repetition."
                )
            self._take(token)
            at = token.end()
        if len(self._groups) != 1:
            raise UnsupportedParameter("A group of the regular expression is left open.")

    def _take(self, token: re.Match[str]) -> None:
        if token["open"]:
            self._groups.append(False)
            if len(self._groups) > MAX_NESTING:
                raise UnsupportedParameter("The groups of the regular expression nest too deeply.")
        elif token["close"]:
            self._close()
        elif token["often"]:
            self._repeat()
        elif token["low"]:
            self._repetitions += int(token["high"] or token["low"])
            if self._repetitions > MAX_REPETITIONS:
                raise UnsupportedParameter(
                    f"The repetitions of a regular expression come to at most {MAX_REPETITIONS}."
                )
            self._repeat()
        elif not token["optional"]:
            self._last_repeats = False

    def _close(self) -> None:
        inner = self._groups.pop()
        if not self._groups:
            raise UnsupportedParameter("A group of the regular expression is closed twice.")
        self._last_repeats = inner
        self._groups[-1] |= inner

    def _repeat(self) -> None:
        if self._last_repeats:
            raise UnsupportedParameter("What repeats in a regular expression is not repeated.")
        self._last_repeats = True
        self._groups[-1] = True
