"""The compiled walk, if it was built from the sources that are here; else there is none.

It does what ``walk`` does, some ten times as fast, and it learns in a fraction of the time.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii import csrc

try:
    from gateway.core.pii import _walk
except ImportError:  # nobody compiled it
    _IS_HERE = False
else:
    _IS_HERE = csrc.digest() == _walk.SOURCES

IS_COMPILED: Final = _IS_HERE

# States, steps between them, positions in states and kinds of beginnings that are learnt; together
# at most some 20 MB. Texts of people and models reach a third of it (figures in ADR 0007).
LIMITS: Final = (50_000, 250_000, 2_000_000, 20_000)


def compiled_machine(
    tables: bytes | memoryview, limits: tuple[int, int, int, int] = LIMITS
) -> _walk.Machine:
    """Return the compiled machine of packed *tables* that learns within *limits*.

    Raises ``ValueError`` for anything but tables. Ask ``IS_COMPILED`` first.
    """
    return _walk.Machine(tables, limits)
