"""Print how many published vectors this code reproduces: ``python -m tests.vectors.table``."""

from __future__ import annotations

from tests.vectors import published, wycheproof
from tests.vectors.tally import Tally


def line(tally: Tally) -> str:
    """Return one line of the table."""
    left_out = f"not applicable: {tally.left_out}" if tally.left_out else ""
    numbers = f"{tally.passed:>6} {tally.checked:>8} {tally.total:>6}"
    return f"{tally.name:<52} {numbers}  {left_out}".rstrip()


if __name__ == "__main__":
    print(f"{'file':<52} {'passed':>6} {'checked':>8} {'total':>6}")
    for tally in (*published.tallies(), *map(wycheproof.run, wycheproof.FILES)):
        print(line(tally))
