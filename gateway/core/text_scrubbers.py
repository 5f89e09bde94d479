"""The scrubbers of one answer: one for each text in it, all by the same rules.

Whoever rebuilds an answer asks here for the scrubber of a field and knows nothing about what it
does; whoever sets the rules knows nothing about the shapes of answers.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Final, TypeVar

from gateway.core.errors import ScrubFailed
from gateway.core.json_text import JsonTextScrubber
from gateway.core.masks import Masks
from gateway.core.pii import StreamScrubber
from gateway.core.pii.actions import PLACEHOLDERS, Actions
from gateway.core.pii.ner import SentenceModel
from gateway.core.pii.sentences import SentenceScrubber
from gateway.core.pii.text_scrubber import TextScrubber
from gateway.core.restorer import Restorer

__all__ = ["REACH", "SLICE_CHARACTERS", "Slices", "TextScrubber", "TextScrubbers"]

# A few milliseconds of work whatever the text.
SLICE_CHARACTERS: Final = 2_000

REACH: Final = 400
"""How far back a value that ends in a text may have begun, in what the text goes on from.

The longest is an e-mail address of about 320 characters; what a check may look at comes before it.
"""

_Result = TypeVar("_Result")

Slices = Generator[None, None, _Result]
"""Work in slices: yields None between two of them and returns its result."""


class TextScrubbers:
    """Makes the scrubbers of one answer.

    *prompts* and *n* are those of the ``InferenceRequest``: the ends of the prompts that its
    answers continue without a break, and how many choices each has. A value that begins in the
    prompt and ends in the answer is replaced in the answer; the text of the prompt itself never
    comes out. Without prompts, as in a chat, every choice begins anew. *actions* says what
    replaces a value. *masks* are the tokens that the model saw in the place of the client's own
    values, which come back here. *model* is asked about what the patterns let through in texts and
    strings; the scrubbers then take as long as it does.
    """

    __slots__ = ("_actions", "_masks", "_model", "_n", "_prompts")

    def __init__(
        self,
        prompts: tuple[str, ...] = (),
        n: int = 1,
        *,
        actions: Actions = PLACEHOLDERS,
        masks: Masks | None = None,
        model: SentenceModel | None = None,
    ) -> None:
        self._prompts = prompts
        self._n = n
        self._actions = actions
        self._masks = masks
        self._model = model

    @property
    def asks_model(self) -> bool:
        """Whether a model is asked, so that a scrubber may take long for a few words."""
        return self._model is not None

    def uncounted(self) -> TextScrubbers:
        """Return scrubbers like these, for text that does not go out: nothing is counted."""
        return TextScrubbers(
            self._prompts,
            self._n,
            actions=replace(self._actions, count=PLACEHOLDERS.count),
            masks=self._masks,
            model=self._model,
        )

    def new(self, field: str, *, choice: int = 0, after: str = "") -> TextScrubber:
        """Return a fresh scrubber for a text *field* of *choice*.

        ``arguments`` are JSON in a string. A ``text`` goes on where the prompt of its choice ends;
        all other fields begin anew, or go on from what they come *after*. Raises
        ``ScrubFailed`` for a choice that nobody asked for.
        """
        if field == "arguments":
            return JsonTextScrubber(actions=self._actions, new_scrubber=self._plain)
        continued = self._prompt_of(choice) if field == "text" and not after else after
        return self._plain(continued=continued, actions=self._actions)

    def in_slices(self, field: str, text: str, *, choice: int = 0, after: str = "") -> Slices[str]:
        """Scrub the whole *text* of a *field* as its stream would be, and return it.

        Yields None after every ``SLICE_CHARACTERS`` characters, so that others can have the
        processor.
        """
        scrubber = self.new(field, choice=choice, after=after)
        safe: list[str] = []
        for at in range(0, len(text) or 1, SLICE_CHARACTERS):  # many empty texts are work too
            safe.append(scrubber.feed(text[at : at + SLICE_CHARACTERS]))
            yield None
        safe.append(scrubber.finish())
        return "".join(safe)

    def _plain(self, *, actions: Actions, before: str = "", continued: str = "") -> TextScrubber:
        scrubber: TextScrubber = StreamScrubber(before=before, continued=continued, actions=actions)
        if self._model is not None and not actions.quoted:  # between strings nobody is named
            scrubber = SentenceScrubber(scrubber, self._model, actions)
        if self._masks is not None:
            scrubber = Restorer(scrubber, self._masks, quoted=actions.quoted)
        return scrubber

    def _prompt_of(self, choice: int) -> str:
        if not self._prompts:
            return ""
        place = choice // self._n
        if place >= len(self._prompts):
            raise ScrubFailed
        return self._prompts[place]
