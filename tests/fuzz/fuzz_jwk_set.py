"""Key sets: what is read can be written and read again, everything else is refused in one way."""

from __future__ import annotations

import json

from gateway.core.jwk import parse_jwk_set, to_jwk
from gateway.core.jws import Unreadable


def check(data: bytes) -> None:
    """A set is sound or refused; a sound one comes back the same."""
    try:
        keys = parse_jwk_set(data)
    except Unreadable:
        return
    written = json.dumps({"keys": [to_jwk(key) for key in keys.values()]}).encode()
    assert parse_jwk_set(written) == keys
