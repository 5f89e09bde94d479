"""The access log that was configured, put together from the backends, for the running gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from gateway.backends.access_log_files import AccessLogFiles
from gateway.backends.access_log_writer import AccessLogWriter
from gateway.backends.export_thread import ExportThread, RecordSender
from gateway.backends.metrics import export_loss_counter
from gateway.backends.otlp_export import InvalidFieldsFile, OtlpPlace, OtlpSender
from gateway.backends.syslog_export import SyslogPlace, SyslogSender
from gateway.core.ports import Clock
from gateway.settings import Configuration, SettingsError


def open_log_writer(
    configuration: Configuration,
    files: AccessLogFiles,
    clock: Clock,
    *,
    registry: CollectorRegistry,
) -> AccessLogWriter:
    """Return what writes to *files*, and to a syslog server and a collector if there are any.

    Raises ``SettingsError`` for a file of authorities, or of header fields, that cannot be read.
    """
    form = configuration.settings.access_log.addresses
    senders = dict(_senders(configuration, clock))
    count_lost = export_loss_counter(registry)
    exports = [
        ExportThread(sender, name=to, count_lost=count_lost(to)) for to, sender in senders.items()
    ]
    return AccessLogWriter(files, clock, form=form, exports=exports)


def _senders(configuration: Configuration, clock: Clock) -> Iterator[tuple[str, RecordSender]]:
    """Yield every sender that was configured, and what it sends to."""
    chosen = configuration.settings.access_log
    if chosen.syslog is not None:
        try:
            syslog = SyslogSender.to(_syslog_place(configuration, chosen.syslog))
        except OSError:  # ssl.SSLError is one
            raise _unreadable("syslog_ca_file", "certificates") from None
        yield "syslog", syslog
    if chosen.otlp is not None:
        try:
            otlp = OtlpSender.to(_otlp_place(configuration, chosen.otlp), clock)
        except InvalidFieldsFile:
            raise _unreadable("otlp_headers_file", "header fields") from None
        except OSError:
            raise _unreadable("otlp_ca_file", "certificates") from None
        yield "otlp", otlp


def _syslog_place(configuration: Configuration, url: str) -> SyslogPlace:
    chosen, parts = configuration.settings.access_log, urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    ca_file = configuration.at.base / chosen.syslog_ca_file if chosen.syslog_ca_file else None
    transport = cast("Literal['udp', 'tcp', 'tls']", parts.scheme)
    return SyslogPlace(transport, parts.hostname, parts.port, ca_file)


def _otlp_place(configuration: Configuration, url: str) -> OtlpPlace:
    chosen, base = configuration.settings.access_log, configuration.at.base
    ca_file = base / chosen.otlp_ca_file if chosen.otlp_ca_file else None
    fields_file = base / chosen.otlp_headers_file if chosen.otlp_headers_file else None
    return OtlpPlace(url, ca_file, fields_file)


def _unreadable(setting: str, content: str) -> SettingsError:
    return SettingsError([f"access_log.{setting}: no {content} can be read from it"])
