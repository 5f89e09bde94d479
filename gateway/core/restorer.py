"""Put the client's own values back where the model said their tokens, as the text streams.

Only tokens of this request are known here. A scrubber sees one sign for each, so it takes none for
a value; what is put back is not looked at again, and a value that the model says by itself is
replaced like any other's.
"""

from __future__ import annotations

import json
import re
from typing import Final

from gateway.core.masks import LONGEST_TOKEN, SIGNS, Masks
from gateway.core.pii.text_scrubber import TextScrubber

_SIGN: Final = re.compile(f"[{SIGNS}]")
# A sign that the model says is no token.
_UNSAID: Final = "\ufffd"


class Restorer:
    """A stream scrubber around another one, whose output it completes by *masks*.

    Holds back no more than what may still become a token of this request; the output, joined, does
    not depend on how the input is cut. With *quoted* a value becomes a string of JSON. A token
    inside a value that is replaced goes with it.
    """

    __slots__ = ("_held", "_masks", "_quoted", "_scrubber")

    def __init__(self, scrubber: TextScrubber, masks: Masks, *, quoted: bool = False) -> None:
        self._scrubber = scrubber
        self._masks = masks
        self._quoted = quoted
        self._held = ""

    def feed(self, delta: str) -> str:
        """Accept *delta*; return what is safe to send."""
        return self._restored(self._scrubber.feed(self._signed(_SIGN.sub(_UNSAID, delta))))

    def finish(self) -> str:
        """Return the rest; the beginning of a token that never ended is text."""
        rest, self._held = self._held, ""
        return self._restored(self._scrubber.feed(rest) + self._scrubber.finish())

    def _signed(self, text: str) -> str:
        """Return *text* with signs for tokens, without what may still become one."""
        if not self._held and "[" not in text:
            return text
        text, self._held = self._held + text, ""
        out: list[str] = []
        at = 0
        while (start := text.find("[", at)) >= 0:
            out.append(text[at:start])
            end = text.find("]", start, start + LONGEST_TOKEN) + 1
            sign = self._masks.find_sign(text[start:end]) if end else None
            if sign is not None:
                out.append(sign)
                at = end
            elif not end and self._masks.may_become(text[start : start + LONGEST_TOKEN]):
                self._held = text[start:]
                return "".join(out)
            else:
                out.append("[")
                at = start + 1
        out.append(text[at:])
        return "".join(out)

    def _restored(self, text: str) -> str:
        return _SIGN.sub(self._written, text)

    def _written(self, found: re.Match[str]) -> str:
        value = self._masks.get_value(found[0])
        return json.dumps(value, ensure_ascii=False) if self._quoted else value
