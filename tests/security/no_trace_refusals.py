"""Refusals that want a client, a version or a time of their own, with the mark in each call."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.security.no_trace import bodies
from tests.security.no_trace_caller import Caller

_SECRETS = 9
"""More than a client may have."""


@contextmanager
def halves(caller: Caller) -> Iterator[None]:
    """Send half a head and half a body, and read at the end what became of them meanwhile."""
    word, path = caller.mark.word(), next(bodies(caller.mark))[0]
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\nx-{word}: {word}\r\n"
    waiting = [_begin(caller, head), _begin(caller, f"{head}content-length: 99\r\n\r\n{word}")]
    try:
        yield
        for tls in waiting:
            with suppress(OSError):
                caller.note(tls.recv(4096).partition(b"\r\n\r\n")[2])
    finally:
        for tls in waiting:
            tls.close()


def _begin(caller: Caller, data: str) -> ssl.SSLSocket:
    bare = socket.create_connection(("127.0.0.1", caller.gateway.port), 30)
    tls = caller.gateway.tls().wrap_socket(bare, server_hostname="localhost")
    tls.sendall(data.encode())
    return tls


def refuse_clients(caller: Caller) -> None:
    """Call as clients who have used up what they may, are elsewhere, or prove nothing."""
    gateway, (path, body) = caller.gateway, next(bodies(caller.mark))
    sparing = caller.client(plaintext_allowed=True, quota={"requests_per_minute": 1})
    moved = caller.client(plaintext_allowed=True)
    bound = caller.client(plaintext_allowed=True, token_binding="dpop")
    spare, far, kept = caller.token(sparing), caller.token(moved), gateway.bound_token(bound)
    caller.secrets.append(kept)
    gateway.admin("PATCH", f"/clients/{moved.client_id}", json={"networks": ["192.0.2.0/24"]})
    with gateway.http() as http:
        for shown in (f"Bearer {spare}", f"Bearer {spare}", f"Bearer {far}", f"DPoP {kept}"):
            headers = {"authorization": shown, "user-agent": caller.mark.word()}
            caller.send(http, "POST", path, json=body, headers=headers)


def refuse_staff(caller: Caller) -> None:
    """Change a client as a version it does not have, under a key that was used, and too often."""
    mark, here = caller.mark, f"/clients/{caller.client().client_id}"
    with caller.staff(caller.gateway.staff["operator"]) as http:
        stale = {"if-match": f'"{mark.word()}"'}
        caller.send(http, "PATCH", here, json={"models": ["tiny"]}, headers=stale)
        used = {"idempotency-key": mark.word()}
        for models in (["tiny"], []):
            caller.send(http, "PATCH", here, json={"models": models}, headers=used)
        for _ in range(_SECRETS):
            content = caller.send(http, "POST", f"{here}/credentials/rotate")
            with suppress(KeyError, ValueError):
                caller.secrets.append(json.loads(content)["client_secret"])
