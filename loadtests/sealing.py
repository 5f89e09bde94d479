"""What sealing costs the gateway: CPU for each request and chunk, memory for each open stream.

    python -m loadtests.sealing

CPU time of this process, not wall time; the least of several rounds, since neighbours only add.
"""

from __future__ import annotations

import gc
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from gateway.core import bhttp, hpke
from gateway.core.answers.asked import Asked
from gateway.core.apis import APIS
from gateway.core.bhttp_response import ResponseEncoder
from gateway.core.grants import Operation
from gateway.core.ohttp import CHUNKED, RequestOpener, RequestSealer, ResponseSealer
from gateway.core.ohttp_keys import RecipientKey, load_recipient_key
from gateway.core.padding import pad_events

ROUNDS, REQUESTS, CHUNKS, STREAMS = 7, 200, 5_000, 2_000
KEMS = {"X25519": hpke.KEM_X25519, "X-Wing": hpke.KEM_XWING}
EVENT = b"data: " + b"x" * 200 + b"\n\n"


def least(work: Callable[[], None], times: int) -> float:
    """Return the CPU microseconds of one of *times* repetitions inside *work*, at best."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best / times * 1e6


def sealed_request(key: RecipientKey) -> bytes:
    """Return a sealed chat request of about 2 KiB."""
    request = bhttp.Request(
        method=b"POST",
        path=b"/v1/chat/completions",
        authority=b"gateway.example:8443",
        headers=tuple((b"x-field-%d" % i, b"value" * 4) for i in range(10)),
        body=b"m" * 2048,
    )
    return RequestSealer(key.config).finish(bhttp.encode_request(request, pad_to_bytes=1024))


def open_request(key: RecipientKey, sealed: bytes) -> ResponseSealer:
    """Do what the gateway does with a request, up to the sealer of the answer."""
    opener = RequestOpener(lambda _: key, max_body_bytes=1 << 20)
    bhttp.parse_request(opener.feed(sealed) + opener.finish())
    return opener.response_sealer(secrets.token_bytes(CHUNKED.response_nonce_bytes))


def request_microseconds(kem_id: int) -> float:
    """Return the CPU of opening, parsing and preparing the answer of one request."""
    key = load_recipient_key(1, secrets.token_bytes(32), kem_id=kem_id)
    sealed = sealed_request(key)

    def work() -> None:
        for _ in range(REQUESTS):
            open_request(key, sealed)

    return least(work, REQUESTS)


def chunk_microseconds() -> float:
    """Return the CPU of padding, framing and sealing one event."""
    key = load_recipient_key(1, secrets.token_bytes(32), kem_id=hpke.KEM_X25519)
    sealer = open_request(key, sealed_request(key))
    encoder = ResponseEncoder(200, ((b"content-type", b"text/event-stream"),))

    def work() -> None:
        for _ in range(CHUNKS):
            sealer.feed(encoder.feed(pad_events(EVENT)))

    return least(work, CHUNKS)


def stream_kilobytes() -> float:
    """Return the resident memory of one open stream: its sealer, encoder and scrubber."""
    key = load_recipient_key(1, secrets.token_bytes(32), kem_id=hpke.KEM_XWING)
    sealed = sealed_request(key)
    held: list[object] = [open_request(key, sealed)]
    gc.collect()
    before = _resident_kilobytes()
    for _ in range(STREAMS):
        scrubber = APIS[Operation.CHAT_COMPLETIONS].new_scrubber(Asked(), streamed=True)
        sealer = open_request(key, sealed)
        encoder = ResponseEncoder(200, ((b"content-type", b"text/event-stream"),))
        sealer.feed(encoder.feed(pad_events(EVENT)))
        held.append((scrubber, sealer, encoder))
    return (_resident_kilobytes() - before) / STREAMS


def _resident_kilobytes() -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    [line] = [line for line in lines if line.startswith("VmRSS")]
    return int(line.split()[1])


def main() -> None:
    """Print the table, with the bars."""
    print("| what | measured | bar |\n|---|---|---|")
    for (name, kem_id), bar in zip(KEMS.items(), (250, 350), strict=True):
        microseconds = request_microseconds(kem_id)
        print(f"| open + parse + answer context, {name} | {microseconds:.0f} µs | ≤ {bar} µs |")
    print(f"| one sealed chunk, padded | {chunk_microseconds():.1f} µs | ≤ 3 µs |")
    print(f"| memory of an open stream in the core | {stream_kilobytes():.1f} KB | ≤ 60 KB |")


if __name__ == "__main__":
    main()
