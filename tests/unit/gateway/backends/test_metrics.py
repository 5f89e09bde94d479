"""Counters for Prometheus."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry, values

from gateway.backends.metrics import (
    CountingAccessLog,
    KeyServiceMeter,
    count_as,
    error_counter,
    export_loss_counter,
    open_registry,
    place_refusal_counter,
    quota_refusal_counter,
    redaction_counter,
    refused_change_gauge,
    stranger_refusal_counter,
)
from gateway.core.access_log import AccessRecord
from gateway.core.errors import StoreUnavailable
from tests.fakes.world import NOW, PEER

RECORD = AccessRecord(at=NOW, status=200, ip=PEER)


class Log:
    """An access log that works or not."""

    def __init__(self, *, broken=False):
        self.broken, self.records = broken, []

    def write(self, record):
        """Keep *record*."""
        if self.broken:
            raise StoreUnavailable
        self.records.append(record)


def test_requests_are_counted_by_status():
    """Each record goes on and is counted under its status."""
    registry, log = CollectorRegistry(), Log()
    CountingAccessLog(log, registry).write(RECORD)
    assert log.records == [RECORD]
    assert registry.get_sample_value("sealgate_requests_total", {"status": "200"}) == 1
    assert registry.get_sample_value("sealgate_access_records_lost_total") == 0


def test_lost_records_are_counted():
    """A record that could not be written shows in the metrics."""
    registry = CollectorRegistry()
    with pytest.raises(StoreUnavailable):
        CountingAccessLog(Log(broken=True), registry).write(RECORD)
    assert registry.get_sample_value("sealgate_access_records_lost_total") == 1


def test_lost_exports_are_counted_by_where_they_went():
    """Each export has a count of its own, which is there from the beginning."""
    registry = CollectorRegistry()
    count_lost = export_loss_counter(registry)
    count_lost("syslog")
    count_lost("otlp")(3)

    def shown(to):
        return registry.get_sample_value("sealgate_exported_records_lost_total", {"to": to})

    assert (shown("syslog"), shown("otlp"), shown("other")) == (0, 3, None)


def test_quota_refusals_are_counted_without_a_label():
    """How many calls were refused is visible, whose they were is not."""
    registry = CollectorRegistry()
    count = quota_refusal_counter(registry)
    count()
    count()
    assert registry.get_sample_value("sealgate_quota_refusals_total") == 2


def test_refusals_for_overload_are_counted_without_a_label():
    """How many calls were refused for strangers' work, or found no place, and nothing of whose."""
    registry = CollectorRegistry()
    stranger_refusal_counter(registry)()
    place_refusal_counter(registry)()
    assert registry.get_sample_value("sealgate_stranger_refusals_total") == 1
    assert registry.get_sample_value("sealgate_place_refusals_total") == 1


def test_redactions_are_counted_by_type():
    """Every type is there from the start, at zero, and no other can come."""
    registry = CollectorRegistry()
    count = redaction_counter(registry)
    count("PHONE")
    assert registry.get_sample_value("sealgate_redactions_total", {"type": "PHONE"}) == 1
    assert registry.get_sample_value("sealgate_redactions_total", {"type": "EMAIL"}) == 0
    with pytest.raises(KeyError):
        count("13800138000")


def test_errors_are_counted_by_code():
    """Blocked answers and failures of the scrubber are visible, without a word of them."""
    registry = CollectorRegistry()
    error_counter(registry)("answer_blocked")
    assert registry.get_sample_value("sealgate_errors_total", {"code": "answer_blocked"}) == 1


def test_key_service_is_up_or_down():
    """The last answer says how it is; failures and alarms are counted."""
    registry = CollectorRegistry()
    meter = KeyServiceMeter(registry)
    meter.failed()
    meter.wrapping_token_refused()
    assert registry.get_sample_value("sealgate_key_service_up") == 0
    meter.answered()
    assert registry.get_sample_value("sealgate_key_service_up") == 1
    assert registry.get_sample_value("sealgate_key_service_failures_total") == 1
    assert registry.get_sample_value("sealgate_wrapping_tokens_refused_total") == 1


def test_a_command_counts_for_nobody():
    """Without a registry a meter still works, and two do not collide."""
    for _ in range(2):
        KeyServiceMeter().failed()


def test_one_process_shows_what_it_counts():
    """Without workers there is one registry."""
    counted, shown = open_registry(None)
    assert counted is shown


def test_registry_of_workers_shows_none_of_its_own(tmp_path):
    """With workers the page is made from the files in which all of them count."""
    counted, shown = open_registry(tmp_path)
    quota_refusal_counter(counted)()
    assert counted.get_sample_value("sealgate_quota_refusals_total") == 1
    assert list(shown.collect()) == []


def test_who_takes_a_number_counts_on_from_there(tmp_path, monkeypatch):
    """A process after another leaves no file more; processes with other numbers add to the sum."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    for number in (0, 1, 1):
        count_as(number)
        quota_refusal_counter(CollectorRegistry())()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["counter_0.db", "counter_1.db"]
    (metric,) = open_registry(tmp_path)[1].collect()
    assert [sample.value for sample in metric.samples] == [3]


def test_file_that_is_just_made_is_looked_at_again(tmp_path):
    """A worker that starts at this moment does not make the page fail."""
    file = tmp_path / "counter_1.db"
    file.touch()
    _, shown = open_registry(tmp_path)
    threading.Timer(0.03, lambda: file.write_bytes(bytes([8, *[0] * 63]))).start()
    assert list(shown.collect()) == []


def test_refused_change_is_shown_until_a_good_one_comes():
    """Each kind by itself, from the beginning."""
    registry = CollectorRegistry()
    note = refused_change_gauge(registry)
    for is_refused in (True, False):
        note("certificate", is_refused)
        shown = [
            registry.get_sample_value("sealgate_change_refused", {"what": what})
            for what in ("certificate", "configuration")
        ]
        assert shown == [is_refused, 0]
