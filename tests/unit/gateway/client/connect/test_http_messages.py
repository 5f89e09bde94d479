"""Which local requests are taken, and how answers look."""

import json

import h11
import pytest

from gateway.client.connect.http_messages import (
    LocalRefusal,
    answer_headers,
    check_request,
    refusal_events,
)


def request(method="POST", target="/v1/chat/completions", version="1.1", **headers) -> h11.Request:
    """Return a local request."""
    named = {"host": "localhost:8080"} | {n.replace("_", "-"): v for n, v in headers.items()}
    return h11.Request(
        method=method, target=target, headers=list(named.items()), http_version=version
    )


@pytest.mark.parametrize(
    "good",
    [
        request(),
        request("GET", "/v1/models/a%2Fb?x=1"),
        request("DELETE", "/v1/responses/r_1"),
        request(host="127.0.0.1:8080"),
        request(host="[::1]:1"),
        request(host="localhost"),
    ],
)
def test_taken(good):
    """Requests of local programs for the model API pass."""
    check_request(good, is_tcp=True)


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (request(target="/"), 404),
        (request(target="/metrics"), 404),
        (request(target="/oauth2/token"), 404),
        (request(target="/v1/../oauth2/token"), 404),
        (request(target="/v1/./models"), 404),
        (request(target="http://elsewhere/v1/models"), 404),
        (request(target="/v1/\\x"), 404),
        (request("PUT"), 405),
        (request("CONNECT", "/v1/x"), 405),
        (request("HEAD"), 405),
        (request(version="1.0"), 505),
        (request(origin="https://evil.example"), 403),
        (request(sec_fetch_site="cross-site"), 403),
        (request(host="evil.example"), 403),
        (request(host="127.0.0.1.evil.example"), 403),
        (request(host="10.0.0.1:8080"), 403),
    ],
)
def test_refused(bad, status):
    """Other paths, methods and versions are refused, and whatever a web page could send."""
    with pytest.raises(LocalRefusal) as caught:
        check_request(bad, is_tcp=True)
    assert caught.value.status == status


def test_host_on_a_unix_socket():
    """On a Unix socket, which no page can reach, the name does not matter."""
    check_request(request(host="whatever"), is_tcp=False)


def test_answer_headers():
    """Fields about a connection and the length are not passed on; the last answer says so."""
    headers = [(b"Connection", b"keep-alive"), (b"transfer-encoding", b"x"), (b"A", b"b")]
    headers.append((b"Content-Length", b"5"))
    assert answer_headers(headers, is_last=False) == [(b"A", b"b")]
    assert answer_headers(headers, is_last=True)[1:] == [(b"connection", b"close")]


def test_refusal():
    """A refusal is a whole answer in OpenAI's shape that ends the connection."""
    refusal = LocalRefusal(502, "c", "m")
    head, data, end = refusal_events(refusal)
    assert (head.status_code, type(end)) == (502, h11.EndOfMessage)
    assert json.loads(data.data)["error"]["code"] == "c"
    assert (b"connection", b"close") in head.headers
