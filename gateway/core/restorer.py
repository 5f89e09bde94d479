"""Put the client's own values back where the model said their tokens, as the text streams.

Comes after all scrubbing, so what is put back is not looked at again; a value that the model says
by itself has been replaced by then. Only tokens of this request are known here.
"""

from __future__ import annotations

import json

from gateway.core.masks import LONGEST_TOKEN, Masks
from gateway.core.pii.text_scrubber import TextScrubber


class Restorer:
    """A stream scrubber around another one, whose output it completes by *masks*.

    Holds back no more than what may still become a token of this request; the output, joined, does
    not depend on how the input is cut. With *quoted* a value becomes a string of JSON.
    """

    __slots__ = ("_held", "_masks", "_quoted", "_scrubber")

    def __init__(self, scrubber: TextScrubber, masks: Masks, *, quoted: bool = False) -> None:
        self._scrubber = scrubber
        self._masks = masks
        self._quoted = quoted
        self._held = ""

    def feed(self, delta: str) -> str:
        """Accept *delta*; return what is safe to send."""
        return self._restored(self._scrubber.feed(delta))

    def finish(self) -> str:
        """Return the rest; the beginning of a token that never ended is text."""
        restored = self._restored(self._scrubber.finish())
        rest, self._held = self._held, ""
        return restored + rest

    def _restored(self, text: str) -> str:
        if not self._held and "[" not in text:
            return text
        text, self._held = self._held + text, ""
        out: list[str] = []
        at = 0
        while (start := text.find("[", at)) >= 0:
            out.append(text[at:start])
            end = text.find("]", start, start + LONGEST_TOKEN) + 1
            value = self._masks.find(text[start:end]) if end else None
            if value is not None:
                out.append(json.dumps(value, ensure_ascii=False) if self._quoted else value)
                at = end
            elif not end and self._masks.may_become(text[start : start + LONGEST_TOKEN]):
                self._held = text[start:]
                return "".join(out)
            else:
                out.append("[")
                at = start + 1
        out.append(text[at:])
        return "".join(out)
