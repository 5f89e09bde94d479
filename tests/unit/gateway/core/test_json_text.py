"""Scrubbing of JSON in a string."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.json_text import JsonTextScrubber


def run(pieces: list[str]) -> str:
    """Feed *pieces* and finish."""
    scrubber = JsonTextScrubber()
    return "".join([scrubber.feed(piece) for piece in pieces]) + scrubber.finish()


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-99, 99)
    | st.text()
    | st.sampled_from(["202-555-0143", 13800138000, -13800138000, "ann@example.com", "é\u200b😀"])
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(DOCUMENTS, st.booleans())
def test_json_stays_valid_and_cuts_do_not_matter(document: object, ascii_only: bool) -> None:
    """Whatever is redacted, the result parses, and is the same for every chunking."""
    text = json.dumps(document, ensure_ascii=ascii_only)
    whole = run([text])
    assert run(list(text)) == whole
    json.loads(whole)
    for value in ("202-555-0143", "13800138000", "ann@example.com"):
        assert value not in whole


@given(st.text(alphabet='{}[]":,\\u0123d8ca-f 5\ud83d\ude00'))
def test_text_that_is_not_json_is_cut_invariant(text: str) -> None:
    """Broken JSON is no way to make the output depend on cuts."""
    assert run(list(text)) == run([text])


@given(st.dictionaries(st.text('ab é\\"\n\u2028😀'), st.text('ab é\\"\n😀') | st.integers(-9, 9)))
def test_harmless_json_keeps_its_value(document: dict[str, object]) -> None:
    """Where nothing is redacted, the parsed value is the same."""
    for ascii_only in (True, False):
        assert json.loads(run([json.dumps(document, ensure_ascii=ascii_only)])) == document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"tel": "202-555-0143"}', '{"tel": "[PHONE]"}'),
        (r'{"tel": "\u0032\u00302-555-0143"}', '{"tel": "[PHONE]"}'),
        ('{"tel": 13800138000}', '{"tel": "[PHONE]"}'),
        ("[-13800138000, 1]", '["[PHONE]", 1]'),
        ('{"tel": 1.3800138e10, "n": 1e3}', '{"tel": "[PHONE]", "n": 1000.0}'),
        ("[110101199003070011.0, 1.5]", '["[CN_ID]", 1.5]'),
        ('{"phone": "2025550143"}', '{"phone": "[PHONE]"}'),
        ('{"phone": 2025550143}', '{"phone": "[PHONE]"}'),
        ('{"id": 2025550143, "n": -5}', '{"id": 2025550143, "n": -5}'),
        ('{"ann@example.com": 1}', '{"[EMAIL]": 1}'),
        ("not JSON, ann@example.com", 'not JSON, "[EMAIL]"'),
        (r'"a\/b\t\"\\"', r'"a/b\t\"\\"'),
        (r'"\ud83d\ude00"', '"😀"'),
        (r'"\ud83dx"', '"\ufffdx"'),
        (r'"\ud83d\ud83d\ude00"', '"\ufffd😀"'),
        (r'"\ude00"', '"\ufffd"'),
        (r'"\ud83d"', '"\ufffd"'),
        (r'"\q"', '"q"'),
        (r'"\u00g1"', '"\ufffdg1"'),
        (r'"\u00\n"', '"\ufffd\\n"'),
        ('"cut off at \\u00', '"cut off at \\u00'),
        ('"cut off \\ud83d', '"cut off \ufffd'),
        ("-", "-"),
        ('-"a"', '-"a"'),
        ("--1", "--1"),
    ],
)
def test_strings_numbers_and_broken_text(text: str, expected: str) -> None:
    """Escapes hide nothing, numbers become strings, and broken text is mended, not trusted."""
    assert run([text]) == run(list(text)) == expected
