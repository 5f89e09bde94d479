"""The control room over the stores that were configured: all of the gateway that a command needs.

Knows neither an HTTP framework nor the data plane, so that a command does not wait for them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.database.idempotency import DatabaseIdempotencyStore
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.backends.database.store import DatabaseStore
from gateway.backends.key_wrap import FileKeyWrap
from gateway.configured_rules import room_rules
from gateway.control.room import ControlRoom, RoomPorts, build_room
from gateway.settings import Configuration, load_configuration


def utc_now() -> datetime:
    """Return the current time; the one clock that is handed to everything else."""
    return datetime.now(UTC)


async def open_control(config_path: Path | None = None) -> ControlRoom:
    """Return the control room of an initialised gateway, for a command.

    Raises ``SettingsError`` or ``StoreUnavailable``.
    """
    configuration = load_configuration(config_path)
    return control_room(configuration, AccessLogFiles(configuration.at.access_log_directory))


def control_room(configuration: Configuration, files: AccessLogFiles) -> ControlRoom:
    """Return the control room over the stores of *configuration* and the access log in *files*.

    Connects to nothing yet. Raises ``StoreUnavailable`` without a usable key file.
    """
    ports = RoomPorts(
        store=DatabaseStore.open(configuration.at.database_url),
        replay_store=DatabaseReplayStore.open(configuration.at.database_url, utc_now),
        key_wrap=FileKeyWrap.open(configuration.at.storage_key_file),
        idempotency_store=DatabaseIdempotencyStore.open(configuration.at.database_url),
        access_log=files,
        clock=utc_now,
    )
    return build_room(ports, room_rules(configuration))
