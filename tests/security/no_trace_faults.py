"""What goes wrong in the gateway and in all that it needs, with the mark in each call meanwhile."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from gateway.core.errors import InternalError
from loadtests.script import Pause, Script, text
from tests.fakes.engines import PostgresServer, RedisServer
from tests.fakes.lost_commit import LossyWay
from tests.security.careless_gateway import BUG
from tests.security.no_trace import bodies
from tests.security.no_trace_caller import Caller
from tests.security.no_trace_site import VaultRole

_CALLERS = 8
"""More than there are places at the model server and before it (see ``no_trace_site``)."""

_PATIENCE_SECONDS = 30.0
_LOOKS = 50  # in some seconds, and it takes half of one


def until(is_so: Callable[[], bool]) -> None:
    """Return once *is_so*."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "what was to happen did not"
        time.sleep(0.05)


def crowd(caller: Caller) -> None:
    """Want more at once than one client may have, and more than there is."""
    path, body = next(bodies(caller.mark))
    token = caller.token(caller.client(plaintext_allowed=True))
    headers = {"authorization": f"Bearer {token}"}
    caller.say(Script([text(caller.mark.sentence()), Pause(0.3)] * 2))
    with caller.gateway.http(headers=headers) as http, ThreadPoolExecutor(_CALLERS) as pool:

        def is_refused() -> bool:
            calls = [(http, "POST", path)] * _CALLERS
            said = {**body, "stream": True}
            wait([pool.submit(caller.send, *call, json=said) for call in calls])
            return {"rate_limited", "overloaded"} <= caller.codes

        until(is_refused)


def stall(caller: Caller) -> None:
    """Ask for a long answer and read nothing of it, until the gateway has noticed."""
    path, body = next(bodies(caller.mark))
    token = caller.token(caller.client(plaintext_allowed=True))
    content = json.dumps({**body, "stream": True})
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{caller.gateway.port}\r\n"
    head += f"authorization: Bearer {token}\r\ncontent-length: {len(content)}\r\n"
    caller.say(Script([text(f"{caller.mark.word()} " * 200)] * 1500))
    request = f"{head}content-type: application/json\r\n\r\n{content}".encode()

    def is_noticed() -> bool:
        with socket.socket() as bare:
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            bare.connect(("127.0.0.1", caller.gateway.port))
            with caller.gateway.tls().wrap_socket(bare, server_hostname="localhost") as tls:
                tls.sendall(request)
                for _ in range(_LOOKS):
                    if b"client_stalled" in caller.note_metrics():
                        return True
                    time.sleep(0.1)
        return False

    until(is_noticed)


def meet_bugs(caller: Caller) -> None:
    """Say what makes the gateway's own code fail: in the clear, sealed and as staff."""
    mark, here = caller.mark, caller.gateway.origin
    account = caller.client(plaintext_allowed=True)
    headers = {"authorization": f"Bearer {caller.token(account)}"}
    with caller.gateway.http(headers=headers) as clear, caller.gateway.sealed(account) as sealed:
        for client, (path, body) in zip((clear, sealed) * 3, bodies(mark), strict=True):
            said = json.loads(json.dumps(body).replace(mark.core, BUG + mark.core))
            content = caller.send(client, "POST", here + path, json=said)
            assert InternalError.default_detail.encode() in content
    with caller.staff(caller.gateway.staff["operator"]) as http:
        named, key = f"/clients/{BUG}{mark.word()}", {"idempotency-key": mark.word()}
        caller.send(http, "GET", named)
        for _ in range(2):  # nobody knows how the first one ended
            caller.send(http, "POST", f"{named}/disable", headers=key)


def act_alone(caller: Caller) -> None:
    """Do what needs a second owner, of whom there is none."""
    with caller.staff(caller.gateway.staff["operator"]) as http:
        key = {"idempotency-key": caller.mark.word()}
        body = {"kind": "everything"}
        content = caller.send(http, "POST", "/revocations", json=body, headers=key)
    assert b"approval_needed" in content


def break_trail(caller: Caller, execute: Callable[[str], object]) -> None:
    """Have *execute* change a row of the audit trail, and look at it as an auditor."""
    execute("UPDATE audit SET detail = detail || '.' WHERE number = 2")
    with caller.staff(caller.auditor) as http:
        assert b"audit_broken" in caller.send(http, "GET", "/audit/verify")


def lose_redis(caller: Caller, redis: RedisServer) -> None:
    """Call while Redis does not answer."""
    path, body = next(bodies(caller.mark))
    with caller.gateway.sealed(caller.client()) as http:
        caller.send(http, "GET", f"{caller.gateway.origin}/v1/models")  # which fetches a token
        redis.freeze()
        content = caller.send(http, "POST", caller.gateway.origin + path, json=body)
        redis.thaw()
    assert b"store_unavailable" in content


def lose_database(caller: Caller, database: PostgresServer, way: LossyWay) -> None:
    """Call while PostgreSQL does not answer, and create clients while a commit gets no answer."""
    mark, body = caller.mark, {"models": ["tiny"], "networks": ["127.0.0.0/8"]}
    with caller.staff(caller.gateway.staff["operator"]) as http, caller.gateway.http() as public:

        def create(key: str) -> bytes:
            headers = {"idempotency-key": key}
            return caller.send(http, "POST", "/clients", json=body, headers=headers)

        way.word, key = b"client.create", mark.word()
        assert b"commit_unconfirmed" in create(key)
        assert b"outcome_unknown" in create(key)
        database.freeze()
        form, account = {"grant_type": "client_credentials"}, (mark.word(), mark.sentence())
        caller.send(public, "POST", "/oauth2/token", data=form, auth=account)
        assert b"store_unavailable" in create(mark.word())
        database.thaw()
        until(lambda: http.get("/clients").is_success)


def lose_key_service(caller: Caller, vault: VaultRole) -> None:
    """Want keys while OpenBao is sealed, and when somebody else has opened what was for us."""
    path = "/keys/encryption/rotate"
    with caller.staff(caller.gateway.staff["operator"]) as http:
        with vault.server.sealed():
            key = {"idempotency-key": caller.mark.word()}
            assert b"key_service_unavailable" in caller.send(http, "POST", path, headers=key)
        vault.steal()

        def is_found_out() -> bool:
            key = {"idempotency-key": caller.mark.word()}
            return b"wrapping_token_refused" in caller.send(http, "POST", path, headers=key)

        until(is_found_out)
        vault.give()
        until(lambda: http.post(path).is_success)


OF_ITS_OWN = (crowd, stall, meet_bugs, act_alone)
"""What needs nothing but a gateway."""
