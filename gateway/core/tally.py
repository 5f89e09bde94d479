"""How many tokens one answer has cost, as its scrubber sees the answer go by (ADR-0016)."""

from __future__ import annotations

from typing import Final

# An estimate, for prompts of answers that were cut off before vLLM said what they cost: what an
# English text has in most vocabularies. Chinese has fewer bytes of UTF-8 to a token.
PROMPT_BYTES_PER_TOKEN: Final = 4


class Tally:
    """The cost of one answer. *is_shown* says whether the client asked to see vLLM's usage.

    The scrubber writes into it while the answer runs, so that whoever reads it at the end knows
    the cost also of an answer that was cut off.
    """

    __slots__ = ("_pieces", "_total_tokens", "is_shown")

    def __init__(self, *, is_shown: bool = True) -> None:
        self.is_shown = is_shown
        self._pieces = 0
        self._total_tokens: int | None = None

    def see_pieces(self, count: int) -> None:
        """Note *count* further pieces of choices, each of which is at least one token."""
        self._pieces += count

    def see_usage(self, total_tokens: int) -> None:
        """Note what vLLM says: the last word counts, and it never says less than before."""
        self._total_tokens = max(total_tokens, self._total_tokens or 0)

    def tokens(self, *, request_bytes: int) -> int:
        """Return the tokens of prompt and answer together; 0 if the answer never began.

        They are vLLM's own count if it came. Else each piece counts as one token, which is a lower
        bound, and the prompt by the size of the request as vLLM got it, which is an estimate.
        """
        if self._total_tokens is not None:
            return max(self._total_tokens, self._pieces)
        if not self._pieces:
            return 0
        return self._pieces + request_bytes // PROMPT_BYTES_PER_TOKEN
