"""The default rules fit together."""

from __future__ import annotations

from gateway.control.key_material import ALGORITHMS
from gateway.control.key_rules import KeyRules
from gateway.core.keyring import KeyAlgorithm, KeyUse
from gateway.core.tokens import MAX_LIFETIME


def test_rotated_key_outlives_what_it_signed_or_was_handed_out_for() -> None:
    """Overlaps cover the longest token and the cached key list; rotation comes later than that."""
    rules = KeyRules()
    assert rules.overlap[KeyUse.SIGNING] > MAX_LIFETIME
    for use, period in rules.rotate_after.items():
        assert period > rules.overlap[use] + rules.publish_after[use]
    assert KeyUse.DOCUMENT not in rules.rotate_after


def test_one_algorithm_signs_tokens() -> None:
    """Configuration chooses it; the other uses have all of theirs."""
    rules = KeyRules(signing_algorithm=KeyAlgorithm.P256)
    assert rules.algorithms(KeyUse.SIGNING) == (KeyAlgorithm.P256,)
    for use in (KeyUse.ENCRYPTION, KeyUse.DOCUMENT):
        assert rules.algorithms(use) == ALGORITHMS[use]
