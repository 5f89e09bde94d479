"""What of a head may reach an application."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import MalformedRequest, UnsupportedMediaType
from gateway.core.head_errors import ExpectationFailed, HeadTooLarge, TargetTooLong
from gateway.core.request_head import HeadFacts, parse_request_line, verify_headers

HOST = (b"host", b"gateway.example")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", b""),
        (b"/v1/models", b"/v1/models", b""),
        (b"/v1/models?", b"/v1/models", b""),
        (b"/a?b=c&d=%2e?/[x]'|", b"/a", b"b=c&d=%2e?/[x]'|"),
        (b"/v1/models/team%2Fdraft", b"/v1/models/team%2Fdraft", b""),
        (b"/a%20b/%C3%A4", b"/a%20b/%C3%A4", b""),
        (b"/a..b/.c/d./...", b"/a..b/.c/d./...", b""),
        (b"/a/", b"/a/", b""),
        (b"/~!$&'()*+,=:@-._", b"/~!$&'()*+,=:@-._", b""),
    ],
)
def test_plain_path_passes_as_it_came(target, path, query):
    """A path in its normal form is not changed, nor is its query."""
    for version in ("1.1", "1.0"):
        line = b"GET " + target + f" HTTP/{version}\r\n".encode()
        assert parse_request_line(line) == ("GET", path, query, version)


@pytest.mark.parametrize(
    "target",
    [
        b"//v1/models", b"/v1//models", b"/v1/models//", b"/v1/../admin", b"/v1/..", b"/.", b"/./a",
        b"/v1/..;/admin", b"/v1;a/models", b"/v1\\..\\admin", b"/v1%2f..%2fadmin",
        b"/v1%2F..%2Fadmin", b"/v1%2F%2Fadmin", b"/v1/%2e%2e/admin", b"/v1/%2E%2E/admin",
        b"/admin%00", b"/a%0d%0ab", b"/a%0A", b"/a%7F", b"/a%5Cb", b"/a%3Bb", b"/a%252e", b"/a%25",
        b"/v1/%6dodels", b"/v1/%6Dodels", b"/a%2f", b"/a%", b"/a%4", b"/a%zz", b"/a%+1",
        b"/a%c3%a4",
        b"/a\x00", b"/a\x7f", b"/\xc3\xa4", b'/a"b', b"/a<b", b"/a#b", b"/a?b#c", b"/a?b\\c",
        b"/a?\x00", b"", b"*", b"a", b"?a", b"https://other.example/", b"https://gateway.example/",
        b"http:/a", b"gateway.example:443", b"/a b", b" /a", b"/a ", b"/a\t",
    ],
)  # fmt: skip
def test_target_that_could_be_read_in_two_ways_is_refused(target):
    """Absolute, authority and asterisk form, dots, escapes and slashes of others reach nobody."""
    with pytest.raises(MalformedRequest):
        parse_request_line(b"GET " + target + b" HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.2\r\n", b"GET / HTTP/2.0\r\n", b"GET / HTTP/0.9\r\n",
        b"GET / http/1.1\r\n", b"GET /\r\n", b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r",
        b"GET / HTTP/1.1",
        b"GET  / HTTP/1.1\r\n", b"GET\t/ HTTP/1.1\r\n", b"GET / HTTP/1.1 \r\n",
        b" GET / HTTP/1.1\r\n",
        b"GET / RTSP/1.1\r\n", b"SOURCE / ICE/1.1\r\n", b"get / HTTP/1.1\r\n",
        b"G\x00T / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n", b"TRACE / HTTP/1.1\r\n", b"CONNECT / HTTP/1.1\r\n",
        b"CONNECT other.example:443 HTTP/1.1\r\n", b"OPTIONS * HTTP/1.1\r\n", b"\r\n", b"",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\r\n",
    ],
)  # fmt: skip
def test_other_lines_are_refused(line):
    """Other protocols, versions, tunnels and spellings of a request line are not served."""
    with pytest.raises(MalformedRequest):
        parse_request_line(line)


def test_long_line_is_too_long():
    """A line of 8192 bytes passes, one more byte is told apart from what is malformed."""
    rest = b"GET / HTTP/1.1\r\n"
    longest = rest.replace(b"/ ", b"/" + b"a" * (8192 - len(rest)) + b" ", 1)
    assert len(parse_request_line(longest).path) == 8193 - len(rest)
    with pytest.raises(TargetTooLong):
        parse_request_line(longest.replace(b"aa", b"aaa", 1))


@given(st.binary(max_size=40))
def test_what_passes_is_what_came(target):
    """Whatever the bytes, a line is refused or its parts are those of the line."""
    line = b"GET /" + target + b" HTTP/1.1\r\n"
    try:
        _, path, query, _ = parse_request_line(line)
    except MalformedRequest:
        return
    assert line in {
        b"GET " + path + b"?" + query + b" HTTP/1.1\r\n",
        b"GET " + path + b" HTTP/1.1\r\n",
    }


@pytest.mark.parametrize(
    ("headers", "facts"),
    [
        ([], HeadFacts(keep_alive=True, waits_for_continue=False)),
        ([(b"connection", b"Close")], HeadFacts(keep_alive=False, waits_for_continue=False)),
        (
            [(b"connection", b"keep-alive, TE"), (b"connection", b"")],
            HeadFacts(keep_alive=True, waits_for_continue=False),
        ),
        (
            [(b"expect", b"100-Continue "), (b"content-length", b"5 ")],
            HeadFacts(keep_alive=True, waits_for_continue=True),
        ),
        (
            [(b"transfer-encoding", b"Chunked"), (b"content-encoding", b"identity")],
            HeadFacts(keep_alive=True, waits_for_continue=False),
        ),
        ([(b"a", b"1"), (b"a", b"2")], HeadFacts(keep_alive=True, waits_for_continue=False)),
    ],
)
def test_ordinary_headers_pass(headers, facts):
    """What is clear passes, and says whether the connection is kept and the body is held back."""
    assert verify_headers([HOST, *headers]) == facts


@pytest.mark.parametrize(
    "host",
    [
        b"a", b"A.example", b"a.example:8443", b"127.0.0.1", b"[::1]", b"[::1]:8443", b"xn--p1ai",
    ],
)  # fmt: skip
def test_names_and_addresses_are_hosts(host):
    """Every way in which clients write where they call is a Host."""
    assert verify_headers([(b"host", host)]).keep_alive


@pytest.mark.parametrize(
    "host",
    [
        b"", b" ", b"a b", b"a,b", b"a/b", b"a@b", b"user:x@a", b"a:", b"a:b", b"a:123456", b"::1",
        b"[::1", b"a\x00", b"\xc3\xa4", b"a?b", b"a#b", b"a\\b", b"https://a",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused(host):
    """An empty or odd Host is not one that a proxy has looked at."""
    with pytest.raises(MalformedRequest):
        verify_headers([(b"host", host)])


@pytest.mark.parametrize(
    "headers",
    [
        [HOST],
        [(b"host", b"other.example")],
        [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"3"), (b"content-length", b"3")],
        *[[(b"content-length", n)] for n in (b"+3", b"-3", b"3 3", b"3,3", b"0x3", b"", b"1" * 19)],
        *[
            [(b"transfer-encoding", c)]
            for c in (b"gzip", b"gzip, chunked", b"chunked,chunked", b"identity", b"", b"a chunked")
        ],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")],
        [(b"dpop", b"a"), (b"dpop", b"b")],
        [(b"content-type", b"a/b"), (b"content-type", b"c/d")],
        [(b"upgrade", b"websocket"), (b"connection", b"upgrade")],
        [(b"upgrade", b"h2c")],
        [(b"x_forwarded_for", b"10.0.0.1")],
        [(b"content_length", b"3")],
        *[
            [(b"connection", option)]
            for option in (
                b"Authorization", b"close, host", b"content-length", b"dpop", b"upgrade",
                b"transfer-encoding", b"sealgate-data-class", b"keep-alive\x00", b"unheard-of",
            )
        ],
    ],
)  # fmt: skip
def test_ambiguous_headers_are_refused(headers):
    """Two of what must be one, framing in two ways, and headers that a proxy would take away."""
    with pytest.raises(MalformedRequest):
        verify_headers([HOST, *headers])


def test_old_version_has_one_request_and_no_chunks():
    """HTTP/1.0 is served as what it is, so that nobody reads a body in two ways."""
    kept = [HOST, (b"connection", b"keep-alive"), (b"expect", b"100-continue")]
    facts = verify_headers(kept, version="1.0")
    assert facts == HeadFacts(keep_alive=False, waits_for_continue=False)
    with pytest.raises(MalformedRequest):
        verify_headers([HOST, (b"transfer-encoding", b"chunked")], version="1.0")


def test_missing_host_is_refused():
    """HTTP/1.1 has a Host (RFC 9112 §3.2)."""
    with pytest.raises(MalformedRequest):
        verify_headers([])


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"deflate", b"zstd", b"identity, gzip", b""])
def test_compressed_body_is_refused(coding):
    """A body that grows when it is read is not taken."""
    with pytest.raises(UnsupportedMediaType):
        verify_headers([HOST, (b"content-encoding", coding)])


@pytest.mark.parametrize("expectation", [b"", b"200-ok", b"100-continue, x"])
def test_unknown_expectation_fails(expectation):
    """The one expectation that can be met is 100-continue (RFC 9110 §10.1.1)."""
    with pytest.raises(ExpectationFailed):
        verify_headers([HOST, (b"expect", expectation)])


def test_number_of_headers_is_bounded():
    """A hundred headers pass, one more does not."""
    many = [HOST, *[(b"a", b"b")] * 99]
    assert verify_headers(many).keep_alive
    with pytest.raises(HeadTooLarge):
        verify_headers([*many, (b"a", b"b")])
