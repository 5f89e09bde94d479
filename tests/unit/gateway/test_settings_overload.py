"""The section ``[overload]``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import SettingsError, load_configuration
from gateway.settings_overload import Overload


def overload(tmp_path: Path, text: str) -> Overload:
    return load_configuration(tmp_path / "x", content=text.encode()).settings.overload


def test_strangers_are_bounded_by_default(tmp_path: Path) -> None:
    """Without a word an address gets a tenth of a processor, all strangers a quarter."""
    effort = overload(tmp_path, "").effort
    assert (effort.site_share, effort.strangers_share) == (0.1, 0.25)


@pytest.mark.parametrize("line", ["address_milliseconds = 0", "stranger_milliseconds = 1001"])
def test_no_bound_can_be_switched_off(tmp_path: Path, line: str) -> None:
    """Nothing, and more than a processor has, are faults."""
    with pytest.raises(SettingsError):
        overload(tmp_path, f"[overload]\n{line}\n")
