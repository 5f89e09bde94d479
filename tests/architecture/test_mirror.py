"""Every source file has a test file of the same name in the same place, every test a promise."""

from __future__ import annotations

import ast

from tests.architecture.source import ROOT, name_of, source_files

ONLY_WIRING = {"__init__.py", "__main__.py", "env.py"}


def test_every_source_file_has_its_test_file():
    """Whoever changes a file finds its tests without a search."""
    missing = [
        name_of(path)
        for path in source_files()
        if path.name not in ONLY_WIRING
        and not (ROOT / "tests/unit" / path.relative_to(ROOT).parent / f"test_{path.name}").exists()
    ]
    assert missing == []


def test_every_test_says_what_it_promises():
    """A test that cannot say in one sentence what it is for is not kept."""
    silent = [
        f"{name_of(path)}::{node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []
