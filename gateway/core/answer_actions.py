"""What replaces values in one answer: the rules that apply to it, as actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.core.pii.actions import (
    PLACEHOLDERS,
    Action,
    Actions,
    Block,
    PartialMask,
    Placeholder,
    Pseudonym,
)
from gateway.core.pii.labels import LABELS
from gateway.core.scrub_rules import SILENT, ScrubRules, Treatment, settle
from gateway.core.secret import Secret


def choose_actions(
    levels: Sequence[ScrubRules], pseudonym_key: Callable[[], Secret[bytes]]
) -> Actions:
    """Return the actions of one answer by *levels*, the one that chooses first before the others.

    *pseudonym_key* is asked for only if there are pseudonyms; what it raises comes through.
    """
    if all(rules == SILENT for rules in levels):
        return PLACEHOLDERS
    treatments = {label: settle(levels, label) for label in LABELS}
    forms: dict[Treatment, Action] = {
        Treatment.PLACEHOLDER: Placeholder(),
        Treatment.MASK: PartialMask(),
        Treatment.BLOCK: Block(),
    }
    if Treatment.PSEUDONYM in treatments.values():
        forms[Treatment.PSEUDONYM] = Pseudonym(pseudonym_key())
    return Actions({label: forms[treatment] for label, treatment in treatments.items()})
