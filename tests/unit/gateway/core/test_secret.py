"""Values that must not be shown."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from gateway.core.secret import Secret

CANARY = "canary-5f1c"


def test_only_reveal_gives_the_value():
    """Every way of turning a secret into text shows a placeholder."""
    secret = Secret(CANARY)
    assert CANARY not in f"{secret} {secret!r} {secret:>40} {[secret]}"
    assert secret.reveal() == CANARY


@pytest.mark.parametrize("use", [lambda s: s == s, hash, pickle.dumps, copy.copy, json.dumps])  # noqa: PLR0124
def test_ways_to_leak_are_closed(use):
    """A secret is neither compared, hashed, copied nor serialised by accident."""
    with pytest.raises(TypeError):
        use(Secret(CANARY))
