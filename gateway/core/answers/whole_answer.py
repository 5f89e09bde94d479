"""Scrub an answer of the model server that comes as one JSON object, whatever its shape.

It fails closed: if anything is not as expected, an error is raised, and the object stays dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from gateway.core.errors import ScrubFailed, SealgateError
from gateway.core.strict_json import load_json
from gateway.core.text_scrubbers import Slices

# A whole answer is at most a few hundred thousand tokens; an answer beyond this is not an answer.
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024

Rebuild = Callable[[dict[str, Any]], Slices[dict[str, Any]]]
"""Makes of a received answer the one to send, with a pause after each slice of work."""


class WholeAnswerScrubber:
    """Take vLLM's JSON answer in any pieces, give the scrubbed answer at :meth:`finish`.

    Raises what *rebuild* raises, and ``ScrubFailed`` for an answer that is too long or no JSON
    object; from then on always.
    """

    __slots__ = ("_body", "_failure", "_limit", "_rebuild")

    def __init__(self, rebuild: Rebuild, *, max_answer_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._rebuild = rebuild
        self._limit = max_answer_bytes
        self._body = bytearray()
        self._failure: type[SealgateError] | None = None

    def feed(self, data: bytes) -> bytes:
        """Keep *data*; nothing goes out before the whole answer is known."""
        if self._failure is not None:
            raise self._failure
        self._body += data
        if len(self._body) > self._limit:
            self._body.clear()
            self._failure = ScrubFailed
            raise ScrubFailed
        return b""

    def finish(self) -> bytes:
        """Return the scrubbed answer, all of :meth:`finish_slices` at one go."""
        return b"".join([part for part in self.finish_slices() if part is not None])

    def finish_slices(self) -> Iterator[bytes | None]:
        """Do the work of :meth:`finish` in small steps: yield None after each, at last the answer.

        A step is a slice of ``TextScrubbers.in_slices``, so a caller on an event loop should let
        others run between two steps. Raises, while it is iterated, what :meth:`finish` raises.
        Whoever stops half-way gets nothing, then or later.
        """
        if self._failure is not None:
            raise self._failure
        self._failure = ScrubFailed
        body = bytes(self._body)
        self._body.clear()
        try:
            received = load_json(body, otherwise=ScrubFailed())
            if type(received) is not dict:
                raise ScrubFailed
            answer = yield from self._rebuild(received)
        except SealgateError as error:
            self._failure = type(error)
            raise
        yield orjson.dumps(answer)
