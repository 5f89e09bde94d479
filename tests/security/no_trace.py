"""What the test of traces provokes, and how it searches: one mark in everything that is sent.

Every text that a caller or the model server chooses holds :data:`Mark.core`, so that one search
through everything that is left finds any of them, in any spelling.
"""

from __future__ import annotations

import base64
import itertools
import json
import secrets
import socket
from collections.abc import Callable, Iterator
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
from loadtests.script import (
    Cut,
    Fault,
    Pause,
    Raw,
    Refusal,
    Script,
    text,
    tool_arguments,
    tool_start,
)
from tests.fakes.streams import FIELDS
from tests.story.gateway import Account, Gateway

_FAILING = (2, 8)  # those of answers() that a model server is blamed for
Say = Callable[[Script], None]


class Mark:
    """A random word that is nowhere by chance, and all the spellings of it that are looked for."""

    def __init__(self) -> None:
        # Letters alone: what escapes or scrubs digits leaves it as it is.
        self.core = "".join(secrets.choice("bcdfghjkmnpqrstvwxz") for _ in range(24))
        self._numbers = itertools.count()

    def word(self) -> str:
        """Return a fresh word of letters and digits that holds the mark."""
        return f"{self.core}{next(self._numbers)}"

    def sentence(self) -> str:
        """Return a text that is escaped in JSON and in URLs."""
        return f'"{self.word()}" é&? \\ 试'

    def needles(self) -> dict[str, bytes]:
        """Return what to look for: the mark as it is, encoded and escaped in whole."""
        core = self.core.encode()
        found = {
            "raw": core,
            "utf-16": self.core.encode("utf-16-le"),
            "hex": core.hex().encode(),
            "HEX": core.hex().upper().encode(),
            "url": "".join(f"%{byte:02X}" for byte in core).encode(),
            "json": "".join(f"\\u{byte:04x}" for byte in core).encode(),
        }
        for shift in range(3):  # whatever stands before it, the middle is one of three texts
            encoded = base64.b64encode(bytes(shift) + core)
            found[f"base64+{shift}"] = encoded[4:28]
        return found


def bodies(mark: Mark) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a call of every API with the mark in every field that takes a text."""
    said, model = mark.sentence, "tiny"
    tool = {"name": mark.word(), "description": said(), "parameters": {"title": said()}}
    call = {
        "id": mark.word(),
        "type": "function",
        "function": {"name": mark.word(), "arguments": json.dumps({mark.word(): said()})},
    }
    history = [
        {"role": "system", "content": said()},
        {"role": "user", "name": mark.word(), "content": [{"type": "text", "text": said()}]},
        {"role": "assistant", "content": said(), "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": said()},
        {"role": "user", "content": said()},
    ]
    yield "/v1/chat/completions", {"model": model, "messages": history[-1:]}
    yield (
        "/v1/chat/completions",
        {
            "model": model,
            "messages": history,
            "tools": [{"type": "function", "function": tool}],
            "stop": [said()],
        },
    )
    yield "/v1/completions", {"model": model, "prompt": said(), "stop": said()}
    yield "/v1/responses", {"model": model, "input": said(), "instructions": said()}
    yield (
        "/v1/messages",
        {
            "model": model,
            "max_tokens": 9,
            "system": said(),
            "messages": [{"role": "user", "content": said()}],
        },
    )
    yield "/v1/embeddings", {"model": model, "input": [said(), said()]}


def wrong_bodies(mark: Mark) -> Iterator[tuple[str, bytes]]:
    """Yield bodies that are refused, each for another reason."""
    for path, body in bodies(mark):
        for change in (
            {mark.word(): mark.sentence()},
            {"model": mark.word()},
            {"model": {mark.word(): 1}},
            {"max_tokens": mark.sentence()},
            {"messages": mark.sentence(), "input": {mark.word(): 1}, "prompt": {mark.word(): 1}},
            {"logprobs": True, "user": mark.sentence()},
        ):
            yield path, json.dumps({**body, **change}).encode()
    written = json.dumps({"model": "tiny", "messages": mark.sentence()}).encode()
    for broken in (written[:-3], b"[" * 5000 + written, written + written, mark.word().encode()):
        yield "/v1/chat/completions", broken
    yield "/v1/chat/completions", b'{"a":"' + mark.word().encode() * 200_000 + b'"}'


def answers(mark: Mark) -> Iterator[Script]:
    """Yield what the model server does: says it, refuses it, breaks off, hangs, talks nonsense."""
    said = mark.sentence
    tool = [tool_start(mark.word()), tool_arguments(json.dumps({"a": said()}))]
    yield Script([text(said()), *tool])
    yield Script(refusal=Refusal(400, said()))
    yield Script(refusal=Refusal(500, said()), headers=[("x-" + mark.word(), mark.word())])
    yield Script([text(said()), Cut()])
    yield Script([text(said()), Fault(said())])
    yield Script([text(said()), Pause(0.8), text(said())])
    yield Script([Pause(0.8)], hold_head=True)
    yield Script([Raw(said().encode() + b"\n\n"), Raw(b"data: {" + said().encode() + b"\n\n")])
    yield Script(whole_body=said().encode())
    yield Script([text(f"{said()} anna@example.com ")])
    for field in FIELDS:
        pieces = [said(), said()]
        whole = field.whole(field.written("".join(pieces)))
        yield Script([Raw(field.stream(pieces))], whole_body=whole)


class Caller:
    """Sends the mark in everything there is to a gateway, and notes which errors it got."""

    def __init__(self, gateway: Gateway, mark: Mark, say: Say) -> None:
        self.gateway, self.mark, self.say = gateway, mark, say
        self.codes: set[str] = set()
        self.secrets: list[str] = []
        self.answered = 0

    def all(self, *, brief: bool) -> None:
        """Send everything; if *brief* only a part of each kind."""
        gateway = self.gateway
        sealing = gateway.create_client(models=("tiny", "strict"))
        plain = gateway.create_client(models=("tiny", "strict"), plaintext_allowed=True)
        self.secrets += [sealing.client_secret, plain.client_secret]
        token = gateway.token(plain)
        self.secrets.append(token)
        headers = {"authorization": f"Bearer {token}", "user-agent": self.mark.word()}
        with gateway.http(headers=headers) as clear, gateway.sealed(sealing) as sealed:
            for client in (sealed, clear):
                before = self.answered
                self._inference(client, brief=brief)
                assert self.answered - before > 50, "most calls were not even answered"
        self._tokens(plain)
        self._admin()
        self._envelopes(token)
        self._nonsense()

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

    def _inference(self, client: httpx2.Client, *, brief: bool) -> None:
        mark, here = self.mark, self.gateway.origin
        extra = {
            f"x-{mark.word()}": mark.word(),
            "cookie": f"{mark.word()}={mark.word()}",
            "traceparent": mark.word(),
            "content-type": "application/json",
        }
        for number, script in enumerate(itertools.islice(answers(mark), 10 if brief else None)):
            # Every API meets an answer and a refusal; of what else happens each meets some.
            calls = list(bodies(mark))
            calls = calls if number < 2 and not brief else [calls[0], calls[number % len(calls)]]
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
        for path, content in itertools.islice(wrong_bodies(mark), 0, None, 5 if brief else 1):
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
        token = gateway.token(gateway.staff["operator"])
        options = ("--role", "auditor", "--network", "127.0.0.0/8", "--json")
        made = json.loads(gateway.command("clients", "create", *options))
        auditor = gateway.token(Account(made["client_id"], made["client_secret"]))
        self.secrets += [token, auditor]
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


def forged(mark: Mark) -> str:
    """Return what looks like a token, with the mark in its header, in its claims and beside it."""
    parts = (
        {"alg": "EdDSA", "kid": mark.word(), "typ": mark.word()},
        {"iss": mark.word(), "sub": mark.sentence(), "client_id": mark.word(), "jti": mark.word()},
    )
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, mark.word().encode()]).decode()
