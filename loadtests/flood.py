"""Sends what no good client sends, from an address of its own, and says how it was answered.

A process of its own, so that it takes no time from the client that is measured beside it. The plan
comes as JSON on the standard input, since there is a token in it; the findings go to the output.
"""

import http.client
import json
import os
import secrets
import socket
import ssl
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from gateway.core.ohttp import REQUEST_MEDIA_TYPE, RequestSealer
from gateway.core.ohttp_keys import parse_key_list
from loadtests.client import CHAT_PATH, SEALED_PATH

_THREADS = 8
_DRIP_SECONDS = 0.5
_DRIP_BYTES = 1_000  # twice what a connection must bring in a second
_SLOW_BODY_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send: requests of a *kind* (``tokens``, ``rubbish`` or ``slow``), and from where.

    *token* is one that was good until its signature was changed. Of slow bodies *rate* is how many
    there are, of the others how many a second.
    """

    kind: str
    port: int
    ca_file: str
    address: str
    token: str
    rate: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Findings:
    """How many answers had each status, and how long the refusals of too much took, in seconds."""

    statuses: dict[str, int]
    refusal_seconds: list[float]


_Request = tuple[str, bytes, dict[str, str]]


def _bad_token(plan: Plan) -> _Request:
    signed = plan.token.rpartition(".")[0]
    bearer = f"Bearer {signed}.{secrets.token_urlsafe(64)}"
    return CHAT_PATH, b"{}", {"authorization": bearer, "content-type": "application/json"}


def _rubbish_of(plan: Plan) -> Callable[[Plan], _Request]:
    connection = _connection(plan)
    connection.request("GET", SEALED_PATH)
    keys = parse_key_list(connection.getresponse().read())
    connection.close()
    begun = RequestSealer(keys[0]).finish(bytes(2_000))[:-1_000]
    headers = {"content-type": REQUEST_MEDIA_TYPE}
    return lambda _: (SEALED_PATH, begun + secrets.token_bytes(1_000), headers)


def _connection(plan: Plan) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection(
        "127.0.0.1",
        plan.port,
        context=ssl.create_default_context(cafile=plan.ca_file),
        source_address=(plan.address, 0),
        timeout=30,
    )


def _flood(plan: Plan, make: Callable[[Plan], _Request]) -> list[tuple[int, float]]:
    """Return status and seconds of each request of one connection."""
    connection, answers = _connection(plan), []
    pause, ends = _THREADS / plan.rate, time.perf_counter() + plan.seconds
    while (began := time.perf_counter()) < ends:
        path, body, headers = make(plan)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        took = time.perf_counter() - began
        answers.append((answer.status, took))
        time.sleep(max(0.0, pause - took))
    connection.close()
    return answers


def _drip(plan: Plan) -> None:
    """Hold as many connections as *rate* says, each with a JSON body that never ends."""
    tls = ssl.create_default_context(cafile=plan.ca_file)
    head = (
        f"POST {CHAT_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{plan.port}\r\n"
        f"authorization: Bearer {plan.token}\r\ncontent-type: application/json\r\n"
        f"content-length: {2 * _SLOW_BODY_BYTES}\r\n\r\n"
    )
    held = []
    for _ in range(plan.rate):
        sock = socket.create_connection(
            ("127.0.0.1", plan.port), source_address=(plan.address, 0), timeout=30
        )
        held.append(tls.wrap_socket(sock, server_hostname="127.0.0.1"))
        held[-1].sendall(head.encode() + b'"' + b"x" * _SLOW_BODY_BYTES)
    ends = time.perf_counter() + plan.seconds
    while time.perf_counter() < ends:
        for connection in held:
            connection.sendall(b"x" * _DRIP_BYTES)
        time.sleep(_DRIP_SECONDS)


def flood(plan: Plan) -> Findings:
    """Carry out *plan* and return what came of it."""
    if plan.kind == "slow":
        _drip(plan)
        return Findings({}, [])
    make = _bad_token if plan.kind == "tokens" else _rubbish_of(plan)
    with ThreadPoolExecutor(_THREADS) as threads:
        runs = threads.map(lambda _: _flood(plan, make), range(_THREADS))
        answers = [answer for run in runs for answer in run]
    statuses: dict[str, int] = {}
    for status, _ in answers:
        statuses[str(status)] = statuses.get(str(status), 0) + 1
    return Findings(statuses, [took for status, took in answers if status in {429, 503}])


def main() -> None:
    """Read a plan, carry it out, write the findings."""
    os.nice(10)  # whoever floods has a machine of its own
    json.dump(asdict(flood(Plan(**json.load(sys.stdin)))), sys.stdout)


if __name__ == "__main__":
    main()
