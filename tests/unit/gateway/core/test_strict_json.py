"""Strict parsing of request bodies."""

import os
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.apis import APIS
from gateway.core.errors import MalformedRequest, PayloadTooLarge, SealgateError
from gateway.core.grants import Operation
from gateway.core.strict_json import MAX_BODY_BYTES, MAX_DEPTH, MAX_ITEMS, parse_object

ROOT = Path(__file__).parents[4]
# A switch of the tests, no setting of the gateway.
SHARED = Path(os.environ.get("SEALGATE_SHARED", ROOT.parent / "shared"))  # noqa: TID251
VECTORS = SHARED / "vectors" / "json_parsing"


def test_an_object_is_returned() -> None:
    """A plain object comes back with all its members."""
    body = rb'{"a": {"b": [1, {"c": "x:y\":"}]}, "d": null}'
    assert parse_object(body) == {"a": {"b": [1, {"c": 'x:y":'}]}, "d": None}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\xff"}',
        rb'{"a":"\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":1}',
        rb'{"a":1,"\u0061":2}',
        b'{"x":[{"a":{},"a":{}}]}',
        b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    ],
)
def test_what_parsers_could_read_differently_is_refused(body: bytes) -> None:
    """Duplicates, numbers that are not finite, broken Unicode and deep nesting are errors."""
    with pytest.raises(MalformedRequest):
        parse_object(body)


def test_nesting_is_limited() -> None:
    """The limit is exact."""
    inner = MAX_DEPTH - 1
    assert parse_object(b'{"a":' + b"[" * inner + b"]" * inner + b"}")
    with pytest.raises(MalformedRequest):
        parse_object(b'{"a":' + b"[" * (inner + 1) + b"]" * (inner + 1) + b"}")


def test_the_size_is_limited() -> None:
    """A body longer than the limit is not even parsed."""
    with pytest.raises(PayloadTooLarge):
        parse_object(b" " * (MAX_BODY_BYTES + 1))


@pytest.mark.skipif(not VECTORS.is_dir(), reason="JSONTestSuite not found; set SEALGATE_SHARED")
@pytest.mark.parametrize("operation", list(Operation))
def test_the_public_suite_of_bad_json_is_refused(operation: Operation) -> None:
    """Every file of JSONTestSuite is refused with an error of ours; none of it crashes."""
    files = sorted(VECTORS.glob("test_*/*.json"))
    assert len([file for file in files if file.name.startswith("n_")]) >= 180
    for file in files:
        with pytest.raises(SealgateError):
            APIS[operation].parse(file.read_bytes(), frozenset())
        if file.name.startswith("n_"):
            with pytest.raises(MalformedRequest):
                parse_object(file.read_bytes())


@pytest.mark.parametrize(
    "element", [b"{}", b"[]", b'""', rb'"\\"', b"0", b'{"a":0}', b'{"":""}', b"null"]
)
def test_the_number_of_pieces_is_limited(element: bytes) -> None:
    """A body of very many small pieces is refused before it is parsed."""
    with pytest.raises(PayloadTooLarge):
        parse_object(b'{"a":[' + b",".join([element] * (MAX_ITEMS + 1)) + b"]}")


def test_long_texts_are_not_many_pieces() -> None:
    """What stands inside strings does not count, however it is written."""
    prose = rb"so {\"a\": [1, 2]}, \\\"x\\\", " * 20_000
    assert parse_object(b'{"a":["' + prose + b'","' + prose + b'"]}')


@given(st.lists(st.text(alphabet='\\"a,:', max_size=5), max_size=9))
def test_what_stands_in_strings_is_no_structure(strings: list[str]) -> None:
    """Whatever backslashes and quotes are in them, members and elements are counted rightly."""
    members = {f"{number}{string}": string for number, string in enumerate(strings)}
    assert parse_object(orjson.dumps(members)) == members


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' + b'"\\' * 2_000_000,
        b'{"a":"' + b"\\" * 4_000_000,
        b'{"a":"' + b'\\"' * 2_000_000,
        b'{"a":' + b"1" * 4_000_000 + b".x}",
        b"{" + b'"a",' * 90_000 + b'"',
    ],
)
def test_no_body_is_searched_again_and_again(body: bytes) -> None:
    """Each of these takes milliseconds; a search that began anew at each quote would take hours."""
    with pytest.raises(SealgateError):
        parse_object(body)


@pytest.mark.parametrize("number", ["-9223372036854775808", "18446744073709551615", "1e19"])
def test_numbers_of_64_bits_pass(number: str) -> None:
    """The limits are exact, and a long fraction is no integer."""
    body = f'{{"a":{number},"b":0.12345678901234567890123}}'.encode()
    assert parse_object(body)["a"] == (float(number) if "e" in number else int(number))


@pytest.mark.parametrize(
    "number", ["-9223372036854775809", "18446744073709551616", "1" * 30, "1" * 100_000]
)
def test_longer_integers_are_refused(number: str) -> None:
    """They would go on as something else."""
    with pytest.raises(MalformedRequest):
        parse_object(f'{{"a":[{number}]}}'.encode())


def test_the_error_of_the_parser_is_not_kept() -> None:
    """It holds the whole body, so it is not on our error as its context."""
    with pytest.raises(MalformedRequest) as caught:
        parse_object(b'{"canary"')
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
