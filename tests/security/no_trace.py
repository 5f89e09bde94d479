"""What is sent in the test of traces: one mark in everything.

Every text that a caller or the model server chooses holds :data:`Mark.core`, so that one search
through everything that is left finds any of them, in any spelling.
"""

from __future__ import annotations

import base64
import itertools
import json
import secrets
from collections.abc import Iterator
from typing import Any

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


def forged(mark: Mark) -> str:
    """Return what looks like a token, with the mark in its header, in its claims and beside it."""
    parts = (
        {"alg": "EdDSA", "kid": mark.word(), "typ": mark.word()},
        {"iss": mark.word(), "sub": mark.sentence(), "client_id": mark.word(), "jti": mark.word()},
    )
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, mark.word().encode()]).decode()
