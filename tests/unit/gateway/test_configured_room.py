"""The control room that a command opens."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from gateway.backends.key_wrap import create_key_file
from gateway.configured_room import open_control, utc_now
from gateway.control.actors import LocalOperator
from gateway.core.errors import StoreUnavailable
from gateway.settings import SettingsError, load_configuration
from tests.fakes.database import make_database


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration file whose state lies beside it."""
    path = tmp_path / "sealgate.toml"
    path.write_text("[models.tiny]\nproduction = false\n", "utf-8")
    return path


async def test_two_rooms_share_what_was_configured(config: Path) -> None:
    """What one command makes the next one finds, under the rules of the same file."""
    at = load_configuration(config).at
    at.directory.mkdir(mode=0o700)
    create_key_file(at.storage_key_file)
    make_database(at.database_url)
    first, second = await open_control(config), await open_control(config)
    await first.keys.ensure_first()
    made = await first.keys.list_all(LocalOperator())
    assert await second.keys.list_all(LocalOperator()) == made != []
    await second.snapshots.refresh()
    assert [model.production for model in second.snapshots.current().models.values()] == [False]
    await first.close()
    await second.close()


async def test_open_control_needs_a_configuration_and_a_key_file(config: Path) -> None:
    """Faults of the settings and a missing key file are two different refusals."""
    with pytest.raises(StoreUnavailable):
        await open_control(config)
    misspelt = config.with_name("other.toml")
    with pytest.raises(SettingsError, match="No such file"):
        await open_control(misspelt)


def test_the_one_clock_is_aware() -> None:
    """The time that everything gets knows its zone, and the zone is UTC."""
    assert utc_now().tzinfo is UTC
