"""Scrub text that is meant to be JSON, such as the arguments of a tool call, as it streams.

What is redacted never breaks the JSON: inside a string the placeholder is plain text, and a bare
number becomes a string. Escapes are read as the characters that they stand for and exponents as the
digits, so neither hides anything. Text that is not JSON at all is scrubbed all the same.
"""

from __future__ import annotations

import dataclasses
import json
import string
from typing import Final, Protocol

from gateway.core.json_numbers import PlainNumbers, WholeValues
from gateway.core.pii import StreamScrubber
from gateway.core.pii.actions import PLACEHOLDERS, Actions
from gateway.core.pii.text_scrubber import TextScrubber

_ESCAPES: Final = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_HEX: Final = frozenset(string.hexdigits)
# The name of a member is what tells a check what its value is.
_KEPT_NAME: Final = 24


class NewScrubber(Protocol):
    """Makes the scrubber of a part of the text, as ``StreamScrubber`` does."""

    def __call__(self, *, actions: Actions, before: str = "") -> TextScrubber:
        """Return a scrubber by *actions*; *before* is what stands in front of the part."""


class JsonTextScrubber:
    """The stream scrubber for JSON text: same two methods, same promise about chunk borders.

    Strings come out with the same value but not always with the same escapes. *actions* says what
    replaces a value; *new_scrubber* makes the scrubber of each string and of what is between them.
    """

    __slots__ = (
        "_actions",
        "_bare",
        "_escape",
        "_high",
        "_in_string",
        "_minus",
        "_name",
        "_new_scrubber",
        "_numbers",
        "_scrubber",
        "_values",
    )

    def __init__(
        self, *, actions: Actions = PLACEHOLDERS, new_scrubber: NewScrubber = StreamScrubber
    ) -> None:
        self._new_scrubber = new_scrubber
        self._actions = actions
        self._bare = dataclasses.replace(actions, quoted=True)  # outside strings
        self._in_string = False
        self._escape = ""  # an escape that is not complete yet, as written
        self._high = ""  # the first half of a surrogate pair
        self._name = ""  # the end of the last string, which may be the name of the next value
        self._numbers = PlainNumbers()  # outside strings
        self._values = WholeValues()  # those behind the scrubber
        self._minus = False  # a sign held back: a number that is redacted takes it along
        self._scrubber = self._outside()

    def feed(self, delta: str) -> str:
        """Accept the next *delta*; return what is now safe to send, often nothing."""
        out: list[str] = []
        plain: list[str] = []  # decoded characters of the present string, or bare text
        for char in delta:
            if not self._in_string:
                if char == '"':
                    self._close_bare(plain, out)
                else:
                    plain.append(char)
            elif self._escape:
                self._take_escaped(char, plain)
            elif char == "\\":
                self._escape = char
            elif char == '"':
                self._close_string(plain, out)
            else:
                self._take(char, plain)
        self._pass_on(plain, out)
        return "".join(out)

    def finish(self) -> str:
        """Return the rest; a string that was cut off stays open."""
        out: list[str] = []
        self._pass_on([self._lost_half()], out)
        self._end_bare(out)
        out.append(self._written(self._scrubber.finish()))
        if self._minus:
            self._minus = False
            out.append("-")
        # An escape that was cut off holds at most three digits of a character: no text.
        out.append(self._escape)
        self._escape = ""
        return "".join(out)

    def _outside(self) -> TextScrubber:
        return self._new_scrubber(actions=self._bare)

    def _written(self, text: str) -> str:
        """Return scrubbed *text* as it stands in the output."""
        if not text:
            return ""
        if self._in_string:
            return json.dumps(text, ensure_ascii=False)[1:-1]
        if self._minus:
            text = "-" + text
            self._minus = False
        text = self._values.feed(text.replace('-"', '"'))
        if text.endswith("-"):
            self._minus = True
            text = text[:-1]
        return text

    def _pass_on(self, plain: list[str], out: list[str]) -> None:
        text = "".join(plain)
        plain.clear()
        if self._in_string:
            self._name = (self._name + text)[-_KEPT_NAME:]
        else:
            text = self._numbers.feed(text)
        out.append(self._written(self._scrubber.feed(text)))

    def _end_bare(self, out: list[str]) -> None:
        """Pass on what may have become a number; inside a string there is nothing of that."""
        out.append(self._written(self._scrubber.feed(self._numbers.finish())))

    def _close_bare(self, plain: list[str], out: list[str]) -> None:
        self._pass_on(plain, out)
        self._end_bare(out)
        out.append(self._written(self._scrubber.finish()))
        if self._minus:
            self._minus = False
            out.append("-")
        out.append('"')
        self._scrubber = self._new_scrubber(before=self._name + '"', actions=self._actions)
        self._name = ""
        self._values = WholeValues()
        self._in_string = True

    def _close_string(self, plain: list[str], out: list[str]) -> None:
        plain.append(self._lost_half())
        self._pass_on(plain, out)
        out.append(self._written(self._scrubber.finish()))
        out.append('"')
        self._in_string = False
        self._scrubber = self._new_scrubber(before=self._name + '"', actions=self._bare)

    def _take(self, char: str, plain: list[str]) -> None:
        """Add one decoded character of a string; halves of a surrogate pair are joined."""
        if "\ud800" <= char <= "\udbff":
            plain.append(self._lost_half())
            self._high = char
        elif "\udc00" <= char <= "\udfff":
            pair = self._high + char
            self._high = ""
            plain.append(_joined(pair) if len(pair) == 2 else "\ufffd")
        else:
            plain.append(self._lost_half())
            plain.append(char)

    def _lost_half(self) -> str:
        """Return the replacement for a first half without a second one, if there is one."""
        lost, self._high = self._high, ""
        return "\ufffd" if lost else ""

    def _take_escaped(self, char: str, plain: list[str]) -> None:
        if self._escape == "\\":
            if char == "u":
                self._escape += char
                return
            self._escape = ""
            # An escape that JSON does not know is read as the character itself.
            self._take(_ESCAPES.get(char, char), plain)
        elif char not in _HEX:
            # Not JSON. Drop the broken escape; the character begins afresh.
            self._escape = ""
            self._take("\ufffd", plain)
            self._take_afresh(char, plain)
        else:
            self._escape += char
            if len(self._escape) == 6:
                code, self._escape = self._escape[2:], ""
                self._take(chr(int(code, 16)), plain)

    def _take_afresh(self, char: str, plain: list[str]) -> None:
        if char == "\\":
            self._escape = char
        else:
            self._take(char, plain)


def _joined(pair: str) -> str:
    return pair.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
