"""``sealgate migrate``."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def test_gateway_waits_for_the_migration(sealgate, config: Path) -> None:
    """Without its tables a gateway does not start and says what makes them; twice is no harm."""
    sealgate("init")
    for name in ("sealgate.db", "high-water"):  # or the new one would be an old copy
        (config.parent / "var" / name).unlink()
    refused = sealgate("serve")
    assert (refused.code, refused.out) == (1, "")
    assert "run `sealgate migrate` first" in refused.err
    for _ in range(2):
        assert sealgate("migrate").out == "The store is up to date.\n"
    assert sealgate("status").code == 0


def test_store_of_a_newer_version_is_left_alone(sealgate, config: Path) -> None:
    """What a newer Sealgate made is named as such, by both commands."""
    sealgate("init")
    with closing(sqlite3.connect(config.parent / "var/sealgate.db")) as store, store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in ("serve", "migrate"):
        outcome = sealgate(command)
        assert (outcome.code, outcome.err.count("\n")) == (1, 1)
        assert "newer Sealgate" in outcome.err
