"""How a target cuts its input into what arrives one after the other."""

from __future__ import annotations

from collections.abc import Iterator


def pieces(data: bytes) -> Iterator[bytes]:
    """Yield all but the first byte of *data*, cut into pieces whose size that byte chooses."""
    size = 1 + (data[0] if data else 0) % 64
    for start in range(1, len(data), size):
        yield data[start : start + size]
