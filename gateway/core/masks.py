"""The tokens that stand for personal data in one request, and the values behind them.

A token is made of random letters for this one request, so no prompt can know one beforehand and no
other request has it. Nothing of this is ever stored: it ends with the answer.
"""

from __future__ import annotations

import re
import secrets
from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Final

from gateway.core.errors import PayloadTooLarge

# Consonants only: no word, no name and no number comes of them, and models copy them letter by
# letter. Twenty to the eighth power are 34 bits. That is enough, since nothing is won by guessing:
# whoever sees a request has its tokens, and its values go to nobody but its own client. It only has
# to be unlikely that a model says a token that it was not shown.
_LETTERS: Final = "bcdfghjklmnpqrstvwxz"
_RANDOM_LETTERS: Final = 8
_TOKEN: Final = re.compile(rf"\[[A-Z_]+_[{_LETTERS}]{{{_RANDOM_LETTERS}}}\]".encode())

LONGEST_TOKEN: Final = 64
"""Longer than any: a type has at most twenty characters."""

MAX_VALUES: Final = 10_000
"""Different values in one request; more are no conversation but a data set."""

# The first character of a plane for private use: no script, no emoji and no detector has it.
_FIRST_SIGN: Final = 0xF0000
SIGNS: Final = f"{chr(_FIRST_SIGN)}-{chr(_FIRST_SIGN + MAX_VALUES - 1)}"
"""The signs of all tokens that a request can have, as in a class of a regular expression."""


class Masks:
    """Gives tokens for values, and the values back for exactly these tokens.

    Each token has a *sign*, one character that stands for it while an answer is scrubbed.

    *body* is the request as JSON: what looks like a token in it is never given out. There can be
    tokens for *limit* values. *choose* picks one of some letters at random.
    """

    __slots__ = ("_by_value", "_choose", "_limit", "_signs", "_taken", "_tokens", "_values")

    def __init__(
        self,
        body: bytes,
        *,
        limit: int = MAX_VALUES,
        choose: Callable[[str], str] = secrets.choice,
    ) -> None:
        self._limit = min(limit, MAX_VALUES)
        self._choose = choose
        self._taken = {token.decode() for token in _TOKEN.findall(body)}
        self._by_value: dict[tuple[str, str], str] = {}
        self._signs: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._tokens: list[str] = []  # sorted

    def __len__(self) -> int:
        return len(self._tokens)

    def token(self, label: str, value: str) -> str:
        """Return the token for *value*, the same whenever it comes, as in ``[PHONE_kqvzxtbd]``.

        A value that is written in another way is another one, since what is put back is what the
        client wrote. Raises ``PayloadTooLarge`` when there are too many.
        """
        key = (label, value)
        token = self._by_value.get(key)
        if token is None:
            if len(self._tokens) >= self._limit:
                raise PayloadTooLarge("The request holds too many different pieces of data.")
            token = self._by_value[key] = self._fresh(label)
            sign = self._signs[token] = chr(_FIRST_SIGN + len(self._tokens))
            self._values[sign] = value
            insort(self._tokens, token)
        return token

    def find_sign(self, token: str) -> str | None:
        """Return the sign of *token*, or None if it is none."""
        return self._signs.get(token)

    def get_value(self, sign: str) -> str:
        """Return the value that the token with this *sign* stands for; ``KeyError`` without one."""
        return self._values[sign]

    def may_become(self, text: str) -> bool:
        """Say whether *text* is the beginning of a token."""
        place = bisect_left(self._tokens, text)
        return place < len(self._tokens) and self._tokens[place].startswith(text)

    def _fresh(self, label: str) -> str:
        while True:
            letters = "".join([self._choose(_LETTERS) for _ in range(_RANDOM_LETTERS)])
            token = f"[{label}_{letters}]"
            if token not in self._taken and token not in self._signs:
                return token
