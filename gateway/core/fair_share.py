"""How much of something scarce one caller may have: a multiple of what it leaves to the others.

Nobody has to be counted: a caller that is alone gets nearly all, *n* that want all get the same,
and a newcomer finds something left while there are fewer than about *multiple* of those. These are
the dynamic thresholds of shared memory switches (Choudhury and Hahne, 1998).
"""

from __future__ import annotations


def is_within_share(mine: int, left: int, *, multiple: int) -> bool:
    """Return whether a caller that has *mine* may take of what is *left* to all."""
    return mine < multiple * left
