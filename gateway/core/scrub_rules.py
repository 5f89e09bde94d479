"""Which form a found value gets: for each type, by the rules of the client, the model, the gateway.

Every form hides the value; none lets it pass. The first of the three that says something of a type
chooses its form, but what one of them blocks is blocked (ADR 0022).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

DEFAULT: Final = "default"
"""How the form of all types that are not named is called where rules are written in one list."""


class Treatment(StrEnum):
    """What happens to a value: its type in brackets, a part of it, a pseudonym, or the end."""

    PLACEHOLDER = "placeholder"
    MASK = "mask"
    PSEUDONYM = "pseudonym"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class ScrubRules:
    """What the client, the model or the gateway says of each type of personal data.

    *types* names some; *default* is for all others, ``None`` leaves those to the next in line.
    """

    default: Treatment | None = None
    types: Mapping[str, Treatment] = field(default_factory=dict)

    def find(self, label: str) -> Treatment | None:
        """Return what is said of *label*, or None."""
        return self.types.get(label, self.default)

    def as_written(self) -> dict[str, str]:
        """Return the rules in one list, as :func:`parse_scrub_rules` takes them."""
        written = {label: self.types[label].value for label in sorted(self.types)}
        return written if self.default is None else {DEFAULT: self.default.value, **written}


SILENT: Final = ScrubRules()
"""Rules that say nothing."""


def read_scrub_rules(written: Mapping[str, str]) -> ScrubRules:
    """Return rules that were written by :meth:`ScrubRules.as_written`.

    A type that no detector finds any more stays and does nothing. Raises ``ValueError`` for what is
    no treatment.
    """
    rules = {label: Treatment(value) for label, value in written.items()}
    return ScrubRules(rules.pop(DEFAULT, None), rules)


def settle(levels: Sequence[ScrubRules], label: str) -> Treatment:
    """Return the treatment of *label* by *levels*, the one that chooses first before the others."""
    said = [treatment for rules in levels if (treatment := rules.find(label)) is not None]
    if Treatment.BLOCK in said:
        return Treatment.BLOCK
    return said[0] if said else Treatment.PLACEHOLDER
