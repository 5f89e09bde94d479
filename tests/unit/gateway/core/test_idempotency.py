"""Tags and fingerprints: nothing that differs has the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.idempotency import call_fingerprint, call_tag

TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=8)


@given(TEXT, TEXT, TEXT, TEXT)
def test_tags_of_different_calls_differ(a: str, b: str, c: str, d: str) -> None:
    """Caller and key cannot run into each other."""
    assert (call_tag(a, b) == call_tag(c, d)) == ((a, b) == (c, d))


@given(TEXT, st.binary(max_size=8), st.binary(max_size=8), st.binary(max_size=8))
def test_fingerprint_is_of_every_part(method: str, target: bytes, body: bytes, x: bytes) -> None:
    """Another method, target or body is another request."""
    fingerprint = call_fingerprint(method, target, body)
    assert len(fingerprint) == 64
    assert call_fingerprint(method, target, body) == fingerprint
    assert call_fingerprint(method + "x", target, body) != fingerprint
    assert (call_fingerprint(method, target + x, body) == fingerprint) == (not x)
    assert (call_fingerprint(method, target, body + x) == fingerprint) == (not x)
    assert call_tag(method, "k") != fingerprint
