r"""Sealed streams for people who know locust: a user asks, reads to the end, asks again.

    make .venv-bench-locust/.ready
    PYTHONPATH=. .venv-bench-locust/bin/locust -f loadtests/locustfile.py \
        --host https://127.0.0.1:8443 --client-id c-… --client-secret-file secret.txt \
        --pin sealgate-pin-… --ca-file ca.crt

It goes through `gateway.client`, as an application does. In the statistics "first token" is the
time until the first text, "answer" all of it, and the size of an answer its number of events. One
process of locust is slower than the gateway: it shows latency under load, not how much fits.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx2
from locust import User, events, task

from gateway.client.httpx2_transport import sealed_client

_DATA, _DONE = "data: ", "data: [DONE]"
_STOP_SECONDS = 60.0


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_options(parser: ArgumentParser) -> None:
    """Add what a sealed client needs; the secret comes from a file, for all see a command line."""
    parser.add_argument("--client-id", default="", help="id of the client")
    parser.add_argument("--client-secret-file", default="", help="file with its secret")
    parser.add_argument("--pin", default="", help="what `sealgate keys pin` prints")
    parser.add_argument("--ca-file", default="", help="authority of the gateway's certificate")
    parser.add_argument("--model", default="tiny", help="which model is asked")
    parser.add_argument("--tokens", type=int, default=200, help="the most tokens of an answer")


@events.init.add_listener  # type: ignore[untyped-decorator]
def let_streams_end(environment: Any, **_: object) -> None:
    """Let users read their last answer to its end: one that is killed in it may not stop at all."""
    environment.stop_timeout = environment.stop_timeout or _STOP_SECONDS


def texts_of(lines: Iterator[str]) -> Iterator[str]:
    """Give the text of each event of a chat stream; raises ``EOFError`` if it has no end."""
    for line in lines:
        if line == _DONE:
            return
        if line.startswith(_DATA):
            choices = json.loads(line.removeprefix(_DATA)).get("choices")
            yield (choices[0]["delta"].get("content") if choices else None) or ""
    raise EOFError("the stream ended without [DONE]")


class SealedUser(User):  # type: ignore[misc]  # locust has an environment of its own
    """One application: its client keeps connection, token and keys."""

    def on_start(self) -> None:
        """Open the client."""
        options = self.environment.parsed_options
        self._asked = {
            "model": options.model,
            "messages": [{"role": "user", "content": "Tell me about the records."}],
            "max_tokens": options.tokens,
            "stream": True,
        }
        self._http = sealed_client(
            self.host,
            client_id=options.client_id,
            client_secret=Path(options.client_secret_file).read_text("utf-8").strip(),
            ca_file=options.ca_file or None,
            pin=options.pin or None,
        )

    def on_stop(self) -> None:
        """Close the client."""
        self._http.close()

    @task  # type: ignore[untyped-decorator]
    def stream(self) -> None:
        """Ask and read to the end."""
        began, received = perf_counter(), 0
        error: Exception | None = None
        try:
            path = f"{self.host}/v1/chat/completions"
            with self._http.stream("POST", path, json=self._asked) as answer:
                answer.raise_for_status()
                for text in texts_of(answer.iter_lines()):
                    if text and not received:
                        self._fire("first token", began)
                    received += bool(text)
        except (httpx2.HTTPError, EOFError) as failed:
            error = failed
        self._fire("answer", began, response_length=received, exception=error)

    def _fire(self, name: str, began: float, **more: Any) -> None:
        told = {"response_length": 0, "exception": None, "context": {}, **more}
        milliseconds = 1e3 * (perf_counter() - began)
        events.request.fire(request_type="sealed", name=name, response_time=milliseconds, **told)
