"""Where published vectors are found, and how it is counted what was reproduced."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cases of one file there are, how many were checked and how many agreed."""

    name: str
    total: int
    checked: int
    passed: int
    left_out: str = ""


def count(name: str, results: Iterable[bool | None], *, left_out: str = "") -> Tally:
    """Return the tally of *results*, in which None stands for a case that does not apply."""
    seen = list(results)
    checked = [result for result in seen if result is not None]
    return Tally(name, len(seen), len(checked), sum(checked), left_out)


def committed(name: str) -> Any:
    """Return the content of one file of this repository."""
    return json.loads((HERE / "data" / name).read_text("utf-8"))


def shared_path(name: str) -> Path:
    """Return where what is too large to commit lies, or skip."""
    chosen = os.environ.get("SEALGATE_SHARED")  # noqa: TID251  # a switch of the tests, no setting
    folder = Path(chosen) if chosen else HERE.parents[1].parent / "shared"
    path = folder / "vectors" / name
    if not path.exists():
        pytest.skip(f"vectors/{name} is not here: set SEALGATE_SHARED to the folder that holds it")
    return path


def shared(name: str) -> Any:
    """Return the content of one file that is too large to commit, or skip."""
    return json.loads(shared_path(name).read_text("utf-8"))


def raw(vector: dict[str, Any]) -> dict[str, bytes]:
    """Return every hexadecimal value of *vector* as bytes; other texts are left out."""
    values = {}
    for name, text in vector.items():
        try:
            values[name] = bytes.fromhex(text)
        except (TypeError, ValueError):
            continue
    return values
