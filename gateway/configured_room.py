"""The control room over the stores that were configured: all of the gateway that a command needs.

Knows neither an HTTP framework nor the data plane, so that a command does not wait for them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.database.idempotency import DatabaseIdempotencyStore
from gateway.backends.database.lockout import DatabaseLockoutStore
from gateway.backends.database.replay import DatabaseReplayStore
from gateway.backends.database.store import DatabaseStore
from gateway.backends.high_water import HighWater
from gateway.backends.key_service import KeyService
from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.segment_keys import SegmentKeys
from gateway.backends.shared_lockout import SharedLockoutStore
from gateway.backends.upkeep_lock import UpkeepLock
from gateway.configured_keys import open_key_service
from gateway.configured_rules import room_rules
from gateway.configured_upstream import build_balancer
from gateway.control.room import ControlRoom, RoomPorts, build_room
from gateway.core.lockout import LockoutStore
from gateway.core.ports import ReplayStore
from gateway.settings import Configuration, load_configuration


def utc_now() -> datetime:
    """Return the current time; the one clock that is handed to everything else."""
    return datetime.now(UTC)


async def open_control(config_path: Path | None = None) -> ControlRoom:
    """Return the control room of an initialised gateway, for a command.

    Raises ``SettingsError`` or ``StoreUnavailable``.
    """
    configuration = load_configuration(config_path)
    keys = open_key_service(configuration, KeyServiceMeter())
    return control_room(configuration, open_access_log(configuration, keys), keys)


def open_access_log(configuration: Configuration, keys: KeyService) -> AccessLogFiles:
    """Return the access log of *configuration*, whose keys are wrapped by *keys*.

    Raises ``StoreUnavailable`` for a directory that is not the gateway's alone.
    """
    at = configuration.at.access_log
    return AccessLogFiles(at.records, SegmentKeys(at.keys, keys.key_wrap))


def control_room(
    configuration: Configuration,
    files: AccessLogFiles,
    keys: KeyService,
    *,
    replay_store: ReplayStore | None = None,
    lockout_store: LockoutStore | None = None,
) -> ControlRoom:
    """Return the control room over the stores of *configuration* and the access log in *files*.

    Its keys are wrapped by *keys*; requests are remembered and bad credentials counted in the
    database unless *replay_store* and *lockout_store* do it. Connects to nothing yet.
    """
    mark = HighWater(configuration.at.high_water_file)
    store = DatabaseStore.open(configuration.at.database_url, mark)
    ports = RoomPorts(
        store=store,
        replay_store=replay_store
        or DatabaseReplayStore.open(configuration.at.database_url, utc_now),
        key_wrap=keys.key_wrap,
        idempotency_store=DatabaseIdempotencyStore.open(configuration.at.database_url),
        lockout_store=lockout_store
        or SharedLockoutStore(DatabaseLockoutStore.open(configuration.at.database_url), gateways=1),
        access_log=files,
        clock=utc_now,
        pause=store.wait_for_change,
        upkeep=UpkeepLock(configuration.at.directory / "upkeep.lock"),
        balancer=build_balancer(configuration.settings.upstream),
    )
    return build_room(ports, room_rules(configuration))
