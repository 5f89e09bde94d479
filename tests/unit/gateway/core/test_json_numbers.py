"""Numbers of JSON before and behind a scrubber."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.json_numbers import PlainNumbers, WholeValues


def run(*pieces: str) -> str:
    """Return what comes out when *pieces* go in."""
    numbers = PlainNumbers()
    return "".join([numbers.feed(piece) for piece in pieces]) + numbers.finish()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"a":1.3800138e10}', '{"a":13800138000.0}'),
        ("[-1380013800E+1, 13800138000000e-3]", "[-13800138000.0, 13800138000.000]"),
        ("0e0", "0.0"),
        ("1e39 1e40 1e-39 1e-40", f"1{'0' * 39}.0 1e40 0.{'0' * 38}1 1e-40"),
        ("true 12.50 -7 id_1e5 1e5kg 1e 1e1234", "true 12.50 -7 id_1e5 1e5kg 1e 1e1234"),
        ("1" * 40 + "e1 1e1", "1" * 40 + "e1 10.0"),
        ("电1e1话", "电10.0话"),
    ],
)
def test_exponents_are_written_out(written: str, expected: str) -> None:
    """However it is cut; all else comes out as it was, and so does what is too long."""
    assert run(written) == expected
    assert run(*written) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value(value: float) -> None:
    """What a parser reads afterwards is the same, a float too."""
    read = json.loads(run(f"{value:e}"))
    assert type(read) is float
    assert read == float(f"{value:e}")


@pytest.mark.parametrize(
    ("scrubbed", "expected"),
    [
        ('{"[CN_ID]".5}', '{"[CN_ID]"}'),
        ('["1*1"0, 12.5, "7"]', '["1*1", 12.5, "7"]'),
        (r'"a\"1".5, .5', r'"a\"1", .5'),
    ],
)
def test_nothing_is_left_of_a_replaced_number(scrubbed: str, expected: str) -> None:
    """Neither its fraction nor its last digits; what is replaced may hold digits and quotes."""
    whole, cut = WholeValues(), WholeValues()
    assert whole.feed(scrubbed) == expected
    assert "".join([cut.feed(char) for char in scrubbed]) == expected
