"""The thread that exports access records: it never waits for a server, and says what it lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import chain, pairwise

import pytest

from gateway.backends.export_thread import ExportThread, Postponed
from gateway.core.access_log import AccessRecord
from tests.fakes.control import LOOPBACK, FakeClock

RECORDS = [AccessRecord(FakeClock().now, status, LOOPBACK) for status in range(5)]


class Server:
    """A server that goes through *answers*: counts of what it refuses, or errors; then takes all.

    *may_answer* keeps it waiting before each.
    """

    def __init__(self, *answers: int | OSError, batch_records: int = 1) -> None:
        self.batch_records = batch_records
        self.answers = list(answers)
        self.received: list[list[AccessRecord]] = []
        self.lost = 0
        self.closed = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)

    def send(self, records: Sequence[AccessRecord]) -> int:
        """Take *records*, or not."""
        self.asked.release()
        self.may_answer.wait(30)
        answer = self.answers.pop(0) if self.answers else 0
        if isinstance(answer, OSError):
            raise answer
        self.received.append(list(records))
        for _ in records:
            self.arrived.release()
        return answer

    def close(self) -> None:
        """Count the end."""
        self.closed += 1

    def count_lost(self, count: int) -> None:
        """Count what was dropped."""
        self.lost += count

    def export(self, **seconds: float) -> ExportThread:
        """Return an export to this server that pauses for no time unless it is said."""
        seconds = {"first_pause_seconds": 0, **seconds}
        return ExportThread(self, name="test", count_lost=self.count_lost, **seconds)

    def wait_for(self, count: int) -> None:
        """Return once *count* records have arrived."""
        for _ in range(count):
            assert self.arrived.acquire(timeout=30)


@pytest.mark.parametrize("batch_records", [1, 2, 100])
@pytest.mark.parametrize("failures", [0, 1, 3])
def test_all_records_arrive_in_order(batch_records: int, failures: int) -> None:
    """Whatever happens, what waits is sent in the end, no more at once than the server takes."""
    errors = [ConnectionRefusedError(), Postponed(None), Postponed(0)][:failures]
    server = Server(*errors, batch_records=batch_records)
    export = server.export()
    export.offer(RECORDS)
    server.wait_for(len(RECORDS))
    export.close()
    assert list(chain(*server.received)) == RECORDS
    assert max(map(len, server.received)) <= batch_records
    assert (server.lost, server.closed) == (0, 1)


def test_what_waits_goes_at_once() -> None:
    """While one batch is under way the others gather."""
    server = Server(batch_records=100)
    server.may_answer.clear()
    export = server.export()
    export.offer(RECORDS[:1])
    assert server.asked.acquire(timeout=30)
    export.offer(RECORDS[1:])
    server.may_answer.set()
    server.wait_for(len(RECORDS))
    export.close()
    assert server.received == [RECORDS[:1], RECORDS[1:]]


def test_what_the_server_refuses_is_counted() -> None:
    """Records that it will never take are not sent again."""
    server = Server(3, batch_records=100)
    export = server.export()
    export.offer(RECORDS)
    server.wait_for(len(RECORDS))
    export.close()
    assert (len(server.received), server.lost) == (1, 3)


@pytest.mark.parametrize("batch_records", [1, 100])
def test_what_does_not_fit_is_dropped_and_counted(batch_records: int) -> None:
    """While the server is away nobody waits; every record that is not sent is counted."""
    server = Server(*[ConnectionRefusedError()] * 99, batch_records=batch_records)
    export = server.export(first_pause_seconds=60)
    for _ in range(2_100):
        export.offer(RECORDS)
    assert server.lost >= 399
    export.close()
    assert server.lost == 2_100 * len(RECORDS)
    assert (server.received, server.closed) == ([], 1)


def test_end_does_not_wait_for_a_server_that_hangs() -> None:
    """What such a server holds is counted as lost with what waits behind it."""
    server = Server(batch_records=2)
    server.may_answer.clear()
    export = server.export(close_seconds=0)
    export.offer(RECORDS)
    assert server.asked.acquire(timeout=30)
    export.close()
    assert server.lost == len(RECORDS)
    server.may_answer.set()


@pytest.mark.parametrize(
    ("error", "failures", "least", "most"),
    [
        (ConnectionResetError(), 0, 0.5, 1),
        (ConnectionResetError(), 2, 2, 4),
        (ConnectionResetError(), 10**9, 4, 8),
        (Postponed(None), 1, 1, 2),
        (Postponed(0), 5, 1, 1),
        (Postponed(7), 5, 7, 7),
        (Postponed(86_400), 0, 60, 60),
    ],
)
def test_pauses_grow_within_bounds(
    error: OSError, failures: int, least: float, most: float
) -> None:
    """Each failure doubles the pause, which is never the same for all; what is asked for counts."""
    export = Server().export(first_pause_seconds=1)
    pauses = [export._pause_seconds(error, failures) for _ in range(20)]
    export.close()
    assert all(least <= pause <= most for pause in pauses)
    assert least == most or any(one != other for one, other in pairwise(pauses))
