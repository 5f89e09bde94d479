"""Who calls in the test of traces: sends everything, and notes with what it was refused."""

from __future__ import annotations

import itertools
import json
import re
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import httpx2

from gateway.client.dpop import DpopProver
from gateway.core import bhttp
from gateway.core.bhttp_response import parse_response
from gateway.core.ohttp import REQUEST_MEDIA_TYPE, RequestSealer
from gateway.core.ohttp_keys import parse_key_list
from loadtests.script import Script, text
from tests.security.no_trace import Mark, answers, bodies, forged, wrong_bodies
from tests.story.gateway import Account, Gateway

_FAILING = (2, 8)  # those of answers() that a model server is blamed for
_COUNTED = re.compile(rb'^sealgate_errors_total\{code="(\w+)"\} [1-9]', re.MULTILINE)
Say = Callable[[Script], None]


class Caller:
    """Sends the mark in everything there is to a gateway, and notes which errors it got."""

    def __init__(self, gateway: Gateway, mark: Mark, say: Say) -> None:
        self.gateway, self.mark, self.say = gateway, mark, say
        self.codes: set[str] = set()
        self.secrets: list[str] = []
        self.answered = 0
        self.auditor = Account("", "")

    def all(self) -> None:
        """Send everything."""
        gateway = self.gateway
        sealing = self.client(models=("tiny", "strict"))
        plain = self.client(models=("tiny", "strict"), plaintext_allowed=True)
        token = self.token(plain)
        headers = {"authorization": f"Bearer {token}", "user-agent": self.mark.word()}
        with gateway.http(headers=headers) as clear, gateway.sealed(sealing) as sealed:
            for client in (sealed, clear):
                before = self.answered
                self._inference(client)
                assert self.answered - before > 50, "most calls were not even answered"
        self._tokens(plain)
        self._admin()
        self._envelopes(token)
        self._nonsense()

    def client(self, **options: Any) -> Account:
        """Register an application."""
        account = self.gateway.create_client(**options)
        self.secrets.append(account.client_secret)
        return account

    def token(self, account: Account) -> str:
        """Return a fresh token of *account*."""
        self.secrets.append(token := self.gateway.token(account))
        return token

    def staff(self, account: Account) -> httpx2.Client:
        """Return a client of the admin API with a fresh token of *account*."""
        headers = {"authorization": f"Bearer {self.token(account)}", "user-agent": self.mark.word()}
        base, tls = f"{self.gateway.admin_origin}/admin/v1", self.gateway.tls()
        return httpx2.Client(base_url=base, verify=tls, timeout=30, headers=headers)

    def note_metrics(self) -> bytes:
        """Return the metrics; remember the code of every error that they count."""
        with httpx2.Client(verify=self.gateway.tls(), timeout=30) as http:
            metrics = http.get(f"{self.gateway.admin_origin}/metrics").content
        self.codes |= {code.decode() for code in _COUNTED.findall(metrics)}
        return metrics

    def note(self, body: bytes) -> None:
        """Remember the code of the error in *body*, whichever shape it has."""
        for line in (body, *body.splitlines()):
            with suppress(ValueError):
                found = json.loads(line.removeprefix(b"data: "))
                error = found.get("error", found) if isinstance(found, dict) else {}
                code = error.get("code") if isinstance(error, dict) else error
                self.codes.add(str(code))

    def send(self, client: httpx2.Client, method: str, path: str, **options: Any) -> bytes:
        """Return what was answered, or nothing."""
        # What breaks off is as good as what is answered, as long as not everything does.
        with suppress(Exception):
            content = client.request(method, path, **options).content
            self.note(content)
            self.answered += 1
            return content
        return b""

    def _inference(self, client: httpx2.Client) -> None:
        mark, here = self.mark, self.gateway.origin
        extra = {
            f"x-{mark.word()}": mark.word(),
            "cookie": f"{mark.word()}={mark.word()}",
            "traceparent": mark.word(),
            "content-type": "application/json",
        }
        for number, script in enumerate(answers(mark)):
            # Every API meets an answer and a refusal; of what else happens each meets some.
            calls = list(bodies(mark))
            calls = calls if number < 2 else [calls[0], calls[number % len(calls)]]
            for (path, body), is_stream in itertools.product(calls, (False, True)):
                if _FAILING[0] <= number <= _FAILING[1]:
                    # A model server that fails time after time is not called any more.
                    self.say(Script([text("ok")]))
                    self.send(client, "POST", here + calls[0][0], json=calls[0][1])
                self.say(script)
                sent = {**body, "stream": True} if is_stream else body
                self.send(client, "POST", here + path, content=json.dumps(sent), headers=extra)
        self.say(Script([text(f"{mark.sentence()} anna@example.com ")]))
        strict = {"model": "strict", "messages": [{"role": "user", "content": mark.sentence()}]}
        self.send(client, "POST", here + "/v1/chat/completions", json=strict)
        for path, content in wrong_bodies(mark):
            self.send(client, "POST", here + path, content=content, headers=extra)
        body = json.dumps(next(bodies(mark))[1])
        for change in (
            {"content-type": mark.word()},
            {"sealgate-data-class": mark.word()},
            {"content-encoding": mark.word()},
            {"authorization": f"Bearer {mark.word()}"},
            {"authorization": f"Bearer {forged(mark)}"},
            {"authorization": f"DPoP {forged(mark)}", "dpop": forged(mark)},
        ):
            self.send(
                client,
                "POST",
                here + "/v1/chat/completions",
                content=body,
                headers={**extra, **change},
            )
        for path in (f"/v1/models/{mark.word()}", f"/{mark.word()}", f"/v1/models?{mark.word()}"):
            for method in ("GET", "DELETE", "PATCH"):
                self.send(client, method, here + path)

    def _tokens(self, account: Account) -> None:
        mark, grant = self.mark, {"grant_type": "client_credentials"}
        prover = DpopProver(random_bytes=secrets.token_bytes)
        url = f"{self.gateway.origin}/{mark.word()}"
        proof = prover.prove_token_request(url, now=datetime.now(UTC))
        with self.gateway.http() as http:
            for form, account_of in (
                (grant, (mark.word(), mark.word())),
                (grant, (account.client_id, mark.word())),
                (grant, (mark.sentence(), mark.sentence())),
                ({"grant_type": mark.word(), "scope": mark.sentence()}, None),
                ({**grant, "client_id": mark.word(), "client_secret": mark.sentence()}, None),
                (
                    {
                        **grant,
                        "client_assertion": forged(mark),
                        "client_assertion_type": (
                            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                        ),
                    },
                    None,
                ),
                ({**grant, mark.word(): mark.sentence()}, (account.client_id, "x")),
            ):
                self.send(http, "POST", "/oauth2/token", data=form, auth=account_of)
            good = (account.client_id, account.client_secret)
            self.send(http, "POST", "/oauth2/token", data=grant, auth=good, headers={"dpop": proof})
            for path in ("/oauth2/revoke", "/oauth2/introspect"):
                for token in (mark.word(), forged(mark)):
                    form = {"token": token, "token_type_hint": mark.word()}
                    self.send(http, "POST", path, data=form, auth=good)

    def _admin(self) -> None:
        mark, gateway = self.mark, self.gateway
        token = self.token(gateway.staff["operator"])
        options = ("--role", "auditor", "--network", "127.0.0.0/8", "--json")
        made = json.loads(gateway.command("clients", "create", *options))
        self.auditor = Account(made["client_id"], made["client_secret"])
        self.secrets.append(self.auditor.client_secret)
        auditor = self.token(self.auditor)
        base = f"{gateway.admin_origin}/admin/v1"
        with httpx2.Client(base_url=base, verify=gateway.tls(), timeout=30) as http:
            for bearer in (token, auditor, mark.word(), forged(mark)):
                key = mark.word()
                headers = {
                    "authorization": f"Bearer {bearer}",
                    "idempotency-key": key,
                    "if-match": f'"{mark.word()}"',
                    "user-agent": mark.word(),
                }
                for content in (
                    json.dumps({mark.word(): mark.sentence()}),
                    json.dumps({"models": [mark.sentence()], "networks": [mark.word()]}),
                    mark.word(),
                ):
                    self.send(http, "POST", "/clients", content=content, headers=headers)
                self.send(http, "GET", f"/clients/{mark.sentence()}", headers=headers)
                self.send(http, "GET", "/clients", params={mark.word(): "1"}, headers=headers)
                self.send(http, "GET", "/access-log?after=" + mark.word(), headers=headers)
                self.send(http, "POST", f"/keys/{mark.word()}/rotate", headers=headers)
                self.send(http, "PUT", "/clients", headers=headers)

    def _envelopes(self, token: str) -> None:
        mark, gateway = self.mark, self.gateway
        with gateway.http() as http:
            listed = http.get("/.well-known/ohttp-gateway").content
            authority = f"127.0.0.1:{gateway.port}".encode()
            good = (
                (b"authorization", b"Bearer " + token.encode()),
                (b"date", formatdate(usegmt=True).encode()),
                (b"x-" + mark.word().encode(), mark.word().encode()),
            )
            old = (good[0], (b"date", mark.word().encode()))
            for headers, path in itertools.product(
                (good, old, good[1:]), (b"/v1/models", b"/" + mark.word().encode())
            ):
                request = bhttp.Request(
                    b"GET",
                    path,
                    authority=authority,
                    headers=headers,
                    body=mark.sentence().encode(),
                )
                sealer = RequestSealer(parse_key_list(listed)[0])
                sealed = sealer.finish(bhttp.encode_request(request))
                for _ in range(2):  # the second time it was here before
                    answer = http.post(
                        "/.well-known/ohttp-gateway",
                        content=sealed,
                        headers={"content-type": REQUEST_MEDIA_TYPE},
                    ).raise_for_status()
                    opener = copy(sealer).response_opener()  # which a sealer gives once
                    opened = opener.feed(answer.content) + opener.finish()
                    self.note(parse_response(opened).body)
                other_key = bytes([sealed[0] ^ 0x55]) + sealed[1:]
                for content in (sealed, sealed[:-1], other_key, mark.word().encode()):
                    for kind in (REQUEST_MEDIA_TYPE, mark.word()):
                        self.send(
                            http,
                            "POST",
                            "/.well-known/ohttp-gateway",
                            content=content,
                            headers={"content-type": kind},
                        )

    def _nonsense(self) -> None:
        """Send what is no HTTP at all, and what is almost HTTP."""
        word = self.mark.word().encode()
        for data in (
            word + b"\r\n\r\n",
            b"GET /" + word + b" HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: " + word + b"\r\nhost: b\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
            + word
            + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: a\r\n" + word + b": " + word * 2000 + b"\r\n\r\n",
            b"GET /" + word * 2000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: a\r\nexpect: " + word + b"\r\n\r\n",
        ):
            for port in (self.gateway.port, self.gateway.admin_port):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as bare:
                    bare.sendall(data)
                with (
                    suppress(OSError),
                    socket.create_connection(("127.0.0.1", port), 5) as bare,
                    self.gateway.tls().wrap_socket(bare, server_hostname="localhost") as tls,
                ):
                    tls.sendall(data)
                    self.note(tls.recv(4096).partition(b"\r\n\r\n")[2])
