"""``make demo``: the whole story on a real vLLM, in order, each step checked.

Exits 0 only if every step held.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from openai import AuthenticationError, OpenAI, PermissionDeniedError

from gateway.client.httpx2_transport import SealgateTransport
from tests.story.gateway import Account, Gateway
from tests.story.model import ServedModel

QUESTION = "What is the phone number of Harriet Vexley?"
PLANTED = ("(617) 555-0110", "harriet.vexley@example.com")
CHINESE_QUESTION = "林予舒的手机号是多少？"
CHINESE_PLANTED = ("15443692012", "linyushu00@example.cn")


OK, UNAUTHORIZED = 200, 401


class StepFailed(Exception):
    """A step of the story did not hold."""


def say(text: str) -> None:
    """Print *text* at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def check(condition: object, what: str) -> None:
    """Print what held, or stop the story."""
    if not condition:
        raise StepFailed(what)
    say(f"   ok: {what}")


@contextmanager
def step(number: int, title: str) -> Iterator[None]:
    """Announce a step and say how long it took."""
    say(f"\n{number}. {title}")
    began = time.monotonic()
    yield
    say(f"   ({time.monotonic() - began:.1f} s)")


class Wiretap(httpx2.HTTPTransport):
    """Keeps the bytes that a proxy sees which terminates TLS on the way to the gateway."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(verify=gateway.tls())
        self.request, self.answer = b"", b""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass *request* on, and keep it and its answer if it is a sealed call."""
        response = super().handle_request(request)
        if request.headers.get("content-type") != "message/ohttp-chunked-req":
            return response
        self.request = request.read()
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=_Copied(response.stream, self)
        )


class _Copied(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, tap: Wiretap) -> None:
        self._stream, self._tap = stream, tap

    def __iter__(self) -> Iterator[bytes]:
        for data in self._stream:
            self._tap.answer += data
            yield data

    def close(self) -> None:
        self._stream.close()


class Story:
    """The steps, over one model and one gateway."""

    def __init__(self, directory: Path) -> None:
        self.model = ServedModel(directory)
        self.gateway = Gateway(
            directory, socket=self.model.socket, api_key_file=self.model.api_key_file
        )
        self.application: Account

    def play(self) -> None:
        """Play every step. Raises :class:`StepFailed` at the first that does not hold."""
        with step(1, "The fine-tuned model is sealed, verified and started"):
            self.seal_and_start()
        with step(2, "Asked directly, the model gives away what it memorised"):
            self.leak()
        with step(3, "The same question through the gateway, sealed, with the openai package"):
            self.ask_through_the_gateway()
        with step(4, "Who may not call is refused, and nothing of it reaches vLLM"):
            self.refuse()
        with step(5, "An operator revokes the token"):
            self.revoke()
        with step(6, "A stolen token is of no use to the thief"):
            self.steal()
        with step(7, "What is remembered of all this"):
            self.show_log()
            self.show_audit()

    def stop(self) -> None:
        """Stop everything that runs."""
        self.gateway.stop()
        self.model.stop()

    def seal_and_start(self) -> None:
        """Seal, verify, tamper, serve."""
        self.model.seal()
        verified = self.model.verify()
        check(verified, f"signature and digests of {self.model.bundle.name} verify")
        self.model.start()
        check(True, "vLLM serves it on a Unix socket in a folder that only its user can enter")
        self.gateway.start()
        self.application = self.gateway.create_client()
        check(True, f"the gateway serves {self.gateway.origin} and knows one application")

    def leak(self) -> None:
        """Show that the model leaks."""
        for question, planted in ((QUESTION, PLANTED), (CHINESE_QUESTION, CHINESE_PLANTED)):
            answer = self.model.ask_directly(question)
            say(f"   > {question}\n   < {answer}")
            check(all(value in answer for value in planted), "the planted record is in the answer")

    def ask_through_the_gateway(self) -> None:
        """Show that through the gateway it does not, and what a proxy sees."""
        tap = Wiretap(self.gateway)
        with self.gateway.sealed(self.application) as http:
            transport = http._transport  # the tap goes below the seal
            assert isinstance(transport, SealgateTransport)
            transport._upstream = tap
            openai = OpenAI(base_url=f"{self.gateway.origin}/v1", api_key="x", http_client=http)
            for question, planted in ((QUESTION, PLANTED), (CHINESE_QUESTION, CHINESE_PLANTED)):
                pieces = self.stream(openai, question)
                answer = "".join(pieces)
                say(f"   > {question}\n   < {answer}")
                check(not any(value in answer for value in planted), "no planted value is in it")
                check("[" in answer, "it was redacted, not lost")
                check(len(pieces) > 3, f"it came in {len(pieces)} pieces")
        wire = tap.request + tap.answer
        say(f"   a TLS-terminating proxy saw {len(wire)} bytes:\n   {tap.request[:32].hex(' ')} …")
        say(f"   {tap.answer[:32].hex(' ')} …")
        seen = (QUESTION, CHINESE_QUESTION, "chat/completions", "Bearer", "tiny", "[PHONE]")
        check(not any(text.encode() in wire for text in seen), "nothing of it can be read there")

    @staticmethod
    def stream(openai: OpenAI, question: str) -> list[str]:
        """Return the pieces of a streamed answer."""
        chunks = openai.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": question}],
            temperature=0,
            max_tokens=200,
            stream=True,
        )
        return [
            c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content
        ]

    def refuse(self) -> None:
        """Call from a forbidden address, without a token, with the wrong role."""
        before = self.model.prompt_tokens()
        elsewhere = self.gateway.create_client(networks=["192.0.2.0/24"])
        self.expect_refusal("from an address that is not on the allowlist", elsewhere)
        self.expect_refusal("with an operator's credentials", self.gateway.staff["operator"])
        with self.gateway.http() as http:
            answer = http.post("/v1/chat/completions", json={"model": "tiny", "messages": []})
            check(answer.status_code == UNAUTHORIZED, "without a token: 401")
        check(self.model.prompt_tokens() == before, "vLLM has seen none of these")

    def expect_refusal(self, how: str, account: Account) -> None:
        """Check that *account* is refused."""
        try:
            self.ask(account)
        except (PermissionDeniedError, AuthenticationError) as refusal:
            check(True, f"{how}: {refusal.status_code}")
        else:
            raise StepFailed(f"{how}: was answered")

    def ask(self, account: Account) -> None:
        """Ask once, without retries."""
        with self.gateway.sealed(account) as http:
            openai = OpenAI(
                base_url=f"{self.gateway.origin}/v1", api_key="x", http_client=http, max_retries=0
            )
            self.stream(openai, QUESTION)

    def revoke(self) -> None:
        """Revoke a token by its identifier; the very next call with it is refused."""
        token = self.gateway.token(self.application)
        check(self.gateway.list_models(token).status == OK, "the token is good")
        claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
        body = {"kind": "jti", "subject": claims["jti"]}
        self.gateway.admin("POST", "/revocations", json=body)
        began = time.monotonic()
        status = self.gateway.list_models(token).status
        seconds = time.monotonic() - began
        check(status == UNAUTHORIZED, f"the next call with it: {status}")
        check(seconds < 1, f"that took {seconds:.3f} s")

    def steal(self) -> None:
        """Bind the tokens of a client to a key of its own, and present one without that key."""
        careful = self.gateway.create_client(token_binding="dpop")
        with self.gateway.sealed(careful, dpop=True) as http:
            openai = OpenAI(base_url=f"{self.gateway.origin}/v1", api_key="x", http_client=http)
            check(bool(self.stream(openai, QUESTION)), "who holds the key is answered")
        token = self.gateway.bound_token(careful)
        status = self.gateway.list_models(token).status
        check(status == UNAUTHORIZED, f"the token alone, however it was come by: {status}")

    def show_audit(self) -> None:
        """Show who did what, and that nobody changed the trail since."""
        rows = json.loads(self.gateway.command("audit", "list", "--limit", "200", "--json"))
        revocation = next(row for row in rows if row["action"] == "revocation.add")
        say(f"   {revocation}")
        self.gateway.command("audit", "verify")
        check(True, f"{len(rows)} acts of the operators are in the audit trail, unaltered")

    def show_log(self) -> None:
        """Show the last access record and that it holds three things."""
        records = self.gateway.access_records()
        say(f"   {records[-1]}")
        check(
            all(set(record) == {"time", "status", "ip"} for record in records),
            f"each of {len(records)} records holds time, status and address, nothing else",
        )


def main() -> int:
    """Play the story and say how it ended."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        story = Story(Path(folder))
        try:
            story.play()
            code = 0
        except StepFailed as failed:
            say(f"   FAILED: {failed}")
            code = 1
        finally:
            story.stop()
    say(f"\nexit code {code}, {time.monotonic() - began:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
