"""The scrubber that asks a model, sentence by sentence, about what the patterns have let through.

Where a sentence ends is decided by the text alone, so the output, joined, does not depend on how
the text is cut. Whatever goes wrong with the model comes through, and nothing more comes out.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.masks import SIGNS
from gateway.core.pii.actions import TOKEN_CHARACTERS, Actions
from gateway.core.pii.folding import fold
from gateway.core.pii.labels import LABELS
from gateway.core.pii.ner import SentenceModel, Span, verify_spans
from gateway.core.pii.text_scrubber import TextScrubber

# A full stop ends a sentence only before a space: 3.14 and example.com go on.
_END: Final = re.compile(r"[。！？\n]|[.!?…][\"'”’)\]]?\s")
# The longest of these minus one: so far back an end may begin whose last character is new.
_END_CHARACTERS: Final = 3
# What the patterns have put there, and the sign of a token, is no name, whatever a model thinks of
# it. Nothing else may look like it: a name that an answer puts into brackets is shown to the model.
_PLACEHOLDER: Final = re.compile(
    rf"\[(?:{'|'.join(sorted(LABELS))})(?:_[0-9a-f]{{{TOKEN_CHARACTERS}}})?\]|[{SIGNS}]"
)


class SentenceScrubber:
    """A stream scrubber around another one, whose output it shows to a *model*.

    Text waits for the end of its sentence, for as many characters as *model* says or for the end of
    the stream. :meth:`feed` and :meth:`finish` take as long as the model does. *actions* says what
    replaces a value. Placeholders, pseudonyms and the signs of tokens stay as they are.
    """

    __slots__ = ("_actions", "_model", "_scrubber", "_seen", "_text")

    def __init__(self, scrubber: TextScrubber, model: SentenceModel, actions: Actions) -> None:
        self._scrubber = scrubber
        self._model = model
        self._actions = actions
        self._text = ""
        self._seen = 0  # up to this offset there is no end of a sentence

    def feed(self, delta: str) -> str:
        """Accept *delta*; return the sentences that are over."""
        self._text += self._scrubber.feed(delta)
        return self._sentences()

    def finish(self) -> str:
        """Return the rest, which is the last sentence."""
        self._text += self._scrubber.finish()
        safe = self._sentences()
        rest, self._text, self._seen = self._text, "", 0
        return safe + self._scrubbed(rest)

    def _sentences(self) -> str:
        safe: list[str] = []
        begin = 0
        while end := self._find_end(begin):
            safe.append(self._scrubbed(self._text[begin:end]))
            begin = self._seen = end
        self._text = self._text[begin:]
        self._seen -= begin
        return "".join(safe)

    def _find_end(self, begin: int) -> int:
        """Return the offset behind the sentence that starts at *begin*, or 0 if it goes on."""
        limit = begin + self._model.holdback_characters
        found = _END.search(self._text, max(begin, self._seen - _END_CHARACTERS + 1), limit)
        if found is not None:
            return found.end()
        if len(self._text) < limit:
            self._seen = len(self._text)
            return 0
        space = self._text.rfind(" ", begin, limit) + 1
        return space or limit

    def _scrubbed(self, sentence: str) -> str:
        if not any(map(str.isalpha, sentence)):
            return sentence
        spans = verify_spans(self._model.finder.find(sentence), sentence)
        out: list[str] = []
        at = 0
        for span in _around_placeholders(spans, sentence):
            value = fold(sentence[span.start : span.end])
            out += [sentence[at : span.start], self._actions.replace(span.label, value)]
            at = span.end
        return "".join([*out, sentence[at:]])


def _around_placeholders(spans: list[Span], sentence: str) -> list[Span]:
    """Return *spans* without the parts of them that are placeholders."""
    placeholders = list(_PLACEHOLDER.finditer(sentence)) if spans else []
    if not placeholders:
        return spans
    kept: list[Span] = []
    for span in spans:
        start = span.start
        for placeholder in placeholders:
            if placeholder.end() > start and placeholder.start() < span.end:
                kept.append(span._replace(start=start, end=max(start, placeholder.start())))
                start = placeholder.end()
        kept.append(span._replace(start=start, end=max(start, span.end)))
    return [span for span in kept if sentence[span.start : span.end].strip()]
