"""The section ``[access_log]``: where the records of time, status and address lie, and how long.

Read by ``settings``, which knows what relative paths are relative to.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.core.otlp import LOGS_PATH
from gateway.core.shown_addresses import AddressForm

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


_COLLECTOR: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~%-]+)*/?")
"""An origin and perhaps a path, as both stand in a request."""


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

    *syslog*, ``tls://HOST:PORT``, gets the same three fields as they are kept; ``tcp://`` and
    ``udp://`` on this machine alone. So does *otlp*, ``https://HOST:PORT``, an OpenTelemetry
    collector at whose ``/v1/logs`` they are posted; ``http://`` on this machine alone. Their
    *…_ca_file* (PEM) has the authorities of the server, by default those of the machine.
    *otlp_headers_file* has header fields of these requests, one ``Name: value`` a line. What is
    sent to either is out of reach of a purge.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: Path | None = None
    key_directory: Path | None = None
    retention_days: Annotated[int, Field(ge=1, le=7)] = 7
    addresses: AddressForm = AddressForm.WHOLE
    syslog: str | None = None
    syslog_ca_file: Path | None = None
    otlp: str | None = None
    otlp_ca_file: Path | None = None
    otlp_headers_file: Path | None = None

    @field_validator("syslog")
    @classmethod
    def _closed_on_the_way(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        is_place = parts.scheme in {"udp", "tcp", "tls"} and parts.hostname and parts.port
        if not is_place or parts.path or parts.query or parts.username is not None:
            raise ValueError("must be tls://HOST:PORT")
        if parts.scheme != "tls" and parts.hostname not in _LOOPBACK:
            raise ValueError("must be tls:// for a server on another machine")
        _verify_host(parts)
        return url

    @field_validator("otlp")
    @classmethod
    def _closed_on_the_way_to_a_collector(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if not _COLLECTOR.fullmatch(url) or not parts.hostname or parts.port == 0:
            raise ValueError("must be https://HOST:PORT")
        if parts.path.rstrip("/").endswith(LOGS_PATH):
            raise ValueError(f"must be what {LOGS_PATH} follows")
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ValueError("must be https:// for a collector on another machine")
        _verify_host(parts)
        return url

    def directories(self, base: Path, *, state: Path) -> LogDirectories:
        """Return both directories; relative ones are relative to *base*, by default in *state*."""
        records = base / (self.directory or state / "access-log")
        return LogDirectories(records, base / (self.key_directory or records / "keys"))


def _verify_host(parts: SplitResult) -> None:
    try:
        str(parts.hostname).encode("idna")  # as connecting does, where nobody would hear of it
    except UnicodeError:
        raise ValueError("must name a host") from None
