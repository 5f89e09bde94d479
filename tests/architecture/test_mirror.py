"""Every source file has a test file of the same name in the same place."""

from __future__ import annotations

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
