"""Regular expressions and grammars of callers."""

import pytest

from gateway.core.errors import UnsupportedParameter
from gateway.core.requests.patterns import (
    MAX_GRAMMAR_CHARACTERS,
    MAX_NESTING,
    MAX_PATTERN_CHARACTERS,
    MAX_REPETITIONS,
    verify_grammar,
    verify_pattern,
)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^[a-z]+@[a-z]+[.]com$",
        r"\d{3}-\d{4}(-\d{2,4})?",
        r"(?:yes|no)+",
        r"[^\]\n]*",
        "[]+]*",
        "(a+)?b*",
        "a{3,}?",
        r"\{\}",
        "a" * MAX_PATTERN_CHARACTERS,
        f"a{{{MAX_REPETITIONS}}}",
    ],
)
def test_simple_patterns_pass(pattern: str) -> None:
    """Characters, sets, groups, alternatives and repetition of what does not repeat."""
    verify_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(?:a*)*",
        "((a{2})b)*",
        "(a+)?+",
        "a{2}{3}",
        "(x|y+){5}",
        "(a",
        "a)",
        "[a",
        "a{,3}",
        "a{x}",
        "(?=a)",
        "(?<!a)",
        "(?P<n>a)",
        "(?i)a",
        r"(a)\1",
        "a\\",
        "a" * (MAX_PATTERN_CHARACTERS + 1),
        f"a{{{MAX_REPETITIONS + 1}}}",
        "a{600}b{600}",
        "a{9999999}",
        "(" * MAX_NESTING + ")" * MAX_NESTING,
    ],
)
def test_others_are_refused(pattern: str) -> None:
    """What repeats what repeats, looks around, refers back, or is long; it is not repeated."""
    with pytest.raises(UnsupportedParameter) as caught:
        verify_pattern(pattern)
    assert pattern not in caught.value.detail


def test_a_grammar_is_short_and_counts_little() -> None:
    """Length, rules and repetitions are limited."""
    verify_grammar('root ::= "a" b\nb ::= [0-9]{2,4}')
    for grammar in (
        "x" * (MAX_GRAMMAR_CHARACTERS + 1),
        "a ::= b\n" * 300,
        'root ::= "a"{5000}',
        'root ::= "a"{2,600} "b"{600}',
    ):
        with pytest.raises(UnsupportedParameter):
            verify_grammar(grammar)
