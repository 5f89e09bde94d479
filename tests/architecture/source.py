"""The product's own source files, parsed once for all architecture tests."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "serving")


@cache
def source_files() -> tuple[Path, ...]:
    """Return every Python file of the product, generated migrations left out."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return tuple(sorted(path for path in files if "versions" not in path.parts))


@cache
def tree(path: Path) -> ast.Module:
    """Return the parsed module."""
    return ast.parse(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    """Return the path as it is written in messages."""
    return str(path.relative_to(ROOT))
