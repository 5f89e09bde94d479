"""The section ``[workers]``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import SettingsError, load_configuration
from gateway.settings_workers import Workers


def workers(tmp_path: Path, text: str) -> Workers:
    return load_configuration(tmp_path / "x", content=text.encode()).settings.workers


def test_one_process_serves_by_default(tmp_path: Path) -> None:
    """Without a word there are no workers, and running answers have half a minute at the end."""
    found = workers(tmp_path, "")
    assert (found.count, found.grace_seconds, found.unready_seconds) == (None, 30, 0)


@pytest.mark.parametrize("line", ["count = 0", "count = 65", "grace_seconds = -1", "processes = 2"])
def test_what_makes_no_sense_is_refused(tmp_path: Path, line: str) -> None:
    """No worker, a slip of the pen, a time before now and an unknown name are faults."""
    with pytest.raises(SettingsError):
        workers(tmp_path, f"[workers]\n{line}\n")


def test_workers_may_share_a_login_that_is_for_once(tmp_path: Path) -> None:
    """A wrapped secret id lets one process in, and that is enough for all."""
    vault = '[vault]\nurl = "https://vault.example"\nrole_id = "r"\nsecret_id_file = "s"\n'
    assert workers(tmp_path, f"[workers]\ncount = 2\n{vault}").count == 2
