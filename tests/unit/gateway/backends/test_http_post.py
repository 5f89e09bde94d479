"""Answers to a post, read as they arrive; the sockets are in tests/integration/test_otlp.py."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backends.http_post import AnswerReader, HttpAnswer, HttpPost

ANSWERS = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}": (HttpAnswer(200, None, b"{}"), True),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n"
    b"Retry-After: 9\r\n\r\n": (HttpAnswer(200, None, b"{}"), True),
    b"HTTP/1.1 503 No\r\nretry-after: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n": (
        HttpAnswer(503, "7", b""),
        False,
    ),
    b"HTTP/1.1 103 Early\r\nRetry-After: 1\r\n\r\nHTTP/1.1 204 None\r\n\r\n": (
        HttpAnswer(204, None, b""),
        True,
    ),
    b"HTTP/1.0 429 No\r\nContent-Length: 2\r\n\r\nno": (HttpAnswer(429, None, b"no"), False),
}


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(0, 200), max_size=5))
def test_answer_is_the_same_however_it_arrives(data: bytes, cuts: list[int]) -> None:
    """Any pieces give the same answer; it tells whether the connection can be kept."""
    reader = AnswerReader()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(edges):
        assert not reader.is_done or begin == len(data)
        if begin < end:
            reader.feed(data[begin:end])
    assert reader.is_done
    assert (reader.answer(), reader.may_go_on) == ANSWERS[data]


def test_body_may_end_with_the_connection() -> None:
    """A body without a length of its own is whole when nothing more comes."""
    reader = AnswerReader()
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\n{")
    reader.feed(b"}")
    assert not reader.is_done
    reader.finish()
    assert (reader.answer(), reader.may_go_on) == (HttpAnswer(200, None, b"{}"), False)


@pytest.mark.parametrize("way", ["ended", "broke", "too long"])
def test_status_counts_without_the_rest(way: str) -> None:
    """Once the head has come the server has decided, whatever becomes of the body."""
    reader = AnswerReader()
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n{")
    if way == "ended":
        reader.finish()
    elif way == "broke":
        reader.break_off()
    else:
        for _ in range(66):
            if not reader.is_done:
                reader.feed(b"x" * 1000)
    assert reader.is_done
    assert (reader.answer(), reader.may_go_on) == (HttpAnswer(200, None, None), False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 101 Other\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000,
    ],
    ids=["nothing", "a piece", "interim", "garbage", "upgrade", "endless"],
)
def test_what_is_no_answer_is_an_error(data: bytes) -> None:
    """It ends the connection, and the post may be tried again."""
    reader = AnswerReader()
    with pytest.raises(ConnectionError):  # noqa: PT012  # it may be noticed at the end alone
        for start in range(0, len(data), 16_384):
            reader.feed(data[start : start + 16_384])
        reader.finish()


def test_second_answer_ends_the_connection() -> None:
    """What nobody asked for is not read as the answer to the next post."""
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    reader = AnswerReader()
    reader.feed(one + b"HTTP/1.1 500 No\r\nRetry-After: 3\r\nContent-Length: 1\r\n\r\nx")
    assert (reader.answer(), reader.may_go_on) == (HttpAnswer(200, None, b"{}"), False)


def test_authorities_that_cannot_be_read_are_an_error(tmp_path) -> None:
    """Only who can check the server sends to it."""
    with pytest.raises(OSError, match="No such file"):
        HttpPost("https://127.0.0.1/v1/logs", ca_file=tmp_path / "none")
