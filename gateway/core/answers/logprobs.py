"""Log-probabilities of tokens, for clients that may have them: only where no value was found.

The entries repeat the text token by token, and beside each token stand others that the model might
have said. A choice keeps its entries if nothing in it was replaced and the tokens, joined, hold no
value either; else all of them go. Of the alternatives only those stay that make no value with the
text before them (ADR-0021).
"""

from __future__ import annotations

from typing import Any, Final

from gateway.core.answers.fields import count, member
from gateway.core.errors import AnswerBlocked, ScrubFailed
from gateway.core.text_scrubbers import REACH, Slices, TextScrubbers

MAX_ALTERNATIVES: Final = 24  # twenty, the chosen token itself, and room
_LEAST: Final = -100_000.0
_SPLIT: Final = "\ufffd"  # a token that is part of a character

Entry = dict[str, Any]


class TokenText:
    """The tokens of one choice as a text that goes the way of the choice's own *field*.

    It is only looked at, so nothing in it counts as replaced.
    """

    def __init__(self, scrubbers: TextScrubbers, field: str, *, choice: int = 0) -> None:
        self._scrubbers = scrubbers.uncounted()
        self._field = field
        self._choice = choice
        self._text = ""

    def verify(self, tokens: list[str]) -> Slices[bool]:
        """Return whether *tokens*, joined, come out as they are."""
        self._text = "".join(tokens)
        safe = yield from self._scrubbers.in_slices(self._field, self._text, choice=self._choice)
        return safe == self._text

    def is_plain(self, at: int, token: str) -> bool:
        """Return whether *token* makes no value with the text before *at*, as far as can be told.

        No model for names is asked thousands of times for one answer: with one, none is plain.
        """
        if self._scrubbers.asks_model:
            return False
        begin = max(0, at - REACH)
        # Only at the beginning does the text of a prompt come before.
        field, choice = (self._field, self._choice) if not begin else ("content", 0)
        said = self._text[begin:at] + token
        try:
            scrubber = self._scrubbers.new(field, choice=choice)
            return scrubber.feed(said) + scrubber.finish() == said
        except AnswerBlocked:
            return False


def rebuild_entries(received: list[Any], text: TokenText) -> Slices[list[Entry]]:
    """Return the entries of a chat's or a response's tokens; none of them if there is a value."""
    entries = [_entry(one) for one in received]
    if not (yield from text.verify([entry["token"] for entry in entries])):
        return []
    at = 0
    for one, entry in zip(received, entries, strict=True):
        others = [_entry(other) for other in _alternatives(member(one, "top_logprobs", list))]
        entry["top_logprobs"] = [o for o in others if text.is_plain(at, o["token"])]
        at += len(entry["token"])
        yield None
    return entries


def rebuild_lists(received: dict[str, Any], text: TokenText) -> Slices[dict[str, Any] | None]:
    """Return the lists of a completion's tokens, or None if there is a value."""
    tokens = [_token(token) for token in member(received, "tokens", list) or ()]
    if not (yield from text.verify(tokens)):
        return None
    tops: list[dict[str, float] | None] = []
    at = 0
    for place, token in enumerate(tokens):
        others = _at(member(received, "top_logprobs", list), place)
        if others is not None and type(others) is not dict:
            raise ScrubFailed
        kept = {
            name: _logprob(value)
            for name, value in _alternatives(list((others or {}).items()))
            if text.is_plain(at, name)
        }
        tops.append(None if others is None else kept)
        at += len(token)
        yield None
    chosen = [_at(member(received, "token_logprobs", list), n) for n in range(len(tokens))]
    offsets = [_at(member(received, "text_offset", list), n) for n in range(len(tokens))]
    return {
        "tokens": tokens,
        "token_logprobs": [None if value is None else _logprob(value) for value in chosen],
        "top_logprobs": tops,
        "text_offset": [0 if value is None else count(value) for value in offsets],
    }


def _alternatives(received: list[Any] | None) -> list[Any]:
    if received is not None and len(received) > MAX_ALTERNATIVES:
        raise ScrubFailed
    return received or []


def _at(values: list[Any] | None, place: int) -> Any:
    return values[place] if values and place < len(values) else None


def _entry(received: Any) -> Entry:
    if type(received) is not dict:
        raise ScrubFailed
    token = _token(received.get("token"))
    # Parts of a character are bytes that are no text; they are not shown.
    in_bytes = None if _SPLIT in token else list(token.encode())
    return {"token": token, "logprob": _logprob(received.get("logprob")), "bytes": in_bytes}


def _token(value: Any) -> str:
    if type(value) is not str:
        raise ScrubFailed
    return value


def _logprob(value: Any) -> float:
    if type(value) not in {int, float} or not _LEAST <= value <= 0:
        raise ScrubFailed
    return float(value)
