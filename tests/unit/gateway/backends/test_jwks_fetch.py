"""Fetching keys: from the one URL, from a server that proves itself, within limits."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.backends import jwks_fetch
from gateway.backends.certificates import CertificateFiles, ensure_certificates, server_context
from gateway.backends.jwks_fetch import JwksFetch
from gateway.core.errors import StoreUnavailable
from gateway.core.jwk import MAX_SET_BYTES

BODY = b'{"keys":[]}'
Answer = Callable[[BaseHTTPRequestHandler], None]


def whole(status: int = 200, body: bytes = BODY, **headers: str) -> Answer:
    """Answer with a status, a body and headers."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def served(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[str]]]:
    """Serve *answer* on loopback; give the URL and the list of paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://127.0.0.1:{server.server_port}/keys?v=1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_body_is_fetched():
    """The path and the query of the URL are asked for, and the body comes back."""
    with served(whole()) as (url, asked):
        assert await JwksFetch(url)() == BODY
        assert await JwksFetch(url.partition("?")[0])() == BODY
    assert asked == ["/keys?v=1", "/keys"]


async def test_a_body_in_chunks_is_fetched():
    """A server need not know the length beforehand."""

    def chunks(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in (BODY[:3], BODY[3:], b""):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    with served(chunks) as (url, _):
        assert await JwksFetch(url)() == BODY


@pytest.mark.parametrize(
    "answer",
    [
        whole(404),
        whole(500),
        whole(204, b""),
        whole(302, b"", Location="/elsewhere"),
        whole(307, b"", Location="http://127.0.0.1:1/"),
        whole(body=b"x" * (MAX_SET_BYTES + 1)),
        whole(body=b"x", **{"Content-Length": "100"}),
        lambda handler: handler.wfile.write(b"rubbish\r\n\r\n"),
        lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000),
        lambda handler: None,
    ],
)
async def test_anything_but_a_good_answer_is_refused(answer: Answer):
    """Another status, a redirect, too much, too little or no HTTP at all."""
    with served(answer) as (url, asked):
        with pytest.raises(StoreUnavailable):
            await JwksFetch(url)()
        assert asked == ["/keys?v=1"]


async def test_a_slow_answer_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """A server that sends a byte now and then cannot hold the fetch for longer than the limit."""
    monkeypatch.setattr(jwks_fetch, "TOTAL_SECONDS", 0.3)
    given_up = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not given_up.wait(0.05):
            handler.wfile.write(b" ")

    with served(drip) as (url, _):
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(JwksFetch(url)(), 30)
        given_up.set()


async def test_a_slow_head_is_given_up_and_ends_its_thread(monkeypatch: pytest.MonkeyPatch):
    """Nor can a server that sends its head byte by byte, and no thread waits for it any more."""
    monkeypatch.setattr(jwks_fetch, "TOTAL_SECONDS", 0.3)
    hung_up = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        try:
            while not hung_up.wait(0.05):
                handler.wfile.write(b"y")
        except OSError:
            hung_up.set()

    with served(drip) as (url, _):
        with pytest.raises(StoreUnavailable):
            await JwksFetch(url)()
        assert await asyncio.to_thread(hung_up.wait, 30)


async def test_nobody_there_is_unavailable():
    """A refused connection is the documented error."""
    with served(whole()) as (url, _):
        pass
    with pytest.raises(StoreUnavailable):
        await JwksFetch(url)()


async def test_the_server_must_prove_itself(tmp_path: Path):
    """Over HTTPS only a server that the configured authority vouches for is believed."""
    files = CertificateFiles.in_directory(tmp_path)
    ensure_certificates(files, ["127.0.0.1"], now=datetime.now(UTC))
    tls = server_context(files.certificate, files.key)
    with served(whole(), tls) as (url, asked):
        assert await JwksFetch(url, ca_file=files.ca_certificate)() == BODY
        with pytest.raises(StoreUnavailable):
            await JwksFetch(url)()
        with pytest.raises(StoreUnavailable):
            await JwksFetch(url.replace("127.0.0.1", "localhost"), ca_file=files.ca_certificate)()
        assert len(asked) == 1


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch):
    """Where keys come from is configured in one place."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with served(whole()) as (url, _):
        assert await JwksFetch(url)() == BODY


def test_other_urls_are_refused():
    """A URL that keys may not come from is a mistake that shows at once."""
    with pytest.raises(ValueError, match="https"):
        JwksFetch("http://idp.example/")
