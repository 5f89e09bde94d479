"""``sealgate backup``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_backup_while_others_use_the_store(sealgate: Callable[..., Any], config: Path) -> None:
    """One private file, in the audit trail; a second one needs leave."""
    sealgate("init")
    file = config.parent / "one.backup"
    made = sealgate("backup", str(file))
    assert (made.code, made.out) == (0, f"The store is in {file}.\n")
    assert file.stat().st_mode & 0o777 == 0o600
    refused = sealgate("backup", str(file))
    assert (refused.code, refused.err) == (1, f"sealgate: {file} exists already.\n")
    assert sealgate("backup", str(file), "--force").code == 0
    actions = [row["action"] for row in json.loads(sealgate("audit", "list", "--json").out)]
    assert actions.count("store.back-up") == 2
    assert json.loads(file.read_text().splitlines()[0])["format"] == "sealgate-backup/1"


def test_without_a_store_there_is_nothing_to_back_up(
    sealgate: Callable[..., Any], config: Path
) -> None:
    """No empty backup is taken for a good one."""
    (config.parent / "var").mkdir()
    refused = sealgate("backup", str(config.parent / "b"))
    assert refused.code == 1
    assert "run `sealgate migrate` first" in refused.err
    assert not (config.parent / "b").exists()
