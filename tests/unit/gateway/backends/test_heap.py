"""A heap that gives back what was freed."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import gc, hashlib, sys
from gateway.backends.heap import keep_heap_small, settle_heap, trim_heap

def megabytes():
    with open("/proc/self/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon")) / 1024

if sys.argv[1] == "small":
    keep_heap_small()
blocks = [bytes(100_000) for _ in range(400)]
before = megabytes()
for _ in range(3):
    hashlib.scrypt(b"secret", salt=b"salt", n=2**14, r=8, p=1)
kept = bytes(100)  # on top of what was freed
grown = megabytes() - before
del blocks
settle_heap()
settled = megabytes()
blocks, between = [], []
for _ in range(400):
    blocks.append(bytes(b"x") * 100_000)
    between.append(bytes(1000))
del blocks
before = megabytes()
trim_heap()
print(grown, settled, gc.get_freeze_count(), before - megabytes())
"""


def measured(mode: str) -> tuple[float, float, int, float]:
    """Return what hashing left, what is used after settling, what is frozen, and what trim gave."""
    command = [sys.executable, "-c", SCRIPT, mode]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, settled, frozen, given = done.stdout.split()
    return float(grown), float(settled), int(frozen), float(given)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's switches")
def test_what_was_freed_is_given_back() -> None:
    """A hash's 16 MB do not stay, 40 MB of freed blocks go back, also from between what stays."""
    grown, settled, frozen, given = measured("small")
    assert grown < 8
    assert settled < 40
    assert frozen > 1000
    assert given > 30
