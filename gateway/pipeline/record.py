"""Stage 8: remember time, status and address of every request, whatever became of it."""

from __future__ import annotations

from contextlib import suppress

from gateway.core.access_log import AccessRecord
from gateway.core.access_log_ports import AccessLog
from gateway.core.errors import StoreUnavailable
from gateway.core.identity import Address
from gateway.core.ports import Clock


class Record:
    """Writes one access record a request.

    A log that cannot be written does not stop an answer that is already under way; the access log
    counts the loss.
    """

    def __init__(self, access_log: AccessLog, clock: Clock) -> None:
        self._access_log = access_log
        self._clock = clock

    def __call__(self, status: int, address: Address) -> None:
        """Record that a request from *address* ended with *status* now."""
        with suppress(StoreUnavailable):
            self._access_log.write(AccessRecord(at=self._clock(), status=status, ip=address))
