"""The section ``[access_log]``: where the records of time, status and address lie, and how long.

Read by ``settings``, which knows what relative paths are relative to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from gateway.core.shown_addresses import AddressForm


class LogDirectories(NamedTuple):
    """Where the access log lies, and where the keys that a purge destroys."""

    records: Path
    keys: Path


class AccessLogSettings(BaseModel):
    """Records of the day of writing and of as many days as make *retention_days* with it, in UTC.

    *key_directory*, by default ``keys`` in *directory*, has the keys that a purge destroys. Neither
    directory belongs into a backup or a snapshot: what was destroyed would come back with it.
    *addresses* is how much of an address is kept: ``whole``, ``truncated`` to /24 or /48, or
    ``hashed`` under a key that goes with the record's segment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: Path | None = None
    key_directory: Path | None = None
    retention_days: Annotated[int, Field(ge=1, le=7)] = 7
    addresses: AddressForm = AddressForm.WHOLE

    def directories(self, base: Path, *, state: Path) -> LogDirectories:
        """Return both directories; relative ones are relative to *base*, by default in *state*."""
        records = base / (self.directory or state / "access-log")
        return LogDirectories(records, base / (self.key_directory or records / "keys"))
