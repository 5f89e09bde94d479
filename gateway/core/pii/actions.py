"""What is put in the place of a value: a placeholder, a part of it, a pseudonym, or nothing at all.

An action is a pure function of the label and the folded value, so it cannot depend on how a stream
is cut. A value that is replaced before its end is known (``Detector.tail``) is given as far as it
is known by then.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.core.errors import AnswerBlocked
from gateway.core.secret import Secret

# How much of a number may stay readable, and which share of it is hidden at least.
_SHOWN_START: Final = 3
_SHOWN_END: Final = 4
_SMALLEST_HIDDEN_SHARE: Final = 1 / 3
_SHORTEST_KEY_BYTES: Final = 32

TOKEN_CHARACTERS: Final = 12
"""Hexadecimal digits of a pseudonym, 48 bits: short, and yet two of a million values in one
conversation are mixed up but once in 500 conversations."""


class Action(Protocol):
    """What happens to a value."""

    def replace(self, label: str, value: str) -> str:
        """Return what stands for the folded *value*; ``AnswerBlocked`` if the answer must end."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """The label in brackets, or in another *form* with ``{}`` for the label."""

    form: str = "[{}]"

    def replace(self, label: str, value: str) -> str:  # noqa: ARG002 - the form of Action
        """Return the label in its form."""
        return self.form.format(label)


@dataclass(frozen=True, slots=True)
class PartialMask:
    """The first three and the last four characters, with stars between: ``138****5678``.

    Separators are dropped. A value too short to hide a third of it is shown as a placeholder.
    """

    def replace(self, label: str, value: str) -> str:
        """Return the masked value."""
        plain = "".join([char for char in value if char.isalnum()])
        hidden = len(plain) - _SHOWN_START - _SHOWN_END
        if hidden < _SMALLEST_HIDDEN_SHARE * max(len(plain), 1):
            return Placeholder().replace(label, value)
        return f"{plain[:_SHOWN_START]}{'*' * hidden}{plain[-_SHOWN_END:]}".upper()


class Pseudonym:
    """A token that is the same for the same value under the same key: ``[PHONE_3f9a…]``.

    HMAC-SHA-256 (RFC 2104) over label and value, letters and digits only, cut to 48 bits. Give each
    conversation a key of its own, of at least 32 bytes: without it nobody can try values. Raises
    ``ValueError`` for a shorter key.
    """

    __slots__ = ("_key",)

    def __init__(self, key: Secret[bytes]) -> None:
        if len(key.reveal()) < _SHORTEST_KEY_BYTES:
            raise ValueError(f"a pseudonym key has at least {_SHORTEST_KEY_BYTES} bytes")
        self._key = key

    def replace(self, label: str, value: str) -> str:
        """Return the token."""
        plain = "".join([char for char in value if char.isalnum() or char in "@+"])
        message = f"{label}\0{plain}".encode("utf-8", "surrogatepass")
        token = hmac.digest(self._key.reveal(), message, "sha256").hex()[:TOKEN_CHARACTERS]
        return f"[{label}_{token}]"


@dataclass(frozen=True, slots=True)
class Block:
    """End the answer: the value and all that follows stay unsaid."""

    def replace(self, label: str, value: str) -> str:  # noqa: ARG002 - the form of Action
        """Raise ``AnswerBlocked``."""
        raise AnswerBlocked


def _uncounted(label: str) -> None:
    """Count nothing."""


@dataclass(frozen=True, slots=True)
class Actions:
    """The action for each label; *default* for those that *by_label* does not name.

    *quoted* puts the result into quotation marks, as a string of JSON. *count* gets the label of
    each value that was replaced.
    """

    by_label: Mapping[str, Action] = field(default_factory=dict)
    default: Action = Placeholder()
    quoted: bool = False
    count: Callable[[str], None] = _uncounted

    def replace(self, label: str, value: str) -> str:
        """Return what stands for *value*; ``AnswerBlocked`` if the answer must end."""
        instead = self.by_label.get(label, self.default).replace(label, value)
        self.count(label)
        return json.dumps(instead, ensure_ascii=False) if self.quoted else instead


PLACEHOLDERS: Final = Actions()
