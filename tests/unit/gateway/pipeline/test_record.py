"""Stage 8."""

from __future__ import annotations

from gateway.core.access_log import AccessRecord
from gateway.core.errors import StoreUnavailable
from gateway.pipeline.record import Record
from tests.fakes.world import NOW, PEER, clock


class Log:
    """An AccessLog that keeps records, or fails."""

    def __init__(self, *, broken=False):
        self.records, self.broken = [], broken

    def write(self, record):
        """Keep *record*."""
        if self.broken:
            raise StoreUnavailable
        self.records.append(record)


def test_exactly_three_things_are_recorded():
    """Time, status and address, nothing else."""
    log = Log()
    Record(log, clock)(200, PEER)
    assert log.records == [AccessRecord(at=NOW, status=200, ip=PEER)]
    assert AccessRecord.__slots__ == ("at", "status", "ip")


def test_broken_log_does_not_break_the_answer():
    """A log that cannot be written does not stop an answer that is already under way."""
    Record(Log(broken=True), clock)(200, PEER)
