"""The access log that was configured, put together from the backends, for the running gateway."""

from __future__ import annotations

from typing import Literal, cast
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.access_log_writer import AccessLogWriter
from gateway.backends.metrics import export_loss_counter
from gateway.backends.syslog_export import SyslogExport, SyslogPlace
from gateway.core.ports import Clock
from gateway.settings import Configuration, SettingsError


def open_log_writer(
    configuration: Configuration,
    files: AccessLogFiles,
    clock: Clock,
    *,
    registry: CollectorRegistry,
) -> AccessLogWriter:
    """Return what writes to *files*, and to a syslog server if there is one.

    Raises ``SettingsError`` for a file of authorities that cannot be read.
    """
    form = configuration.settings.access_log.addresses
    return AccessLogWriter(files, clock, form=form, export=_export(configuration, registry))


def _export(configuration: Configuration, registry: CollectorRegistry) -> SyslogExport | None:
    chosen = configuration.settings.access_log
    if chosen.syslog is None:
        return None
    parts = urlsplit(chosen.syslog)
    assert parts.hostname is not None
    assert parts.port is not None
    ca_file = configuration.at.base / chosen.syslog_ca_file if chosen.syslog_ca_file else None
    transport = cast("Literal['udp', 'tcp', 'tls']", parts.scheme)
    place = SyslogPlace(transport, parts.hostname, parts.port, ca_file)
    try:
        return SyslogExport.to(place, count_lost=export_loss_counter(registry))
    except OSError:  # ssl.SSLError is one
        fault = "access_log.syslog_ca_file: no certificates can be read from it"
        raise SettingsError([fault]) from None
